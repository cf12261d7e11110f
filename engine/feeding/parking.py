"""Arrivals that wait for what they need: for their record, or until ``ready`` holds.

They are looked at again as soon as a record they are found by is saved, and now and then, less often the longer they
wait: what ``ready`` asks may lie elsewhere.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.calendars import seconds_of
from engine.errors import Message, message
from engine.feeds import Feed
from engine.intake import as_input
from engine.storage.prepared import value

if TYPE_CHECKING:
    from engine.application import Application
    from engine.passage import Walk
    from engine.sight import Row

SOONEST, LATEST = dt.timedelta(minutes=1), dt.timedelta(hours=1)  # between two looks
MOST = 100  # that one saved record wakes; the rest looks again by itself


def awaits(walk: Walk, feed: Feed, match: Mapping[str, Any]) -> str:
    """The digest of what its record is found by. Raises Invalid where the fields cannot hold it."""
    fields, reader = walk.app.plans.form(feed.form).fields, walk.sight.names["reader"]
    return _digest(feed, {name: fields[name].parse(as_input(one), reader) for name, one in match.items()})


def _digest(feed: Feed, values: Mapping[str, Any]) -> str:
    told = json.dumps([feed.form, sorted((name, str(one)) for name, one in values.items())])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def park(app: Application, conn: sa.Connection, feed: Feed, arrival: Any, became: Any) -> dt.datetime | None:
    """When it is looked at again; None when it has waited long enough."""
    now = app.clock()
    until: dt.datetime = arrival.until or now + dt.timedelta(seconds=seconds_of(feed.waits))
    if now >= until:
        return None
    from engine.feeding.telling import in_words

    table = app.tables.arrival
    parked = {"state": "parked", "reason": in_words(app, became.reason), "until": until, "awaits": became.awaits,
              "record_id": became.record_id}  # fmt: skip
    conn.execute(sa.update(table).where(table.c.id == arrival.id).values(parked))
    waited: dt.timedelta = now - arrival.at
    return min(until, now + min(LATEST, max(SOONEST, waited / 4)))


def waited_too_long(reason: Message | None) -> Message:
    return message("It waited too long. {reason}", reason=reason or "")


def record_saved(walk: Walk, form: str, row: Row) -> None:
    """A record was made or changed: what waits for it is taken now."""
    app = walk.app
    if form not in app.plans.awaited:
        return
    digests = {
        _digest(feed, {str(name): row.get(name) for name in feed.match})
        for feed in app.definition.feeds.values()
        if feed.form == form and (feed.ready is not None or not feed.creates)
    }
    for digest in digests:
        waiting = [one["message_id"] for one in _parked(walk).rows(walk.conn, {"awaits_": digest})]
        if waiting:
            table = app.tables.message
            parked = (table.c.id.in_(waiting), table.c.state == "parked")
            walk.conn.execute(sa.update(table).where(*parked).values(state="waiting", due_at=walk.now))
            for id in waiting:
                app.database.posted(walk.conn, id, walk.now)


def _parked(walk: Walk) -> Any:
    app = walk.app

    def build() -> Any:
        table = app.tables.arrival
        here = (table.c.awaits == value("awaits_"), table.c.awaits.is_not(None), table.c.message_id.is_not(None))
        return sa.select(table.c.message_id).where(*here).limit(MOST)

    return app.tables.statements.get(("arrivals that wait",), walk.conn.dialect, build)
