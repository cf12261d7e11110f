"""When something is due: a duration added to a moment on the application's clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

from engine.language import Duration

IsWorkday = Callable[[dt.date], bool]
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DAYS = {"d": 1, "w": 7}


def seconds_of(length: Duration) -> float:
    """A length in seconds; a working day counts as a day, a working hour as an hour."""
    each = _SECONDS.get(length.unit.removeprefix("w")) or 86400 * _DAYS.get(length.unit, 1)
    return float(each * length.amount)


def monday_to_friday(day: dt.date) -> bool:
    return day.weekday() < 5


def due_after(
    start: dt.datetime, within: Duration, zone: ZoneInfo, is_workday: IsWorkday = monday_to_friday
) -> dt.datetime:
    """The aware UTC moment ``within`` after ``start``.

    Seconds, minutes and hours are exact. Days, weeks and working days keep the time of day on the clocks of ``zone``;
    working days count only days for which ``is_workday`` holds.
    """
    if within.unit in _SECONDS:
        return start + dt.timedelta(seconds=_SECONDS[within.unit] * within.amount)
    local = start.astimezone(zone)
    if within.unit == "wd":
        day = _workdays_later(local.date(), within.amount, is_workday)
    else:
        day = local.date() + dt.timedelta(days=_DAYS[within.unit] * within.amount)
    return dt.datetime.combine(day, local.time(), zone).astimezone(dt.UTC)


def due_before(
    end: dt.datetime, length: Duration, zone: ZoneInfo, is_workday: IsWorkday = monday_to_friday
) -> dt.datetime:
    """The aware UTC moment ``length`` before ``end``, counted as ``due_after`` counts."""
    if length.unit in _SECONDS:
        return end - dt.timedelta(seconds=_SECONDS[length.unit] * length.amount)
    local = end.astimezone(zone)
    if length.unit == "wd":
        day = _workdays_earlier(local.date(), length.amount, is_workday)
    else:
        day = local.date() - dt.timedelta(days=_DAYS[length.unit] * length.amount)
    return dt.datetime.combine(day, local.time(), zone).astimezone(dt.UTC)


def exact_seconds(length: Duration) -> int | None:
    """None for days, weeks and working days: how long they take depends on the clocks."""
    return _SECONDS[length.unit] * length.amount if length.unit in _SECONDS else None


def days_of(length: Duration) -> int | None:
    """None for what is not counted in days of the calendar."""
    return _DAYS[length.unit] * length.amount if length.unit in _DAYS else None


def _workdays_earlier(day: dt.date, count: int, is_workday: IsWorkday) -> dt.date:
    while count > 0:
        day -= dt.timedelta(days=1)
        count -= is_workday(day)
    return day


def _workdays_later(day: dt.date, count: int, is_workday: IsWorkday) -> dt.date:
    while count > 0:
        day += dt.timedelta(days=1)
        count -= is_workday(day)
    return day
