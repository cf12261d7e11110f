"""What is hashed of an event: its content as canonical JSON, read in a way that nothing stored can stop.

Canonical: one JSON object with sorted keys, ASCII, no spaces; columns that are empty are left out, so that a column of
a later version changes no leaf. Moments are ISO 8601 in UTC with microseconds. Both databases give the same leaf.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from engine.fields.columns import Moment
from engine.storage.events import COLUMNS
from engine.storage.prepared import driver_of

Content = dict[str, Any]  # column → value as the database keeps it; JSON is its text
PAGE = 2000

_OF_JSON = ("changes", "trace", "names")
_ISO = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def leaf(content: Content) -> bytes:
    """The SHA-256 of a row, 32 bytes. JSON that cannot be read is somebody's doing and gives a leaf of its own."""
    said = {name: value for name, value in content.items() if value is not None}
    try:
        for name in _OF_JSON:
            if name in said:
                said[name] = json.loads(said[name])
        return hashlib.sha256(_encode(said).encode()).digest()
    except (ValueError, TypeError, RecursionError):
        return hashlib.sha256(b"unreadable" + ascii(sorted(content.items())).encode()).digest()


def rows(
    conn: sa.Connection, table: sa.Table, *where: sa.ColumnElement[bool], by: Sequence[str] = ("id",), page: int = PAGE
) -> Iterator[Content]:
    """All rows in the order of the columns ``by``, which tell them apart, a page in memory at a time."""
    after: tuple[Any, ...] | None = None
    key = [table.c[name] for name in by]
    while True:
        more = () if after is None else (_later(key, after),)
        found = read(conn, table, *where, *more, by=by, most=page)
        yield from found
        if len(found) < page:
            return
        after = tuple(found[-1][name] for name in by)


def _later(key: Sequence[sa.Column[Any]], after: tuple[Any, ...]) -> sa.ColumnElement[bool]:
    later: sa.ColumnElement[bool] = key[0] > after[0] if len(key) == 1 else sa.tuple_(*key) > after
    return later


def read(
    conn: sa.Connection, table: sa.Table, *where: sa.ColumnElement[bool], by: Sequence[str] = ("id",), most: int
) -> list[Content]:
    """The first ``most`` rows, in the order of ``by``."""
    names = COLUMNS if table.name == "_event" else tuple(table.c.keys())
    columns = [_as_kept(table.c[name], conn.dialect.name).label(name) for name in names]
    query = sa.select(*columns).where(*where).order_by(*(table.c[name] for name in by)).limit(most)
    return [dict(zip(names, row, strict=True)) for row in conn.execute(query)]


def _as_kept(column: sa.Column[Any], dialect: str) -> sa.ColumnElement[Any]:
    """No conversion on the way: a moment or a JSON text that makes no sense would end the reading."""
    sqlite = dialect == "sqlite"
    if isinstance(column.type, Moment):
        if sqlite:
            return sa.func.replace(sa.type_coerce(column, sa.Text), " ", "T") + "+00:00"
        return sa.func.to_char(sa.func.timezone("UTC", column), _ISO)
    if isinstance(column.type, sa.JSON) and not sqlite:
        return sa.cast(column, sa.Text)
    return sa.type_coerce(column, sa.types.NullType())


@contextmanager
def forgiving(conn: sa.Connection) -> Iterator[None]:
    """Bytes that are no UTF-8 are read as such within, on SQLite, which keeps whatever it is given."""
    if conn.dialect.name != "sqlite":
        yield
        return
    driver = driver_of(conn)
    usual = driver.text_factory
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = usual
