"""The plan of ``plugins.planning`` in force: what happens is written into rows of the forms that planning reads, a
problem is made of them and the plan written back, by the code that stands behind the errand ``replan``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from types import SimpleNamespace
from typing import Any

from on_time_drawn import BEGIN, COOLING, GROUPS, PACKING, ZONE, Delivery, Ordered, Stop
from on_time_shop import Shop, Step

from engine.api import AppDefinition
from plugins.planning.floor.reading import Books, made_of
from plugins.planning.floor.time import minute, moment
from plugins.planning.following import followed
from plugins.planning.material_shapes import Demand, Item, Material, Receipt
from plugins.planning.measure import ends
from plugins.planning.netting import netted
from plugins.planning.pegging import earliest
from plugins.planning.shapes import Problem, Schedule
from plugins.planning.standards import Report, Rules, estimates

Row = dict[str, Any]
WEEK = 7  # mornings
RULES = Rules(enough=5)
OPERATIONS = ("press", "pack")
RECEIVED = dt.time(8)  # goods are taken in from then on


@dataclass
class Planned:
    """``calibrates``: once a week standards follow what was reported. ``follow``: how the plan follows what happens.
    ``forecast``: when each order was to be ready by the first plan it was in; ``runs``: how often the plan followed."""

    definition: AppDefinition
    calibrates: bool = True
    follow: Callable[[Problem, Schedule], Schedule] = followed
    forecast: dict[int, int] = field(default_factory=dict)
    runs: int = 0
    _steps: dict[int, Row] = field(default_factory=dict)  # the operations that are open
    _jobs: dict[int, Row] = field(default_factory=dict)
    _orders: dict[int, Row] = field(default_factory=dict)
    _stops: dict[tuple[int, int], Row] = field(default_factory=dict)
    _places: dict[int, Step] = field(default_factory=dict)
    _coming: dict[int, tuple[Delivery, dt.date]] = field(default_factory=dict)
    _made: dict[tuple[int, int, int], tuple[int, float]] = field(default_factory=dict)  # pieces and minutes
    _changed: bool = False
    _mornings: int = 0

    def begin(self, shop: Shop) -> None:
        self._shop = shop
        self._app: Any = SimpleNamespace(definition=self.definition, clock=lambda: moment(shop.now))
        self._each = {
            one.id: [one.cycle / one.cavities / 60, one.pack / 60] for one in shop.drawn.products
        }  # minutes for a piece
        self._machines = {
            number: {"id": number, "group": group + 1, "shifts": "two_shifts", "usable": True, "hourly_cost": None}
            for number, group in enumerate(shop.drawn.machines, 1)
        }
        self._groups = {
            number: {"overtime_cost": None, "changeover": dt.timedelta(minutes=change) if change else None}
            for number, (_, _, change, _) in enumerate(GROUPS, 1)
        }
        self._moulds = {one.id + 1: {"usable": True, "back_at": None} for one in shop.drawn.products}
        waits = dict(zip(OPERATIONS, (dt.timedelta(minutes=COOLING), None), strict=True))
        self._routings = {
            (one.id, name): {"wait": wait, "share": 100} for one in shop.drawn.products for name, wait in waits.items()
        }

    def standard(self, product: int) -> float:
        """Minutes of moulding for a piece, as planning believes now."""
        return self._each[product][0]

    # --- what is heard

    def ordered(self, order: Ordered, steps: list[Step]) -> None:
        known = {"due_on": order.due, "priority": order.priority, "penalty": None, "customer": 1}
        self._orders[order.id + 1] = {"id": order.id + 1, **known}
        for step in steps:
            self._enter(order.id + 1, step)
        self._coming.update({id(one): (one, one.promised) for one in order.deliveries})
        self._changed = True

    def _enter(self, order: int, step: Step) -> None:
        product, quantity, place = step.product, step.item.quantity, step.key[2]
        job = order * 10 + step.key[1]
        self._jobs[job] = {"id": job, "product": product.id, "quantity": quantity, "number": str(job)}
        work = quantity * self._each[product.id][place] + (0 if step.group == PACKING else product.setup)
        self._places[_id(step)] = step
        self._steps[_id(step)] = {
            "id": _id(step), "job": job, "order": order, "number": place, "name": OPERATIONS[place],
            "work": ceil(work), "group": step.group + 1, "mould": None if step.mould is None else step.mould + 1,
            "machine": None, "planned_start": None, "planned_end": None, "frozen": False, "outside": None, "good": 0,
            "reports": 0, "reported_at": None,
        }  # fmt: skip

    def due_moved(self, order: Ordered) -> None:
        self._orders[order.id + 1]["due_on"] = order.moved[-1][1]
        self._changed = True

    def delivery_moved(self, order: Ordered, delivery: Delivery) -> None:
        self._coming[id(delivery)] = (delivery, delivery.said[-1][1])
        self._changed = True

    def delivered(self, order: Ordered, delivery: Delivery) -> None:
        del self._coming[id(delivery)]
        self._changed = True

    def stopped(self, stop: Stop, ends: int) -> None:
        until = max(ends, self._shop.now + 1)
        self._stops[stop.machine, stop.begins] = {
            "machine": stop.machine + 1, "begins_at": moment(stop.begins), "ends_at": moment(until),
        }  # fmt: skip
        self._changed = True

    def started(self, step: Step) -> None:
        """Somebody looks at the first piece and reports it."""
        assert step.machine is not None
        self._steps[_id(step)].update(machine=step.machine + 1, reports=1, reported_at=moment(self._shop.now))

    def reported(self, step: Step, good: int, minutes: float) -> None:
        row = self._steps[_id(step)]
        row.update(good=step.reported, reports=row["reports"] + 1, reported_at=moment(self._shop.now))
        pieces, took = self._made.get(step.key, (0, 0.0))
        self._made[step.key] = pieces + good, took + minutes
        if step.done is not None:
            del self._steps[_id(step)]

    # --- what is worked out

    def morning(self) -> None:
        self._mornings += 1
        if self.calibrates and self._mornings % WEEK == 0:
            self._calibrate()
        self._changed = True

    def _calibrate(self) -> None:
        """Every estimate with enough reports behind it becomes the standard; what is planned already keeps its own."""
        reports = [
            Report(str(step.product.id), str(step.key[2]), "", good, 0, minutes, BEGIN)
            for key, (good, minutes) in self._made.items()
            if (step := self._shop.steps[key]).done is not None
        ]
        for one in estimates(reports, RULES):
            if one.mark != "thin":
                self._each[int(one.product)][int(one.operation)] = one.minutes

    def settle(self) -> None:
        if self._changed and self._steps:
            self._plan()
        self._changed = False

    def _plan(self) -> None:
        rows = list(self._steps.values())
        orders = {row["order"]: self._orders[row["order"]] for row in rows}
        now = moment(self._shop.now)
        stops = [one for one in self._stops.values() if one["ends_at"] >= now]
        books = Books(rows, self._jobs, orders, self._routings, self._machines, self._groups, self._moulds, stops, {})
        floor = made_of(self._app, books, self._ready())
        plan = self.follow(floor.problem, floor.plan)
        self.runs += 1
        for order, end in ends(floor.problem, plan).items():
            self.forecast.setdefault(int(order) - 1, end)
        for id, one in plan.assignments.items():
            if floor.problem.operations[id].locked is None:
                times = {"planned_start": moment(one.start), "planned_end": moment(one.end)}
                self._steps[int(id)].update(machine=int(one.machine), **times)

    def _ready(self) -> Mapping[int, tuple[int, str]]:
        """By job: when its material is there, as ``floor.materials.ready`` finds it."""
        today = moment(self._shop.now).astimezone(ZONE).date().toordinal()
        demands = [
            self._demand(row, step)
            for row in self._steps.values()
            if (step := self._places[row["id"]]).product.bought and step.began is None and step.before is None
        ]
        receipts = [
            Receipt(str(place), str(one.product), max(day.toordinal(), today), Decimal(one.quantity), "purchase",
                    wanted=one.promised.toordinal())
            for place, (one, day) in enumerate(self._coming.values())
        ]  # fmt: skip
        items = {str(one.id): Item(str(one.id), lead=5) for one in self._shop.drawn.products if one.bought}
        stock = {str(id): Decimal(quantity) for id, quantity in self._shop.stock.items()}
        net = netted(Material(items=items, demands=demands, stock=stock, receipts=receipts, today=today))
        return {int(job): (_morning(day), item) for job, (day, item) in earliest(net).items() if day > today}

    def _demand(self, row: Row, step: Step) -> Demand:
        start = row["planned_start"]
        day = start.astimezone(ZONE).date() if start is not None else self._orders[row["order"]]["due_on"]
        quantity = Decimal(step.item.quantity)
        return Demand(
            str(row["id"]), str(step.product.id), day.toordinal(), quantity, str(row["order"]), str(row["job"])
        )

    def queue(self, machine: int) -> list[Step]:
        """What is planned on the machine; where nothing of that can be begun, the people there help the others of the
        group with what is planned next."""
        group = self._shop.drawn.machines[machine] + 1
        rows = [row for row in self._steps.values() if row["group"] == group and row["planned_start"] is not None]
        rows.sort(key=lambda row: (row["machine"] != machine + 1, row["planned_start"], row["id"]))
        return [self._places[row["id"]] for row in rows]


def _id(step: Step) -> int:
    order, line, place = step.key
    return ((order + 1) * 10 + line) * 10 + place


def _morning(day: int) -> int:
    return minute(dt.datetime.combine(dt.date.fromordinal(day), RECEIVED, tzinfo=ZONE))
