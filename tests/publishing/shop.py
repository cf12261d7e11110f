"""A small application, the ways it changes, and how a test publishes."""

from __future__ import annotations

from typing import Any

from making import Made

from engine.publishing.history import Version, versions
from engine.publishing.preparing import Prepared, prepare
from engine.publishing.publish import publish

SHOP = """\
app: shop
label: Shop
roles:
  sales: {label: Sales}
  planner: {label: Planner}
designers: [planner]
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text, required: true}
      pieces: {type: integer}
      twice: {type: computed, result: {type: integer}, value: record.pieces * 2}
    permissions:
      sales: {create: true, read: true, update: true}
"""
WIDER = SHOP.replace("pieces: {type: integer}", "pieces: {type: integer}\n      colour: {type: text}")
TRIPLED = SHOP.replace("record.pieces * 2", "record.pieces * 3")
PEOPLE = {"li": "sales", "pan": "planner"}


def seen(made: Made, text: str, **more: Any) -> Prepared:
    found = prepare(made.application, text, **more)
    assert not found.errors, found.findings
    return found


def put(made: Made, text: str, *, by: str = "admin", **more: Any) -> None:
    made.application = publish(made.application, seen(made, text), by=made.actor(by), **more)


def history(made: Made) -> list[Version]:
    with made.application.database.read() as conn:
        return versions(conn, made.application.tables, 10)
