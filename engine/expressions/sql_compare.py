"""Two values compared in SQL with Python's truth; see `sql_values` for what ``strict`` means."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.errors import message
from engine.expressions.sql_elements import Ordered
from engine.expressions.sql_values import (
    SQL_TYPES,
    Clause,
    Element,
    Known,
    Many,
    Sql,
    Value,
    as_value,
    cannot,
    digits,
    is_number,
    midnight,
    number,
    rescaled,
    settled,
    two_valued,
    written,
)
from engine.expressions.view import UserView, View

ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

# --- equality --------------------------------------------------------------------------------------------------------


def equal(left: Value, right: Value, strict: bool, negated: bool = False) -> Clause:
    """``==``, or ``!=`` when negated: never NULL where that matters; two empty values are equal."""
    if isinstance(left, Known):
        left, right = right, left
    if isinstance(left, Many) or isinstance(right, Many):
        raise cannot(message("Two lists cannot be compared in the database"))
    if isinstance(left, Known):
        raise AssertionError("two known values are worked out before")
    if left.kind == "boolean" and isinstance(right, Known):
        return _is(left, right.value, negated)
    left = settled(left) if left.since is not None else left
    if isinstance(right, Known):
        if left.kind == "day":
            return _equal_day(left, right, strict or negated, negated)
        return _equal_known(left, right, strict, negated)
    return _equal_sql(settled(left), settled(right), negated)


def _is(left: Sql, wanted: Any, negated: bool) -> Clause:
    if wanted is None:
        return left.element.is_not(None) if negated else left.element.is_(None)
    if (not is_number(wanted) and type(wanted) is not bool) or wanted not in (0, 1):
        return sa.true() if negated else sa.false()
    if left.predicate:
        condition = two_valued(left.element, left.nullable, strict=True)
        return sa.not_(condition) if bool(wanted) is negated else condition
    truth_value = sa.true() if wanted else sa.false()
    return left.element.is_not(truth_value) if negated else left.element.is_(truth_value)


def _equal_known(left: Sql, right: Known, strict: bool, negated: bool) -> Clause:
    if right.value is None:
        return left.element.is_not(None) if negated else left.element.is_(None)
    pair = _pair(left, right)
    if pair is None:
        return sa.true() if negated else sa.false()
    element, wanted = pair
    if negated:
        return element.is_distinct_from(wanted) if left.nullable else element != wanted
    return element.is_not_distinct_from(wanted) if strict and left.nullable else element == wanted


def _pair(left: Sql, right: Known) -> tuple[Element, Element] | None:
    """Both sides as SQL of one type; None if the known value can never be equal."""
    value = right.value
    if isinstance(value, (View, UserView)):
        return _identity(left, right)
    if type(value) is bool and left.kind == "number":
        value, right = int(value), replace(right, value=int(value))
    if left.kind in ("number", "record", "user"):
        if not is_number(value) or (left.kind != "number" and value != int(value)):
            return None
        scale = max(left.scale, digits(value))
        return rescaled(left, scale), number(right, scale)
    if not _fits(left.kind, value):
        return None
    if left.shift:
        right = replace(right, value=_unshifted(left, value))
        return (left.element, written(right, SQL_TYPES[left.kind]))
    return left.element, written(right, SQL_TYPES[left.kind])


def _identity(left: Sql, right: Known) -> tuple[Element, Element] | None:
    thing = right.value
    wanted = "user" if isinstance(thing, UserView) else "record"
    if thing.id is None or left.kind not in (wanted, "number"):
        return None
    if isinstance(thing, View) and left.kind == "record" and left.form != thing.form.name:
        return None
    return rescaled(left, left.scale), number(Known(thing.id, False), left.scale)


_PYTHON: Mapping[str, type] = {
    "text": str, "state": str, "time": dt.time, "duration": dt.timedelta, "datetime": dt.datetime, "date": dt.date,
}  # fmt: skip


def _fits(kind: str, value: Any) -> bool:
    wanted = _PYTHON.get(kind)
    if wanted is None:
        raise cannot(message("This list or group cannot be compared in the database"))
    if kind == "duration" and isinstance(value, dt.timedelta) and value.microseconds:
        raise cannot(message("A duration of less than a second cannot be compared in the database"))
    return isinstance(value, wanted) and not (kind == "date" and isinstance(value, dt.datetime))


def _unshifted(left: Sql, value: Any) -> Any:
    try:
        if left.kind == "date":
            return value - dt.timedelta(days=left.shift.days)
        return value.astimezone(dt.UTC) - left.shift
    except OverflowError:
        raise cannot(message("The date lies too far away")) from None


_ALIKE = ({"text", "state"}, {"record", "number"}, {"user", "number"})


def _equal_sql(left: Sql, right: Sql, negated: bool) -> Clause:
    if left.kind == right.kind == "boolean":
        left, right = as_value(left), as_value(right)
    elif left.kind != right.kind and not any({left.kind, right.kind} <= alike for alike in _ALIKE):
        if "boolean" in (left.kind, right.kind):
            raise cannot(message("This cannot be compared in the database"))
        return _both_empty(left, right, negated)
    if left.kind == right.kind == "record" and left.form != right.form:
        return _both_empty(left, right, negated)
    scale = max(left.scale, right.scale)
    first, second = rescaled(left, scale), rescaled(right, scale)
    if left.nullable or right.nullable:
        return first.is_distinct_from(second) if negated else first.is_not_distinct_from(second)
    return first != second if negated else first == second


def _both_empty(left: Sql, right: Sql, negated: bool) -> Clause:
    both = sa.and_(left.element.is_(None), right.element.is_(None))
    return sa.not_(both) if negated else both


# --- order -----------------------------------------------------------------------------------------------------------


def ordered(left: Value, sign: str, right: Value, strict: bool) -> Clause:
    """``<``, ``<=``, ``>``, ``>=``: an empty side makes it False."""
    if isinstance(left, Known):
        left, sign, right = right, FLIPPED[sign], left
    if not isinstance(left, Sql) or isinstance(right, Many):
        raise cannot(message("A list has no order"))
    if isinstance(right, Known):
        return _ordered_known(left, sign, right, strict)
    return _ordered_sql(settled(left), sign, settled(right), strict)


def _ordered_known(left: Sql, sign: str, right: Known, strict: bool) -> Clause:
    if right.value is None:
        return sa.false()
    if left.since is not None:
        moved = _since_known(left, sign, right)
        if moved is not None:
            return ordered(*moved, strict)
        left = settled(left)
    if left.kind == "number" and is_number(right.value):
        scale = max(left.scale, digits(right.value))
        return two_valued(ORDER[sign](rescaled(left, scale), number(right, scale)), left.nullable, strict)
    if left.kind in ("date", "datetime", "day") and isinstance(right.value, dt.date):
        left, sign, right = _dated(left, sign, right)
    elif left.kind not in ("text", "state", "time", "duration") or not _fits(left.kind, right.value):
        raise cannot(message("This cannot be compared in the database"))
    wanted = written(right, SQL_TYPES[left.kind])
    element = Ordered(left.element, type_=sa.Text()) if left.kind in ("text", "state") else left.element
    return two_valued(ORDER[sign](element, wanted), left.nullable, strict)


def _since_known(left: Sql, sign: str, right: Known) -> tuple[Value, str, Value] | None:
    """``today() - due > 3`` asks for ``due < today() - 3``, which an index can serve."""
    fixed, length = left.since, right.value
    if not isinstance(fixed, Known):
        return None
    if left.kind == "date" and not isinstance(fixed.value, dt.datetime):
        if not is_number(length) or length != int(length):
            return None
        length = dt.timedelta(days=int(length))
    elif not isinstance(length, dt.timedelta):
        raise cannot(message("This cannot be compared in the database"))
    column = replace(left, since=None, until=False)
    if left.until:
        return column, FLIPPED[sign], Known(_moved(fixed.value, -length), False)
    return column, sign, Known(_moved(fixed.value, length), False)


def _moved(value: dt.date, by: dt.timedelta) -> dt.date:
    try:
        if isinstance(value, dt.datetime):
            return (value.astimezone(dt.UTC) + by).astimezone(value.tzinfo)
        return value + by
    except OverflowError:
        raise cannot(message("The date lies too far away")) from None


def _dated(left: Sql, sign: str, right: Known) -> tuple[Sql, str, Known]:
    """A date and a moment side by side: the date stands for its midnight in the moment's time zone."""
    value = right.value
    moment = isinstance(value, dt.datetime)
    if left.kind == "day":
        left, sign, value = _of_day(left, sign, value)
    elif left.kind == "datetime" and not moment:
        value = midnight(value, left.zone)
    elif left.kind == "date" and moment:
        passed = value.time() != dt.time()
        sign = {"<": "<=", ">=": ">"}.get(sign, sign) if passed else sign
        value = value.date()
    if left.shift:
        value = _unshifted(left, value)
    return replace(left, shift=dt.timedelta(0)), sign, replace(right, value=value)


def _of_day(left: Sql, sign: str, value: dt.date) -> tuple[Sql, str, dt.datetime]:
    """The date of a moment beside a date: the moment beside a midnight."""
    if isinstance(value, dt.datetime):
        raise cannot(message("This cannot be compared in the database"))
    if sign in ("<=", ">"):
        sign, value = {"<=": "<", ">": ">="}[sign], value + dt.timedelta(days=1)
    return replace(left, kind="datetime"), sign, midnight(value, left.zone)


def _equal_day(left: Sql, right: Known, strict: bool, negated: bool) -> Clause:
    if right.value is None:
        return left.element.is_not(None) if negated else left.element.is_(None)
    if not isinstance(right.value, dt.date) or isinstance(right.value, dt.datetime):
        return sa.true() if negated else sa.false()
    inside = sa.and_(ordered(left, ">=", right, strict), ordered(left, "<=", right, strict))
    return sa.not_(inside) if negated else inside


def _ordered_sql(left: Sql, sign: str, right: Sql, strict: bool) -> Clause:
    alike = left.kind == right.kind or {left.kind, right.kind} == {"text", "state"}
    if not alike or left.kind not in ("number", "text", "state", "date", "datetime", "time", "duration"):
        raise cannot(message("This cannot be compared in the database"))
    scale = max(left.scale, right.scale)
    first, second = rescaled(left, scale), rescaled(right, scale)
    if left.kind in ("text", "state"):
        first, second = Ordered(first, type_=sa.Text()), Ordered(second, type_=sa.Text())
    return two_valued(ORDER[sign](first, second), left.nullable or right.nullable, strict)
