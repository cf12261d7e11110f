"""Production, inspection and shipping of one order: machines that break, scrap, rework, and counts that differ."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from plugins.order_hub.factory import DAY, MINUTE, Machine, Plant

if TYPE_CHECKING:
    from plugins.order_hub.factory_orders import Life

Story = Iterator[dt.datetime]
ROUNDS = 12  # reports of one job


def make_goods(life: Life) -> Story:
    """From the plan to the inspection, again where quality sends it back."""
    plant = life.plant
    if life.state == "scheduled":
        yield plant.soon("zhao", 20, 400)
        _schedule(life)
    for _turn in range(5):
        while life.state in ("frozen", "changing"):
            yield plant.days("wang", 0.5, 2)
            life.take("wang", "release", reason="核实无误") or life.take(life.customer.seller, "changed")
        if life.state == "scheduled":
            _schedule(life)
        if life.state != "producing":
            return
        for job in plant.simulation.rows("job", order=life.id):
            yield from _job(life, job)
        yield plant.soon("sun", 5, 90)
        produced = life.row["produced"] or 0
        if not life.take("sun", "finish_production", values={"produced": produced}):
            yield plant.soon("sun", 60, 300)
            continue
        yield from _inspect(life)
        if life.state != "producing":
            return


def _schedule(life: Life) -> None:
    plant, simulation = life.plant, life.plant.simulation
    machine = min(plant.machines, key=lambda one: one.free)
    start = max(simulation.now, machine.free).astimezone(simulation.zone).date()
    dates = {"planned_start": start.isoformat(), "planned_end": (start + DAY * plant.random.randint(1, 4)).isoformat()}
    wanted: dict[int, int] = {}
    for line in simulation.rows("order_line", _parent=life.id):
        wanted[line["product"]] = wanted.get(line["product"], 0) + line["quantity"]
    for job in simulation.rows("job", order=life.id):
        needed = wanted.pop(job["product"], 0)
        more = {"quantity": needed} if needed and needed != job["quantity"] else {}
        simulation.change("zhao", "job", job["id"], {"machine": machine.id, **dates, **more})
    life.take("zhao", "release_schedule", values={"line": machine.line, **dates})


def _job(life: Life, job: dict[str, Any]) -> Story:
    """Material, then the machine, a report for each shift, and the goods to the store."""
    plant, simulation = life.plant, life.plant.simulation
    if job["good"] >= job["quantity"]:
        return
    yield plant.soon("wu", 10, 200)
    _issue_material(plant, job)
    machine = min(plant.machines, key=lambda one: one.free)
    for _round in range(ROUNDS):
        row = simulation.row("job", job["id"])
        left = row["quantity"] - row["good"]
        if left <= 0:
            break
        share = left if left <= 800 or plant.chance(0.5) else left // 2
        minutes = min(1200, max(30, int(plant.random.lognormvariate(5.2, 0.5))))
        yield from _run(plant, machine, minutes)
        yield from _report(plant, job, machine, share, minutes)
    yield plant.soon("wu", 10, 120)
    good = simulation.row("job", job["id"])["good"]
    if good:
        _store(life, job, good)


def _run(plant: Plant, machine: Machine, minutes: int) -> Story:
    """Wait for the machine and let it run; now and then it breaks down."""
    simulation = plant.simulation
    start = max(simulation.now, machine.free)
    machine.free = start + MINUTE * minutes
    if plant.chance(0.02):
        yield plant.hours["sun"].next(start)
        simulation.note("a machine broke down")
        simulation.change("sun", "machine", machine.id, {"usable": False})
        repaired = plant.days("sun", 0.2, 2.5)
        machine.free = max(machine.free, repaired + MINUTE * minutes)
        yield repaired
        simulation.change("sun", "machine", machine.id, {"usable": True})
    yield plant.hours["ma"].next(machine.free)


def _report(plant: Plant, job: dict[str, Any], machine: Machine, good: int, minutes: int) -> Story:
    simulation, scrap = plant.simulation, int(good * plant.random.choice((0, 0, 0.01, 0.02, 0.06)))
    values: dict[str, Any] = {"job": job["id"], "machine": machine.id, "operation": "注塑", "minutes": minutes}
    values |= {"good": good, "scrap": scrap}
    if scrap:
        values["scrap_reason"] = plant.random.choice(("short_shot", "flash", "sink", "colour"))
    made = simulation.create("ma", "work_report", values)
    if not made:
        return
    yield plant.soon("sun", 5, 180)
    if plant.chance(0.03) and simulation.take("sun", "work_report", made.saved.id, "reject", reason="数量不对"):
        yield plant.soon("ma", 10, 120)
        corrected = {"good": max(1, good - 1), "scrap": scrap + (1 if scrap else 0), "minutes": minutes}
        simulation.take("ma", "work_report", made.saved.id, "report_again", corrected)
        yield plant.soon("sun", 5, 60)
    simulation.take("sun", "work_report", made.saved.id, "approve")


# --- the store -------------------------------------------------------------------------------------------------------


def _issue_material(plant: Plant, job: dict[str, Any]) -> None:
    """What is reserved for the job leaves the store, from the oldest lots."""
    lines = []
    for need in plant.simulation.rows("requirement", job=job["id"]):
        wanted = need["reserved"] if need["reserved"] else need["needed"] + (need["moved"] or 0)
        lines += _from_lots(plant, need["product"], wanted)
    if lines:
        made = plant.simulation.create("wu", "goods_issue", {"kind": "issue", "job": job["id"], "lines": lines})
        if made:
            plant.simulation.take("wu", "goods_issue", made.saved.id, "post")


def _from_lots(plant: Plant, product: int, wanted: Decimal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    where = f"record.product == {product} and record.on_hand > 0"
    for lot in plant.simulation.records("wu", "stock", where, limit=50):
        if wanted <= 0:
            break
        part = min(wanted, lot["on_hand"])
        found.append({"stock": lot["id"], "quantity": str(part)})
        wanted -= part
    return found


def _store(life: Life, job: dict[str, Any], quantity: int) -> None:
    plant = life.plant
    values = {
        "kind": "production", "order": life.id,
        "lines": [{"product": job["product"], "lot": life.row["number"], "location": plant.locations["F-01"],
                   "quantity": quantity}],
    }  # fmt: skip
    made = plant.simulation.create("wu", "goods_receipt", values)
    if made:
        plant.simulation.take("wu", "goods_receipt", made.saved.id, "post")


# --- inspection and shipping -----------------------------------------------------------------------------------------


def _inspect(life: Life) -> Story:
    plant, simulation = life.plant, life.plant.simulation
    yield plant.soon("qian", 15, 240)
    sample = plant.random.choice((20, 32, 50, 80))
    bad = plant.chance(0.03)
    defects = plant.random.randint(3, 9) if bad else plant.random.choice((0, 0, 0, 1))
    made = simulation.create("qian", "inspection", {"order": life.id, "sample": sample, "defects": defects})
    if not made:
        return
    photos = {"photos": plant.paper("qian", "inspection", "photos", "part.png")}
    yield plant.soon("qian", 10, 90)
    if bad:
        simulation.take("qian", "inspection", made.saved.id, "fail", {**photos, "finding": "缩水"}, reason="不良超标")
        life.take("qian", "rework", reason="缩水超标")
    else:
        simulation.take("qian", "inspection", made.saved.id, "pass", photos)


def ship_goods(life: Life) -> Story:
    """A shipment is recorded, the goods leave the store; now and then the two differ."""
    plant, simulation = life.plant, life.plant.simulation
    yield plant.soon("zheng", 20, 300)
    lines, number = simulation.rows("order_line", _parent=life.id), life.row["number"]
    values = {
        "order": life.id, "carrier": plant.random.choice(("own", "sf", "deppon", "freight")),
        "lines": [{"product": line["product"], "quantity": line["quantity"], "lot": number} for line in lines],
    }  # fmt: skip
    if not simulation.create("zheng", "shipment", values):
        return
    yield plant.soon("wu", 5, 60)
    _issue_goods(life, lines)
    yield plant.soon("qian", 5, 90)
    if life.state == "inspected":
        report = {"inspection_report": plant.paper("qian", "order", "inspection_report", "report.png")}
        life.take("qian", "release_goods", values={"inspection_result": "passed", **report})


def _issue_goods(life: Life, lines: list[dict[str, Any]]) -> None:
    plant, wanted = life.plant, dict[int, int]()
    for line in lines:
        wanted[line["product"]] = wanted.get(line["product"], 0) + line["quantity"]
    rows = []
    for product, quantity in wanted.items():
        lots = plant.simulation.rows("stock", product=product, lot=life.row["number"])
        there = min(Decimal(quantity), lots[0]["on_hand"]) if lots else Decimal(0)
        there -= 1 if plant.chance(0.02) and there > 1 else 0
        if there > 0:
            rows.append({"stock": lots[0]["id"], "quantity": str(there)})
    made = plant.simulation.create("wu", "goods_issue", {"kind": "shipment", "order": life.id, "lines": rows})
    if made:
        plant.simulation.take("wu", "goods_issue", made.saved.id, "post")
