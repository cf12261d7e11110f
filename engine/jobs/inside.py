"""Messages to the application itself: a run is taken up again, a rule is woken, what arrived is taken. Done and ended
in one transaction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from engine import answering, going_on
from engine.application import Application
from engine.faults import point
from engine.feeding import stamping, taking
from engine.jobs.claiming import Outcome


def perform(app: Application, conn: sa.Connection, row: Any) -> Outcome:
    """``row``: a message that is due, in the caller's transaction."""
    if row.kind == "take":
        return taking.take(app, conn, row)
    if row.kind == "stamp":
        return stamping.perform(app, conn, row)
    until = _parked_again(app, conn, row)
    if until is not None:
        return Outcome("parked", due=until)
    table, now = app.tables.message, app.clock()
    done = {"state": "done", "attempts": row.attempts + 1, "started_at": now, "done_at": now, "error": None}
    conn.execute(sa.update(table).where(table.c.id == row.id).values(done))
    point("going on")
    if row.kind == "ask":
        answering.go_on(app, conn, row)
    elif row.kind == "go_on":
        going_on.go_on(app, conn, row.run_id, row.step, paused=bool(row.effect.get("paused")))
    else:
        effect = row.effect
        going_on.fire(
            app, conn, effect["rule"], row.key, form=effect.get("form"), record_id=effect.get("record_id"),
            given=effect.get("given"),
        )  # fmt: skip
    point("gone on")
    return Outcome("done")


def _parked_again(app: Application, conn: sa.Connection, row: Any) -> dt.datetime | None:
    """Until when the run goes on waiting, because what it waits for does not hold yet."""
    if row.kind == "ask":
        return answering.waits_until(app, conn, row)
    holds, until = row.effect.get("holds"), row.effect.get("until")
    if not holds or not until:
        return None
    end = dt.datetime.fromisoformat(until)
    if end <= app.clock() or not going_on.still_waits(app, conn, row.run_id, holds):
        return None
    table = app.tables.message
    conn.execute(sa.update(table).where(table.c.id == row.id).values(state="parked", due_at=end))
    return end
