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
from engine.jobs.desk import Desk, Terms, may_take
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
        places = left if name is None else min(may_take(left, calls[name]), _together(app, name) - calls[name])
        if places <= 0 or name in closed:
            continue
        found = _due(app, conn, name, now, places + len(taken) + len(held_back))
        new = [each for each in found if each.id not in busy and not {each.lane, f"#{each.id}"} & closed]
        picked += new[:places]
    return picked


def _together(app: Application, name: str) -> int:
    connection = app.definition.connections.get(name)
    return connection.together if connection is not None else 1


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
    now, rest = app.clock(), dt.timedelta(seconds=terms.probe_after)
    due = app.tables.statements.get(("next due",), conn.dialect, lambda: _coming(app)).scalar(conn, {"now_": now})
    opened = app.tables.statements.get(("next rested",), conn.dialect, lambda: _opened(app))
    first = opened.scalar(conn, {"since_": now - rest})
    moments = [each for each in (due, first + rest if first is not None else None) if each is not None]
    return max(0.0, (min(moments) - now).total_seconds()) if moments else None


def _coming(app: Application) -> Any:
    table = app.tables.message
    coming = (in_state(table, *OPEN_MESSAGES), table.c.due_at > value("now_", table.c.due_at.type))
    return sa.select(table.c.due_at).where(*coming).order_by(table.c.due_at).limit(1)


def _opened(app: Application) -> Any:
    table = app.tables.connection
    resting = (table.c.state == "open", table.c.opened_at > value("since_", table.c.opened_at.type))
    return sa.select(table.c.opened_at).where(*resting).order_by(table.c.opened_at).limit(1)
