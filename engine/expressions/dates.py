"""The functions of expressions that reckon with dates and times; the rules of `functions` hold for them too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engine.errors import message
from engine.expressions import guards
from engine.expressions.errors import EvaluationFailed

Number = int | Decimal
_MONTHS_MAX = 12_000


def _span(**parts: Number) -> dt.timedelta:
    try:
        return dt.timedelta(**{name: float(value) for name, value in parts.items()})
    except OverflowError:
        raise EvaluationFailed(message("The duration is too long")) from None


def days(count: Number) -> dt.timedelta:
    """This many days, to add to a date."""
    return _span(days=count)


def hours(count: Number) -> dt.timedelta:
    """This many hours, to add to a date and time."""
    return _span(hours=count)


def minutes(count: Number) -> dt.timedelta:
    """This many minutes, to add to a date and time."""
    return _span(minutes=count)


def today(*, today: dt.date) -> dt.date:
    """The date of today."""
    return today


def now(*, now: dt.datetime) -> dt.datetime:
    """The present date and time."""
    return now


def date(value: dt.date | str) -> dt.date | None:
    """The date of a date and time, or the date a text such as '2026-01-31' says."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value.strip())
    except ValueError:
        raise EvaluationFailed(message("{text} is no date; write it as 2026-01-31", text=value[:40])) from None


def date_add(value: dt.date, count: Number) -> dt.date:
    """The date this many days later."""
    moved: dt.date = guards.add(value, days(count))
    return moved


def add_months(value: dt.date, count: int) -> dt.date:
    """The same day this many months later; the last day where the month is shorter."""
    if abs(count) > _MONTHS_MAX:
        raise EvaluationFailed(message("The date lies too far away"))
    year, month = divmod(value.year * 12 + value.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise EvaluationFailed(message("The date lies too far away"))
    last = _last_day(year, month + 1)
    return value.replace(year=year, month=month + 1, day=value.day if value.day < last else last)


def _last_day(year: int, month: int) -> int:
    following = dt.date(year + month // 12, month % 12 + 1, 1) if (year, month) < (9999, 12) else None
    return (following - dt.timedelta(days=1)).day if following else 31


def start_of_week(value: dt.date) -> dt.date:
    """The Monday of the date's week."""
    day = as_day(value)
    return day - dt.timedelta(days=day.weekday())


def start_of_month(value: dt.date) -> dt.date:
    """The first day of the date's month."""
    return as_day(value).replace(day=1)


def end_of_month(value: dt.date) -> dt.date:
    """The last day of the date's month."""
    day = as_day(value)
    return day.replace(day=_last_day(day.year, day.month))


def start_of_year(value: dt.date) -> dt.date:
    """The first of January of the date's year."""
    return dt.date(value.year, 1, 1)


def as_day(value: dt.date) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def year(value: dt.date) -> int:
    """The year of a date."""
    return value.year


def month(value: dt.date) -> int:
    """The month of a date, 1 to 12."""
    return value.month


def day(value: dt.date) -> int:
    """The day of the month, 1 to 31."""
    return value.day


def weekday(value: dt.date) -> int:
    """The day of the week: 1 is Monday, 7 is Sunday."""
    return value.isoweekday()


def hour(value: dt.datetime | dt.time) -> int:
    """The hour, 0 to 23."""
    return value.hour


def days_between(start: dt.date, end: dt.date) -> int:
    """How many days after the first date the second one lies."""
    return (as_day(end) - as_day(start)).days


def hours_between(start: dt.datetime, end: dt.datetime) -> Decimal:
    """How many hours after the first moment the second one lies."""
    return Decimal((end - start) // dt.timedelta(seconds=1)) / 3600


def workdays_between(start: dt.date, end: dt.date, *, times: Any) -> int:
    """How many working days of the default calendar lie after the first date up to the second one."""
    return int(_counted(times.workdays_between, as_day(start), as_day(end)))


def add_workdays(value: dt.date, count: int, *, times: Any) -> dt.date:
    """The working day so many working days after a date; before it where the number is negative."""
    found: dt.date = _counted(times.add_workdays, as_day(value), int(count))
    return found


def working_hours_between(start: dt.datetime, end: dt.datetime, *, times: Any) -> Decimal:
    """How many working hours of the default calendar lie between two moments."""
    return Decimal(_counted(times.worked, start, end) // dt.timedelta(seconds=1)) / 3600


def _counted(count: Callable[..., Any], *given: Any) -> Any:
    try:
        return count(*given)
    except OverflowError:
        raise EvaluationFailed(message("No calendar reaches that far")) from None


def as_hours(value: dt.timedelta) -> Decimal:
    """The duration as a number of hours."""
    return Decimal(value // dt.timedelta(seconds=1)) / 3600


def as_days(value: dt.timedelta) -> Decimal:
    """The duration as a number of days."""
    return Decimal(value // dt.timedelta(seconds=1)) / 86400


ALL = (
    days, hours, minutes, today, now, date, date_add, add_months, start_of_week, start_of_month, end_of_month,
    start_of_year, year, month, day, weekday, hour, days_between, hours_between, workdays_between, add_workdays,
    working_hours_between, as_hours, as_days,
)  # fmt: skip
