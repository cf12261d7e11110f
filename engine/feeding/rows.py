"""The rows of ``_feed``: whose turn it is, and who has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.connectors import Connection, Reading
from engine.feeds import Feed
from engine.processes import is_gone, new_name
from engine.storage.automation import OPEN_MESSAGES, in_state
from engine.storage.upsert import insert

MOST = 200  # that are due at once


def enter(app: Application, pulled: Sequence[tuple[Feed, Connection, Reading]], now: dt.datetime) -> None:
    """Feeds and connections that were not read before are due now."""
    table, wanted = app.tables.feed, {(feed.stable_id, connection.name) for feed, connection, _reading in pulled}
    with app.database.read() as conn:
        known = sa.select(table.c.feed, table.c.connection).where(table.c.span == "")
        there = {(row.feed, row.connection) for row in conn.execute(known)}
    if wanted <= there:
        return
    with app.database.write() as conn:
        for feed, connection in sorted(wanted - there):
            row = {"feed": feed, "connection": connection, "span": "", "due_at": now}
            conn.execute(insert(conn, table).values(row).on_conflict_do_nothing())


def told(app: Application, conn: sa.Connection, feed: str, connection: str, now: dt.datetime, found: int) -> None:
    """A webhook told something."""
    table = app.tables.feed
    row = {"feed": feed, "connection": connection, "span": "", "due_at": now, "told_at": now, "arrivals": found}
    first = insert(conn, table).values(row)
    again = {"told_at": now, "arrivals": table.c.arrivals + found}
    conn.execute(first.on_conflict_do_update(index_elements=["feed", "connection", "span"], set_=again))


def due(app: Application, pulled: Sequence[tuple[Feed, Connection, Reading]], now: dt.datetime) -> list[Any]:
    table = app.tables.feed
    here = (table.c.feed.in_({feed.stable_id for feed, _connection, _reading in pulled}),
            table.c.connection.in_({connection.name for _feed, connection, _reading in pulled}))  # fmt: skip
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now)
    query = sa.select(table).where(table.c.due_at <= now, free, *here).order_by(table.c.due_at, table.c.id).limit(MOST)
    with app.database.read() as conn:
        return [SimpleNamespace(**row) for row in conn.execute(query).mappings()]


def claim(app: Application, row: Any, now: dt.datetime, lease: dt.timedelta) -> str | None:
    """The token by which the row is ours; None when somebody was faster."""
    table, token = app.tables.feed, new_name()
    same = table.c.token.is_(None) if row.token is None else table.c.token == row.token
    cursor = (table.c.parts == row.parts, table.c.due_at == row.due_at, same)
    with app.database.write() as conn:
        taken = sa.update(table).where(table.c.id == row.id, *cursor).values(token=token, lease_until=now + lease)
        return token if conn.execute(taken).rowcount else None


def free_gone(app: Application) -> None:
    """What processes held that are known to have ended is free."""
    table, now = app.tables.feed, app.clock()
    with app.database.read() as conn:
        held = conn.scalars(sa.select(table.c.token).where(table.c.lease_until > now).limit(MOST)).all()
    if gone := [token for token in held if is_gone(token)]:
        with app.database.write() as conn:
            conn.execute(sa.update(table).where(table.c.token.in_(gone)).values(lease_until=now))


def renew(app: Application, tokens: Sequence[str], until: dt.datetime) -> None:
    """The claims that are still held last until then."""
    table = app.tables.feed
    with app.database.write() as conn:
        conn.execute(sa.update(table).where(table.c.token.in_(tokens)).values(lease_until=until))


def change(app: Application, conn: sa.Connection, id: int, token: str, new: Mapping[str, Any]) -> bool:
    """Whether the claim was still ours, and the row is changed."""
    table = app.tables.feed
    return bool(conn.execute(sa.update(table).where(table.c.id == id, table.c.token == token).values(new)).rowcount)


def count(app: Application, conn: sa.Connection, id: int, found: int) -> None:
    if found:
        table = app.tables.feed
        conn.execute(sa.update(table).where(table.c.id == id).values(arrivals=table.c.arrivals + found))


def one(app: Application, conn: sa.Connection, id: int) -> Any:
    return conn.execute(sa.select(app.tables.feed).where(app.tables.feed.c.id == id)).first()


def next_due(app: Application, pulled: Sequence[tuple[str, str]]) -> dt.datetime | None:
    table = app.tables.feed
    waiting = sa.func.coalesce(table.c.lease_until, table.c.due_at)
    query = sa.select(table.c.feed, table.c.connection, table.c.due_at, table.c.lease_until).order_by(waiting)
    with app.database.read() as conn:
        known = [row for row in conn.execute(query.limit(MOST)) if (row.feed, row.connection) in pulled]
    return min((max(row.due_at, row.lease_until or row.due_at) for row in known), default=None)


def now_due(app: Application, feed: Feed, connections: Sequence[str]) -> None:
    """Look as soon as possible, whatever failed before."""
    table = app.tables.feed
    mine = (table.c.feed == feed.stable_id, table.c.connection.in_(connections), table.c.span == "")
    with app.database.write() as conn:
        conn.execute(sa.update(table).where(*mine).values(due_at=app.clock()))


def is_due(app: Application, span: str) -> bool:
    """Whether some part of a back-fill could be read now."""
    table, now = app.tables.feed, app.clock()
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now)
    with app.database.read() as conn:
        found = conn.execute(sa.select(table.c.id).where(table.c.span == span, table.c.due_at <= now, free).limit(1))
        return found.first() is not None


def untaken(app: Application, limit: int = 200) -> list[int]:
    """The messages that take arrivals and are due now, the first first."""
    table = app.tables.message
    due = (in_state(table, *OPEN_MESSAGES), table.c.connection.is_(None), table.c.due_at <= app.clock())
    query = sa.select(table.c.id).where(*due, table.c.kind == "take").order_by(table.c.due_at, table.c.id).limit(limit)
    with app.database.read() as conn:
        return list(conn.scalars(query))
