"""Two people are asked about a ticket, both answer, and the rule goes on with what they said."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine import answering, service
from engine.application import Application
from engine.builtin import default_registry
from engine.people import load_actor, system_actor
from engine.registry import Registry

APP = """
app: desk
label: Desk
languages: [en]
timezone: UTC
roles: {{member: {{label: Member}}}}
connections:
  post: {{type: smtp, host: 127.0.0.1, port: {smtp}, security: none, sender: desk@example.com, private: true}}
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {{type: text, required: true, unique: true}}
      note: {{type: text}}
    permissions: {{member: {{create: true, read: true, update: true}}}}
    workflow:
      initial: open
      states:
        open: {{label: Open}}
        approved: {{label: Approved, final: true}}
      transitions:
        approve: {{label: Approve, from: [open], to: approved, roles: [member]}}
rules:
  confirm:
    trigger: {{type: taken, form: ticket, transition: approve}}
    actions:
      - type: ask
        to: [member]
        message: "Is {{{{ record.name }}}} right?"
        answers: {{agree: {{label: Agree}}, object: {{label: Object}}}}
        needs: all
        at_most: 30d
        as: decision
      - {{type: set, values: {{note: "results.decision.answer"}}}}
      - {{type: mail, connection: post, to: ["'someone@example.com'"], subject: Decided, message: "{{{{ record.name }}}}"}}
"""
PEOPLE = ("ann", "bob")


def definition(http: int, smtp: int) -> str:
    return APP.format(smtp=smtp)


def registry() -> Registry:
    return default_registry()


def begin(app: Application, name: str) -> int:
    """The ticket, as it was before anybody died; somebody has to be there to be asked."""
    table, user, role = app.tables.form["ticket"], app.tables.user, app.tables.user_role
    with app.database.write() as conn:
        if conn.scalar(sa.select(user.c.id).where(user.c.login == PEOPLE[0])) is None:
            for login in PEOPLE:
                new = {"login": login, "name": login.title(), "created_at": app.clock()}
                id = conn.execute(sa.insert(user).values(new)).inserted_primary_key[0]
                conn.execute(sa.insert(role).values(user_id=id, role="member"))
    with app.database.read() as conn:
        found = conn.scalar(sa.select(table.c.id).where(table.c.name == name))
    return found or service.save(app, system_actor(), "ticket", {"name": name}).id


def act(app: Application, id: int) -> None:
    """The transition is taken if nobody did, and whoever was asked and did not answer does."""
    tables = app.tables
    ticket, question, asked = tables.form["ticket"], tables.question, tables.asked
    with app.database.read() as conn:
        state = conn.scalar(sa.select(ticket.c.state).where(ticket.c.id == id))
        open_ones = (question.c.record_id == id, question.c.state == "open", asked.c.answer.is_(None))
        columns = (asked.c.question_id, asked.c.user_id)
        missing = conn.execute(sa.select(*columns).join(question, question.c.id == asked.c.question_id).where(*open_ones)).all()
    if state == "open":
        service.take(app, system_actor(), "ticket", id, "approve")
    for row in missing:
        with app.database.read() as conn:
            who = load_actor(conn, tables, row.user_id)
        answering.answer(app, who, row.question_id, "agree")


def tell(app: Application, id: int) -> dict[str, Any]:
    """Everything about the ticket, without ids and times."""
    tables = app.tables
    ticket, event, run, message, question, asked, notice = (
        tables.form["ticket"], tables.event, tables.run, tables.message, tables.question, tables.asked,
        tables.notification,
    )  # fmt: skip
    with app.database.read() as conn:
        row = conn.execute(sa.select(ticket).where(ticket.c.id == id)).one()
        events = conn.execute(sa.select(event.c.kind, event.c.rule).where(event.c.form == "ticket", event.c.record_id == id)
                              .order_by(event.c.id)).all()  # fmt: skip
        runs = conn.execute(sa.select(run.c.id, run.c.state, run.c.results).where(run.c.record_id == id)).all()
        columns = (message.c.kind, message.c.state, message.c.key, message.c.connection)
        messages = conn.execute(sa.select(*columns).where(message.c.run_id.in_([each.id for each in runs]))
                                .order_by(message.c.id)).all()  # fmt: skip
        questions = conn.execute(sa.select(question.c.id, question.c.state, question.c.answer).where(question.c.record_id == id)).all()
        answers = conn.scalars(sa.select(asked.c.answer).where(asked.c.question_id.in_([each.id for each in questions]))).all()
        told = conn.scalar(sa.select(sa.func.count()).where(notice.c.form == "ticket", notice.c.record_id == id))
        return {
            "ticket": [row.state, row.note, row.version],
            "events": [[each.kind, each.rule] for each in events],
            "runs": [[each.state, each.results["decision"]["answer"]] for each in runs],
            "messages": [[each.kind, each.state] for each in messages],
            "questions": [[each.state, each.answer] for each in questions],
            "answers": list(answers),
            "notices": told,
            "keys": sorted(each.key for each in messages if each.connection),
        }  # fmt: skip
