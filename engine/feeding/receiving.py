"""A webhook of a system that a feed reads: judged by its connector, kept with what takes it in one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import pausing
from engine.application import Application
from engine.connectors import Connection, Forged, Pushed, Told
from engine.errors import DeliveryFailed
from engine.faults import point
from engine.feeding import reading, rows
from engine.feeding.keeping import keep
from engine.feeding.knowing import reading_of
from engine.feeds import Feed
from engine.jobs.trying import in_transaction
from engine.outside.exchanges import Exchange, readable
from engine.storage import exchanges, upsert

LARGEST = 1_000_000
PER_MINUTE = 12_000  # from one address, for one feed and connection: shops tell of an order twice, 50 times a second
KEPT_REFUSALS = 20  # per feed, connection and minute
LOG = logging.getLogger("appmill.feeds")
_SECRET = re.compile("authoriz|cookie|token|secret|sign|hmac|password|key", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """What came in. ``headers`` by lower-case name."""

    feed: str
    connection: str
    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    address: str


def receive(app: Application, call: Call) -> int:
    """The status it is answered with. 202: kept; 200: it was there already, or told nothing; 401, 404, 429: refused;
    503: it may come again, because the other side had to be asked for more and did not answer."""
    now = app.clock()
    found = _pushed(app, call)
    with app.database.write() as conn:
        place = name_of(*found) if found else "-"
        often = upsert.count(conn, app.tables, f"feed:{place}:{call.address}", now, 60)
    if often > PER_MINUTE:
        return 429
    if found is None:
        return 404
    feed, connection = found
    try:
        told = reading.told(app, feed, connection, Pushed(call.body, call.headers, call.query, now))
    except Forged as forged:
        _note_refused(app, feed, connection, call, 401, _reason(app, forged))
        return 401
    except DeliveryFailed as failed:
        LOG.warning("a webhook of %s for %s: %s", connection.name, feed.name, _reason(app, failed))
        _note_refused(app, feed, connection, call, 503, _reason(app, failed))
        return 503
    if told is None:
        with app.database.write() as conn:
            _said(app, conn, feed, connection, call, 200)
        return 200
    return in_transaction(app, lambda conn: _accept(app, conn, feed, connection, call, told))


def name_of(feed: Feed, connection: Connection) -> str:
    """What its deliveries are noted under."""
    return f"feed:{feed.stable_id}:{connection.name}"


def _pushed(app: Application, call: Call) -> tuple[Feed, Connection] | None:
    feed, connection = app.definition.feeds.get(call.feed), app.definition.connections.get(call.connection)
    if feed is None or connection is None or call.connection not in feed.from_:
        return None
    offered = reading_of(connection, feed)
    return (feed, connection) if offered is not None and offered.pushed else None


def _reason(app: Application, error: Exception) -> str:
    return app.secrets.mask(pausing.in_words(app, error))


def _accept(app: Application, conn: sa.Connection, feed: Feed, connection: Connection, call: Call, told: Told) -> int:
    table, now = app.tables.delivery, app.clock()
    named = {"once": told.delivery[:200] or None, "seal": None if told.delivery else _seal(call)}
    row = {**_row(feed, connection, call, now, 202), **named}
    id = conn.scalar(upsert.insert(conn, table).values(row).on_conflict_do_nothing().returning(table.c.id))
    if id is None:
        same = (table.c.rule == row["rule"], *(table.c[name] == one for name, one in named.items() if one is not None))
        conn.execute(sa.update(table).where(*same).values(repeats=table.c.repeats + 1))
        _said(app, conn, feed, connection, call, 200)
        return 200
    point("webhook kept")
    found = keep(app, conn, feed, connection.name, told.items, "pushed")
    rows.told(app, conn, feed.stable_id, connection.name, now, found)
    _said(app, conn, feed, connection, call, 202)
    point("before webhook is committed")
    return 202


def _seal(call: Call) -> str:
    """Of one whose sender has no name for it: what it says and how it is signed, which nobody signs twice."""
    signs = sorted((name, text) for name, text in call.headers.items() if _SECRET.search(name))
    return hashlib.sha256(call.body + repr((signs, sorted(call.query.items()))).encode()).hexdigest()


def _note_refused(app: Application, feed: Feed, connection: Connection, call: Call, status: int, reason: str) -> None:
    now = app.clock()
    with app.database.write() as conn:
        if upsert.count(conn, app.tables, f"refused:{name_of(feed, connection)}", now, 60) <= KEPT_REFUSALS:
            row = _row(feed, connection, call, now, status)
            conn.execute(sa.insert(app.tables.delivery).values(**row, reason=reason))
            _said(app, conn, feed, connection, call, status, reason)


def _said(
    app: Application, conn: sa.Connection, feed: Feed, connection: Connection, call: Call, status: int,
    error: str = "",
) -> None:  # fmt: skip
    """Keep what was said beside what is said outwards."""
    body = app.secrets.mask(readable(call.body, call.headers.get("content-type", "application/json")))
    path = f"/feeds/{feed.name}/{connection.name}"
    said = Exchange(feed.read, "POST", path, app.clock(), 0.0, status, body, error=error)
    exchanges.keep(conn, app.tables, connection.name, [said], direction="in", feed=feed.stable_id)


def _row(feed: Feed, connection: Connection, call: Call, now: dt.datetime, status: int) -> dict[str, Any]:
    shown = {name: text[:300] for name, text in list(call.headers.items())[:50] if not _SECRET.search(name)}
    return {
        "rule": name_of(feed, connection), "path": f"{feed.name}/{connection.name}", "at": now,
        "address": call.address, "headers": shown, "size": len(call.body), "status": status,
    }  # fmt: skip
