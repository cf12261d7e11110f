"""Delivering one message: the same function wherever it runs and whoever calls it.

What concerns this application only is done in the transaction that ends the message. What leaves the process is claimed
in one transaction, performed outside of any, and its result kept in another that is fenced by the claim.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine import causes, going_on, longwork, portal_mail
from engine.application import Application
from engine.approvals.mails import completed
from engine.calendars import seconds_of
from engine.connectors import Connection
from engine.errors import AppmillError, DeliveryFailed, message
from engine.faults import point
from engine.jobs import breaker, claiming, errands, failing, inside, many
from engine.jobs.claiming import INSIDE, After, Claimed, Outcome
from engine.jobs.desk import Desk
from engine.jobs.surroundings import Around, Overtaken
from engine.jobs.trying import in_transaction, is_lost
from engine.outside.carrying import carry_out
from engine.outside.task import Task
from engine.runs import OPEN
from engine.storage.exchanges import keep
from engine.storage.watching import watch

LOG = logging.getLogger("appmill.delivery")
WENT_WELL = frozenset({"done", "parked", "cancelled"})
LOST = Outcome("lost")
SECONDS = 60.0  # for what has no connection to say how long it may take


def deliver(app: Application, message_id: int, desk: Desk, *, after: After = "ring") -> Outcome:
    """Deliver a message if it is due, free and nobody else has it. ``after``: see ``claiming.ring_next``. Raises only
    when the database cannot be reached; everything else is noted with the message."""
    began = time.perf_counter()
    watch.begin()
    with causes.because_of(job=message_id):
        outcome = _deliver(app, message_id, desk, after)
        if outcome.state not in ("gone", "not_now"):
            _tell(app, outcome, time.perf_counter() - began)
    return outcome


def _tell(app: Application, outcome: Outcome, seconds: float) -> None:
    known = causes.facts()
    kind = str(known.get("kind", "?"))
    app.database.meter.delivered(
        kind, outcome.connection, outcome.state, seconds, causes.request_id() or "", tuple(watch.slow)
    )
    level = logging.INFO if outcome.state in WENT_WELL else logging.WARNING
    if LOG.isEnabledFor(level):
        LOG.log(level, "%s: %s", kind, outcome.state, extra={"ms": round(seconds * 1000, 1), "queries": watch.count})


def _deliver(app: Application, message_id: int, desk: Desk, after: After) -> Outcome:
    try:
        begun = in_transaction(app, lambda conn: _begin(app, conn, message_id, desk))
    except Exception as error:
        if is_lost(error):
            raise
        return failing.failed(app, desk, message_id, None, error)
    if isinstance(begun, Outcome):
        return begun
    point("claimed")
    return many.go_through(app, desk, begun) if begun.row.kind == "for_each" else _outside(app, desk, begun, after)


def _begin(app: Application, conn: sa.Connection, id: int, desk: Desk) -> Outcome | Claimed:
    row = claiming.waiting(app, conn, id)
    if row is None:
        return Outcome("gone")
    causes.learn(kind=row.kind, rule=row.rule or _woken(row), form=row.form, record=row.record_id,
                 connection=row.connection, attempt=row.attempts + 1, request=row.request)  # fmt: skip
    if row.kind in INSIDE and row.kind != "for_each":
        return inside.perform(app, conn, row)
    point("before claim")
    return claiming.claim(app, conn, row, desk)


def _woken(row: Any) -> Any:
    """The rule that a message without a run wakes."""
    return row.effect.get("rule") if row.kind == "fire" else None


# --- what leaves the process -----------------------------------------------------------------------------------------


def _outside(app: Application, desk: Desk, claimed: Claimed, after: After) -> Outcome:
    connection = app.definition.connections.get(claimed.row.connection or "")
    around = Around(app, claimed, connection is not None and connection.unsure == "ask")
    seconds = seconds_of(connection.timeout) if connection is not None else _seconds(app, claimed.row.kind)
    began = time.monotonic()
    with desk.holding(claimed.token, claimed.row.connection, seconds):
        try:
            result = _perform(app, claimed, connection, seconds, around)
        except Overtaken:
            return LOST
        except Exception as error:
            return failing.failed(
                app, desk, claimed.id, claimed.token, error, sent=around.sending, exchanges=around.exchanges,
                operation=around.operation,
            )  # fmt: skip
        point("sent")
        took = time.monotonic() - began
        try:
            return in_transaction(
                app,
                lambda conn: _keep(app, conn, claimed, around, result, took, after),
                patience=desk.terms.lease * 2,
            )
        except AppmillError as refused:  # what it wants to write is not allowed
            return failing.failed(app, desk, claimed.id, claimed.token, refused)
        except Exception as error:
            if is_lost(error):
                raise  # the claim runs out, and then it is known that nobody knows
            return failing.failed(app, desk, claimed.id, claimed.token, error, sent=around.sending)


def _seconds(app: Application, kind: str) -> float:
    return float(app.registry.works[kind][1]) if kind in app.registry.works else SECONDS


def _perform(
    app: Application, claimed: Claimed, connection: Connection | None, seconds: float, around: Around
) -> Mapping[str, Any]:
    row = claimed.row
    if row.kind in app.registry.errands:
        return errands.run(app, row)
    if row.kind in app.registry.works:
        return longwork.run(app, row)
    if row.kind not in app.registry.performers:
        raise DeliveryFailed(message("Nobody here delivers {kind}.", kind=row.kind), again=False)
    if row.connection and connection is None:
        raise DeliveryFailed(
            message("The connection {name} is no longer in the definition.", name=row.connection), again=False
        )
    point("before performing")
    data: Mapping[str, Any] = completed(app, {name: value for name, value in row.effect.items() if name != "saved_as"})
    if row.kind == "mail" and data.get("portal"):  # only now, so that no table holds the secret of the link
        data = portal_mail.with_link(app, row.form, row.record_id, data)
    return carry_out(app.registry, Task(row.kind, data, connection, row.key, claimed.attempt, seconds), around)


def _keep(
    app: Application, conn: sa.Connection, claimed: Claimed, around: Around, result: Any, seconds: float, after: After
) -> Outcome:
    """The result, and everything that follows from it, in one transaction."""
    row = claimed.row
    if not claiming.finish(app, conn, claimed, result):
        return LOST
    keep(conn, app.tables, row.connection or "", around.exchanges, message_id=row.id)
    point("result")
    conclude(app, conn, row, result)
    if row.kind in app.registry.errands:
        errands.end_served(app, conn, row, result, conclude)
    if row.connection and not claimed.works:
        breaker.worked(app, conn, row.connection, seconds)
    following = claiming.ring_next(app, conn, row, after=after)
    point("before result is committed")
    return Outcome("done", row.connection, next=following)


def conclude(app: Application, conn: sa.Connection, row: Any, result: Any) -> None:
    """The message is done: its run goes on, or is over."""
    if row.run_id is None:
        return
    settle, saved_as = app.registry.settlers.get(row.kind), row.effect.get("saved_as")
    run = going_on.load_run(app, conn, row.run_id) if settle is not None or saved_as else None
    if settle is not None and run is not None:
        result = {**result, **(settle(app, conn, run, result) or {})}
    if run is not None and run.state in OPEN and saved_as:
        going_on.keep_result(app, conn, run.id, saved_as, result, row.step)
    else:
        going_on.end_if_over(app, conn, row.run_id)
