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

INSIDE = ("go_on", "fire", "for_each", "ask", "take", "stamp")  # what concerns this application only
IN_A_ROW = 20  # messages a thread delivers one after the other before others have their turn
After = Literal["ring", "tell", "leave"]  # what is done about the message that waited for one that is delivered
State = Literal["done", "again", "dead", "unsure", "parked", "cancelled", "gone", "not_now", "lost"]


@dataclass(frozen=True)
class Outcome:
    """What became of a message. ``gone``: it is not to be delivered (now); ``not_now``: something has to be over first;
    ``lost``: somebody else took it over meanwhile. ``due``: when it is tried again. ``next``: a message that waited for
    this one, which whoever delivers goes on with."""

    state: State
    connection: str | None = None
    due: dt.datetime | None = None
    next: int | None = None


@dataclass(frozen=True)
class Claimed:
    """A message in our hands. ``row`` is its row in ``_message``; ``attempt`` counts from 1; ``works``: its connection
    is known to."""

    row: Any
    token: str
    attempt: int
    works: bool = False

    @property
    def id(self) -> int:
        return int(self.row.id)


def waiting(app: Application, conn: sa.Connection, id: int) -> Any:
    """The row of a message that may be delivered now, kept from other processes until the transaction ends, with
    ``is_behind`` another of its lane and the ``rule`` of its run; None when it may not, or another process has it."""

    def build() -> Any:
        table, run = app.tables.message, app.tables.run
        rule = sa.select(run.c.rule).where(run.c.id == table.c.run_id).scalar_subquery().label("rule")
        now = value("now_", table.c.due_at.type)
        due = (table.c.id == value("id_"), in_state(table, *OPEN_MESSAGES), table.c.due_at <= now)
        found = sa.select(table, is_behind(app).label("is_behind"), rule).where(*due)
        return found.with_for_update(of=table, skip_locked=True)

    prepared = app.tables.statements.get(("waiting message",), conn.dialect, build)
    return prepared.one(conn, {"id_": id, "now_": app.clock()})


def claim(app: Application, conn: sa.Connection, row: Any, desk: Desk) -> Claimed | Outcome:
    """Take the message, unless its lane or its connection is not free."""
    if row.is_behind:
        return Outcome("not_now", None)
    if not desk.has_room(row.connection or ""):
        return Outcome("not_now", row.connection)
    connection = app.definition.connections.get(row.connection) if row.connection else None
    health = breaker.locked(app, conn, connection.name) if connection is not None else None
    if connection is not None and not _is_admitted(app, conn, connection, health, desk):
        return Outcome("not_now", row.connection)
    token, now, table = desk.token(), app.clock(), app.tables.message
    sending = connection is not None and connection.unsure == "repeat"  # nobody will ask, so nobody is told each time
    taken = {
        "token": token, "lease_until": desk.lease_until(now), "attempts": row.attempts + 1, "started_at": now,
        "sending": sending,
    }  # fmt: skip

    def build() -> Any:
        new = {name: value(f"new_{name}", table.c[name].type) for name in taken}
        return sa.update(table).where(table.c.id == value("id_")).values(state="claimed", **new)

    prepared = app.tables.statements.get(("claim message",), conn.dialect, build)
    prepared.execute(conn, {"id_": row.id, **{f"new_{name}": each for name, each in taken.items()}})
    return Claimed(row, token, row.attempts + 1, breaker.is_known_to_work(health, now))


def _is_admitted(app: Application, conn: sa.Connection, connection: Connection, health: Any, desk: Desk) -> bool:
    under_way = calls_under_way(app, conn, connection.name)
    admission = breaker.admits(health, under_way, app.clock(), desk.terms)
    if admission == "probe":
        breaker.probing(app, conn, connection.name)
    return admission != "no" and under_way < connection.together


def calls_under_way(app: Application, conn: sa.Connection, connection: str) -> int:
    def build() -> Any:
        table = app.tables.message
        claimed = (table.c.connection == value("connection_"), in_state(table, "claimed"))
        return sa.select(sa.func.count().label("calls")).select_from(table).where(*claimed)

    prepared = app.tables.statements.get(("calls under way",), conn.dialect, build)
    return int(prepared.scalar(conn, {"connection_": connection}))


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
    def build() -> Any:
        table = app.tables.message
        ours = (table.c.id == value("id_"), table.c.state == "claimed", table.c.token == value("ours_"))
        new = {name: value(f"new_{name}", table.c[name].type) for name in values}
        return sa.update(table).where(*ours).values(**new)

    prepared = app.tables.statements.get(("change claimed", tuple(values)), conn.dialect, build)
    given = {"id_": claimed.id, "ours_": claimed.token, **{f"new_{name}": each for name, each in values.items()}}
    return bool(prepared.execute(conn, given).rowcount)


def ring_next(
    app: Application, conn: sa.Connection, row: Any, *, lane: bool = True, after: After = "ring"
) -> int | None:
    """Ring for what waited for this message. ``lane``: not only for its connection; with ``tell`` one that is due is
    not rung for but answered, for the caller to go on with; with ``leave`` the caller goes on with another."""
    following = _following(app, conn, row, lane) if after != "leave" else None
    if following is None:
        return None
    id, due = following
    if after == "tell" and due <= app.clock():
        return id
    app.database.posted(conn, id, due)
    return None


def _following(app: Application, conn: sa.Connection, row: Any, lane: bool) -> tuple[int, dt.datetime] | None:
    """(id, due) of what waited for this message: the next of its connection, which the next of its lane is among; or of
    its lane, unless it has to be tried again."""
    if row.connection is not None:
        now = app.clock()
        id = _next_of(app, conn, row.connection, now)
        return None if id is None else (id, now)
    first = _next_of_lane(app, conn, row) if row.lane is not None and lane else None
    return None if first is None else (first.id, first.due_at)


def _next_of_lane(app: Application, conn: sa.Connection, row: Any) -> Any:
    def build() -> Any:
        table = app.tables.message
        here = (table.c.lane == value("lane_"), in_state(table, *IN_LANE), table.c.id > value("id_"))
        following = sa.select(table.c.id, table.c.due_at).where(*here, in_state(table, "waiting"))
        return following.order_by(table.c.id).limit(1)

    prepared = app.tables.statements.get(("next of lane",), conn.dialect, build)
    return prepared.one(conn, {"lane_": row.lane, "id_": row.id})


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
        first = sa.select(table.c.id).where(*free).order_by(table.c.due_at, table.c.id).limit(1)
        return first.with_for_update(of=table, skip_locked=True)  # of two that look, each finds another

    prepared = app.tables.statements.get(("next of connection",), conn.dialect, build)
    found: int | None = prepared.scalar(conn, {"connection_": connection, "now_": now})
    return found
