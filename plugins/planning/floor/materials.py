"""What jobs still need, against what is there and on its way: the records of material as a problem of netting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.api import Application, every, open_spans
from plugins.planning.floor.holding import apart
from plugins.planning.floor.reading import PLANNER, Row
from plugins.planning.floor.time import minute
from plugins.planning.material_shapes import Demand, Item, Material, Receipt
from plugins.planning.netting import netted
from plugins.planning.pegging import earliest


@dataclass(frozen=True)
class Needs:
    """What was read. Days are ordinals; a demand is a requirement, its operation the job."""

    material: Material
    products: Mapping[str, Row]
    requirements: Mapping[str, Row]
    receipts: Mapping[str, Row]


def needs(app: Application, also: Collection[int] = ()) -> Needs:
    """``also``: products that are read whether anything waits for them or not."""
    missing = {str(row["id"]): row for row in every(app, PLANNER, "requirement", where="record.missing > 0")}
    receipts = dict(_receipts(app))
    wanted = {row["product"] for row in (*missing.values(), *receipts.values())} | set(also)
    products = {str(row["id"]): row for row in every(app, PLANNER, "product", ids=wanted)}
    today = app.clock().astimezone(ZoneInfo(app.definition.timezone)).date().toordinal()
    jobs = every(app, PLANNER, "job", ids={row["job"] for row in missing.values()})
    starts = {row["id"]: row["planned_start"] for row in jobs}
    material = Material(
        items={id: _item(row) for id, row in products.items()},
        demands=[_demand(id, row, starts[row["job"]]) for id, row in missing.items()],
        stock={id: _free(row) for id, row in products.items()},
        receipts=[_receipt(id, row) for id, row in receipts.items()],
        today=today,
    )
    return Needs(material, products, missing, receipts)


def ready(app: Application) -> dict[int, tuple[int, str]]:
    """By job: the minute at which the last of its material is there, and which that is. What is there today is left
    out."""
    return readiness(app, needs(app))


def readiness(app: Application, found: Needs) -> dict[int, tuple[int, str]]:
    """As ``ready``, of needs that were read."""
    if not found.material.demands:
        return {}
    netting = netted(apart(app, PLANNER, found.material))
    return {
        int(job): (_morning(app, dt.date.fromordinal(day)), str(found.products[item]["name"]))
        for job, (day, item) in earliest(netting).items()
        if day > netting.today
    }


def _morning(app: Application, day: dt.date) -> int:
    """When goods are received on a day: as soon as the plant opens."""
    spans = open_spans(app.definition, None, day, 1)
    zone = ZoneInfo(app.definition.timezone)
    return minute(spans[0][0] if spans else dt.datetime.combine(day, dt.time(), tzinfo=zone))


def _receipts(app: Application) -> Iterator[tuple[str, Row]]:
    """Purchases that are on their way, and requests that are being bought."""
    coming = "record.state in ('sent', 'confirmed') and record.outstanding > 0"
    for row in every(app, PLANNER, "purchase", where=coming):
        left = max(row["quantity"] - (row["received"] or 0), Decimal(0))
        yield f"purchase {row['id']}", {**row, "left": left, "day": row["promised_on"] or row["needed_on"]}
    for row in every(app, PLANNER, "purchase_request", where="record.state in ('open', 'asked')"):
        yield f"request {row['id']}", {**row, "left": row["quantity"], "day": row["needed_on"]}


def _free(row: Row) -> Decimal:
    taken = sum((row[name] or Decimal(0) for name in ("reserved", "held")), Decimal(0))
    return max((row["on_hand"] or Decimal(0)) - taken, Decimal(0))


def _item(row: Row) -> Item:
    return Item(
        str(row["id"]), lead=row["lead_days"] or 0, safety=row["safety_stock"] or Decimal(0),
        decimals=3, supplier=str(row["supplier"] or ""),
    )  # fmt: skip


def _demand(id: str, row: Row, start: Any) -> Demand:
    day = start or row["due_on"]
    missing = row["missing"]
    return Demand(id, str(row["product"]), day.toordinal(), missing, str(row["order"]), str(row["job"]))


def _receipt(id: str, row: Row) -> Receipt:
    kind = "request" if id.startswith("request") else "purchase"
    days = row["day"].toordinal(), row["needed_on"].toordinal()
    return Receipt(id, str(row["product"]), days[0], row["left"], kind, wanted=days[1])  # type: ignore[arg-type]
