"""A desk that reads another system in two parts: the newest version of each thing becomes its record, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from engine import service
from engine.application import Application
from engine.builtin import default_registry
from engine.connectors import Connection, Item, Part, Reading, Span
from engine.feeding import looking, rows
from engine.language import Label
from engine.outside.task import Surroundings, Task
from engine.people import system_actor
from engine.registry import Registry

DESK = """
app: desk
label: {en: Desk}
languages: [en]
timezone: UTC
roles: {clerk: {label: {en: Clerk}}}
forms:
  place:
    label: {en: Place}
    title: record.name
    fields: {name: {type: text, required: true, unique: true, label: {en: Name}}}
    permissions: {clerk: {read: true}}
  ticket:
    label: {en: Ticket}
    title: record.number
    fields:
      number: {type: text, required: true, unique: true, label: {en: Number}}
      place: {type: text, label: {en: Place}}
      name: {type: text, label: {en: Name}}
      steps: {type: lines, form: step, label: {en: Steps}}
    permissions: {clerk: {read: true}}
  step:
    label: {en: Step}
    fields: {code: {type: text, required: true, label: {en: Code}}}
connections:
  east: {type: pages}
feeds:
  tickets:
    read: tickets
    from: [east]
    form: ticket
    match: {number: item.no}
    values: {name: item.name, place: item.place}
    lines: {steps: {of: item.steps, values: {code: line}}}
"""


@dataclass(frozen=True, kw_only=True)
class PagesConnection(Connection):
    """Two pages of things; the second has a newer version of one of the first, and one that came late."""

    type: ClassVar[str] = "pages"
    place: ClassVar[str] = ""

    def readings(self) -> Mapping[str, Reading]:
        return {"tickets": Reading(Label({"en": "Tickets"}), {"no": "number"})}

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return {"page": 0}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        pages = ([("a", 1), ("b", 2)], [("a", 2), ("b", 1), ("c", 1)])
        items = [self._item(no, version) for no, version in pages[cursor["page"]]]
        return Part(items, {"page": cursor["page"] + 1}, more=cursor["page"] == 0)

    def _item(self, no: str, version: int) -> Item:
        key = f"{self.place}{no}"
        return Item(key, f"{version:03}", {"no": key, "place": self.place, "name": f"{no}{version}", "steps": ["s", no]})


def definition(http: int, smtp: int) -> str:
    return DESK


def registry() -> Registry:
    found = default_registry()
    found.connector(PagesConnection)
    return found


def begin(app: Application, name: str) -> int:
    PagesConnection.place = name  # type: ignore[misc]
    table = app.tables.form["place"]
    with app.database.read() as conn:
        found = conn.scalar(sa.select(table.c.id).where(table.c.name == name))
    return found or service.save(app, system_actor(), "place", {"name": name}).id


def act(app: Application, id: int) -> None:
    """Look until it was read to its end; a claim of a process that died is waited for."""
    place = _place(app, id)
    while not _was_read(app, place):
        rows.now_due(app, app.definition.feeds["tickets"], ["east"])
        looking.collect(app)
        if not _was_read(app, place):
            app.clock.now += dt.timedelta(seconds=61)  # type: ignore[attr-defined]


def _place(app: Application, id: int) -> str:
    with app.database.read() as conn:
        return str(conn.scalar(sa.select(app.tables.form["place"].c.name).where(app.tables.form["place"].c.id == id)))


def _was_read(app: Application, place: str) -> bool:
    table = app.tables.arrival
    with app.database.read() as conn:
        last = sa.select(table.c.id).where(table.c.item_key == f"{place}c")
        return conn.execute(last).first() is not None


def tell(app: Application, id: int) -> dict[str, Any]:
    place, ticket, step, arrival, event = (
        _place(app, id), app.tables.form["ticket"], app.tables.form["step"], app.tables.arrival, app.tables.event)  # fmt: skip
    with app.database.read() as conn:
        records = conn.execute(sa.select(ticket.c.id, ticket.c.name, ticket.c.version).where(ticket.c.place == place)
                               .order_by(ticket.c.number)).all()  # fmt: skip
        ids = [row.id for row in records]
        arrived = sa.select(arrival.c.item_key, arrival.c.version, arrival.c.state, arrival.c.repeats)
        arrived = arrived.where(arrival.c.item_key.startswith(place)).order_by(arrival.c.item_key, arrival.c.version)
        return {
            "keys": [],
            "tickets": [[row.name, row.version] for row in records],
            "steps": [list(conn.scalars(sa.select(step.c.code).where(step.c["_parent"] == one).order_by(step.c.id))) for one in ids],
            "arrivals": [[row.version, row.state, row.repeats] for row in conn.execute(arrived)],
            "events": list(conn.scalars(sa.select(event.c.kind).where(event.c.form == "ticket", event.c.record_id.in_(ids))
                                        .order_by(event.c.record_id, event.c.id))),
        }  # fmt: skip
