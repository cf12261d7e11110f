"""What jobs still need, against what is there and on its way: the records of material as a problem of netting.

Read in a few statements, whatever the number of requirements.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

from engine.api import Application, every, open_spans
from plugins.planning.floor.holding import apart
from plugins.planning.floor.reading import PLANNER, Row
from plugins.planning.floor.time import minute
from plugins.planning.material_shapes import BadMaterial, Demand, Item, Line, Lot, Material, Netting, Receipt
from plugins.planning.netting import netted
from plugins.planning.pegging import earliest

NEEDED = "record.missing > 0 and record.job.good < record.job.quantity and not record.order.state.final"
COMING = "record.state in ('draft', 'sent', 'confirmed') and record.outstanding > 0"
MADE = "record.product.kind == 'semi' and record.stocked < record.quantity and not record.order.state.final"
KEPT = "record.kind != 'finished' and record.safety_stock > 0"


@dataclass(frozen=True)
class Needs:
    """What was read. Days are ordinals; a demand is a requirement, its operation the job. ``receipts``: by ``purchase
    ID``, ``request ID`` or ``job ID``. ``proposed``: requests that planning made and nobody has taken up, which are
    worked out anew and are no receipts."""

    material: Material
    products: Mapping[str, Row]
    requirements: Mapping[str, Row]
    receipts: Mapping[str, Row]
    proposed: Mapping[int, Row] = field(default_factory=dict)


def needs(app: Application, also: Collection[int] = ()) -> Needs:
    """``also``: products that are read whether anything waits for them or not."""
    missing = {str(row["id"]): row for row in every(app, PLANNER, "requirement", where=NEEDED)}
    requests = list(every(app, PLANNER, "purchase_request", where="record.state in ('open', 'asked')"))
    proposed = {row["id"]: row for row in requests if row["planned"] and row["state"] == "open"}
    receipts = dict(_receipts(app, [row for row in requests if row["id"] not in proposed]))
    products, lines = _structure(app, missing.values(), receipts.values(), [{"product": id} for id in also])
    today = app.clock().astimezone(ZoneInfo(app.definition.timezone)).date().toordinal()
    jobs = every(app, PLANNER, "job", ids={row["job"] for row in missing.values()})
    starts = {row["id"]: row["planned_start"] for row in jobs}
    material = Material(
        items={id: _item(row, id in lines) for id, row in products.items()},
        lines=[line for of_one in lines.values() for line in of_one],
        demands=[_demand(id, row, starts[row["job"]], receipts, today) for id, row in missing.items()],
        stock={id: _free(row) for id, row in products.items()},
        receipts=[_receipt(id, row, products[str(row["product"])], today) for id, row in receipts.items()],
        today=today,
    )
    return Needs(material, products, missing, receipts, proposed)


def solved(material: Material) -> tuple[Netting, tuple[str, ...]]:
    """Netted, and what stands in its way: where bills of materials, jobs or alternatives lead in a circle, these are
    left out, so that one mistake in one product does not stop the plan of all. Raises BadMaterial for anything else."""
    try:
        return netted(material), ()
    except BadMaterial as bad:
        simpler = reduce(_without, bad.problems, material)
        if simpler == material:
            raise
        netting, more = solved(simpler)
        return netting, (*bad.problems, *more)


def _without(material: Material, problem: str) -> Material:
    """Without the circle that the problem names."""
    what, _, chain = problem.partition(" lead in a circle: ")
    if not chain:
        what, _, chain = problem.partition(" leads in a circle: ")
    circle = frozenset(chain.split(" → "))
    if what == "alternatives":
        return replace(
            material,
            lines=[replace(line, alternatives=_others(line.alternatives, circle)) for line in material.lines],
            demands=[replace(one, alternatives=_others(one.alternatives, circle)) for one in material.demands],
        )
    if what == "open production orders":
        demands = [replace(one, supply="") if one.item in circle else one for one in material.demands]
        return replace(material, demands=demands)
    items = {id: replace(item, made=False) if id in circle else item for id, item in material.items.items()}
    return replace(material, items=items, lines=[line for line in material.lines if line.parent not in circle])


def _others(alternatives: Sequence[str], circle: Set[str]) -> tuple[str, ...]:
    return tuple(one for one in alternatives if one not in circle)


def ready(app: Application) -> dict[int, tuple[int, str]]:
    """By job: the minute at which the last of its material is there, and which that is. What is there today is left
    out."""
    return readiness(app, needs(app))


def readiness(app: Application, found: Needs) -> dict[int, tuple[int, str]]:
    """As ``ready``, of needs that were read."""
    if not found.material.demands:
        return {}
    netting = solved(_counted_on(apart(app, PLANNER, found.material)))[0]
    late = {job: there for job, there in earliest(netting).items() if there[0] > netting.today}
    mornings = {day: _morning(app, dt.date.fromordinal(day)) for day in {day for day, _ in late.values()}}
    return {int(job): (mornings[day], str(found.products[item]["name"])) for job, (day, item) in late.items()}


def _counted_on(material: Material) -> Material:
    """What is on its way is waited for, whatever day it was ordered for: nobody has ordered what could come sooner."""
    return replace(material, receipts=[replace(one, wanted=material.today) for one in material.receipts])


def _morning(app: Application, day: dt.date) -> int:
    """When goods are received on a day: as soon as the plant opens."""
    spans = open_spans(app.definition, None, day, 1)
    zone = ZoneInfo(app.definition.timezone)
    return minute(spans[0][0] if spans else dt.datetime.combine(day, dt.time(), tzinfo=zone))


# --- what comes ------------------------------------------------------------------------------------------------------


def _receipts(app: Application, requests: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """Purchases that are on their way or about to be sent, requests that people make or have taken up, and jobs that
    make something for others."""
    for row in every(app, PLANNER, "purchase", where=COMING):
        left = max(row["quantity"] - (row["received"] or 0), Decimal(0))
        yield f"purchase {row['id']}", {**row, "left": left, "day": row["promised_on"] or row["needed_on"]}
    for asked in requests:
        yield f"request {asked['id']}", {**asked, "left": asked["quantity"], "day": asked["needed_on"]}
    for job in every(app, PLANNER, "job", where=MADE):
        left, due = Decimal(job["quantity"]) - (job["stocked"] or 0), job["due_on"]
        yield f"job {job['id']}", {**job, "left": left, "day": job["planned_end"] or due, "needed_on": due}


def _receipt(id: str, row: Row, product: Row, today: int) -> Receipt:
    """A request that nobody has ordered yet cannot come sooner than its lead time."""
    day, wanted = row["day"].toordinal(), row["needed_on"].toordinal()
    if id.startswith("request"):
        return Receipt(id, str(row["product"]), max(day, today + _lead(product)), row["left"], "request", wanted)
    kind: Any = "production" if id.startswith("job") else "purchase"
    return Receipt(id, str(row["product"]), day, row["left"], kind, wanted)


# --- what is needed, and of what it is made --------------------------------------------------------------------------


def _demand(id: str, row: Row, start: dt.date | None, receipts: Mapping[str, Row], today: int) -> Demand:
    """Needed when the job begins, and at the latest when the order is due: what is late already is no less urgent
    because the plan had to move. A job that makes something for others needs it for what it makes."""
    days = [day.toordinal() for day in (start, row["due_on"]) if day is not None]
    made = f"job {row['job']}"
    return Demand(
        id, str(row["product"]), min(days, default=today), row["missing"], str(row["order"]), str(row["job"]),
        made if made in receipts else "", (str(row["alternative"]),) if row["alternative"] else (),
    )  # fmt: skip


Structure = tuple[Mapping[str, Row], Mapping[str, Sequence[Line]]]


def _structure(app: Application, *rows: Iterable[Row]) -> Structure:
    """The products that are looked at, and the lines of the semi-finished ones among them, down to the last level."""
    wanted = {row[name] for some in rows for row in some for name in ("product", "alternative") if row.get(name)}
    products: dict[int, Row] = {row["id"]: row for row in every(app, PLANNER, "product", where=KEPT)}
    products |= _products(app, wanted - products.keys())
    if not any(row["kind"] == "semi" for row in products.values()):
        return {str(id): row for id, row in products.items()}, {}
    boms: dict[int, list[Row]] = defaultdict(list)
    for line in every(app, PLANNER, "bom_line"):
        boms[line["_parent"]].append(line)
    products |= _products(app, _below(boms, products) - products.keys())
    made = [id for id, row in products.items() if row["kind"] == "semi" and id in boms]
    return {str(id): row for id, row in products.items()}, {str(id): _lines(boms[id]) for id in made}


def _products(app: Application, ids: Iterable[int]) -> dict[int, Row]:
    return {row["id"]: row for row in every(app, PLANNER, "product", ids=ids)}


def _below(boms: Mapping[int, Sequence[Row]], products: Iterable[int]) -> set[int]:
    """Everything that goes into the products, or could in place of it, through all levels."""
    found, todo = set[int](), list(products)
    while todo:
        for line in boms.get(todo.pop(), ()):
            new = {line["component"], line["alternative"]} - found - {None}
            found |= new
            todo += new
    return found


def _lines(rows: Sequence[Row]) -> list[Line]:
    return [
        Line(
            str(row["_parent"]), str(row["component"]), row["quantity"], row["scrap"] or Decimal(0),
            (str(row["alternative"]),) if row["alternative"] else (),
        )
        for row in rows
    ]  # fmt: skip


def _free(row: Row) -> Decimal:
    taken = sum((row[name] or Decimal(0) for name in ("reserved", "held")), Decimal(0))
    return max((row["on_hand"] or Decimal(0)) - taken, Decimal(0))


def _item(row: Row, made: bool) -> Item:
    lot = Lot(row["lot_minimum"] or Decimal(0), row["lot_multiple"] or Decimal(0), row["lot_days"] or 1)
    return Item(
        str(row["id"]), made=made, lead=_lead(row), lot=lot, safety=row["safety_stock"] or Decimal(0),
        decimals=0 if row["unit"] == "pcs" else 3, supplier=str(row["supplier"] or ""),
    )  # fmt: skip


def _lead(product: Row) -> int:
    return product["lead_days"] or 0
