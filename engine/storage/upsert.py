"""Inserts that know what to do when the row is there already, and what is counted with them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engine.storage.tables import Tables


def insert(conn: sa.Connection, table: sa.Table) -> Any:
    """An insert with ``on_conflict_do_nothing`` and ``on_conflict_do_update``: both databases have them, SQLAlchemy's
    own ``insert`` has neither."""
    return (sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert)(table)


def count(conn: sa.Connection, tables: Tables, key: str, now: dt.datetime, seconds: int) -> int:
    """Count that something happened; answers how often it did in the present window of ``seconds``, this time
    included."""
    table, window = tables.rate, window_of(now, seconds)
    ends = dt.datetime.fromtimestamp((window + 1) * seconds, dt.UTC)
    first = insert(conn, table).values(key=key, window=window, hits=1, expires_at=ends)
    again = first.on_conflict_do_update(index_elements=["key", "window"], set_={"hits": table.c.hits + 1})
    return int(conn.scalar(again.returning(table.c.hits)) or 0)


def window_of(now: dt.datetime, seconds: int) -> int:
    """The number of the window of time that ``now`` is in."""
    return int(now.timestamp()) // seconds
