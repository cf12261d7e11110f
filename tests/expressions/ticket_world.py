"""A small application for the tests of expressions: tickets with lines, links, a workflow, and rows in memory."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache
from typing import Any

from engine.builtin import default_registry
from engine.expressions import View, names_for
from engine.formats import Reader
from engine.load import load_text
from engine.people import Actor

TICKETS = """
app: tickets
label: Tickets
roles:
  agent: {label: Agent}
  chief: {label: Chief}
forms:
  place:
    label: Place
    fields:
      name: {type: text}
      budget: {type: money}
      parent_place: {type: link, form: place}
    permissions: {agent: {create: true, read: true, update: true}}
  ticket:
    label: Ticket
    fields:
      title: {type: text}
      note: {type: long_text}
      level: {type: choice, options: {low: {}, high: {}}}
      tags: {type: choices, options: {red: {}, blue: {}, green: {}}}
      count: {type: integer}
      amount: {type: money}
      weight: {type: decimal, scale: 3}
      urgent: {type: boolean}
      due_on: {type: date}
      done_on: {type: date}
      seen_at: {type: datetime}
      met_at: {type: datetime}
      effort: {type: duration}
      at: {type: time}
      place: {type: link, form: place}
      other_place: {type: link, form: place}
      helper: {type: user}
      home: {type: address}
      watched: {type: links, form: place}
      items: {type: lines, form: item}
      total: {type: computed, result: {type: money}, value: "sum(line.cost for line in record.items)", stored: false}
      place_name: {type: lookup, via: place, field: name}
      late: {type: computed, result: {type: boolean}, value: "record.due_on < today()", stored: false}
    permissions: {agent: {create: true, read: true, update: true}, chief: {create: true, read: true, update: true}}
    workflow:
      initial: open
      states:
        open: {label: {en: Open, zh: 打开}, owner: agent}
        held: {label: Held, aside: true, owner: agent}
        done: {label: Done, final: true}
      transitions:
        finish: {label: Finish, from: [open, held], to: done, roles: [agent]}
        hold: {label: Hold, from: [open], to: held, roles: [agent]}
  item:
    label: Item
    fields:
      name: {type: text}
      quantity: {type: integer}
      price: {type: money}
      cost: {type: computed, result: {type: money}, value: "round(record.quantity * record.price, 2)", stored: false}
      store: {type: link, form: place}
"""

NOW = dt.datetime(2026, 3, 1, 18, 30, 15, 250_000, tzinfo=dt.UTC)  # already the 2nd of March in Shanghai
USER = Actor(id=1, login="li", name="Li Lei", roles=frozenset({"agent"}), groups=frozenset({"north"}))
READER = Reader("en", "Asia/Shanghai", "CNY")


@cache
def registry() -> Any:
    return default_registry()


@cache
def definition() -> Any:
    return load_text(TICKETS, registry()).definition


class Rows:
    """A Loader over rows in memory: form → id → row; ``linked``: (form, field, id) → ids."""

    def __init__(self, rows: dict[str, dict[int, Any]], linked: dict[tuple[str, str, int], list[int]]) -> None:
        self.rows = rows
        self.links = linked
        self.definition = definition()
        self.registry = registry()
        self.names = names_for(NOW, READER, USER)
        self.loads: list[tuple[str, int]] = []

    def load(self, form: str, id: int) -> dict[str, Any] | None:
        self.loads.append((form, id))
        return self.rows.get(form, {}).get(id)

    def lines(self, form: str, parent_id: int) -> list[dict[str, Any]]:
        return [row for row in self.rows.get(form, {}).values() if row["_parent"] == parent_id]

    def linked(self, form: str, field: str, id: int) -> list[dict[str, Any]]:
        target = definition().forms[form].fields[field].form
        return [self.rows[target][each] for each in self.links.get((form, field, id), [])]

    def user(self, id: int) -> dict[str, Any]:
        return {"id": id, "name": f"User {id}", "login": f"u{id}", "roles": frozenset({"agent"}), "groups": frozenset()}

    def rollup(self, form: str, field: str, id: int) -> Any:
        raise AssertionError("no rollups here")

    def view(self, form: str, id: int) -> View:
        return View(self.definition.forms[form], self.rows[form][id], self)


def a_ticket(**values: Any) -> dict[str, Any]:
    row = {
        "id": 1, "version": 1, "state": "open", "state_since": NOW, "created_at": NOW, "updated_at": NOW,
        "_title": "Leak", "title": "Leak", "level": "high", "tags": ("red", "blue"), "count": 3,
        "amount": Decimal("120.50"), "weight": Decimal("0.125"), "urgent": True, "due_on": dt.date(2026, 3, 10),
        "place": 1, "helper": 1, "owner": 1, "owner_role": "agent", "home": {"city": "Dalian"},
        "effort": dt.timedelta(hours=2), "at": dt.time(9, 30), "seen_at": dt.datetime(2026, 3, 1, 17, tzinfo=dt.UTC),
    }  # fmt: skip
    return {**row, **values}


def a_world(**values: Any) -> Rows:
    """One ticket with two items at a place within a place."""
    places = {
        1: {"id": 1, "name": "Hall", "budget": Decimal("100.00"), "parent_place": 2, "_title": "Hall"},
        2: {"id": 2, "name": "Plant", "budget": None, "parent_place": None, "_title": "Plant"},
    }
    items = {
        1: {"id": 1, "_parent": 1, "name": "pipe", "quantity": 2, "price": Decimal("10.255"), "store": 1},
        2: {"id": 2, "_parent": 1, "name": "glue", "quantity": None, "price": Decimal("3.00"), "store": None},
    }
    return Rows({"ticket": {1: a_ticket(**values)}, "place": places, "item": items}, {("ticket", "watched", 1): [2]})


def names_of(world: Rows, **more: Any) -> dict[str, Any]:
    return {**world.names, "record": world.view("ticket", 1), **more}
