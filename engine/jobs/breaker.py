"""Whether a connection is tried at all: after several failures in a row it rests, then one call tries whether it is
back. Kept in the database, so that all processes and the screens see the same."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import sqlalchemy as sa

from engine.application import Application
from engine.jobs.desk import Terms
from engine.storage.prepared import value
from engine.storage.upsert import insert

Admission = Literal["yes", "probe", "no"]
FRESH = dt.timedelta(seconds=5)  # a connection that works is noted this often, not at every call


def locked(app: Application, conn: sa.Connection, name: str) -> Any:
    """The row of a connection, kept from other processes until the transaction ends."""
    table = app.tables.connection
    row = _row(app, conn, name, lock=True)
    if row is None:
        new = {"name": name, "state": "closed", "failures": 0}
        conn.execute(insert(conn, table).values(new).on_conflict_do_nothing())
        row = _row(app, conn, name, lock=True)
    return row


def _row(app: Application, conn: sa.Connection, name: str, *, lock: bool) -> Any:
    def build() -> Any:
        table = app.tables.connection
        found = sa.select(table).where(table.c.name == value("name_"))
        return found.with_for_update() if lock else found

    return app.tables.statements.get(("connection", lock), conn.dialect, build).one(conn, {"name_": name})


def admits(row: Any, under_way: int, now: dt.datetime, terms: Terms) -> Admission:
    """Whether a call may be made now. ``under_way``: claimed calls of the connection, in all processes."""
    if row.state == "closed":
        return "yes"
    rested = row.opened_at is None or now >= row.opened_at + dt.timedelta(seconds=terms.probe_after)
    return "probe" if rested and not under_way else "no"


def probing(app: Application, conn: sa.Connection, name: str) -> None:
    table = app.tables.connection
    conn.execute(sa.update(table).where(table.c.name == name).values(state="half_open"))


def worked(app: Application, conn: sa.Connection, name: str, seconds: float | None) -> bool:
    """A call went well, or was at least answered; answers whether the connection had been resting."""
    table, now = app.tables.connection, app.clock()
    if is_known_to_work(_row(app, conn, name, lock=False), now):
        return False
    row = locked(app, conn, name)
    latency = row.latency if seconds is None else seconds if row.latency is None else row.latency * 0.8 + seconds * 0.2
    ok = {"state": "closed", "failures": 0, "opened_at": None, "last_ok": now, "latency": latency}
    conn.execute(sa.update(table).where(table.c.name == name).values(ok))
    return bool(row.state != "closed")


def is_known_to_work(row: Any, now: dt.datetime) -> bool:
    """Whether it was noted a moment ago that calls go through."""
    lately = row is not None and row.last_ok is not None and now - row.last_ok < FRESH
    return bool(lately and row.state == "closed" and not row.failures)


def failed(app: Application, conn: sa.Connection, name: str, reason: str, terms: Terms) -> bool:
    """A call failed in a way that trying again may mend; answers whether the connection rests now."""
    table, now = app.tables.connection, app.clock()
    row = locked(app, conn, name)
    failures = row.failures + 1
    opens: bool = row.state != "closed" or failures >= terms.breaks_after
    noted = {"failures": failures, "last_failed": now, "last_error": reason}
    if opens:
        noted |= {"state": "open", "opened_at": now}
    conn.execute(sa.update(table).where(table.c.name == name).values(noted))
    return opens


def resting(app: Application, conn: sa.Connection, now: dt.datetime, terms: Terms) -> list[str]:
    """The connections that are not tried now."""

    def build() -> Any:
        table = app.tables.connection
        rested = value("rested_", table.c.opened_at.type)
        return sa.select(table.c.name).where(table.c.state != "closed", table.c.opened_at > rested)

    prepared = app.tables.statements.get(("resting connections",), conn.dialect, build)
    rested = now - dt.timedelta(seconds=terms.probe_after)
    return [row["name"] for row in prepared.rows(conn, {"rested_": rested})]
