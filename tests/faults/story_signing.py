"""A ticket has to be approved in two steps, the first of which is handed over, and the rule goes on with the outcome."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from story_question import registry

from engine import answering, service
from engine.application import Application
from engine.approvals import deeds
from engine.people import load_actor, system_actor

__all__ = ["act", "begin", "definition", "registry", "tell"]

APP = """
app: desk
label: Desk
languages: [en]
timezone: UTC
roles: {member: {label: Member}, boss: {label: Boss}, deputy: {label: Deputy}}
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text, required: true, unique: true}
      note: {type: text}
    permissions: {member: {read: true}, boss: {read: true}, deputy: {read: true}}
    workflow:
      initial: open
      states: {open: {label: Open}, asked: {label: Asked, final: true}}
      transitions:
        ask: {label: Ask, from: [open], to: asked, roles: [member]}
rules:
  confirm:
    trigger: {type: taken, form: ticket, transition: ask}
    actions:
      - type: approve
        label: Approval
        message: "Is {{ record.name }} right?"
        shows: [name]
        steps: [{label: One, to: [member], needs: all}, {label: Two, to: [boss]}]
        as: approval
      - {type: set, values: {note: "results.approval.answer"}}
"""
PEOPLE = {"ann": "member", "bob": "member", "cem": "boss", "dan": "deputy"}


def definition(http: int, smtp: int) -> str:
    return APP


def begin(app: Application, name: str) -> int:
    table, user, role = app.tables.form["ticket"], app.tables.user, app.tables.user_role
    with app.database.write() as conn:
        if conn.scalar(sa.select(user.c.id).where(user.c.login == "ann")) is None:
            for login, held in PEOPLE.items():
                new = {"login": login, "name": login.title(), "created_at": app.clock()}
                id = conn.execute(sa.insert(user).values(new)).inserted_primary_key[0]
                conn.execute(sa.insert(role).values(user_id=id, role=held))
    with app.database.read() as conn:
        found = conn.scalar(sa.select(table.c.id).where(table.c.name == name))
    return found or service.save(app, system_actor(), "ticket", {"name": name}).id


def act(app: Application, id: int) -> None:
    """The transition is taken if nobody did; Bob hands over what he is asked, everybody else approves."""
    tables = app.tables
    ticket, question, asked, user = tables.form["ticket"], tables.question, tables.asked, tables.user
    with app.database.read() as conn:
        state = conn.scalar(sa.select(ticket.c.state).where(ticket.c.id == id))
    if state == "open":
        service.take(app, system_actor(), "ticket", id, "ask")
    waits = (question.c.record_id == id, question.c.state == "open", asked.c.answer.is_(None), asked.c.handed_to.is_(None))
    columns = (asked.c.question_id, asked.c.user_id, user.c.login)
    missing = sa.select(*columns).join(question, question.c.id == asked.c.question_id).join(user, user.c.id == asked.c.user_id)
    for _ in range(2):  # once more for whoever was handed something
        with app.database.read() as conn:
            rows = conn.execute(missing.where(*waits).order_by(question.c.id, asked.c.user_id)).all()
        for row in rows:
            _decide(app, row)


def _decide(app: Application, row: Any) -> None:
    with app.database.read() as conn:
        who = load_actor(conn, app.tables, row.user_id)
        deputy = conn.scalar(sa.select(app.tables.user.c.id).where(app.tables.user.c.login == "dan"))
    if row.login == "bob":
        deeds.hand_over(app, who, row.question_id, deputy)
    else:
        answering.answer(app, who, row.question_id, "approve")


def tell(app: Application, id: int) -> dict[str, Any]:
    """Everything about the ticket, without ids and times."""
    tables = app.tables
    ticket, event, run, question, asked = (
        tables.form["ticket"], tables.event, tables.run, tables.question, tables.asked,
    )  # fmt: skip
    with app.database.read() as conn:
        row = conn.execute(sa.select(ticket).where(ticket.c.id == id)).one()
        mine = (event.c.form == "ticket", event.c.record_id == id)
        events = conn.execute(sa.select(event.c.kind, event.c.trace).where(*mine).order_by(event.c.id)).all()
        runs = conn.execute(sa.select(run.c.state, run.c.results).where(run.c.record_id == id)).all()
        here = sa.select(question.c.id, question.c.step, question.c.state, question.c.answer)
        questions = conn.execute(here.where(question.c.record_id == id).order_by(question.c.id)).all()
        answers = conn.scalars(
            sa.select(asked.c.answer).where(asked.c.question_id.in_([one.id for one in questions]))
            .order_by(asked.c.question_id, asked.c.user_id)
        ).all()  # fmt: skip
    return {
        "ticket": [row.state, row.note, row.version],
        "events": [[one.kind, one.trace.get("did") if one.kind == "approval" else None] for one in events],
        "runs": [[one.state, one.results.get("approval", {}).get("answer")] for one in runs],
        "questions": [[one.step, one.state, one.answer] for one in questions],
        "answers": list(answers),
        "keys": [],
    }  # fmt: skip
