"""How delivery fares, for the screens and the API: a few indexed reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.runs import NEVER
from engine.storage.automation import OPEN_MESSAGES, TROUBLE, in_state


@dataclass(frozen=True)
class Health:
    """``due``: messages that could be delivered now, ``oldest`` since when the first of them is; ``later``: those with
    a time to come; ``parked``: those that wait for something to happen."""

    due: int
    oldest: dt.datetime | None
    later: int
    parked: int
    under_way: int
    dead: int
    unsure: int
    connections: tuple[Mapping[str, Any], ...]
    paused: tuple[Mapping[str, Any], ...]


def health(app: Application) -> Health:
    with app.database.read() as conn:
        now, table = app.clock(), app.tables.message
        is_open = in_state(table, *OPEN_MESSAGES)
        due, oldest = conn.execute(
            sa.select(sa.func.count(), sa.func.min(table.c.due_at)).where(is_open, table.c.due_at <= now)
        ).one()
        trouble = _by_state(conn, table)
        return Health(
            due=due,
            oldest=oldest,
            later=_count(conn, table, is_open, table.c.due_at > now, table.c.due_at < NEVER),
            parked=_count(conn, table, is_open, table.c.due_at >= NEVER),
            under_way=_count(conn, table, in_state(table, "claimed")),
            dead=trouble.get("dead", 0),
            unsure=trouble.get("unsure", 0),
            connections=connections(app, conn),
            paused=_paused(app, conn),
        )


def _count(conn: sa.Connection, table: sa.Table, *clauses: sa.ColumnElement[bool]) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(table).where(*clauses)) or 0


def _by_state(conn: sa.Connection, table: sa.Table) -> dict[str, int]:
    return _counted(conn, table.c.state, in_state(table, *TROUBLE))


def _counted(conn: sa.Connection, column: sa.Column[Any], *clauses: sa.ColumnElement[bool]) -> dict[str, int]:
    rows = conn.execute(sa.select(column, sa.func.count()).where(*clauses).group_by(column))
    return {row[0]: row[1] for row in rows}


def connections(app: Application, conn: sa.Connection) -> tuple[Mapping[str, Any], ...]:
    """Every connection of the definition with how it fares; ``state`` closed means that calls go through."""
    found = {row["name"]: dict(row) for row in conn.execute(sa.select(app.tables.connection)).mappings()}
    table = app.tables.message
    waiting = _counted(conn, table.c.connection, in_state(table, *OPEN_MESSAGES), table.c.connection.is_not(None))
    fresh = {"state": "closed", "failures": 0, "opened_at": None, "last_ok": None, "last_failed": None,
             "last_error": None, "latency": None}  # fmt: skip
    return tuple(
        {**fresh, **found.get(name, {}), "name": name, "waiting": waiting.get(name, 0)}
        for name in app.definition.connections
    )


def _paused(app: Application, conn: sa.Connection) -> tuple[Mapping[str, Any], ...]:
    table = app.tables.rule_state
    rows = conn.execute(sa.select(table).where(table.c.paused_at.is_not(None)).order_by(table.c.paused_at))
    return tuple(dict(row) for row in rows.mappings())
