"""Back-fills: a span of time is read once more, or for the first time, beside what the feed goes on to read.

Each is one ``_job``, with a row of ``_feed`` for every connection that is read; it survives restarts and can be
cancelled between two parts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.errors import Invalid, Refused, message
from engine.feeding.knowing import reading_of
from engine.feeds import Feed
from engine.people import Actor

KIND = "backfill"


def begin(
    app: Application, feed: Feed, since: dt.datetime, until: dt.datetime | None = None,
    connections: Sequence[str] = (), actor: Actor | None = None,
) -> int:  # fmt: skip
    """Begin to read what changed from ``since`` to ``until`` (now); answers the job. Raises Invalid or Refused."""
    now = app.clock()
    until = min(until or now, now)
    if since >= until:
        raise Invalid(message("A back-fill begins in the past and ends after it began."))
    several = tuple(connections) or tuple(feed.from_)
    for name in several:
        _refuse_unreadable(app, feed, name)
    params = {"feed": feed.stable_id, "connections": list(several), "since": since.isoformat(),
              "until": until.isoformat()}  # fmt: skip
    with app.database.write() as conn:
        job = {"kind": KIND, "state": "working", "params": params, "created_at": now, "started_at": now,
               "user_id": actor.id if actor is not None else None}  # fmt: skip
        id = int(conn.execute(sa.insert(app.tables.job).values(job)).inserted_primary_key[0])  # type: ignore[index]
        for name in several:
            row = {"feed": feed.stable_id, "connection": name, "span": str(id), "due_at": now, "since": since,
                   "until": until}  # fmt: skip
            conn.execute(sa.insert(app.tables.feed).values(row))
    return id


def _refuse_unreadable(app: Application, feed: Feed, name: str) -> None:
    connection = app.definition.connections.get(name)
    offered = reading_of(connection, feed) if connection is not None and name in feed.from_ else None
    if offered is None:
        raise Refused(message("The feed does not read of '{connection}'.", connection=name))
    if not (offered.pulled and offered.spans):
        raise Refused(message("'{connection}' cannot be asked for a span of time.", connection=name))


def cancel(app: Application, job: int) -> bool:
    """End it before its next part; answers whether it was still under way."""
    table = app.tables.job
    mine = (table.c.id == job, table.c.kind == KIND, table.c.state == "working")
    with app.database.write() as conn:
        return bool(conn.execute(sa.update(table).where(*mine).values(cancel=True)).rowcount)


def is_cancelled(app: Application, row: Any) -> bool:
    """Whether the back-fill whose row this is was cancelled; it is over then."""
    if not row.span:
        return False
    with app.database.read() as conn:
        wanted = conn.scalar(sa.select(app.tables.job.c.cancel).where(app.tables.job.c.id == int(row.span)))
    if not wanted:
        return False
    with app.database.write() as conn:
        _end(app, conn, row, "cancelled")
    return True


def progressed(app: Application, conn: sa.Connection, row: Any, items: int, *, over: bool) -> None:
    table = app.tables.job
    mine = table.c.id == int(row.span)
    conn.execute(sa.update(table).where(mine).values(progress=table.c.progress + items))
    if over:
        _end(app, conn, row, "done")


def _end(app: Application, conn: sa.Connection, row: Any, state: str) -> None:
    """This connection is read; the job is over with the last one."""
    feed, job = app.tables.feed, app.tables.job
    conn.execute(sa.update(job).where(job.c.id == int(row.span)).values(kind=KIND))  # two that end: one after the other
    conn.execute(sa.delete(feed).where(feed.c.id == row.id))
    left = conn.scalar(sa.select(sa.func.count()).select_from(feed).where(feed.c.span == row.span))
    if not left:
        over = sa.update(job).where(job.c.id == int(row.span))
        conn.execute(over.values(state=state, finished_at=app.clock()))


def under_way(app: Application, conn: sa.Connection) -> list[Any]:
    table = app.tables.job
    query = sa.select(table).where(table.c.kind == KIND, table.c.state == "working").order_by(table.c.id)
    return list(conn.execute(query.limit(100)))
