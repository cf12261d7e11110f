"""What was said over lines, kept: written beside the result it led to, read by administrators, forgotten after a
while."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from engine.outside.exchanges import Exchange
from engine.storage.tables import Tables

KEPT_FOR = dt.timedelta(days=30)


def keep(
    conn: sa.Connection, tables: Tables, connection: str, exchanges: Iterable[Exchange], *, direction: str = "out",
    message_id: int | None = None, feed: str | None = None,
) -> None:  # fmt: skip
    rows = [
        {
            "connection": connection, "direction": direction, "operation": one.operation or None,
            "message_id": message_id, "feed": feed, "at": one.at, "seconds": round(one.seconds, 3),
            "method": one.method, "url": one.url, "status": one.status, "sent": one.sent or None,
            "answered": one.answered or None, "error": one.error or None,
        }
        for one in exchanges
    ]  # fmt: skip
    if rows:
        conn.execute(sa.insert(tables.exchange), rows)


def exchanges_of(
    conn: sa.Connection, tables: Tables, connection: str, *, message_id: int | None = None, before: int | None = None,
    failed: bool = False, limit: int = 50,
) -> list[Any]:  # fmt: skip
    """The newest first; ``before`` an id, to go on from there; ``failed``: only what was refused or not answered."""
    table = tables.exchange
    found = sa.select(table).where(table.c.connection == connection).order_by(table.c.id.desc()).limit(limit)
    if message_id is not None:
        found = found.where(table.c.message_id == message_id)
    if before is not None:
        found = found.where(table.c.id < before)
    if failed:
        found = found.where(sa.or_(table.c.status.is_(None), table.c.status >= 400))
    return list(conn.execute(found))


def forget(conn: sa.Connection, tables: Tables, now: dt.datetime) -> int:
    return conn.execute(sa.delete(tables.exchange).where(tables.exchange.c.at < now - KEPT_FOR)).rowcount
