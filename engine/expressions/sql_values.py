"""What parts of an expression are on the SQL side, and how two of them are compared with Python's truth.

Everywhere ``strict`` asks for a condition that is never NULL, as it is needed below a NOT; where NULL may stand for
"no", the plain condition is answered, which indexes can serve.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from engine.errors import Message, message
from engine.expressions.errors import NotInSql
from engine.expressions.sql_elements import Constant, DaysApart, DayShift, Rescaled, Scaled
from engine.fields.columns import Moment, Seconds

Element = sa.ColumnElement[Any]
Clause = sa.ColumnElement[bool]

SQL_TYPES: Mapping[str, TypeEngine[Any]] = {
    "text": sa.Text(), "state": sa.Text(), "boolean": sa.Boolean(), "date": sa.Date(), "time": sa.Time(),
    "datetime": Moment(), "duration": Seconds(), "record": sa.BigInteger(), "user": sa.BigInteger(),
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A value worked out before the query; ``constant`` if the definition alone says it."""

    value: Any
    constant: bool


@dataclass(frozen=True)
class Sql:
    """A value the database works out.

    ``kind`` as in `kinds.Kind`, or `day`: the date of a moment. ``scale``: digits a number keeps behind the point.
    ``predicate``: a condition, not a boolean column. ``shift`` is still to be added to a date or moment; ``since``
    makes it the time from there (or, if ``until``, to there).
    """

    element: Element
    kind: str
    nullable: bool = True
    scale: int = 0
    form: str | None = None
    predicate: bool = False
    shift: dt.timedelta = dt.timedelta(0)
    since: Any = None
    until: bool = False
    zone: dt.tzinfo | None = None  # of the reader, on moments


@dataclass(frozen=True)
class Many:
    """Lines or links: the rows of ``form`` whose ``condition`` (over ``table``) ties them to the outer record."""

    form: Any
    table: Any
    condition: Clause


Value = Known | Sql | Many


def cannot(what: Message | str) -> NotInSql:
    reason = what if isinstance(what, Message) else message("{part} cannot be asked of the database", part=what)
    return NotInSql(reason)


def digits(value: Any) -> int:
    """Digits behind the point of a known number."""
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -int(exponent))


def written(known: Known, type_: TypeEngine[Any]) -> Element:
    """A constant of the definition stands in the text, anything else is bound."""
    if known.value is None:
        return sa.null()
    return Constant(known.value, type_) if known.constant else sa.literal(known.value, type_)


def number(value: Known, scale: int) -> Element:
    return written(value, Scaled(scale))


def rescaled(value: Sql, scale: int) -> Element:
    return (
        value.element
        if scale == value.scale
        else Rescaled(value.element, number=scale - value.scale, type_=sa.Numeric())
    )


def scale_of(value: Known | Sql) -> int:
    return value.scale if isinstance(value, Sql) else digits(value.value)


def as_number(value: Known | Sql, scale: int) -> Element:
    return rescaled(value, scale) if isinstance(value, Sql) else number(value, scale)


def is_number(value: Any) -> bool:
    return type(value) in (int, Decimal)


def is_numeric(value: Known | Sql) -> bool:
    return value.kind == "number" if isinstance(value, Sql) else is_number(value.value)


def two_valued(clause: Clause, nullable: bool, strict: bool) -> Clause:
    return sa.func.coalesce(clause, sa.false(), type_=sa.Boolean()) if strict and nullable else clause


# --- truth -----------------------------------------------------------------------------------------------------------


def truth(value: Value, strict: bool) -> Clause:
    """Whether Python takes the value for true."""
    if isinstance(value, Known):
        return sa.true() if value.value else sa.false()
    if isinstance(value, Many):
        return sa.exists().where(value.condition).correlate_except(value.table)
    value = settled(value)
    element = value.element
    if value.kind == "boolean":
        return two_valued(element, value.nullable, strict) if value.predicate else element.is_(sa.true())
    if value.kind in ("number", "duration"):
        return two_valued(element != sa.literal_column("0"), value.nullable, strict)
    if value.kind in ("text", "state"):
        return two_valued(element != sa.literal_column("''"), value.nullable, strict)
    if value.kind == "json":
        raise cannot(message("Whether a group is empty cannot be asked of the database"))
    return element.is_not(None)


def settled(value: Sql) -> Sql:
    """With what is still to be added: as SQL where both databases can."""
    if value.since is not None:
        return _apart(value)
    if not value.shift:
        return value
    if value.kind != "date":
        raise cannot(message("A moved date and time can only be compared with a fixed one in the database"))
    return replace(value, element=DayShift(value.element, number=value.shift.days, type_=sa.Date()),
                   shift=dt.timedelta(0))  # fmt: skip


def _apart(value: Sql) -> Sql:
    start = settled(replace(value, since=None, until=False))
    other = written(value.since, sa.Date()) if isinstance(value.since, Known) else settled(value.since).element
    if value.kind != "date" or (isinstance(value.since, Known) and isinstance(value.since.value, dt.datetime)):
        raise cannot(message("A time between two moments can only be compared with a fixed one in the database"))
    parts = (other, start.element) if value.until else (start.element, other)
    nullable = value.nullable or (isinstance(value.since, Sql) and value.since.nullable)
    return Sql(DaysApart(*parts, type_=sa.Integer()), "number", nullable)


def as_value(value: Sql) -> Sql:
    """A condition as a value that can be compared."""
    if not value.predicate:
        return value
    return replace(
        value, element=sa.case((value.element, sa.true()), else_=sa.false()), predicate=False, nullable=False
    )


def midnight(day: dt.date, zone: dt.tzinfo | None) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone)
