"""The trigger that the clock pulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.language import Duration, option
from engine.registry import Registry
from engine.triggers import Trigger

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Misfire = Literal["skip", "once", "all"]


@dataclass(frozen=True, kw_only=True)
class Schedule(Trigger):
    """The clock says so: at certain times, or again and again. No record wakes it."""

    type: ClassVar[str] = "schedule"
    gives: ClassVar[Mapping[str, str]] = {"due": "datetime"}
    cron: str | None = option(
        "Five fields: minute, hour, day of the month, month, weekday; such as '*/10 8-18 * * mon-sat'. Where both days "
        "are limited, either is enough. L is the last day of the month, mon#1 its first Monday.",
        None, maxLength=200,
    )  # fmt: skip
    every: Duration | None = option("Again and again after so long, counted from when the rule came into force.", None)
    at: tuple[str, ...] = option('Times of day, such as "08:00"; in quotes.', ())
    weekdays: tuple[Weekday, ...] = option("The days for `at`. Default: every day.", ())
    timezone: str | None = option("The clock it follows. Default: the application's time zone.", None)
    misfire: Misfire = option(
        "What to do about times at which nothing was running: leave them out, do it once for all of them, or do each.",
        "once",
    )


def register(registry: Registry) -> None:
    registry.trigger(Schedule)
