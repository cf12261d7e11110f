"""Membership, arithmetic and choices of an expression on the SQL side."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.errors import message
from engine.expressions.sql_compare import equal
from engine.expressions.sql_elements import Contains, EndsWith, StartsWith
from engine.expressions.sql_values import (
    SQL_TYPES,
    Clause,
    Element,
    Known,
    Many,
    Sql,
    Value,
    as_number,
    as_value,
    cannot,
    is_number,
    is_numeric,
    midnight,
    rescaled,
    scale_of,
    settled,
    two_valued,
    written,
)
from engine.expressions.view import UserView, View

# --- membership ------------------------------------------------------------------------------------------------------


def one_of(item: Value, wanted: list[Value], strict: bool) -> Clause:
    """``item in (a, b)``; empty ones match nothing."""
    if isinstance(item, Known) and item.value is None:
        return sa.false()
    there = [value for value in wanted if not (isinstance(value, Known) and value.value is None)]
    if not there:
        return sa.false()
    texts = isinstance(item, Sql) and item.kind in ("text", "state")
    if texts and all(isinstance(value, Known) and isinstance(value.value, str) for value in there):
        elements = [written(value, sa.Text()) for value in there if isinstance(value, Known)]
        constant = all(value.constant for value in there if isinstance(value, Known))
        values: Any = elements if constant else [value.value for value in there if isinstance(value, Known)]
        return two_valued(item.element.in_(values), item.nullable, strict)  # type: ignore[union-attr]
    return sa.or_(*[_matches(item, value, strict) for value in there])


def _matches(item: Value, value: Value, strict: bool) -> Clause:
    """``item == value`` where neither is empty."""
    if isinstance(item, Known) and isinstance(value, Known):
        return sa.true() if item.value == value.value else sa.false()
    same = equal(item, value, strict)
    both = [side for side in (item, value) if isinstance(side, Sql) and side.nullable]
    return sa.and_(both[0].element.is_not(None), same) if len(both) > 1 else same


def in_known(item: Value, whole: Known, strict: bool) -> Clause:
    values = whole.value
    if values is None:
        return sa.false()
    if isinstance(values, str):
        return in_text(item, whole, strict)
    if not isinstance(values, (tuple, list, frozenset, set)):
        raise cannot(message("This cannot be compared in the database"))
    members = sorted(values) if all(isinstance(value, str) for value in values) else list(values)
    return one_of(item, [Known(value, whole.constant) for value in members], strict)


def in_text(item: Value, whole: Known | Sql, strict: bool) -> Clause:
    """Part of a text, or one of several options kept as ``|a|b|``."""
    if isinstance(whole, Sql) and whole.kind == "list":
        return _in_tags(item, whole, strict)
    sides = (whole, item)
    if any(isinstance(side, Many) for side in sides):
        raise cannot(message("This cannot be compared in the database"))
    if any(isinstance(side, Known) and side.value is None for side in sides):
        return sa.false()
    found = text_test(Contains, *sides)  # type: ignore[arg-type]
    return two_valued(found.element, found.nullable, strict)


def _in_tags(item: Value, whole: Sql, strict: bool) -> Clause:
    if not isinstance(item, Known):
        raise cannot(message("This cannot be compared in the database"))
    if type(item.value) not in (str, int) or "|" in str(item.value):
        return sa.false()
    kept = sa.type_coerce(whole.element, sa.Text())
    found = Contains(kept, written(Known(f"|{item.value}|", item.constant), sa.Text()))
    return two_valued(found, whole.nullable, strict)


def text_test(test: type[Contains] | type[StartsWith] | type[EndsWith], whole: Known | Sql, part: Known | Sql) -> Sql:
    for side in (whole, part):
        if isinstance(side, Sql) and side.kind not in ("text", "state"):
            raise cannot(message("This cannot be compared in the database"))
        if isinstance(side, Known) and not isinstance(side.value, str):
            raise cannot(message("This cannot be compared in the database"))
    nullable = any(isinstance(side, Sql) and side.nullable for side in (whole, part))
    return Sql(test(text_of(whole), text_of(part)), "boolean", nullable, predicate=True)


def text_of(value: Known | Sql) -> Element:
    return value.element if isinstance(value, Sql) else written(value, sa.Text())


# --- arithmetic ------------------------------------------------------------------------------------------------------


def plain_side(side: Known | Sql) -> Known | Sql:
    """The side of an operator: the time between two dates as a number."""
    return settled(side) if isinstance(side, Sql) and side.since is not None else side


def _nullable(*sides: Known | Sql) -> bool:
    return any(isinstance(side, Sql) and side.nullable for side in sides)


def _sum(sign: Callable[[Any, Any], Any]) -> Callable[[Known | Sql, Known | Sql], Sql | None]:
    def work_out(left: Known | Sql, right: Known | Sql) -> Sql | None:
        if not (is_numeric(left) and is_numeric(right)):
            return None
        scale = max(scale_of(left), scale_of(right))
        element = sign(as_number(left, scale), as_number(right, scale))
        return Sql(element.self_group(), "number", _nullable(left, right), scale)

    return work_out


def _product(left: Known | Sql, right: Known | Sql) -> Sql | None:
    if not (is_numeric(left) and is_numeric(right)):
        return None
    element = as_number(left, scale_of(left)) * as_number(right, scale_of(right))
    return Sql(element, "number", _nullable(left, right), scale_of(left) + scale_of(right))


def _joined_texts(left: Known | Sql, right: Known | Sql) -> Sql | None:
    for side in (left, right):
        is_text = side.kind in ("text", "state") if isinstance(side, Sql) else isinstance(side.value, str)
        if not is_text:
            return None
    element = sa.type_coerce(text_of(left), sa.Text()).concat(sa.type_coerce(text_of(right), sa.Text()))
    return Sql(element, "text", _nullable(left, right))


def _moved(turn: int) -> Callable[[Known | Sql, Known | Sql], Sql | None]:
    def work_out(left: Known | Sql, right: Known | Sql) -> Sql | None:
        if turn > 0 and isinstance(left, Known):
            left, right = right, left
        if not (isinstance(left, Sql) and left.kind in ("date", "datetime") and isinstance(right, Known)):
            return None
        if not isinstance(right.value, dt.timedelta):
            return None
        shift = right.value * turn
        if left.kind == "date":  # Python moves a date by the whole days of a duration
            shift = dt.timedelta(days=right.value.days * turn)
        return replace(left, shift=left.shift + shift)

    return work_out


def apart(left: Known | Sql, right: Known | Sql) -> Sql | None:
    """The time between a date or moment of the record and another."""
    if isinstance(left, Sql) and left.kind in ("date", "datetime"):
        other, column, until = right, left, False
    elif isinstance(right, Sql) and right.kind in ("date", "datetime"):
        other, column, until = left, right, True
    else:
        return None
    if isinstance(other, Known):
        if not isinstance(other.value, dt.date):
            return None
        if column.kind == "datetime" and not isinstance(other.value, dt.datetime):
            other = Known(midnight(other.value, column.zone), other.constant)
    elif other.kind not in ("date", "datetime"):
        return None
    return replace(column, since=other, until=until)


ARITHMETIC: Mapping[type, tuple[Callable[[Known | Sql, Known | Sql], Sql | None], ...]] = {
    ast.Add: (_sum(lambda left, right: left + right), _joined_texts, _moved(1)),
    ast.Sub: (_sum(lambda left, right: left - right), _moved(-1), apart),
    ast.Mult: (_product,),
}


def case(test: Clause, then: Known | Sql, otherwise: Known | Sql) -> Known | Sql:
    """``then if test else otherwise``, both of one kind."""
    if isinstance(then, Known) and isinstance(otherwise, Known):
        kind = _kind_of(then.value) or _kind_of(otherwise.value)
        if kind is None:
            return Known(None, True)
    else:
        found = [side for side in (then, otherwise) if isinstance(side, Sql)]
        kind = found[0].kind
        if any(side.kind != kind for side in found):
            raise cannot(message("This cannot be compared in the database"))
    scale = max(scale_of(then), scale_of(otherwise))
    elements = [_element(side, kind, scale) for side in (then, otherwise)]
    nullable = any(side.nullable if isinstance(side, Sql) else side.value is None for side in (then, otherwise))
    form = next((side.form for side in (then, otherwise) if isinstance(side, Sql)), None)
    zone = next((side.zone for side in (then, otherwise) if isinstance(side, Sql)), None)
    return Sql(sa.case((test, elements[0]), else_=elements[1]), kind, nullable, scale, form, zone=zone)


def _kind_of(value: Any) -> str | None:
    if value is None:
        return None
    if is_number(value):
        return "number"
    found = {bool: "boolean", str: "text", dt.date: "date", dt.timedelta: "duration", dt.time: "time"}.get(type(value))
    if found is None:
        raise cannot(message("This cannot be compared in the database"))
    return found


def _element(side: Known | Sql, kind: str, scale: int) -> Element:
    if isinstance(side, Sql):
        return rescaled(as_value(settled(side)), scale) if side.kind == "number" else as_value(settled(side)).element
    if side.value is None:
        return sa.null()
    value = side.value
    if isinstance(value, (View, UserView)):
        value = value.id
    fits = _kind_of(value)
    if fits != kind and not (kind in ("record", "user") and fits == "number"):
        raise cannot(message("This cannot be compared in the database"))
    return as_number(side, scale) if kind == "number" else written(replace(side, value=value), SQL_TYPES[kind])
