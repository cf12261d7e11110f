"""Arrivals as screens look for them: by indexes, a page at a time, without their data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.feeds import Feed
from engine.storage.automation import in_state
from engine.storage.feeds import TROUBLE

STATES = ("waiting", "parked", "failed", "taken", "skipped")
LAST = "\U0010ffff"  # sorts behind every character


@dataclass(frozen=True)
class Search:
    """``key``: what the names of things begin with; ``before``: the id of the last one of the page above."""

    state: str | None = None
    connection: str | None = None
    key: str = ""
    before: int | None = None


@dataclass(frozen=True)
class ArrivalLine:
    """An arrival as it is listed. ``is_cleared``: its data was cleared away."""

    id: int
    connection: str
    item_key: str
    version: str
    how: str
    at: dt.datetime
    state: str
    reason: str | None
    until: dt.datetime | None
    repeats: int
    form: str | None
    record_id: int | None
    event_id: int | None
    message_id: int | None
    taken_at: dt.datetime | None
    is_cleared: bool


def arrivals(app: Application, conn: sa.Connection, feed: Feed, search: Search, limit: int = 50) -> list[ArrivalLine]:
    """The newest first; with a ``key`` in its order, the newest versions of a thing one below the other."""
    table = app.tables.arrival
    names = [search.connection] if search.connection else list(feed.from_)
    parts = [_ids(app, feed, name, search, limit) for name in names]
    query = _columns(app).where(table.c.id.in_(sa.union_all(*parts)))
    order = (table.c.item_key, table.c.version, table.c.id) if search.key else (table.c.id.desc(),)
    return _lines(conn, query.order_by(*order).limit(limit))


def _ids(app: Application, feed: Feed, connection: str, search: Search, limit: int) -> sa.Select[tuple[int]]:
    """Of one connection, so that an index has them in order."""
    table = app.tables.arrival
    query = sa.select(table.c.id).where(table.c.feed == feed.stable_id, table.c.connection == connection)
    if search.state is not None:
        known = (in_state(table, *TROUBLE),) if search.state in TROUBLE else ()
        query = query.where(*known, in_state(table, STATES[STATES.index(search.state)]))
    if search.before is not None:
        query = query.where(table.c.id < search.before)
    if search.key:
        query = query.where(table.c.item_key >= search.key, table.c.item_key < search.key + LAST)
        query = query.order_by(table.c.item_key, table.c.version, table.c.id)
    else:
        query = query.order_by(table.c.id.desc())
    several = query.limit(limit).subquery()
    return sa.select(several.c.id)


def of_record(app: Application, conn: sa.Connection, form: str, record_id: int, limit: int = 50) -> list[ArrivalLine]:
    """What became, or changed, a record; the newest first."""
    table = app.tables.arrival
    query = _columns(app).where(table.c.form == form, table.c.record_id == record_id)
    return _lines(conn, query.order_by(table.c.id.desc()).limit(limit))


def one(
    app: Application, conn: sa.Connection, feed: Feed, id: int
) -> tuple[ArrivalLine, Mapping[str, Any] | None] | None:
    """An arrival with its data; None where the feed has no such one."""
    table = app.tables.arrival
    mine = (table.c.id == id, table.c.feed == feed.stable_id)
    row = conn.execute(_columns(app).add_columns(table.c.data).where(*mine)).mappings().first()
    if row is None:
        return None
    told = dict(row)
    data = told.pop("data")
    return ArrivalLine(**told), data


def newest(app: Application, conn: sa.Connection, feed: Feed) -> Mapping[str, Any] | None:
    """The data of what arrived last."""
    table = app.tables.arrival
    ids = sa.union_all(*[_ids(app, feed, name, Search(), 1) for name in feed.from_])
    query = sa.select(table.c.data).where(table.c.id.in_(ids), table.c.data.is_not(None))
    found: Mapping[str, Any] | None = conn.scalar(query.order_by(table.c.id.desc()).limit(1))
    return found


def _columns(app: Application) -> sa.Select[tuple[Any, ...]]:
    table = app.tables.arrival
    plain = [table.c[name] for name in ArrivalLine.__dataclass_fields__ if name != "is_cleared"]
    return sa.select(*plain, table.c.data.is_(None).label("is_cleared"))


def _lines(conn: sa.Connection, query: sa.Select[Any]) -> list[ArrivalLine]:
    return [ArrivalLine(**row) for row in conn.execute(query).mappings()]
