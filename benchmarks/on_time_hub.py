"""The real application as an office: people enter what happens into the Order Hub, its rules and errands plan.

Nothing is planned here. Orders become jobs and operations by the application's own rules; a rule asks for a plan by
day, another one at night, a third compares standard times on Sunday; what machines do next stands in the rows of
``job_step``. People do what people do: they enter orders, purchases, stops, dates, reports, they approve reports, issue
material, and on the morning after a calibration planning accepts every proposal of enough reports.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from on_time_drawn import PACKING, ZONE, Delivery, Ordered, Stop
from on_time_hub_plant import CALIBRATION, OPERATIONS, PEOPLE, SPARED, Plant, Running, fill, opened
from on_time_paper import Paper
from on_time_shop import Office, Shop, Step

from engine.api import Together, every, records, together
from plugins.planning.floor.time import minute, moment

FIRST_BOX = 10  # minutes at the bench after which the first report is made
Key = tuple[int, int, int]


def office_of(*, replans: bool, calibrates: bool) -> Office:
    """Without re-planning the office is the paper process."""
    return InHub(off=() if calibrates else CALIBRATION) if replans else Paper()


@dataclass
class InHub:
    """``off``: rules of the definition that are switched off. ``forecast``: when each order was to be ready by the
    first plan it was in, in minutes."""

    off: tuple[str, ...] = ()
    forecast: dict[int, int] = field(default_factory=dict)
    _steps: dict[int, Step] = field(default_factory=dict)  # by the id of the job_step
    _ids: dict[Key, int] = field(default_factory=dict)
    _rows: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _jobs: dict[tuple[int, int], int] = field(default_factory=dict)  # (order, line) → job
    _orders: dict[int, int] = field(default_factory=dict)
    _purchases: dict[int, int] = field(default_factory=dict)
    _stops: dict[tuple[int, int], int] = field(default_factory=dict)
    _told: dict[Key, int] = field(default_factory=dict)  # pieces that were reported
    _seen: int = 0  # the last change of the plan that was looked at
    _queues: dict[int, list[Step]] = field(default_factory=dict)

    def begin(self, shop: Shop) -> None:
        self._shop = shop
        self.running: Running = opened((*SPARED, *self.off), moment(shop.now))
        self.plant: Plant = fill(self.running.app, shop.drawn)

    def close(self) -> None:
        self.running.close()

    @property
    def runs(self) -> int:
        """How often the plan changed."""
        return sum(1 for _ in every(self.running.app, PEOPLE, "plan_change"))

    # --- what people enter

    def _at_work(self) -> Any:
        """One transaction, now; what fell due before has been done by then."""
        self.running.until(moment(self._shop.now))
        return together(self.running.app, PEOPLE)

    def ordered(self, order: Ordered, steps: list[Step]) -> None:
        with self._at_work() as walks:
            id = self._orders[order.id] = self._order(walks, order)
            for line, item in enumerate(order.items):
                job = {"order": id, "product": self.plant.products[item.product], "quantity": item.quantity}
                self._jobs[order.id, line] = walks.save("job", job).id
            for one in order.deliveries:
                self._purchases[_name(one)] = self._purchase(walks, id, one)
            found = {(row["job"], row["name"]): row["id"] for row in walks.found("job_step", {"order": id})}
        for step in steps:
            self._ids[step.key] = found[self._jobs[step.key[:2]], OPERATIONS[step.key[2]]]
            self._steps[self._ids[step.key]] = step

    def _order(self, walks: Together, order: Ordered) -> int:
        """In the state in which it is paid for and goes to production."""
        lines = [
            {"product": self.plant.products[item.product], "quantity": item.quantity, "price": "1"}
            for item in order.items
        ]
        values = {"customer": self.plant.customer, "sales_person": self.plant.seller, "due_on": order.due.isoformat(),
                  "ordered_on": self._today().isoformat(), "priority": order.priority, "planned": True, "lines": lines}  # fmt: skip
        return walks.adopt("order", values, state="preparing").id

    def _purchase(self, walks: Together, order: int, one: Delivery) -> int:
        day = one.promised.isoformat()
        values = {"supplier": self.plant.supplier, "product": self.plant.parts[one.product], "quantity": one.quantity,
                  "price": "0.01", "order": order, "needed_on": day, "promised_on": day,
                  "confirmed_quantity": one.quantity}  # fmt: skip
        return walks.adopt("purchase", values, state="confirmed").id

    def due_moved(self, order: Ordered) -> None:
        with self._at_work() as walks:
            walks.save("order", {"due_on": order.moved[-1][1].isoformat()}, id=self._orders[order.id])

    def delivery_moved(self, order: Ordered, delivery: Delivery) -> None:
        with self._at_work() as walks:
            said = {"promised_on": delivery.said[-1][1].isoformat()}
            walks.take("purchase", self._purchases[_name(delivery)], "revise", said, reason="The supplier says so")

    def delivered(self, order: Ordered, delivery: Delivery) -> None:
        with self._at_work() as walks:
            purchase = self._purchases[_name(delivery)]
            self._move(walks, delivery.product, "purchase", delivery.quantity, purchase=purchase)

    def _move(self, walks: Together, product: int, kind: str, quantity: int, **values: int) -> None:
        """As posting a receipt or an issue of goods does."""
        walks.save("movement", {"kind": kind, "product": self.plant.parts[product], "lot": "L", "quantity": quantity,
                                "location": self.plant.store, **values})  # fmt: skip

    def stopped(self, stop: Stop, ends: int) -> None:
        known = self._stops.get((stop.machine, stop.begins))
        times = {"begins_at": _iso(stop.begins), "ends_at": _iso(max(ends, self._shop.now + 1))}
        with self._at_work() as walks:
            values = times if known else {**times, "machine": self.plant.machines[stop.machine], "kind": stop.kind}
            self._stops[stop.machine, stop.begins] = walks.save("machine_stop", values, id=known).id

    # --- what people report

    def started(self, step: Step) -> None:
        """Material is issued, and somebody reports the first piece with the set-up, at the bench the first box."""
        good, minutes = (1, step.product.setup) if step.group != PACKING else _first_box(step)
        with self._at_work() as walks:
            if step.before is None and step.product.bought:
                job = self._jobs[step.key[:2]]
                self._move(walks, step.product.id, "issue", -step.item.quantity, job=job)
            self._report(walks, step, good, minutes)

    def reported(self, step: Step, good: int, minutes: float) -> None:
        """The pieces that were not in the first report, in the minutes that they took."""
        left = step.reported - self._told[step.key]
        if left > 0:
            with self._at_work() as walks:
                self._report(walks, step, left, minutes * left / good)

    def _report(self, walks: Together, step: Step, good: int, minutes: float) -> None:
        assert step.machine is not None
        self._told[step.key] = self._told.get(step.key, 0) + good
        values = {"job": self._jobs[step.key[:2]], "operation": OPERATIONS[step.key[2]], "good": good,
                  "machine": self.plant.machines[step.machine], "minutes": max(1, round(minutes)),
                  "finishes": step.group == PACKING}  # fmt: skip
        walks.take("work_report", walks.save("work_report", values).id, "approve")

    def morning(self) -> None:
        """Planning decides about what the calibration of the night proposed."""
        self.running.until(moment(self._shop.now))
        where = "record.state == 'proposed' and record.mark == 'enough' and record.orders is not None"
        proposed = [row["id"] for row in every(self.running.app, PEOPLE, "standard_time", where=where)]
        with self._at_work() as walks:
            for id in proposed:
                walks.take("standard_time", id, "accept")

    # --- what the application says

    def settle(self) -> None:
        self.running.until(moment(self._shop.now))
        (last,) = records(self.running.app, PEOPLE, "plan_change", sort=["-id"], limit=1) or [{"id": 0}]
        if last["id"] != self._seen:
            self._seen = last["id"]
            self._look()

    def _look(self) -> None:
        """At the plan, which is another one."""
        rows = every(self.running.app, PEOPLE, "job_step", where="record.open and record.planned_start is not None")
        self._rows = {row["id"]: row for row in rows}
        self._queues = {}
        self._foresee()

    def _foresee(self) -> None:
        for order in {self._steps[id].order.id for id in self._rows} - self.forecast.keys():
            mine = [row for id, row in self._rows.items() if self._steps[id].order.id == order]
            self.forecast[order] = max(minute(row["planned_end"]) for row in mine)

    def queue(self, machine: int) -> list[Step]:
        """What is planned on the machine by the rows of ``job_step``; where nothing of that can be begun, the people
        there help the others of the group with what is planned next."""
        if machine not in self._queues:
            self._queues[machine] = self._queue(machine)
        return self._queues[machine]

    def _queue(self, machine: int) -> list[Step]:
        group, own = self._shop.drawn.machines[machine], self.plant.machines[machine]
        rows = [row for id, row in self._rows.items() if self._steps[id].group == group]
        rows.sort(key=lambda row: (row["machine"] != own, row["planned_start"], row["id"]))
        return [self._steps[row["id"]] for row in rows]

    def _today(self) -> dt.date:
        return moment(self._shop.now).astimezone(ZONE).date()


def _first_box(step: Step) -> tuple[int, float]:
    """Pieces and minutes; one piece is left for the last report."""
    each = step.work / step.item.quantity
    good = max(1, min(step.item.quantity - 1, int(FIRST_BOX / each)))
    return good, good * each


def _name(delivery: Delivery) -> int:
    """Two deliveries may be alike."""
    return id(delivery)


def _iso(at: int) -> str:
    return moment(at).isoformat()
