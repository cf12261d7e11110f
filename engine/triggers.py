"""What wakes a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.language import (
    Expression,
    FieldName,
    FormName,
    Label,
    RoleName,
    StateName,
    TransitionName,
    option,
)
from engine.registry import Registry


@dataclass(frozen=True)
class Change:
    """What one walk did to one record: the question a trigger answers.

    ``kinds`` holds every kind that applies at once, such as ``taken``, ``left`` and ``entered``. ``before`` and
    ``after`` are rows (None where there is none); ``changed`` the names of the fields that differ. ``evaluate`` works
    out an expression over the changed record.
    """

    form: str
    kinds: frozenset[str]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    changed: frozenset[str]
    evaluate: Callable[[str], Any]
    transition: str | None = None
    button: str | None = None

    @property
    def left(self) -> str | None:
        return self.before.get("state") if self.before else None

    @property
    def entered(self) -> str | None:
        return self.after.get("state") if self.after else None


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What wakes a rule."""

    type: ClassVar[str]
    wakes_on: ClassVar[tuple[str, ...]] = ()  # the kinds of Change it is asked about; empty: not woken by the walk
    gives: ClassVar[Mapping[str, str]] = {}  # names its rule's expressions have beside the record, and their kinds


@dataclass(frozen=True, kw_only=True)
class OnRecord(Trigger):
    """Something about a record wakes the rule."""

    form: FormName = option("The form whose records are watched.")

    def matches(self, change: Change) -> bool:
        """Whether this change of a record of ``form``, of a kind in ``wakes_on``, wakes the rule."""
        return True


@dataclass(frozen=True, kw_only=True)
class Created(OnRecord):
    """A record was created."""

    type: ClassVar[str] = "created"
    wakes_on: ClassVar[tuple[str, ...]] = ("created",)


@dataclass(frozen=True, kw_only=True)
class Updated(OnRecord):
    """A record was changed."""

    type: ClassVar[str] = "updated"
    wakes_on: ClassVar[tuple[str, ...]] = ("updated",)
    field: FieldName | None = option("Only when this field changed.", None)
    from_: Expression | None = option(
        "Only when the field was this before, such as 'low'.", None, alias="from", value_of="field"
    )
    to: Expression | None = option("Only when the field is this now.", None, value_of="field")

    def matches(self, change: Change) -> bool:
        if self.field is None:
            return True
        return (
            self.field in change.changed
            and _is(change, change.before, self.field, self.from_)
            and _is(change, change.after, self.field, self.to)
        )


@dataclass(frozen=True, kw_only=True)
class Changed(OnRecord):
    """Anything about a record changed: a field, its state, or that it is there."""

    type: ClassVar[str] = "changed"
    wakes_on: ClassVar[tuple[str, ...]] = ("created", "updated", "taken")


@dataclass(frozen=True, kw_only=True)
class Deleted(OnRecord):
    """A record was deleted."""

    type: ClassVar[str] = "deleted"
    wakes_on: ClassVar[tuple[str, ...]] = ("deleted",)


@dataclass(frozen=True, kw_only=True)
class Entered(OnRecord):
    """A record entered a state."""

    type: ClassVar[str] = "entered"
    wakes_on: ClassVar[tuple[str, ...]] = ("entered",)
    state: StateName = option("The state.")

    def matches(self, change: Change) -> bool:
        return change.entered == self.state


@dataclass(frozen=True, kw_only=True)
class Left(OnRecord):
    """A record left a state."""

    type: ClassVar[str] = "left"
    wakes_on: ClassVar[tuple[str, ...]] = ("left",)
    state: StateName = option("The state.")

    def matches(self, change: Change) -> bool:
        return change.left == self.state


@dataclass(frozen=True, kw_only=True)
class Taken(OnRecord):
    """A transition was taken."""

    type: ClassVar[str] = "taken"
    wakes_on: ClassVar[tuple[str, ...]] = ("taken",)
    transition: TransitionName = option("The transition.")

    def matches(self, change: Change) -> bool:
        return change.transition == self.transition


@dataclass(frozen=True, kw_only=True)
class Button(OnRecord):
    """Somebody pressed a button on the record."""

    type: ClassVar[str] = "button"
    wakes_on: ClassVar[tuple[str, ...]] = ("button",)
    label: Label = option("What the button says.")
    roles: tuple[RoleName, ...] = option("Who sees the button.", minItems=1)
    confirm: Label | None = option("A question to confirm first.", None)


def _is(change: Change, row: Mapping[str, Any] | None, field: str, wanted: Expression | None) -> bool:
    return wanted is None or (row or {}).get(field) == change.evaluate(wanted)


def register(registry: Registry) -> None:
    for trigger in (Created, Updated, Changed, Deleted, Entered, Left, Taken, Button):
        registry.trigger(trigger)
