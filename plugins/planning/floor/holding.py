"""Promises that are held, as the plan sees them: orders of their own whose operations stay where they were promised.

They have ids that no record has, far below zero; a plan that is written back leaves them out. A promise that was taken
counts on until its order has jobs: then these take its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.api import Actor, Application, every, get
from plugins.planning.material_shapes import Demand, Material

Row = Mapping[str, Any]
FIRST = -(10**9)  # ids of promises and their operations count down from here
HELD = (
    "record.state == 'held' or (record.state == 'taken' and not record.order.planned and not record.order.state.final)"
)


@dataclass(frozen=True)
class Held:
    """Rows as those of orders, jobs and their operations, by id where they are looked up."""

    orders: Mapping[int, Row] = field(default_factory=dict)
    jobs: Mapping[int, Row] = field(default_factory=dict)
    steps: Sequence[Row] = ()


def is_held(id: str) -> bool:
    """Whether the order or operation of this id is a promise's."""
    return int(id) <= FIRST


def held(app: Application, actor: Actor) -> Held:
    promises = {row["id"]: row for row in every(app, actor, "promise", where=HELD)}
    if not promises:
        return Held()
    lines = [line for line in every(app, actor, "promise_step") if line["_parent"] in promises]
    return Held(
        {FIRST - id: _order(row) for id, row in promises.items()},
        {FIRST - id: _job(row) for id, row in promises.items()},
        [_step(line) for line in lines],
    )


def apart(app: Application, actor: Actor, material: Material) -> Material:
    """The material with what held promises need set apart: of stock first, since it is theirs whoever else asks for an
    earlier day; what stock does not give is a demand on the day they would begin."""
    stock, rest = dict(material.stock), []
    for one in _needed(app, actor, material.items):
        given = min(stock.get(one.item, Decimal(0)), one.quantity)
        stock[one.item] = stock.get(one.item, Decimal(0)) - given
        if given < one.quantity:
            rest.append(replace(one, quantity=one.quantity - given))
    return replace(material, stock=stock, demands=[*material.demands, *rest])


def _needed(app: Application, actor: Actor, items: Collection[str]) -> list[Demand]:
    rows = list(every(app, actor, "promise", where=HELD))
    boms = {product: get(app, actor, "product", product)["bom"] for product in {row["product"] for row in rows}}
    zone = ZoneInfo(app.definition.timezone)
    return [one for row in rows for one in _demands(row, boms[row["product"]], zone) if one.item in items]


def _demands(row: Row, bom: Sequence[Row], zone: ZoneInfo) -> Iterator[Demand]:
    day = row["begins_at"].astimezone(zone).date().toordinal()
    id = str(FIRST - row["id"])
    for place, line in enumerate(bom):
        share: Decimal = 1 + (line["scrap"] or 0) / Decimal(100)
        quantity = round(row["quantity"] * Decimal(line["quantity"]) * share, 3)
        yield Demand(f"held {row['id']} {place}", str(line["component"]), day, quantity, id, id)


def _order(row: Row) -> Row:
    return {
        "id": FIRST - row["id"], "version": 0, "number": row["number"], "customer": row["customer"],
        "sales_person": row["sales_person"], "due_on": row["safe_on"], "priority": "normal", "penalty": None,
        "line": None, "planned_start": None, "planned_end": None,
    }  # fmt: skip


def _job(row: Row) -> Row:
    id = FIRST - row["id"]
    return {"id": id, "version": 0, "order": id, "product": row["product"], "quantity": row["quantity"],
            "number": row["number"], "machine": None, "planned_start": None, "planned_end": None}  # fmt: skip


def _step(line: Row) -> Row:
    return {
        "id": FIRST - line["id"], "version": 0, "job": FIRST - line["_parent"], "order": FIRST - line["_parent"],
        "number": line["number"], "name": line["name"], "group": None, "machine": line["machine"],
        "mould": line["mould"], "good": 0, "reports": 0, "work": line["work"], "reported_at": None,
        "planned_start": line["begins_at"], "planned_end": line["ends_at"], "frozen": True, "outside": None,
    }  # fmt: skip
