"""Definitions and rows for the tests of storage."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from engine.builtin import default_registry
from engine.definition import AppDefinition
from engine.load import load_text
from engine.storage import migrate, records
from engine.storage.database import Database
from engine.storage.tables import Tables, build_tables

NOW = dt.datetime(2026, 3, 4, 1, 30, tzinfo=dt.UTC)

TICKETS = """
app: tickets
label: Tickets
languages: [zh, en]
roles:
  worker: {label: Worker}
forms:
  project:
    label: Project
    title: record.name
    fields:
      name: {type: text, required: true}
      hours: {type: rollup, of: ticket.hours, via: project, fold: sum}
      tickets: {type: rollup, of: ticket, via: project, when: record.urgent}
    permissions: {worker: {create: true, read: true, update: true}}
  tag:
    label: Tag
    fields:
      name: {type: text, unique: true}
    permissions: {worker: {create: true, read: true, update: true}}
  ticket:
    label: Ticket
    title: record.number
    fields:
      number: {type: text, unique: true}
      project: {type: link, form: project}
      due_on: {type: date}
      hours: {type: decimal}
      urgent: {type: boolean}
      size: {type: choice, options: {small: {label: Small}, large: {label: Large}}}
      colours: {type: choices, options: {red: {label: Red}, blue: {label: Blue}}}
      note: {type: long_text}
      place: {type: text}
      tags: {type: links, form: tag}
      steps: {type: lines, form: step}
    views:
      open: {type: list, where: "record.size == 'small'", columns: [number, due_on], sort: [due_on]}
    permissions: {worker: {create: true, read: true, update: true}}
    workflow:
      initial: fresh
      states:
        fresh: {label: Fresh}
        done: {label: Done, final: true}
      transitions:
        finish: {label: Finish, from: [fresh], to: done, roles: [worker]}
  step:
    label: Step
    fields:
      name: {type: text}
      cost: {type: money}
"""


def define(text: str = TICKETS) -> AppDefinition:
    return load_text(text, default_registry()).definition


def install(database: Database, text: str = TICKETS, *, allow_explicit: bool = False) -> Tables:
    """Bring the database to a definition and answer its tables."""
    definition = define(text)
    tables = build_tables(definition)
    with database.write() as conn:
        migrate.upgrade(conn, definition, tables, source=text, now=NOW, allow_explicit=allow_explicit)
    return tables


def insert(conn: sa.Connection, tables: Tables, form: str, **row: Any) -> int:
    return records.insert(conn, tables, form, stamped(tables, form, **row))


def stamped(tables: Tables, form: str, **row: Any) -> dict[str, Any]:
    state = {"state": "fresh"} if "state" in tables.form[form].c else {}
    return {"created_at": NOW, "updated_at": NOW, **state, **row}
