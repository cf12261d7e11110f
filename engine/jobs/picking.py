"""Which messages could be delivered now: due, the first of their lane, on a connection with room.

Each connection is asked for by itself, through an index of its own: a hundred thousand messages for a system that is
down cost those for the others nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.jobs import breaker
from engine.jobs.claiming import is_behind
from engine.jobs.desk import Desk, Terms
from engine.storage.automation import OPEN_MESSAGES, in_state
from engine.storage.prepared import value


@dataclass(frozen=True)
class Picked:
    id: int
    connection: str | None
    lane: str | None


def connections(app: Application, conn: sa.Connection) -> list[str | None]:
    """Where open messages go to, None first: within the application."""
    table = app.tables.message
    found = set(conn.scalars(sa.select(table.c.connection).where(in_state(table, *OPEN_MESSAGES)).distinct()))
    return [None, *sorted({name for name in found if name} | set(app.definition.connections))]


def free(
    app: Application, conn: sa.Connection, names: Sequence[str | None], taken: Sequence[Picked],
    held_back: Collection[str], desk: Desk, room: int,
) -> list[Picked]:  # fmt: skip
    """At most ``room`` messages beside those that are taken. ``names``: the connections to look at, in this order;
    ``held_back``: connections, lanes and ``#id`` that were not free a moment ago."""
    now = app.clock()
    calls = Counter(each.connection for each in taken)
    closed = {*held_back, *breaker.resting(app, conn, now, desk.terms)}
    busy = {each.id for each in taken}
    picked: list[Picked] = []
    for name in names:
        left = room - len(picked)
        places = left if name is None else min(left, _most(app, name, desk) - calls[name])
        if places <= 0 or name in closed:
            continue
        found = _due(app, conn, name, now, places + len(taken) + len(held_back))
        new = [each for each in found if each.id not in busy and not {each.lane, f"#{each.id}"} & closed]
        picked += new[:places]
    return picked


def _most(app: Application, name: str, desk: Desk) -> int:
    connection = app.definition.connections.get(name)
    together = connection.together if connection is not None else 1
    return min(together, desk.terms.share or together)


def _due(app: Application, conn: sa.Connection, name: str | None, now: dt.datetime, most: int) -> list[Picked]:
    def build() -> Any:
        table = app.tables.message
        here = table.c.connection.is_(None) if name is None else table.c.connection == value("connection_")
        due = (in_state(table, *OPEN_MESSAGES), here, table.c.due_at <= value("now_", table.c.due_at.type))
        columns = (table.c.id, table.c.connection, table.c.lane)
        ordered = sa.select(*columns).where(*due, ~is_behind(app)).order_by(table.c.due_at, table.c.id)
        return ordered.limit(value("most_", sa.Integer))

    prepared = app.tables.statements.get(("due messages", name is None), conn.dialect, build)
    given = {"now_": now, "most_": most} | ({} if name is None else {"connection_": name})
    return [Picked(row["id"], row["connection"], row["lane"]) for row in prepared.rows(conn, given)]


def next_due(app: Application, conn: sa.Connection, terms: Terms) -> float | None:
    """In how many seconds something will be due, or a connection has rested; None when nothing will."""
    now, table, connection = app.clock(), app.tables.message, app.tables.connection
    coming = sa.select(table.c.due_at).where(in_state(table, *OPEN_MESSAGES), table.c.due_at > now)
    due = conn.scalar(coming.order_by(table.c.due_at).limit(1))
    resting = (connection.c.state == "open", connection.c.opened_at > now - dt.timedelta(seconds=terms.probe_after))
    opened = conn.scalar(sa.select(connection.c.opened_at).where(*resting).order_by(connection.c.opened_at).limit(1))
    rested = opened + dt.timedelta(seconds=terms.probe_after) if opened is not None else None
    moments = [each for each in (due, rested) if each is not None]
    return max(0.0, (min(moments) - now).total_seconds()) if moments else None
