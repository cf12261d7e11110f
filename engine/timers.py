"""Triggers that time pulls for one record, and the one another rule's end pulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.language import Duration, FieldName, RuleName, StateName, option
from engine.registry import Registry
from engine.triggers import OnRecord, Trigger


@dataclass(frozen=True, kw_only=True)
class Timeout(OnRecord):
    """A record is in a state for too long, or its time there is running out."""

    type: ClassVar[str] = "timeout"
    gives: ClassVar[Mapping[str, str]] = {"due": "datetime"}
    state: StateName = option("The state.")
    before: Duration | None = option("So long before the state's time is over.", None)
    after: Duration | None = option("So long after the state's time is over.", None)
    within: Duration | None = option(
        "So long after the state was entered, whatever time the state itself allows. Without `before`, `after` and "
        "`within`: when the state's time is over.",
        None,
    )
    every: Duration | None = option("And again after each such time, as long as the record stays.", None)


@dataclass(frozen=True, kw_only=True)
class DateReached(OnRecord):
    """A date or moment of a record comes; it follows the field when that changes. What is past already is left."""

    type: ClassVar[str] = "date"
    gives: ClassVar[Mapping[str, str]] = {"due": "datetime"}
    field: FieldName = option("A date or datetime field that is stored.")
    before: Duration | None = option("So long before it. When less is left already: at once.", None)
    after: Duration | None = option("So long after it.", None)
    at: str | None = option('The time of day for dates, in quotes. Default: "08:00".', None)


@dataclass(frozen=True, kw_only=True)
class Finished(Trigger):
    """Another rule's run is over. `run` holds its id, rule, outcome, form, record_id and error."""

    type: ClassVar[str] = "finished"
    gives: ClassVar[Mapping[str, str]] = {"run": "any"}
    rule: RuleName = option("The other rule.")
    outcome: Literal["done", "failed", "any"] = option("How it ended.", "done")


def register(registry: Registry) -> None:
    for trigger in (Timeout, DateReached, Finished):
        registry.trigger(trigger)
