"""Values of a column that gets another type: read as they were, written as the field now takes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.errors import Invalid
from engine.fields.base import Field
from engine.formats import Reader
from engine.storage.archive import Kept
from engine.storage.asking import SHOWN
from engine.storage.shape import read_type
from engine.storage.steps import lightweight

CHUNK = 1000


@dataclass(frozen=True)
class Trial:
    """How a conversion would go: records with a value, and those whose value does not fit, the ``first`` of them as
    (id, value)."""

    filled: int
    failing: int
    first: tuple[tuple[int, Any], ...] = ()


def is_widening(old: str, new: str) -> bool:
    """Whether every value stays as it is, so that nothing has to be converted."""
    if _family(old) != _family(new):
        return False
    return _family(old) != "String" or _length(old) <= _length(new)


def _family(kind: str) -> str:
    name = kind.partition("(")[0]
    return {"Text": "String", "Integer": "BigInteger", "SmallInteger": "BigInteger"}.get(name, name)


def _length(kind: str) -> float:
    return int(kind.partition("(")[2].rstrip(")")) if "(" in kind else float("inf")


def attempt(
    conn: sa.Connection, table: str, column: str, old: str, field: Field, reader: Reader, original: Kept | None = None
) -> Trial:
    """Convert every value without writing any. Those that will be as they were in ``original`` fit."""
    safe = frozenset(_unchanged(conn, table, column, original)) if original is not None else frozenset()
    filled = failing = 0
    first: list[tuple[int, Any]] = []
    for id, value in _values(conn, table, column, old):
        filled += 1
        if id not in safe and converted(field, value, reader) is None:
            failing += 1
            first += [(id, value)] if len(first) < SHOWN else []
    return Trial(filled, failing, tuple(first))


def _unchanged(conn: sa.Connection, table: str, column: str, original: Kept) -> Iterator[int]:
    after = str(original.after)
    source = lightweight(table, (("id", sa.BigInteger()), (column, None), (after, None)))
    same = source.c[column].is_not_distinct_from(source.c[after])
    yield from conn.scalars(sa.select(source.c.id).where(same, source.c.id <= original.up_to))


def rewrite(
    conn: sa.Connection, table: str, source: str, old: str, field: Field, reader: Reader, otherwise: Any = None
) -> None:
    """Fill the field's new column from the old one; what does not fit becomes ``otherwise``."""
    target = lightweight(table, (("id", sa.BigInteger()), (field.name, field.column_type())))
    statement = sa.update(target).where(target.c.id == sa.bindparam("id_"))
    statement = statement.values({field.name: sa.bindparam("new_", type_=field.column_type())})
    rows: list[dict[str, Any]] = []
    for id, value in _values(conn, table, source, old):
        new = converted(field, value, reader)
        new = otherwise if new is None else new
        rows += [] if new is None else [{"id_": id, "new_": new}]
        if len(rows) >= CHUNK:
            conn.execute(statement, rows)
            rows = []
    if rows:
        conn.execute(statement, rows)


def converted(field: Field, value: Any, reader: Reader) -> Any:
    """The value as the field keeps it, None when it does not fit."""
    for raw in dict.fromkeys(_raw_forms(value)):
        try:
            return field.parse(raw, reader)
        except Invalid:
            continue
    return None


def _raw_forms(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield from ("true", "1") if value else ("false", "0")
    elif isinstance(value, Decimal):
        yield format(value, "f")
        if value == value.to_integral_value():
            yield format(value.to_integral_value(), "f")
    elif isinstance(value, dt.datetime):
        yield from (value.isoformat(), value.date().isoformat())
    elif isinstance(value, dt.date | dt.time):
        yield value.isoformat()
    elif isinstance(value, dt.timedelta):
        yield str(int(value.total_seconds()))
    elif isinstance(value, tuple):
        yield ",".join(map(str, value))
    else:
        yield str(value)


def _values(conn: sa.Connection, table: str, column: str, old: str) -> Iterator[tuple[int, Any]]:
    source = lightweight(table, (("id", sa.BigInteger()), (column, read_type(old))))
    last = 0
    while True:
        select = sa.select(source.c.id, source.c[column]).where(source.c[column].is_not(None), source.c.id > last)
        rows = conn.execute(select.order_by(source.c.id).limit(CHUNK)).all()
        yield from ((row[0], row[1]) for row in rows)
        if len(rows) < CHUNK:
            return
        last = rows[-1][0]
