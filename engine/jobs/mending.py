"""What administrators do about messages, runs and rules that are in trouble. Each leaves an entry in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine import audit, going_on, pausing, runs
from engine.application import Application
from engine.errors import Denied, Missing, Refused, message
from engine.feeding import replaying
from engine.jobs import claiming
from engine.jobs.claiming import INSIDE
from engine.jobs.delivering import conclude
from engine.jobs.trying import in_transaction
from engine.people import Actor


def replay(app: Application, actor: Actor, message_id: int, data: Mapping[str, Any] | None = None) -> None:
    """Deliver a dead letter again, from the first try on; ``data`` is sent in the place of what was to be sent. The key
    stays the same; an arrival is taken as the definition says today. Raises Denied, Missing, or Refused when it is no
    dead letter."""
    _only_administrators(actor)

    def work(conn: sa.Connection) -> None:
        row = _message(app, conn, message_id)
        if row.state != "dead":
            raise Refused(message("Only a dead letter is delivered again; this message is {state}.", state=row.state))
        if data is not None and row.kind in INSIDE:
            raise Refused(message("A step of a rule has nothing that could be edited."))
        effect = row.effect if data is None else {**_kept(row.effect), **data}
        if row.kind == "take":
            replaying.revive(app, conn, row)
        fresh = {"state": "waiting", "due_at": app.clock(), "attempts": 0, "error": None, "effect": effect}
        _update(app, conn, message_id, **fresh)
        _revive(app, conn, row.run_id)
        changes = {"effect": [row.effect, effect]} if effect != row.effect else None
        _note(app, conn, actor, "message.replayed", message_id, changes)
        app.database.posted(conn, message_id, app.clock())

    in_transaction(app, work)


def _kept(effect: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in effect.items() if name == "saved_as"}


def settle(
    app: Application, actor: Actor, message_id: int, arrived: bool, result: Mapping[str, Any] | None = None
) -> None:
    """Somebody found out what became of a message of which nobody knew whether it arrived. ``result``: what was
    answered, as the steps after it read it. Raises Denied, Missing or Refused."""
    _only_administrators(actor)

    def work(conn: sa.Connection) -> None:
        row = _message(app, conn, message_id)
        if row.state != "unsure":
            raise Refused(message("This message is {state}; nobody has to settle it.", state=row.state))
        if arrived:
            _update(app, conn, message_id, state="done", result=dict(result or {}), done_at=app.clock(), error=None)
            conclude(app, conn, row, dict(result or {}))
            claiming.ring_next(app, conn, row)
        else:
            _update(app, conn, message_id, state="waiting", due_at=app.clock())
            app.database.posted(conn, message_id, app.clock())
        _note(app, conn, actor, "message.settled", message_id, {"arrived": [None, arrived]})

    in_transaction(app, work)


def cancel_run(app: Application, actor: Actor, run_id: int) -> None:
    """End a run: what it still wanted is not done. What is under way comes to its end and nothing follows it. Raises
    Denied, Missing, or Refused when it is over."""
    _only_administrators(actor)
    table = app.tables.run

    def work(conn: sa.Connection) -> None:
        state = conn.scalar(sa.select(table.c.state).where(table.c.id == run_id).with_for_update())
        if state is None:
            raise Missing(message("There is no such run."))
        if state not in runs.OPEN:
            raise Refused(message("The run is over: {state}.", state=state))
        runs.cancel(conn, app.tables, run_id, app.clock())
        going_on.ended(app, conn, run_id)
        _note(app, conn, actor, "run.cancelled", run_id, None)

    in_transaction(app, work)


def resume_rule(app: Application, actor: Actor, rule: str) -> None:
    """Let a paused rule act again; ``rule`` is its stable id. Raises Denied, or Refused when it is not paused."""
    _only_administrators(actor)

    def work(conn: sa.Connection) -> None:
        if not pausing.resumed(app, conn, rule):
            raise Refused(message("The rule is not paused."))
        _note(app, conn, actor, "rule.resumed", 0, {"rule": [None, rule]})

    in_transaction(app, work)


def pause_rule(app: Application, actor: Actor, rule: str, reason: str) -> None:
    """Keep a rule from acting until it is resumed; ``rule`` is its stable id. Raises Denied, or Refused when it is
    paused already."""
    _only_administrators(actor)

    def work(conn: sa.Connection) -> None:
        if not pausing.paused(app, conn, rule, actor.id, reason):
            raise Refused(message("The rule is paused already."))
        _note(app, conn, actor, "rule.paused", 0, {"rule": [None, rule]})

    in_transaction(app, work)


# --- parts -----------------------------------------------------------------------------------------------------------


def _only_administrators(actor: Actor) -> None:
    if not (actor.is_admin or actor.system):
        raise Denied(message("Administrators do this."))


def _message(app: Application, conn: sa.Connection, id: int) -> Any:
    table = app.tables.message
    row = conn.execute(sa.select(table).where(table.c.id == id).with_for_update()).first()
    if row is None:
        raise Missing(message("There is no such message."))
    return row


def _update(app: Application, conn: sa.Connection, id: int, **values: Any) -> None:
    table = app.tables.message
    conn.execute(sa.update(table).where(table.c.id == id).values(**values))


def _revive(app: Application, conn: sa.Connection, run_id: int | None) -> None:
    """A run that failed over the message is under way again."""
    table = app.tables.run
    failed = (table.c.id == run_id, table.c.state == "failed")
    conn.execute(sa.update(table).where(*failed).values(state="working", error=None, ended_at=None))


def _note(
    app: Application, conn: sa.Connection, actor: Actor, kind: str, id: int, changes: Mapping[str, Any] | None
) -> None:
    audit.note(conn, app, actor, kind, id, form=audit.WHOLE, changes=changes)
