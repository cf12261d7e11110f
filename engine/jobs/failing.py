"""What becomes of a message that could not be delivered: another try later, a dead letter, or a question."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from engine import causes, going_on, pausing
from engine.application import Application
from engine.connectors import Connection
from engine.errors import AppmillError, DeliveryFailed, Stale, Throttled
from engine.faults import point
from engine.feeding import taking
from engine.jobs import breaker, claiming
from engine.jobs.allowance import ALL, hold
from engine.jobs.claiming import INSIDE, Outcome
from engine.jobs.desk import Desk, Terms
from engine.jobs.trying import in_transaction
from engine.outside.exchanges import Exchange
from engine.reaching import leaving
from engine.storage.automation import OPEN_MESSAGES, in_state
from engine.storage.exchanges import keep
from engine.timing import firing


@dataclass(frozen=True)
class Verdict:
    state: Literal["again", "dead", "unsure"]
    due: dt.datetime | None = None


def failed(
    app: Application, desk: Desk, id: int, token: str | None, error: BaseException, *, sent: bool = False,
    exchanges: Sequence[Exchange] = (), operation: str = ALL,
) -> Outcome:  # fmt: skip
    """Note that a try failed. ``token``: of the claim, None where there was none yet; ``sent``: the moment that cannot
    be taken back had come; ``exchanges``: what was said over the line until then, ``operation`` what for."""
    reason = pausing.in_words(app, error)
    causes.learn(error=reason)
    point("failed")

    def work(conn: sa.Connection) -> Outcome:
        outcome = _note(app, conn, desk, id, token, error, reason, sent, operation)
        if outcome.state != "lost":
            keep(conn, app.tables, outcome.connection or "", exchanges, message_id=id)
        return outcome

    return in_transaction(app, work, patience=desk.terms.lease * 2)


def _note(
    app: Application, conn: sa.Connection, desk: Desk, id: int, token: str | None, error: BaseException, reason: str,
    sent: bool, operation: str,
) -> Outcome:  # fmt: skip
    table = app.tables.message
    ours = sa.and_(table.c.state == "claimed", table.c.token == token)
    held = in_state(table, *OPEN_MESSAGES) if token is None else ours
    row = conn.execute(sa.select(table).where(table.c.id == id, held).with_for_update()).first()
    if row is None:
        return Outcome("lost")
    throttled = isinstance(error, Throttled)
    attempts = row.attempts + (token is None) - throttled
    connection = app.definition.connections.get(row.connection or "")
    verdict = judge(attempts, error, sent, connection, app.clock(), desk.terms)
    put_aside(app, conn, row, verdict, reason, attempts)
    if row.connection and row.kind not in INSIDE and not throttled:
        _note_health(app, conn, row.connection, error, reason, sent, desk.terms)
        if connection is not None and isinstance(error, DeliveryFailed) and error.after:
            hold(app, conn, connection, error.after, operation)
    return Outcome(verdict.state, row.connection, verdict.due)


def judge(
    attempts: int, error: BaseException, sent: bool, connection: Connection | None, now: dt.datetime,
    terms: Terms,
) -> Verdict:  # fmt: skip
    """What to do next. ``attempts``: how many there were, this one included."""
    if isinstance(error, Throttled):
        return Verdict("again", now + dt.timedelta(seconds=error.after or 0.0))
    told = isinstance(error, DeliveryFailed)
    arrived_perhaps = error.unsure if isinstance(error, DeliveryFailed) else sent
    if arrived_perhaps and (connection is None or connection.unsure == "ask"):
        return Verdict("unsure")
    most = connection.attempts if connection is not None else terms.attempts
    final = not error.again if isinstance(error, DeliveryFailed) else False
    refused = isinstance(error, AppmillError) and not told and not isinstance(error, Stale)
    if final or refused or attempts >= most:
        return Verdict("dead")
    after = error.after if isinstance(error, DeliveryFailed) else None
    return Verdict("again", now + dt.timedelta(seconds=max(after or 0.0, delay(attempts, terms))))


def delay(attempts: int, terms: Terms) -> float:
    """Seconds until the next try: anywhere up to a limit that doubles, so that many do not come back together."""
    return float(terms.chance() * min(terms.most, terms.first * 2 ** (attempts - 1)))


def put_aside(app: Application, conn: sa.Connection, row: Any, verdict: Verdict, reason: str, attempts: int) -> None:
    """Bring the message into the state of the verdict, and its run with it."""
    table = app.tables.message
    state = "waiting" if verdict.state == "again" else verdict.state
    values: dict[str, Any] = {
        "state": state, "error": reason, "attempts": attempts, "token": None, "lease_until": None, "sending": False
    }  # fmt: skip
    if verdict.due is not None:
        values["due_at"] = verdict.due
        app.database.posted(conn, row.id, verdict.due)
    conn.execute(sa.update(table).where(table.c.id == row.id).values(values))
    if verdict.state == "dead":
        _bury(app, conn, row, reason)
    claiming.ring_next(app, conn, row, lane=verdict.state != "again")


def _bury(app: Application, conn: sa.Connection, row: Any, reason: str) -> None:
    """A run that waits for a dead letter has failed; one that does not goes on, and is over when the rest is."""
    if row.kind == "take":
        taking.died(app, conn, row, reason)
    elif row.kind == leaving.KIND:
        leaving.fall_back(app, conn, row)
    elif row.run_id is None:
        rule = row.effect.get("rule")
        if rule is not None:
            firing.died(app, conn, rule, row.effect.get("given") or {})
            pausing.failed(app, conn, rule, reason, form=row.form, record_id=row.record_id)
    elif row.kind in INSIDE or row.effect.get("saved_as"):
        going_on.fail(app, conn, row.run_id, reason)
    else:
        going_on.end_if_over(app, conn, row.run_id)


def _note_health(
    app: Application, conn: sa.Connection, name: str, error: BaseException, reason: str, sent: bool, terms: Terms
) -> None:  # fmt: skip
    """An answer that says no is an answer: only what trying again may mend counts against the connection. What was
    refused before anything was sent says nothing about it."""
    if not isinstance(error, DeliveryFailed) or error.again or error.unsure:
        breaker.failed(app, conn, name, reason, terms)
    elif sent:
        breaker.worked(app, conn, name, None)
