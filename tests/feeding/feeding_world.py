"""A desk whose tickets come from other systems, and a connector that tells what a test wrote down for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from making import Made, MakeApp

from engine.builtin import default_registry
from engine.connectors import Connection, Forged, Item, Part, Pushed, Reading, Span, Told
from engine.credentials import Secret
from engine.errors import message
from engine.language import Label, option
from engine.outside.exchanges import Exchange
from engine.outside.task import Surroundings, Task
from engine.registry import Registry

DESK = """
app: desk
label: {en: Desk, zh: 台}
languages: [en, zh]
timezone: UTC
currency: CNY
roles:
  clerk: {label: {en: Clerk, zh: 员}}
forms:
  part:
    label: {en: Part, zh: 件}
    title: record.code
    fields:
      code: {type: text, required: true, unique: true, label: {en: Code, zh: 码}}
      size: {type: integer, label: {en: Size, zh: 大小}}
    permissions: {clerk: {create: true, read: true, update: true, delete: true}}
  ticket:
    label: {en: Ticket, zh: 单}
    title: record.name
    unique: [[source, number]]
    fields:
      source: {type: text, required: true, label: {en: Source, zh: 源}}
      number: {type: text, required: true, label: {en: Number, zh: 号}}
      name: {type: text, label: {en: Name, zh: 名}}
      price: {type: money, min: 0, label: {en: Price, zh: 价}}
      level: {type: choice, label: {en: Level, zh: 级}, options: {low: {label: {en: Low, zh: 低}}, high: {label: {en: High, zh: 高}}}}
      note: {type: text, label: {en: Note, zh: 注}}
      closed: {type: boolean, default: false, label: {en: Closed, zh: 完}}
      steps: {type: lines, form: step, label: {en: Steps, zh: 步}}
    permissions: {clerk: {create: true, read: true, update: true, delete: true}}
  step:
    label: {en: Step, zh: 步}
    fields:
      code: {type: text, required: true, label: {en: Code, zh: 码}}
      count: {type: integer, label: {en: Count, zh: 数}}
      seen: {type: boolean, default: false, label: {en: Seen, zh: 见}}
connections:
  east: {type: fake, key: {secret: EAST}}
  west: {type: fake, key: {secret: WEST}}
feeds:
  tickets:
    label: {en: Tickets of others, zh: 外部单}
    read: tickets
    from: [east, west]
    form: ticket
    match: {source: source, number: item.no}
    values:
      name: item.name
      price: item.price
      level: "decode(item.level, codes.level, 'low')"
      note: item.buyer.address.city
    lines:
      steps: {of: item.steps, values: {code: line.code, count: line.count}}
    codes: {level: {H: high, L: low}}
"""


@dataclass(frozen=True, kw_only=True)
class FakeConnection(Connection):
    """Tells what a test wrote down."""

    type: ClassVar[str] = "fake"
    script: ClassVar[dict[str, list[Any]]] = {}
    asked: ClassVar[list[tuple[str, Mapping[str, Any]]]] = []
    key: Secret | None = option("The key.", None)

    def readings(self) -> Mapping[str, Reading]:
        gives = {"no": "its number", "name": "its name"}
        return {
            "tickets": Reading(Label({"en": "Tickets"}), gives, pushed=True),
            "stream": Reading(Label({"en": "Stream"}), gives, spans=False),
        }

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return {"since": span.since.isoformat(), "until": span.until.isoformat() if span.until else None, "page": 0}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        surroundings.turn(reading)
        self.asked.append((self.name, dict(cursor)))
        key = surroundings.secret("EAST", "east.example")
        surroundings.note(Exchange(reading, "GET", f"https://east.example/?key={key}", surroundings.now(), 0.1, 200))
        said = self.script.get(self.name) or []
        answer = said.pop(0) if said else part()
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer = answer()
        return Part(answer.items, {**cursor, "page": cursor["page"] + 1}, answer.more)

    def told(self, reading: str, pushed: Pushed, surroundings: Surroundings) -> Told | None:
        if pushed.headers.get("x-key") != surroundings.secret(self.key.secret if self.key else "", "east.example"):
            raise Forged(message("The key {key} is wrong.", key=surroundings.secret("EAST", "east.example")))
        said = json.loads(pushed.body)
        if said.get("ping"):
            return None
        answer = (self.script.get("told") or [None])[0]
        if isinstance(answer, BaseException):
            raise answer
        return Told([item(**one) for one in said["items"]], pushed.headers.get("x-delivery", ""))


def item(no: str = "1", version: str = "", **data: Any) -> Item:
    return Item(no, version, {"no": no, "name": f"Ticket {no}", **data})


def part(*items: Item, more: bool = False) -> Part:
    return Part(items, {}, more)


def register(registry: Registry) -> None:
    registry.connector(FakeConnection)


def registry() -> Registry:
    found = default_registry()
    register(found)
    return found


SHARED = registry()


def tickets(made: Made, *names: str) -> list[tuple[Any, ...]]:
    """The tickets, by these fields."""
    table = made.application.tables.form["ticket"]
    columns = [table.c[name] for name in names or ("source", "number", "name")]
    with made.application.database.read() as conn:
        query = sa.select(*columns).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
        return [tuple(row) for row in conn.execute(query)]


def arrivals(made: Made, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names or ("item_key", "state")) for row in made.ledger("arrival")]


def desk(make_app: MakeApp, source: str = DESK, **options: Any) -> Made:
    from dataclasses import replace

    from engine.secrets import Kept, Sources

    FakeConnection.script.clear()
    FakeConnection.asked.clear()
    made = make_app(source, registry=SHARED, people={"li": "clerk"}, **options)
    keys = Sources(environment={"EAST": Kept("east-secret-key"), "WEST": Kept("west-secret-key")})
    made.application = replace(made.application, sources=keys)
    return made


def feed(source: str, more: str, *, instead: tuple[str, str] = ("", "")) -> str:
    """The application, whose feed says more."""
    return source.replace(*instead).rstrip() + "\n" + "".join(f"    {line}\n" for line in more.splitlines())
