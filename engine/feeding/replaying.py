"""Arrivals are taken once more, after the mapping or what it needs was mended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.errors import Refused, message
from engine.feeding.keeping import post_take
from engine.feeding.knowing import lane_of
from engine.feeds import Feed
from engine.jobs.trying import in_transaction
from engine.storage.automation import in_state
from engine.storage.feeds import TROUBLE

AGAIN = ("failed", "parked", "skipped", "taken")
AT_ONCE = 100  # in one transaction
FRESH = {"state": "waiting", "reason": None, "until": None, "awaits": None, "taken_at": None}


def replay(app: Application, ids: Iterable[int]) -> int:
    """Take them again, as the definition says today; answers how many. What waits already, or whose data was cleared
    away, is left alone; an older version than the one that was taken is skipped again."""
    several, done = sorted(set(ids)), 0
    for start in range(0, len(several), AT_ONCE):
        some = several[start : start + AT_ONCE]
        done += in_transaction(app, lambda conn, some=some: _replay(app, conn, some))  # type: ignore[misc]
    return done


def _replay(app: Application, conn: sa.Connection, ids: Sequence[int]) -> int:
    table = app.tables.arrival
    wanted = (table.c.id.in_(ids), table.c.state.in_(AGAIN), table.c.data.is_not(None))
    columns = (table.c.id, table.c.feed, table.c.connection, table.c.item_key, table.c.message_id)
    found = conn.execute(sa.select(*columns).where(*wanted).order_by(table.c.id).with_for_update()).all()
    for row in found:
        conn.execute(sa.update(table).where(table.c.id == row.id).values(FRESH))
        _over(app, conn, row.message_id)
        lane = lane_of(row.feed, row.connection, row.item_key)
        post_take(app, conn, row.id, row.message_id, lane, in_turn=False)
    return len(found)


def _over(app: Application, conn: sa.Connection, message_id: int | None) -> None:
    """A dead letter that took the arrival before is nobody's trouble any more."""
    table = app.tables.message
    dead = (table.c.id == message_id, table.c.state == "dead")
    conn.execute(sa.update(table).where(*dead).values(state="cancelled"))


def revive(app: Application, conn: sa.Connection, letter: Any) -> None:
    """The arrival of a dead letter waits for it again. Raises Refused where there is nothing left to take."""
    table = app.tables.arrival
    mine = (table.c.id == letter.effect["arrival"], table.c.message_id == letter.id, table.c.data.is_not(None))
    if not conn.execute(sa.update(table).where(*mine).values(FRESH)).rowcount:
        raise Refused(message("This arrival was taken by another message, or its data was cleared away."))


def chosen(
    app: Application, feed: Feed, *, states: Sequence[str] = ("failed",), key: str | None = None,
    since: dt.datetime | None = None, limit: int = 10_000,
) -> list[int]:  # fmt: skip
    """The ids of arrivals of a feed in these states, of one thing or since a moment, oldest first."""
    table = app.tables.arrival
    known = (in_state(table, *TROUBLE),) if set(states) <= set(TROUBLE) else ()
    query = sa.select(table.c.id).where(table.c.feed == feed.stable_id, *known, table.c.state.in_(states))
    if key is not None:
        query = query.where(table.c.item_key == key)
    if since is not None:
        query = query.where(table.c.at >= since)
    with app.database.read() as conn:
        return list(conn.scalars(query.order_by(table.c.id).limit(limit)))
