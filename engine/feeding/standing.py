"""How feeds stand, for screens and the command line: by indexes, however many arrivals there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.connectors import Connection, Reading
from engine.feeding import filling, knowing
from engine.feeds import Feed
from engine.storage.automation import in_state
from engine.storage.feeds import TROUBLE

MOST = 1000  # that are counted of one state: "more than" is enough for a screen
CLEARED_AFTER = dt.timedelta(days=90)
BATCH = 5000


@dataclass(frozen=True)
class FillLine:
    """A back-fill under way. ``items``: so many things came so far."""

    job: int
    since: dt.datetime
    until: dt.datetime
    items: int
    cancelled: bool


@dataclass(frozen=True)
class FeedLine:
    """One feed and connection. ``lag``: how long ago everything was known: since the last look that went well, or the
    last word of the other side; None before the first. ``waiting``, ``parked``, ``failed``: arrivals, at most
    ``MOST`` are counted. ``error``: of the last look, None where it went well."""

    feed: Feed
    connection: Connection
    reading: Reading
    last_ok: dt.datetime | None = None
    told_at: dt.datetime | None = None
    lag: dt.timedelta | None = None
    failures: int = 0
    error: str | None = None
    waiting: int = 0
    parked: int = 0
    failed: int = 0
    arrivals: int = 0
    next_look: dt.datetime | None = None
    fills: tuple[FillLine, ...] = field(default=())


def standing(app: Application) -> list[FeedLine]:
    """Every feed with each of its connections, in the order of the definition."""
    now = app.clock()
    with app.database.read() as conn:
        table = app.tables.feed
        rows = {(row.feed, row.connection): row for row in conn.execute(sa.select(table).where(table.c.span == ""))}
        fills = filling.under_way(app, conn)
        return [
            _line(app, conn, pair, rows.get((pair[0].stable_id, pair[1].name)), fills, now)
            for pair in knowing.pairs(app)
        ]


def _line(
    app: Application, conn: sa.Connection, pair: tuple[Feed, Connection, Reading], row: Any, fills: list[Any],
    now: dt.datetime,
) -> FeedLine:  # fmt: skip
    feed, connection, reading = pair
    waiting, parked, failed = (_count(app, conn, feed, connection, state) for state in TROUBLE)
    mine = tuple(_fill(one) for one in fills if _is_of(one.params, feed, connection))
    if row is None:
        return FeedLine(feed, connection, reading, waiting=waiting, parked=parked, failed=failed, fills=mine)
    heard = max((each for each in (row.last_ok, row.told_at) if each is not None), default=None)
    return FeedLine(
        feed, connection, reading, last_ok=row.last_ok, told_at=row.told_at, lag=now - heard if heard else None,
        failures=row.failures, error=row.error, arrivals=row.arrivals, fills=mine,
        next_look=row.due_at if reading.pulled else None, waiting=waiting, parked=parked, failed=failed,
    )  # fmt: skip


def _count(app: Application, conn: sa.Connection, feed: Feed, connection: Connection, state: str) -> int:
    table = app.tables.arrival
    here = (table.c.feed == feed.stable_id, table.c.connection == connection.name)
    some = sa.select(table.c.id).where(*here, in_state(table, *TROUBLE), table.c.state == state).limit(MOST)
    return int(conn.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0)


def _is_of(params: Mapping[str, Any], feed: Feed, connection: Connection) -> bool:
    return params["feed"] == feed.stable_id and connection.name in params["connections"]


def _fill(job: Any) -> FillLine:
    since, until = (dt.datetime.fromisoformat(job.params[name]) for name in ("since", "until"))
    return FillLine(job.id, since, until, job.progress, job.cancel)


# --- clearing away ---------------------------------------------------------------------------------------------------


def clear(app: Application, now: dt.datetime) -> int:
    """The data of what was taken or skipped long ago goes, the rows stay: what comes again is still known."""
    table, done = app.tables.arrival, 0
    over = (table.c.taken_at < now - CLEARED_AFTER, table.c.data.is_not(None), table.c.taken_at.is_not(None),
            table.c.state.in_(("taken", "skipped")))  # fmt: skip
    some = sa.select(table.c.id).where(*over).limit(BATCH)
    while True:
        with app.database.write() as conn:
            cleared = conn.execute(sa.update(table).where(table.c.id.in_(some)).values(data=sa.null())).rowcount
        done += cleared
        if cleared < BATCH:
            return done
