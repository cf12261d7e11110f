"""The functions of expressions that the database can work out too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.errors import message
from engine.expressions.sql_elements import Contains, EndsWith, Rounded, StartsWith
from engine.expressions.sql_operators import apart, case, text_test
from engine.expressions.sql_values import Clause, Element, Known, Many, Sql, Value, as_value, cannot, settled, truth

One = Known | Sql


def _over(many: Many, what: Element, condition: Clause | None = None) -> Any:
    where = many.condition if condition is None else sa.and_(many.condition, condition)
    return sa.select(what).select_from(many.table).where(where).correlate_except(many.table).scalar_subquery()


# --- folds: called with the rows, the value of each, and a condition on each -----------------------------------------


def _any(many: Many, value: One | None, condition: Clause) -> Value:
    return _exists(many, condition)


def _all(many: Many, value: One | None, condition: Clause) -> Value:
    return replace(_exists(many, sa.not_(condition)), element=sa.not_(_exists(many, sa.not_(condition)).element))


def _exists(many: Many, condition: Clause) -> Sql:
    found = sa.exists().where(many.condition, condition).correlate_except(many.table)
    return Sql(found, "boolean", nullable=False, predicate=True)


def _count(many: Many, value: One | None, condition: Clause) -> Value:
    if isinstance(value, Known) and value.value is None:
        return Known(0, True)
    there = None
    if isinstance(value, Sql) and not value.predicate:
        there = value.element.is_not(None)
    return Sql(_over(many, sa.func.count(), there), "number", nullable=False)


def _length(many: Many, value: One | None, condition: Clause) -> Value:
    return Sql(_over(many, sa.func.count()), "number", nullable=False)


def _sum(many: Many, value: One | None, condition: Clause) -> Value:
    if isinstance(value, Known) and type(value.value) is int:
        rows = _over(many, sa.func.count())
        return Sql(rows * sa.literal_column(str(value.value)), "number", nullable=False)
    if not isinstance(value, Sql) or value.kind != "number":
        raise cannot("sum()")
    total = sa.func.coalesce(sa.func.sum(settled(value).element), sa.literal_column("0"))
    return Sql(_over(many, total), "number", nullable=False, scale=value.scale)


def _extreme(fold: Any) -> Callable[[Many, One | None, Clause], Value]:
    def work_out(many: Many, value: One | None, condition: Clause) -> Value:
        if not isinstance(value, Sql) or value.kind not in ("number", "date", "datetime", "duration", "time"):
            raise cannot(message("The least or greatest of these cannot be asked of the database"))
        value = settled(value)
        return replace(value, element=_over(many, fold(value.element)), nullable=True)

    return work_out


FOLDS: Mapping[str, Callable[[Many, One | None, Clause], Value]] = {
    "any": _any,
    "all": _all,
    "count": _count,
    "len": _length,
    "sum": _sum,
    "min": _extreme(sa.func.min),
    "max": _extreme(sa.func.max),
}


# --- functions of single values; None: not with these ----------------------------------------------------------------


def _texts(test: Any) -> Callable[..., Sql | Known]:
    def work_out(whole: One, part: One) -> Sql | Known:
        if any(isinstance(side, Known) and side.value is None for side in (whole, part)):
            return Known(None, True)
        return text_test(test, whole, part)

    return work_out


def _coalesce(*values: One) -> One:
    found: One = Known(None, True)
    for value in reversed(values):
        found = case(_filled(value), value, found)
    return found


def _filled(value: One) -> Clause:
    if isinstance(value, Known):
        return sa.false() if value.value is None or value.value == "" else sa.true()
    if value.kind in ("text", "state"):
        return truth(value, strict=True)
    return as_value(value).element.is_not(None)


def _absolute(value: One) -> Sql | None:
    if not isinstance(value, Sql) or value.kind != "number":
        return None
    return replace(value, element=sa.func.abs(settled(value).element, type_=value.element.type))


def _round(value: One, places: One = Known(0, True)) -> Sql | None:  # noqa: B008 - frozen
    if not (isinstance(value, Sql) and value.kind == "number" and isinstance(places, Known)):
        return None
    if type(places.value) is not int or not 0 <= places.value <= 12:
        return None
    value = settled(value)
    if value.scale <= places.value:
        return value
    number = value.scale * 100 + places.value
    return replace(value, element=Rounded(value.element, number=number, type_=value.element.type))


def _length_of(value: One) -> Sql | None:
    if not (isinstance(value, Sql) and value.kind in ("text", "state")):
        return None
    size = sa.func.coalesce(sa.func.length(value.element), sa.literal_column("0"))
    return Sql(size, "number", nullable=False)


def _date(value: One) -> Sql | None:
    if not isinstance(value, Sql):
        return None
    if value.kind == "datetime":
        return replace(value, kind="day")
    return value if value.kind in ("date", "day") else None


def _days_between(start: One, end: One) -> Sql | Known | None:
    for side in (start, end):
        if isinstance(side, Known) and side.value is None:
            return Known(None, True)
        moment = side.kind != "date" if isinstance(side, Sql) else isinstance(side.value, dt.datetime)
        if moment:
            return None
    return apart(end, start)


CALLS: Mapping[str, Callable[..., Value | None]] = {
    "contains": _texts(Contains),
    "starts_with": _texts(StartsWith),
    "ends_with": _texts(EndsWith),
    "coalesce": _coalesce,
    "abs": _absolute,
    "round": _round,
    "len": _length_of,
    "date": _date,
    "days_between": _days_between,
    "if_else": lambda *values: None,  # written where its condition still is one
}
