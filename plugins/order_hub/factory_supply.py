"""What happens every day beside the orders: purchasing, bills, counting, differences, reviews."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from plugins.order_hub.factory import DAY, Plant, decided

Story = Iterator[dt.datetime]
LOT = Decimal("0.001")


def begin_supply(plant: Plant) -> None:
    for who, work, days in (
        ("chen", _buy, 1), ("wang", _pay_bills, 1), ("wu", _count, 3), ("wu", _explain, 1), ("lin", _review, 14),
    ):  # fmt: skip
        plant.simulation.follow(_every(plant, who, work, days))


def _every(plant: Plant, who: str, work: Callable[[Plant], None], days: int) -> Story:
    """In the morning, every so many days."""
    while True:
        yield plant.soon(who, 10, 90)
        work(plant)
        yield plant.hours[who].next(plant.hours[who].begin(plant.simulation.today + DAY * days))


# --- purchasing ------------------------------------------------------------------------------------------------------


def _buy(plant: Plant) -> None:
    """Whatever is short, or will soon be, is asked for."""
    simulation = plant.simulation
    for product in simulation.records("chen", "product", "record.kind != 'finished'"):
        short = sum(
            (
                need["missing"]
                for need in simulation.records(
                    "chen", "requirement", f"record.product == {product['id']} and record.missing > 0", limit=1000
                )
            ),
            Decimal(0),
        )
        row = simulation.row("product", product["id"])
        level = row["safety_stock"] * 2
        coming = (row["on_hand"] or 0) - (row["reserved"] or 0) + (row["on_order"] or 0)
        if short or coming < row["safety_stock"]:
            wanted = (level - coming + short).quantize(LOT)
            if short > (row["on_order"] or 0) or coming < row["safety_stock"]:
                simulation.follow(_purchase(plant, product["id"], max(wanted, level / 2)))


def _purchase(plant: Plant, product: int, quantity: Decimal) -> Story:
    """A request, quotes of two suppliers, the better one is chosen, confirmed and delivered: often a bit late."""
    simulation, random = plant.simulation, plant.random
    cost = simulation.row("product", product)["cost"]
    needed = plant.date(random.randint(2, 6))
    asked = simulation.create(
        "chen", "purchase_request", {"product": product, "quantity": str(quantity), "needed_on": needed}
    )
    if not asked:
        return
    simulation.take("chen", "purchase_request", asked.saved.id, "ask_quotes")
    quotes = []
    for supplier in random.sample(plant.suppliers, 2):
        made = simulation.create("chen", "quotation", {"request": asked.saved.id, "supplier": supplier})
        if made:
            quotes.append(
                (made.saved.id, (cost * Decimal(str(round(random.uniform(0.94, 1.08), 3)))).quantize(Decimal("0.0001")))
            )
    yield plant.soon("chen", 30, 300)
    late = random.choices((0, 2, 6), (70, 22, 8))[0]
    for id, price in quotes:
        simulation.take(
            "chen",
            "quotation",
            id,
            "answer",
            {"price": str(price), "promised_on": plant.date(random.randint(2, 5) + late)},
        )
    if not quotes or not simulation.take("chen", "quotation", min(quotes, key=lambda one: one[1])[0], "choose"):
        return
    purchase = simulation.rows("purchase", request=asked.saved.id)[0]
    yield from decided(plant, "purchase", purchase["id"], yes=1)
    yield plant.soon("chen", 10, 120)
    if simulation.row("purchase", purchase["id"])["state"] == "draft":
        simulation.take("chen", "purchase", purchase["id"], "send")
    yield plant.soon("chen", 60, 500)
    promised = purchase["promised_on"] or simulation.today + DAY * 4
    simulation.take("chen", "purchase", purchase["id"], "confirm",
                    {"promised_on": max(promised, simulation.today).isoformat(),
                     "confirmed_quantity": str(purchase["quantity"])})  # fmt: skip
    yield from _deliver(plant, purchase, max(promised, simulation.today))


def _deliver(plant: Plant, purchase: dict[str, Any], promised: dt.date) -> Story:
    """In one or two parts, on the day or later."""
    simulation, random = plant.simulation, plant.random
    days = (promised - simulation.today).days + random.choices((0, 1, 4), (75, 18, 7))[0]
    parts = [purchase["quantity"]] if plant.chance(0.8) else _halves(purchase["quantity"])
    if days > 4:
        simulation.note("material came late")
    for part in parts:
        yield plant.days("wu", max(0.2, days), max(0.5, days + 0.4))
        days = 1
        values = {
            "kind": "purchase", "purchase": purchase["id"],
            "lines": [{"product": purchase["product"], "lot": plant.next_lot(), "quantity": str(part),
                       "location": plant.locations[random.choice(("A-01", "A-02"))]}],
        }  # fmt: skip
        made = simulation.create("wu", "goods_receipt", values)
        if made:
            simulation.take("wu", "goods_receipt", made.saved.id, "post")
            if plant.chance(0.15):
                _look_at(plant, made.saved.id)


def _halves(quantity: Decimal) -> list[Decimal]:
    half = (quantity / 2).quantize(LOT)
    return [half, quantity - half]


def _look_at(plant: Plant, receipt: int) -> None:
    values = {"kind": "incoming", "goods_receipt": receipt, "sample": 20, "defects": 0}
    made = plant.simulation.create("qian", "inspection", values)
    if made:
        photos = plant.paper("qian", "inspection", "photos", "part.png")
        plant.simulation.take("qian", "inspection", made.saved.id, "pass", {"photos": photos})


# --- money that is owed ----------------------------------------------------------------------------------------------


def _pay_bills(plant: Plant) -> None:
    simulation = plant.simulation
    soon = plant.date(3)
    for bill in simulation.records(
        "wang", "bill", f"record.state != 'paid' and record.due_on <= date('{soon}')", limit=40
    ):
        slip = plant.paper("wang", "bill", "slip")
        simulation.take("wang", "bill", bill["id"], "pay", {"paid_on": plant.date(), "slip": slip})


# --- the store -------------------------------------------------------------------------------------------------------


def _count(plant: Plant) -> None:
    """Some lots are counted; what differs is booked, unless it moved meanwhile."""
    simulation, random = plant.simulation, plant.random
    there = simulation.records("wu", "stock", "record.on_hand > 0", sort=["-id"], limit=60)
    for lot in random.sample(there, min(3, len(there))):
        off = random.choice((0, 0, 0, 1, -1)) * (1 if lot["on_hand"] > 2 else 0)
        values = {"stock": lot["id"], "counted": str(lot["on_hand"] + off), **({"reason": "点错"} if off else {})}
        made = simulation.create("wu", "stock_count", values)
        if made:
            simulation.follow(_book(plant, made.saved.id))


def _book(plant: Plant, count: int) -> Story:
    yield plant.soon("lin", 30, 400)
    plant.simulation.take("lin", "stock_count", count, "book")


def _explain(plant: Plant) -> None:
    for one in plant.simulation.records("wu", "reconciliation", "record.state == 'different'", limit=20):
        plant.simulation.take(
            "wu", "reconciliation", one["id"], "explain", {"cause": "short", "explanation": "少装一件，已补"}
        )


def _review(plant: Plant) -> None:
    simulation = plant.simulation
    for one in simulation.records("lin", "exception", "record.state == 'open'", limit=60):
        answer = {"cause": "来料晚", "action": "提前下单", "responsible": simulation.actor("chen").id}
        if simulation.change("lin", "exception", one["id"], answer) and plant.chance(0.7):
            simulation.take("lin", "exception", one["id"], "agree")
