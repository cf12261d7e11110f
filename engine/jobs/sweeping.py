"""Mending what fell down between two chairs: claims whose holder is gone, messages nobody was told of, runs that wait
for a run that is over. Cheap enough for every process, every few seconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import going_on
from engine.application import Application
from engine.errors import message
from engine.faults import point
from engine.jobs import failing
from engine.jobs.claiming import INSIDE
from engine.jobs.desk import Desk
from engine.jobs.failing import Verdict
from engine.jobs.trying import in_transaction
from engine.processes import is_gone
from engine.storage.automation import OPEN_MESSAGES, OPEN_RUNS, in_state
from engine.texts import say

EVERY = 2.0  # seconds; a dead worker's messages are taken over within a lease and this
OVERDUE = dt.timedelta(seconds=5)  # a message that is due for so long was perhaps never rung for
MOST = 200
UNFINISHED = ("waiting", "parked", "claimed", "unsure")


@dataclass(frozen=True)
class Swept:
    """How many of each: claims taken back, messages rung for again, runs that could go on, runs nobody had ended."""

    released: int = 0
    rung: int = 0
    woken: int = 0
    ended: int = 0


def sweep(app: Application, desk: Desk, *, orphans: bool = False, ring: bool = True) -> Swept:
    """``orphans``: no other process delivers, so every claim that is not ours is of a process that is gone;
    ``ring``: ring for what is overdue, where the engine does not look itself."""
    released = [id for id, token in _abandoned(app, desk, orphans) if release(app, desk, id, token)]
    woken = _wake_queued(app)
    return Swept(len(released), _ring_overdue(app) if ring else 0, woken, _end_finished(app))


# --- claims of processes that are gone -------------------------------------------------------------------------------


def _abandoned(app: Application, desk: Desk, orphans: bool) -> Sequence[tuple[int, str]]:
    """(message, token) of claims whose lease is over, or whose process is known to have ended."""
    table, now = app.tables.message, app.clock()
    with app.database.read() as conn:
        claimed = sa.select(table.c.id, table.c.token, table.c.lease_until).where(in_state(table, "claimed"))
        rows = conn.execute(claimed.order_by(table.c.lease_until).limit(MOST * 5)).all()
    others = [row for row in rows if not (row.token or "").startswith(f"{desk.name}:")]
    found = [row for row in rows if row.lease_until < now] + [row for row in others if orphans or is_gone(row.token)]
    return list({row.id: (row.id, row.token) for row in found}.values())[:MOST]


def release(app: Application, desk: Desk, id: int, token: str) -> bool:
    """Take a claim back whose holder is gone: tried again, or asked about where nobody knows whether it arrived. By now
    another may hold it, or the same have said that it lives."""

    def work(conn: sa.Connection) -> bool:
        table, now = app.tables.message, app.clock()
        theirs = ~table.c.token.startswith(f"{desk.name}:", autoescape=True)
        gone = (table.c.token == token, sa.or_(table.c.lease_until < now, theirs))
        held = sa.select(table).where(table.c.id == id, table.c.state == "claimed", *gone)
        row = conn.execute(held.with_for_update(skip_locked=True)).first()
        if row is None:
            return False
        reason = say(message("The process that delivered it ended."), app.definition.languages[0])
        failing.put_aside(app, conn, row, _verdict(app, row, desk, now), reason, row.attempts)
        point("released")
        return True

    return in_transaction(app, work)


def _verdict(app: Application, row: Any, desk: Desk, now: dt.datetime) -> Verdict:
    connection = app.definition.connections.get(row.connection or "")
    if row.kind in INSIDE:
        return Verdict("again", now)  # its batches are committed one by one
    if row.sending and (connection is None or connection.unsure == "ask"):
        return Verdict("unsure")
    most = connection.attempts if connection is not None else desk.terms.attempts
    return Verdict("again", now) if row.attempts < most else Verdict("dead")


# --- messages and runs nobody was told of ----------------------------------------------------------------------------


def _ring_overdue(app: Application) -> int:
    table = app.tables.message
    due = (in_state(table, *OPEN_MESSAGES), table.c.due_at < app.clock() - OVERDUE)
    with app.database.read() as conn:
        overdue = conn.execute(sa.select(table.c.id, table.c.due_at).where(*due).order_by(table.c.due_at).limit(MOST))
        found = [(row.id, row.due_at) for row in overdue]
    if found:
        app.database.doorbell.ring(found)
    return len(found)


def _wake_queued(app: Application) -> int:
    """Queued runs whose lane is free: the one they waited for ended while nobody looked."""
    run = app.tables.run
    other = run.alias()
    same = (other.c.rule == run.c.rule, other.c.lane == run.c.lane)
    busy = (*same, in_state(other, *OPEN_RUNS), other.c.state == "working")
    free = (in_state(run, *OPEN_RUNS), run.c.state == "queued", ~sa.select(other.c.id).where(*busy).exists())
    with app.database.read() as conn:
        lanes = conn.execute(sa.select(run.c.rule, run.c.lane).where(*free).distinct().limit(MOST)).all()
    return sum(_wake(app, rule, lane) for rule, lane in lanes)


def _end_finished(app: Application) -> int:
    """Runs that nothing is left of, and that nobody ended."""
    run, table = app.tables.run, app.tables.message
    left = sa.select(table.c.id).where(table.c.run_id == run.c.id, table.c.state.in_(UNFINISHED))
    over = (in_state(run, *OPEN_RUNS), run.c.state == "working", run.c.next.is_(None), ~left.exists())
    with app.database.read() as conn:
        ids = conn.scalars(sa.select(run.c.id).where(*over).limit(MOST)).all()
    return sum(_end(app, id) for id in ids)


def _end(app: Application, id: int) -> bool:
    return in_transaction(app, lambda conn: going_on.end_if_over(app, conn, id))


def _wake(app: Application, rule: str, lane: str | None) -> bool:
    return in_transaction(app, lambda conn: going_on.wake_next(app, conn, rule, lane))
