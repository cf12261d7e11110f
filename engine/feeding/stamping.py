"""The record that says up to when a feed has read everything, also when nothing was new.

It is written by a message that waits until everything of the round has been taken: whoever sees the stamp sees records
that are as fresh.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import sqlalchemy as sa

from engine import matching, walking
from engine.application import Application
from engine.errors import AppmillError
from engine.feeding.knowing import feed_of
from engine.feeding.taking import walk_of
from engine.feeds import Feed
from engine.jobs.claiming import Outcome, ring_next
from engine.performing import Request
from engine.storage.automation import in_state
from engine.storage.feeds import TROUBLE
from engine.storage.upsert import insert

AGAIN = dt.timedelta(seconds=1)  # until it is looked again whether everything is taken
LOG = logging.getLogger("appmill.feeds")


def post(app: Application, conn: sa.Connection, feed: Feed, source: str, moment: dt.datetime) -> None:
    """Leave the message: everything that was there at ``moment`` was read of this connection."""
    if feed.stamp is None:
        return
    table, now = app.tables.message, app.clock()
    lane = f"stamp:{feed.stable_id}:{source}"
    effect = {"feed": feed.stable_id, "source": source, "moment": moment.isoformat()}
    row = {"key": f"{lane}:{moment.isoformat()}", "kind": "stamp", "lane": lane, "effect": effect, "due_at": now,
           "state": "waiting", "definition": app.definition.hash, "created_at": now}  # fmt: skip
    leaving = insert(conn, table).values(row).on_conflict_do_nothing().returning(table.c.id)
    left = conn.execute(leaving).scalar_one_or_none()
    if left is not None:  # a shop may tell the same moment twice
        app.database.posted(conn, left, now)


def perform(app: Application, conn: sa.Connection, row: Any) -> Outcome:
    """``row``: a due message of kind ``stamp``, in the caller's transaction."""
    if row.is_behind:
        return Outcome("not_now")
    table, now = app.tables.message, app.clock()
    mine = sa.update(table).where(table.c.id == row.id)
    if _is_waited_for(app, conn, row):
        conn.execute(mine.values(state="parked", due_at=now + AGAIN))
        return Outcome("parked", due=now + AGAIN)
    feed = feed_of(app, row.effect["feed"])
    if feed is not None and feed.stamp is not None:
        _stamp(app, conn, feed, row.effect["source"], dt.datetime.fromisoformat(row.effect["moment"]))
    done = {"state": "done", "attempts": row.attempts + 1, "started_at": now, "done_at": now, "error": None}
    conn.execute(mine.values(done))
    return Outcome("done", next=ring_next(app, conn, row))


def _is_waited_for(app: Application, conn: sa.Connection, row: Any) -> bool:
    """Whether something that was read before it is still to be taken."""
    table = app.tables.arrival
    these = (table.c.feed == row.effect["feed"], table.c.connection == row.effect["source"])
    waiting = (in_state(table, *TROUBLE), in_state(table, "waiting"), table.c.at <= row.created_at)
    return conn.execute(sa.select(table.c.id).where(*these, *waiting).limit(1)).first() is not None


def _stamp(app: Application, conn: sa.Connection, feed: Feed, source: str, moment: dt.datetime) -> None:
    """A record that refuses keeps no feed from reading on."""
    try:
        with conn.begin_nested():
            _walk(app, conn, feed, source, moment)
    except AppmillError as error:
        LOG.warning("the stamp of the feed %s was refused: %s", feed.name, error)


def _walk(app: Application, conn: sa.Connection, feed: Feed, source: str, moment: dt.datetime) -> None:
    assert feed.stamp is not None  # looked at by the caller
    walk, form = walk_of(app, conn, feed), feed.stamp.form
    names = {**walk.sight.names, "source": source}
    match = {str(name): app.plans.compile(each).evaluate(names) for name, each in feed.stamp.match.items()}
    id = matching.find(walk, form, match) or matching.in_turn(walk, form, match)
    values = {str(feed.stamp.field): moment, **({} if id is not None else match)}
    walking.obey(walk, Request(form, id, values))
