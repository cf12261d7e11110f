"""The ways to filter, as rows: name, label, SQL. Field classes pick from the tuples at the end.

An empty column is NULL. ``ne`` and ``not_in`` find empty ones too; every other comparison does not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from engine.fields import reading
from engine.fields.base import Field, Operator
from engine.formats import Reader

Column = ColumnElement[Any]
Clause = ColumnElement[bool]
MOST_VALUES = 200


def _contains(column: Column, text: str) -> Clause:
    return sa.cast(column, sa.Text).icontains(text, autoescape=True)


def _starts(column: Column, text: str) -> Clause:
    return sa.cast(column, sa.Text).istartswith(text, autoescape=True)


def _not_in(column: Column, values: Sequence[Any]) -> Clause:
    return sa.or_(column.not_in(values), column.is_(None))


def _between(column: Column, pair: tuple[Any, Any]) -> Clause:
    low, high = pair
    bounds = [column >= low] if low is not None else []
    return sa.and_(*bounds, *([column <= high] if high is not None else []), column.is_not(None))


EQ = Operator("eq", "is", lambda column, value: column == value)
NE = Operator("ne", "is not", lambda column, value: column.is_distinct_from(value))
IN = Operator("in", "is one of", lambda column, values: column.in_(values), "many")
NOT_IN = Operator("not_in", "is none of", _not_in, "many")
CONTAINS = Operator("contains", "contains", _contains, "text")
STARTS = Operator("starts", "starts with", _starts, "text")
GT = Operator("gt", "more than", lambda column, value: column > value)
GTE = Operator("gte", "at least", lambda column, value: column >= value)
LT = Operator("lt", "less than", lambda column, value: column < value)
LTE = Operator("lte", "at most", lambda column, value: column <= value)
BETWEEN = Operator("between", "between", _between, "pair")
EMPTY = Operator("empty", "is empty", lambda column, value: column.is_(None), "none")
NOT_EMPTY = Operator("not_empty", "is not empty", lambda column, value: column.is_not(None), "none")

# --- texts that hold several: |a|b| -----------------------------------------------------------------------------------


def _has(column: Column, value: Any) -> Clause:
    """``value``: one name or id, or a tuple of which every one must be there."""
    wanted = value if isinstance(value, tuple | list) else (value,)
    return sa.and_(sa.true(), *(_holds(column, one) for one in wanted))


def _has_any(column: Column, values: Sequence[Any]) -> Clause:
    flat = [one for value in values for one in (value if isinstance(value, tuple | list) else (value,))]
    return sa.or_(sa.false(), *(_holds(column, one) for one in flat))


def _holds(column: Column, one: Any) -> Clause:
    # type_coerce, not cast: the stored text is what is searched, past the decorator that makes it a tuple
    return sa.type_coerce(column, sa.Text).contains(f"|{one}|", autoescape=True)


HAS = Operator("has", "has", _has)
HAS_ANY = Operator("has_any", "has one of", _has_any, "many")
HAS_NOT = Operator("has_not", "has not", lambda column, value: sa.or_(sa.not_(_has(column, value)), column.is_(None)))

# --- days relative to the present one --------------------------------------------------------------------------------


def day_span(now: dt.datetime, first: int, days: int) -> tuple[dt.date, dt.date]:
    """``days`` days from ``first`` days after today: (first day, day after the last)."""
    start = now.date() + dt.timedelta(days=first)
    return start, start + dt.timedelta(days=days)


def week_span(now: dt.datetime, weeks: int) -> tuple[dt.date, dt.date]:
    """The week, Monday to Sunday, ``weeks`` after this one."""
    return day_span(now, weeks * 7 - now.weekday(), 7)


def month_span(now: dt.datetime, months: int) -> tuple[dt.date, dt.date]:
    count = now.year * 12 + now.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1), dt.date((count + 1) // 12, (count + 1) % 12 + 1, 1)


def year_span(now: dt.datetime, years: int) -> tuple[dt.date, dt.date]:
    return dt.date(now.year + years, 1, 1), dt.date(now.year + years + 1, 1, 1)


_SPANS: tuple[tuple[str, str, Callable[[dt.datetime], tuple[dt.date, dt.date]]], ...] = (
    ("today", "is today", lambda now: day_span(now, 0, 1)),
    ("yesterday", "is yesterday", lambda now: day_span(now, -1, 1)),
    ("tomorrow", "is tomorrow", lambda now: day_span(now, 1, 1)),
    ("this_week", "is this week", lambda now: week_span(now, 0)),
    ("last_week", "is last week", lambda now: week_span(now, -1)),
    ("next_week", "is next week", lambda now: week_span(now, 1)),
    ("this_month", "is this month", lambda now: month_span(now, 0)),
    ("last_month", "is last month", lambda now: month_span(now, -1)),
    ("next_month", "is next month", lambda now: month_span(now, 1)),
    ("this_year", "is this year", lambda now: year_span(now, 0)),
    ("last_7_days", "is in the last 7 days", lambda now: day_span(now, -6, 7)),
    ("last_30_days", "is in the last 30 days", lambda now: day_span(now, -29, 30)),
    ("next_7_days", "is in the next 7 days", lambda now: day_span(now, 0, 7)),
    ("next_30_days", "is in the next 30 days", lambda now: day_span(now, 0, 30)),
)


def midnight(day: dt.date, zone: dt.tzinfo | None) -> dt.datetime:
    """The first moment of a day on the clocks of ``zone``, in UTC."""
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def _on_days(span: Callable[[dt.datetime], tuple[dt.date, dt.date]]) -> Callable[[Column, dt.datetime], Clause]:
    def compare(column: Column, now: dt.datetime) -> Clause:
        start, end = span(now)
        return sa.and_(column >= start, column < end)

    return compare


def _on_moments(span: Callable[[dt.datetime], tuple[dt.date, dt.date]]) -> Callable[[Column, dt.datetime], Clause]:
    def compare(column: Column, now: dt.datetime) -> Clause:
        start, end = span(now)
        return sa.and_(column >= midnight(start, now.tzinfo), column < midnight(end, now.tzinfo))

    return compare


DAYS = tuple(Operator(name, label, _on_days(span), "now") for name, label, span in _SPANS)
DAYS_PAST = Operator("past", "is past", lambda column, now: column < now.date(), "now")
DAYS_FUTURE = Operator("future", "is to come", lambda column, now: column > now.date(), "now")
MOMENTS = tuple(Operator(name, label, _on_moments(span), "now") for name, label, span in _SPANS)
MOMENTS_PAST = Operator("past", "is past", lambda column, now: column < now.astimezone(dt.UTC), "now")
MOMENTS_FUTURE = Operator("future", "is to come", lambda column, now: column > now.astimezone(dt.UTC), "now")
BEFORE = Operator("before", "is before", lambda column, value: column < value)
AFTER = Operator("after", "is after", lambda column, value: column > value)
ON_DAY = Operator("on", "is on", lambda column, day: sa.and_(column >= day[0], column < day[1]), "day")

# --- what field classes take -----------------------------------------------------------------------------------------

FILLED = (EMPTY, NOT_EMPTY)
TEXT = (CONTAINS, EQ, NE, STARTS, IN, NOT_IN, *FILLED)
LONG_TEXT = (CONTAINS, *FILLED)
NUMBER = (EQ, NE, GT, GTE, LT, LTE, BETWEEN, IN, NOT_IN, *FILLED)
ONE_OF = (EQ, NE, IN, NOT_IN, *FILLED)
SEVERAL = (HAS, HAS_ANY, HAS_NOT, *FILLED)
DATE = (EQ, NE, BEFORE, AFTER, GTE, LTE, BETWEEN, *DAYS, DAYS_PAST, DAYS_FUTURE, *FILLED)
TIME = (EQ, NE, BEFORE, AFTER, BETWEEN, *FILLED)
DATETIME = (ON_DAY, BEFORE, AFTER, GTE, LTE, BETWEEN, *MOMENTS, MOMENTS_PAST, MOMENTS_FUTURE, *FILLED)


def read_operand(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> Any:
    """What was typed behind ``where.<field>.<operator>=`` → the value ``operator.compare`` takes; raises Invalid.

    ``raw`` holds one text per repetition; ``many`` and ``pair`` also split at commas. ``now`` is aware.
    """
    return OPERANDS[operator.takes](field, operator, raw, reader, now)


def _one(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> Any:
    value = field.parse(raw[-1] if raw else "", reader)
    if value is None:
        raise field.wrong("{label}: the filter “{operator}” needs a value.", operator=operator.name)
    return value


def _many(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> list[Any]:
    texts = [part for text in raw for part in _split(text) if part.strip()]
    if not 0 < len(texts) <= MOST_VALUES:
        raise field.wrong(
            "{label}: the filter “{operator}” needs 1 to {most} values; got {count}.",
            operator=operator.name, most=MOST_VALUES, count=len(texts),
        )  # fmt: skip
    return [field.parse(text, reader) for text in texts]


def _split(text: str) -> list[str]:
    return text.replace("，", ",").split(",")


def _pair(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> tuple[Any, Any]:
    texts = _split(raw[0]) if len(raw) == 1 and "," in raw[0].replace("，", ",") else list(raw)
    if len(texts) != 2 or not any(text.strip() for text in texts):
        raise field.wrong(
            "{label}: the filter “{operator}” needs two values with a comma between them, such as 1,9.",
            operator=operator.name,
        )
    return field.parse(texts[0], reader), field.parse(texts[1], reader)


def _text(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> str:
    text = (raw[-1] if raw else "").strip()
    if not 0 < len(text) <= 200 or "\0" in text:
        raise field.wrong(
            "{label}: the filter “{operator}” needs a text of 1 to 200 characters.", operator=operator.name
        )
    return text


def _day(
    field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    day = reading.date(raw[-1] if raw else "")
    if day is None:
        raise field.wrong("{label} must be a date such as 2026-11-22; got “{got}”.", got=raw[-1] if raw else "")
    return midnight(day, reader.zone), midnight(day + dt.timedelta(days=1), reader.zone)


def _none(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> None:
    return None


def _now(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> dt.datetime:
    return now.astimezone(reader.zone)


OPERANDS: dict[str, Callable[..., Any]] = {
    "one": _one, "many": _many, "pair": _pair, "text": _text, "day": _day, "none": _none, "now": _now,
}  # fmt: skip
