"""A ticket is approved: a field, a record, two calls, a mail and a wait that follow from it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine import service
from engine.application import Application
from engine.people import system_actor
from engine.registry import Registry

APP = """
app: desk
label: Desk
languages: [en]
timezone: UTC
roles: {{member: {{label: Member}}}}
connections:
  hub: {{type: http, base_url: "http://127.0.0.1:{http}", private: true, timeout: 5s}}
  echo: {{type: http, base_url: "http://127.0.0.1:{http}", private: true, timeout: 5s, unsure: repeat}}
  post: {{type: smtp, host: 127.0.0.1, port: {smtp}, security: none, sender: desk@example.com, private: true}}
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {{type: text, required: true, unique: true}}
      note: {{type: text}}
      entries: {{type: rollup, of: entry.text, via: ticket, fold: count}}
    permissions: {{member: {{create: true, read: true, update: true}}}}
    workflow:
      initial: open
      states:
        open: {{label: Open}}
        approved: {{label: Approved, final: true}}
      transitions:
        approve: {{label: Approve, from: [open], to: approved, roles: [member]}}
  entry:
    label: Entry
    fields:
      ticket: {{type: link, form: ticket, required: true}}
      text: {{type: text}}
    permissions: {{member: {{create: true, read: true}}}}
rules:
  handle:
    trigger: {{type: taken, form: ticket, transition: approve}}
    actions:
      - {{type: set, values: {{note: "'approved'"}}}}
      - {{type: create, form: entry, values: {{ticket: record, text: "'of ' + record.name"}}}}
      - {{type: http, connection: hub, path: /tickets, json: {{name: record.name}}, as: answer}}
      - {{type: mail, connection: post, to: ["'someone@example.com'"], subject: Approved, message: "{{{{ record.name }}}}"}}
      - {{type: http, connection: echo, path: /echo, json: {{note: record.note}}}}
      - {{type: wait, for: 2h}}
      - {{type: set, values: {{note: "'answered ' + str(results.answer.status)"}}}}
"""


def definition(http: int, smtp: int) -> str:
    return APP.format(http=http, smtp=smtp)


def registry() -> Registry:
    from engine.builtin import default_registry

    return default_registry()


def begin(app: Application, name: str) -> int:
    """The ticket, as it was before anybody died."""
    table = app.tables.form["ticket"]
    with app.database.read() as conn:
        found = conn.scalar(sa.select(table.c.id).where(table.c.name == name))
    return found or service.save(app, system_actor(), "ticket", {"name": name}).id


def act(app: Application, id: int) -> None:
    """Whoever was not answered asks again."""
    table = app.tables.form["ticket"]
    with app.database.read() as conn:
        state = conn.scalar(sa.select(table.c.state).where(table.c.id == id))
    if state == "open":
        service.take(app, system_actor(), "ticket", id, "approve")


def tell(app: Application, id: int) -> dict[str, Any]:
    """Everything about the ticket, without ids and times."""
    tables = app.tables
    ticket, entry, event, run, message = (
        tables.form["ticket"], tables.form["entry"], tables.event, tables.run, tables.message
    )  # fmt: skip
    with app.database.read() as conn:
        rows = conn.execute(sa.select(ticket.c.state, ticket.c.note, ticket.c.version, ticket.c.entries).where(ticket.c.id == id))
        entries = conn.execute(sa.select(entry.c.id, entry.c.text).where(entry.c.ticket == id)).all()
        ours = sa.or_(
            sa.and_(event.c.form == "ticket", event.c.record_id == id),
            sa.and_(event.c.form == "entry", event.c.record_id.in_([each.id for each in entries])),
        )
        events = conn.execute(sa.select(event.c.form, event.c.kind, event.c.rule, event.c.changes).where(ours).order_by(event.c.id))
        runs = conn.execute(sa.select(run.c.id, run.c.rule, run.c.state, run.c.next, run.c.results).where(run.c.record_id == id)).all()
        messages = conn.execute(
            sa.select(message.c.kind, message.c.connection, message.c.step, message.c.state, message.c.key, message.c.sending)
            .where(message.c.run_id.in_([each.id for each in runs]))
            .order_by(message.c.id)
        ).all()
        stays = conn.execute(sa.select(tables.stay.c.state).where(tables.stay.c.record_id == id).order_by(tables.stay.c.id))
        return {
            "ticket": [list(row) for row in rows],
            "entries": [each.text for each in entries],
            "events": [[each.form, each.kind, each.rule, sorted(each.changes or {})] for each in events],
            "runs": [[each.rule, each.state, each.next, {k: v["status"] for k, v in each.results.items()}] for each in runs],
            "messages": [[each.kind, each.connection, each.step, each.state, each.sending] for each in messages],
            "stays": [row.state for row in stays],
            "keys": sorted(each.key for each in messages if each.connection),
        }  # fmt: skip
