"""Who delivers a message: exactly one process at a time, in the order of its lane, as many of a connection at once as
it allows. Every step is a compare-and-set, so that whoever comes too late does nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from engine.application import Application
from engine.connectors import Connection
from engine.jobs import breaker
from engine.jobs.desk import Desk
from engine.storage.automation import IN_LANE, OPEN_MESSAGES, in_state
from engine.storage.prepared import value

INSIDE = ("go_on", "fire", "for_each")  # what concerns this application only
State = Literal["done", "again", "dead", "unsure", "parked", "cancelled", "gone", "not_now", "lost"]


@dataclass(frozen=True)
class Outcome:
    """What became of a message. ``gone``: it is not to be delivered (now); ``not_now``: something has to be over first;
    ``lost``: somebody else took it over meanwhile. ``due``: when it is tried again."""

    state: State
    connection: str | None = None
    due: dt.datetime | None = None


@dataclass(frozen=True)
class Claimed:
    """A message in our hands. ``row`` is its row in ``_message``; ``attempt`` counts from 1."""

    row: Any
    token: str
    attempt: int

    @property
    def id(self) -> int:
        return int(self.row.id)


def waiting(app: Application, conn: sa.Connection, id: int) -> Any:
    """The row of a message that may be delivered now, kept from other processes until the transaction ends; None when
    it may not, or another process has it."""
    table = app.tables.message
    due = (table.c.id == id, in_state(table, *OPEN_MESSAGES), table.c.due_at <= app.clock())
    return conn.execute(sa.select(table).where(*due).with_for_update(skip_locked=True)).first()


def claim(app: Application, conn: sa.Connection, row: Any, desk: Desk) -> Claimed | Outcome:
    """Take the message, unless its lane or its connection is not free."""
    if row.lane is not None and _is_behind(app, conn, row):
        return Outcome("not_now", None)
    connection = app.definition.connections.get(row.connection) if row.connection else None
    if connection is not None and not _is_admitted(app, conn, connection, desk):
        return Outcome("not_now", row.connection)
    token, now, table = desk.token(), app.clock(), app.tables.message
    sending = connection is not None and connection.unsure == "repeat"  # nobody will ask, so nobody is told each time
    taken = {
        "state": "claimed", "token": token, "lease_until": desk.lease_until(now), "attempts": row.attempts + 1,
        "started_at": now, "sending": sending,
    }  # fmt: skip
    conn.execute(sa.update(table).where(table.c.id == row.id).values(taken))
    return Claimed(row, token, row.attempts + 1)


def _is_behind(app: Application, conn: sa.Connection, row: Any) -> bool:
    table = app.tables.message
    earlier = (table.c.lane == row.lane, table.c.id < row.id, in_state(table, *IN_LANE))
    return conn.execute(sa.select(table.c.id).where(*earlier).limit(1)).first() is not None


def _is_admitted(app: Application, conn: sa.Connection, connection: Connection, desk: Desk) -> bool:
    if not desk.has_room(connection.name):
        return False
    health = breaker.locked(app, conn, connection.name)
    under_way = calls_under_way(app, conn, connection.name)
    admission = breaker.admits(health, under_way, app.clock(), desk.terms)
    if admission == "probe":
        breaker.probing(app, conn, connection.name)
    return admission != "no" and under_way < connection.together


def calls_under_way(app: Application, conn: sa.Connection, connection: str) -> int:
    table = app.tables.message
    claimed = (table.c.connection == connection, in_state(table, "claimed"))
    return conn.scalar(sa.select(sa.func.count()).select_from(table).where(*claimed)) or 0


def about_to_send(app: Application, claimed: Claimed) -> bool:
    """From here on nobody knows whether it arrived, until the result is kept; answers whether the claim still holds."""
    with app.database.write() as conn:
        return _change(app, conn, claimed, sending=True)


def finish(app: Application, conn: sa.Connection, claimed: Claimed, result: Any, state: str = "done") -> bool:
    """Keep the result; False when the claim is no longer ours, and then nothing may be changed."""
    return _change(
        app, conn, claimed, state=state, result=result, done_at=app.clock(), token=None, lease_until=None,
        sending=False, error=None,
    )  # fmt: skip


def _change(app: Application, conn: sa.Connection, claimed: Claimed, **values: Any) -> bool:
    table = app.tables.message
    ours = (table.c.id == claimed.id, table.c.state == "claimed", table.c.token == claimed.token)
    return bool(conn.execute(sa.update(table).where(*ours).values(**values)).rowcount)


def ring_next(app: Application, conn: sa.Connection, row: Any, *, lane: bool = True) -> None:
    """What waited for this message: the next of its lane (unless it has to be tried again), or of its connection."""
    table, now = app.tables.message, app.clock()
    following: dict[int, dt.datetime] = {}
    if row.lane is not None and lane:
        behind = (table.c.lane == row.lane, in_state(table, *IN_LANE), table.c.state == "waiting", table.c.id > row.id)
        first = conn.execute(sa.select(table.c.id, table.c.due_at).where(*behind).order_by(table.c.id).limit(1)).first()
        if first is not None:
            following[first.id] = first.due_at
    if row.connection is not None and not any(due <= now for due in following.values()):
        id = _next_of(app, conn, row.connection, now)
        if id is not None:
            following[id] = now
    for each, due in following.items():
        app.database.posted(conn, each, due)


def is_behind(app: Application) -> sa.ColumnElement[bool]:
    """Whether an earlier message of its lane is to be delivered before a message."""
    table = app.tables.message
    earlier = table.alias()
    before = (earlier.c.lane == table.c.lane, earlier.c.id < table.c.id, in_state(earlier, *IN_LANE))
    return sa.and_(table.c.lane.is_not(None), sa.select(earlier.c.id).where(*before).exists())


def _next_of(app: Application, conn: sa.Connection, connection: str, now: dt.datetime) -> int | None:
    """The first due message of a connection that is not behind another of its lane."""

    def build() -> Any:
        table = app.tables.message
        free = (
            in_state(table, *OPEN_MESSAGES), table.c.connection == value("connection_"),
            table.c.due_at <= value("now_", table.c.due_at.type), ~is_behind(app),
        )  # fmt: skip
        return sa.select(table.c.id).where(*free).order_by(table.c.due_at, table.c.id).limit(1)

    prepared = app.tables.statements.get(("next of connection",), conn.dialect, build)
    found: int | None = prepared.scalar(conn, {"connection_": connection, "now_": now})
    return found
