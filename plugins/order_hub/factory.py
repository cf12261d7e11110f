"""A simulated factory of injection moulding: its people, customers and machines, day after day.

What they do they do through the application's own doors, as themselves; what is refused is counted and tried otherwise.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from engine.api import Hours, Outcome, Simulation
from plugins.order_hub import demo

DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
ORDERS_A_DAY = 12  # where nobody says how many
MATERIALS = (
    # sku, name, kind, unit, cost, safety stock
    ("RM-ABS", "ABS 粒料", "material", "kg", "11.8", 4000), ("RM-PP", "PP 粒料", "material", "kg", "8.4", 6000),
    ("RM-POM", "POM 粒料", "material", "kg", "17.5", 1500), ("RM-HDPE", "HDPE 粒料", "material", "kg", "9.2", 6000),
    ("RM-PA66", "PA66 粒料", "material", "kg", "24.0", 1200), ("RM-MB", "色母", "material", "kg", "36", 300),
    ("PK-BOX", "外箱", "packaging", "pcs", "3.6", 3000), ("PT-INS", "铜嵌件", "part", "pcs", "0.18", 20000),
)  # fmt: skip
MAIN = {"housing": "RM-ABS", "cap": "RM-PP", "gear": "RM-POM", "crate": "RM-HDPE", "connector": "RM-PA66"}
STAGES = ("pending", "paid", "preparing", "scheduled", "producing", "inspected", "shipped")
PEOPLE = {
    # sign-in name: when they begin, until when
    "li": (8.5, 18), "zhou": (9, 18.5), "wang": (8.5, 17.5), "chen": (8.5, 17.5), "zhao": (8, 17.5), "sun": (7.5, 18),
    "qian": (8, 17.5), "wu": (7.5, 18), "zheng": (8, 18), "feng": (9, 18), "ma": (7, 19), "lin": (8.5, 18.5),
    "he": (9, 18),
}  # fmt: skip
APPROVERS = ("zhao", "wang", "lin", "he")
BUSY = {1: 0.7, 2: 0.35, 3: 1.25, 5: 0.95, 7: 0.85, 9: 1.3, 10: 1.4, 11: 1.35}


@dataclass
class Customer:
    """``pays``: good, slow or bad; ``deposit``: the share paid before production."""

    id: int
    seller: str
    pays: str
    deposit: Decimal
    weight: float


@dataclass
class Machine:
    """``free``: when what stands in front of it is done."""

    id: int
    line: int
    free: dt.datetime


@dataclass
class Plant:
    """The factory as the simulation keeps it in mind; what is true stands in the application."""

    simulation: Simulation
    hours: dict[str, Hours] = field(default_factory=dict)
    customers: list[Customer] = field(default_factory=list)
    products: list[dict[str, Any]] = field(default_factory=list)  # finished goods: id, price, hours for 1,000 pieces
    materials: dict[str, int] = field(default_factory=dict)
    suppliers: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    locations: dict[str, int] = field(default_factory=dict)
    lots: int = 0

    @property
    def random(self) -> Random:
        return self.simulation.random

    # --- time

    def soon(self, who: str, least: float = 5, most: float = 120) -> dt.datetime:
        """When somebody gets to it: minutes of their working time from now."""
        minutes = self.random.uniform(least, most)
        return self.hours[who].after(self.simulation.now, MINUTE * int(minutes))

    def days(self, who: str, least: float, most: float) -> dt.datetime:
        """Some days from now, when they are at work."""
        later = self.simulation.now + DAY * self.random.uniform(least, most)
        return self.hours[who].next(later)

    def date(self, days: float = 0) -> str:
        return (self.simulation.today + DAY * int(days)).isoformat()

    # --- papers

    def paper(self, who: str, form: str, field: str, name: str = "scan.pdf") -> list[int]:
        return [self.simulation.file(who, form, field, name)]

    def next_lot(self) -> str:
        self.lots += 1
        return f"L{self.simulation.today:%y%m%d}-{self.lots}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share


def build(simulation: Simulation) -> None:
    """Set the factory up on its first day and let everybody begin."""
    from plugins.order_hub.factory_orders import arrivals
    from plugins.order_hub.factory_supply import begin_supply

    plant = Plant(simulation)
    _people(plant)
    _masters(plant)
    begin_supply(plant)
    simulation.follow(
        arrivals(plant, simulation.size or ORDERS_A_DAY * max(1, (simulation.end - simulation.start).days))
    )


def _people(plant: Plant) -> None:
    """Six days a week, now and then a few days away."""
    simulation = plant.simulation
    span = max(1, (simulation.end - simulation.start).days)
    for who, (start, end) in PEOPLE.items():
        first = simulation.today + DAY * (7 + plant.random.randrange(span))
        away = frozenset(first + DAY * number for number in range(plant.random.randint(2, 4)))
        plant.hours[who] = simulation.hours(start=start, end=end, is_workday=lambda day: day.weekday() < 6, away=away)


# --- what is there on the first day ----------------------------------------------------------------------------------


def _made(outcome: Outcome) -> int:
    if outcome.refusal is not None:
        raise outcome.refusal  # without it there is no factory
    return outcome.saved.id


def _masters(plant: Plant) -> None:
    simulation = plant.simulation
    simulation.begin_at(plant.hours["he"].next(simulation.start))
    for code, zone in (("A-01", "raw"), ("A-02", "raw"), ("F-01", "finished"), ("Q-01", "quarantine")):
        plant.locations[code] = _made(simulation.create("wu", "location", {"code": code, "zone": zone}))
    for name in ("恒塑原料", "华南化工", "永信包装", "瑞达五金", "东方色母"):
        plant.suppliers.append(_made(simulation.create("he", "supplier", {"name": name, "payment_days": 45})))
    for sku, name, kind, unit, cost, safety in MATERIALS:
        values = {"sku": sku, "name": name, "kind": kind, "unit": unit, "cost": cost, "safety_stock": safety,
                  "lead_days": plant.random.randint(3, 9),
                  "supplier": plant.random.choice(plant.suppliers)}  # fmt: skip
        plant.materials[sku] = _made(simulation.create("he", "product", values))
    _machines(plant)
    _products(plant)
    _customers(plant)
    _policies(plant)


def _machines(plant: Plant) -> None:
    """As many as the orders need, at three quarters of their time."""
    simulation = plant.simulation
    span = max(1, (simulation.end - simulation.start).days)
    a_day = (simulation.size or ORDERS_A_DAY * span) / span
    for number in range(1, 4):
        plant.lines.append(_made(simulation.create("he", "production_line", {"name": f"{number} 号线"})))
    for number in range(1, max(4, int(a_day * 0.8)) + 1):
        line = plant.lines[number % 3]
        values = {"code": f"M{number:02d}", "name": f"注塑机 {number:02d}", "line": line, "hours": 20,
                  "tonnage": plant.random.choice((80, 120, 160, 250, 450))}  # fmt: skip
        plant.machines.append(Machine(_made(simulation.create("he", "machine", values)), line, simulation.now))


def _products(plant: Plant) -> None:
    for values in demo.products(Random(plant.random.getrandbits(32))):  # noqa: S311
        weight = Decimal(str(values["weight"]).split()[0])
        main = plant.materials[MAIN[values["family"]]]
        bom = [
            {"component": main, "quantity": str(max(weight / 1000, Decimal("0.000001")).quantize(Decimal("0.000001"))),
             "scrap": plant.random.choice((1, 2, 3))},
            {"component": plant.materials["PK-BOX"], "quantity": "0.002"},
        ]  # fmt: skip
        if values["family"] == "connector":
            bom.append({"component": plant.materials["PT-INS"], "quantity": "2", "scrap": 1})
        steps = [
            {"name": "注塑", "cycle": values["cycle_time"], "cavities": plant.random.choice((1, 2, 4)), "setup": "45m"}
        ]
        kept = {
            name: values[name]
            for name in ("sku", "name", "family", "material", "weight", "cycle_time", "price", "cost")
        }
        id = _made(plant.simulation.create("he", "product", {**kept, "bom": bom, "operations": steps}))
        plant.products.append({"id": id, "price": Decimal(values["price"])})


def _customers(plant: Plant) -> None:
    random = plant.random
    for place, values in enumerate(demo.customers(Random(random.getrandbits(32)), 60)):  # noqa: S311
        seller = ("li", "zhou")[place % 2]
        sales_person = plant.simulation.actor(seller).id
        days = random.choice((0, 15, 30, 30, 60))
        id = _made(
            plant.simulation.create("he", "customer", {**values, "sales_person": sales_person, "payment_days": days})
        )
        pays = random.choices(("good", "slow", "bad"), (70, 22, 8))[0]
        deposit = Decimal(random.choice(("0.3", "0.3", "0.5", "1")))
        plant.customers.append(Customer(id, seller, pays, deposit, {"a": 6, "b": 2, "c": 1}[values["level"]]))


def _policies(plant: Plant) -> None:
    for place, stage in enumerate(STAGES):
        for what in ("due_date", "quantity", "delivery"):
            allowed = place < 4 or (what != "quantity" and place < 6)
            values = {"stage": stage, "what": what, "allowed": allowed, "surcharge": place if allowed else 0,
                      **({"approver": "planner" if place < 4 else "director"} if allowed else {})}  # fmt: skip
            _made(plant.simulation.create("he", "change_policy", values))


# --- what several people decide --------------------------------------------------------------------------------------


def decided(plant: Plant, form: str, id: int, yes: float = 0.85) -> Iterator[dt.datetime]:
    """Whoever is asked about a record answers in their time; step after step, until nobody is."""
    simulation = plant.simulation
    for _step in range(6):
        yield plant.soon("lin", 20, 240)
        asked = [(who, one) for who in APPROVERS for one in simulation.asked(who, form, id)]
        if not asked:
            return
        for who, question in asked:
            answer = "approve" if plant.chance(yes) else "refuse"
            simulation.answer(who, question.id, answer, None if answer == "approve" else "来不及")
