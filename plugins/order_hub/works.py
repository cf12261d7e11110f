"""What the plant did with the orders: purchases, jobs, material, reports, inspections, goods, complaints, changes."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from engine.api import Actor, Application, Denied, Invalid, Refused, adopt, find, load_actor, records, save, take
from plugins.order_hub import equipment
from plugins.order_hub.demo import OrderPlan

ON_THE_FLOOR = ("preparing", "scheduled", "producing", "inspected")  # with jobs, material and reports, all of them
DONE, SENT = 20, 70  # so many of the newest that were shipped have them too; so many have their shipments
MADE = ("inspected", "shipped", "signed", "returned")
SHIPPED = ("shipped", "signed", "returned")
LEFT = "L0"  # the lot that was there when the books began
SETUP, SHORTEST = 30, 120  # minutes: to set a machine up, and of its day to be left for that to be worth it


@dataclass
class Plant:
    """The masters by key, and what moved. ``machines``: id → minutes it runs a day; ``recipes``: product id → its
    components as (id, per piece); ``pace``: product id → standard minutes of one piece; ``ran``: (machine, day) →
    minutes."""

    app: Application
    actor: Actor
    random: Random
    people: Mapping[str, int]
    lines: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    machines: dict[int, int] = field(default_factory=dict)
    locations: dict[str, int] = field(default_factory=dict)
    suppliers: list[int] = field(default_factory=list)
    materials: dict[str, int] = field(default_factory=dict)
    recipes: dict[int, list[tuple[int, Decimal]]] = field(default_factory=dict)
    pace: dict[int, float] = field(default_factory=dict)
    steps: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    used: Counter[int] = field(default_factory=Counter)
    ran: Counter[tuple[int, dt.date]] = field(default_factory=Counter)

    @property
    def today(self) -> dt.date:
        return self.app.clock().date()

    def left(self, machine: int, on: dt.date) -> int:
        """Minutes it may still run on that day."""
        return self.machines[machine] - self.ran[machine, on]

    def kept(self, form: str, key: str, values: dict[str, Any]) -> int:
        """The record with this key; made if it is not there."""
        found = find(self.app, self.actor, form, {key: values[key]})
        return found["id"] if found else save(self.app, self.actor, form, values).id

    def make(self, form: str, state: str | None = None, **values: Any) -> int:
        """A record as it was taken over from the books, with no rule woken."""
        return adopt(self.app, self.actor, form, values, state=state).id

    def move(self, kind: str, on: dt.date, product: int, quantity: Decimal | int, place: str, **more: Any) -> int:
        lot = more.pop("lot", LEFT)
        return self.make("movement", kind=kind, moved_on=on.isoformat(), product=product, lot=lot,
                         location=self.locations[place], quantity=str(quantity), **more)  # fmt: skip


# --- what is there before anybody orders


def masters(plant: Plant) -> None:
    plant.lines = [plant.kept("production_line", "name", {"name": name}) for name in equipment.LINES]
    plant.groups = [plant.kept("machine_group", "name", _group(one)) for one in equipment.GROUPS]
    for values in equipment.machines(plant.random):
        places = {"line": plant.lines[values["line"]], "group": plant.groups[values["group"]]}
        plant.kept("machine", "code", {**values, **places})
    for row in records(plant.app, plant.actor, "machine", limit=1000):
        if row["tonnage"]:
            plant.machines[row["id"]] = int(row["hours"] * 60)
    for code, zone in equipment.LOCATIONS:
        plant.locations[code] = plant.kept("location", "code", {"code": code, "zone": zone, "barcode": code})
    for place, (name, contact, days) in enumerate(equipment.SUPPLIERS, 1):
        values = {"name": name, "contact": contact, "payment_days": days, "rating": plant.random.randint(3, 5),
                  "email": f"sales{place}@supplier.example.com"}  # fmt: skip
        plant.suppliers.append(plant.kept("supplier", "name", values))
    for sku, name, kind, unit, cost, supplier, safety, days in equipment.MATERIALS:
        plant.materials[sku] = plant.kept(
            "product", "sku",
            {"sku": sku, "name": name, "kind": kind, "unit": unit, "cost": cost, "safety_stock": str(safety),
             "lead_days": days, "supplier": plant.suppliers[supplier]},
        )  # fmt: skip
    for stage, row in equipment.POLICIES.items():
        for what, policy in zip(("due_date", "quantity", "delivery"), row, strict=True):
            if find(plant.app, plant.actor, "change_policy", {"stage": stage, "what": what}) is None:
                terms = {"approver": policy[0], "surcharge": policy[1]} if policy else {"allowed": False}
                save(plant.app, plant.actor, "change_policy", {"stage": stage, "what": what, **terms})


def _group(one: tuple[str, str, bool, str, str | None]) -> dict[str, Any]:
    name, hours, weekend, cost, changeover = one
    values = {"name": name, "overtime_hours": hours, "weekend": weekend, "overtime_cost": cost}
    return {**values, **({"changeover": changeover} if changeover else {})}


def recipe(plant: Plant, product: Mapping[str, Any]) -> dict[str, Any]:
    machine = plant.random.choice(list(plant.machines))
    mould = plant.kept("mould", "code", {"code": f"MD-{product['sku']}"[:20], "name": str(product["name"])[:60]})
    place = {"groups": plant.groups, "mould": mould, "processor": plant.suppliers[-1]}
    return equipment.recipe(plant.random, product, plant.materials, machine, place)


def remember(plant: Plant, product: int, made_of: Mapping[str, Any]) -> None:
    plant.recipes[product] = [(one["component"], Decimal(one["quantity"])) for one in made_of["bom"]]
    moulding = made_of["operations"][0]
    plant.pace[product] = int(moulding["cycle"].removesuffix("s")) / 60 / moulding["cavities"]
    plant.steps[product] = made_of["operations"]


# --- an order on the floor


def works(plant: Plant, plan: OrderPlan, order: int, products: Sequence[int]) -> None:
    """Jobs, material and reports of one order, as far as it got."""
    reached = {step.state: step.at.date() for step in plan.steps}
    if "preparing" not in reached or plan.state == "cancelled":
        return
    for place, quantity, _price in plan.lines:
        _job(plant, plan, order, products[place], quantity, reached)
    if "inspected" in reached:
        passed = plan.state in SHIPPED
        sample = 50 if plan.amount < 20_000 else 125
        values = {"order": order, "sample": sample, "defects": plant.random.choice((0, 0, 0, 1, 2)),
                  "inspected_on": reached["inspected"].isoformat()}  # fmt: skip
        plant.make("inspection", "passed" if passed else "open", **values)


def _job(
    plant: Plant, plan: OrderPlan, order: int, product: int, quantity: int, reached: Mapping[str, dt.date]
) -> None:
    random = plant.random
    machine = random.choice(list(plant.machines))
    days = {name: plan.values[name] for name in ("planned_start", "planned_end") if name in plan.values}
    job = plant.make("job", order=order, product=product, quantity=quantity, machine=machine,
                     due_on=plan.values["due_on"], **days)  # fmt: skip
    if plan.state not in MADE:
        _steps(plant, job, order, product, quantity)
    issued = "producing" in reached
    for component, each in plant.recipes[product]:
        needed = (each * quantity).quantize(Decimal("0.001"))
        short = plan.state == "preparing" and random.random() < 0.35
        reserved = Decimal(0) if issued else (needed / 3).quantize(Decimal("0.001")) if short else needed
        plant.used[component] += int(needed) + 1
        plant.make("requirement", order=order, job=job, product=component, needed=str(needed), reserved=str(reserved),
                   due_on=plan.values["due_on"])  # fmt: skip
        if issued:
            taken = needed * Decimal(random.choice(("1", "1", "1.02", "1.08")))
            plant.move("issue", reached["producing"], component, -taken.quantize(Decimal("0.001")), "A1",
                       order=order, job=job)  # fmt: skip
    if issued:
        _reports(plant, plan, job, machine, (product, quantity), reached["producing"])


def _steps(plant: Plant, job: int, order: int, product: int, quantity: int) -> None:
    for one in plant.steps[product]:
        setup = int(one.get("setup", "0m").removesuffix("m"))
        work = math.ceil(quantity / one["cavities"] * int(one["cycle"].removesuffix("s")) / 60) + setup
        places = {name: one[name] for name in ("group", "machine", "mould") if name in one}
        plant.make("job_step", job=job, order=order, number=one["number"], name=one["name"], work=work, **places)


def _reports(
    plant: Plant, plan: OrderPlan, job: int, machine: int, what: tuple[int, int], since: dt.date
) -> None:  # fmt: skip
    """A job of some days: each reported by an operator; the last of one that is under way waits for approval."""
    (product, quantity), random, days = what, plant.random, plant.random.randint(1, 3)
    share, finished = quantity // days, plan.state in MADE
    for day in range(days if finished else days - 1):
        on = min(since + dt.timedelta(days=day), plant.today)
        good = quantity - share * (days - 1) if day == days - 1 else share
        waits = not finished and day == days - 2 and random.random() < 0.5
        for made in _runs(plant, product, good, machine, on):
            plant.make("work_report", "reported" if waits else "approved", job=job, operation="注塑",
                       worker=plant.people.get("ma"), **made)  # fmt: skip


def _runs(plant: Plant, product: int, good: int, machine: int, on: dt.date) -> Iterator[dict[str, Any]]:
    """Who made so many: the job's own machine, then those with most time left, then those of the day before."""
    while good > 0:
        free = [one for one in plant.machines if plant.left(one, on) >= SHORTEST]
        if not free:
            on -= dt.timedelta(days=1)
            continue
        used = machine if machine in free else max(free, key=lambda one: plant.left(one, on))
        made = _run(plant, product, good, plant.left(used, on))
        plant.ran[used, on] += made["minutes"]
        good -= made["good"]
        yield {"machine": used, "worked_on": on.isoformat(), **made}


def _run(plant: Plant, product: int, good: int, left: int) -> dict[str, Any]:
    """As many as ``left`` minutes are enough for, in somewhat more than the standard time, with the time to set up."""
    each = plant.pace[product] / plant.random.uniform(0.76, 0.98)
    good = min(good, max(1, int((left - SETUP) / each * 0.97)))
    scrap = plant.random.choice((0, 0, max(1, good // 80), max(1, good // 40)))
    reason = {"scrap_reason": plant.random.choice(("short_shot", "flash", "sink", "colour", "setup"))} if scrap else {}
    return {"good": good, "scrap": scrap, "minutes": min(left, max(45, int(each * (good + scrap)) + SETUP)), **reason}


def goods(plant: Plant, plan: OrderPlan, order: int, products: Sequence[int], at: dt.datetime, lot: str) -> None:
    """What left the warehouse for a shipment: nearly always what was recorded."""
    for place, quantity, _price in plan.lines:
        less = plant.random.choice((0, 10, 50)) if plant.random.random() < 0.06 else 0
        plant.move("production", at.date(), products[place], quantity, "F1", lot=lot, order=order)
        plant.move("shipment", at.date(), products[place], less - quantity, "F1", lot=lot, order=order)


# --- what came in for it


def purchasing(plant: Plant) -> None:
    """The books begin with enough for what was used; since then everything came by purchases, some still to come."""
    begun = plant.today - dt.timedelta(days=120)
    for sku, _name, _kind, _unit, cost, supplier, safety, days in equipment.MATERIALS:
        product, used = plant.materials[sku], plant.used[plant.materials[sku]]
        plant.move("count", begun, product, used + safety // 2, "A1", note="期初")
        lot = max(safety, used // 4) or safety
        for age in (75, 40, 12):
            _came(plant, product, supplier, lot, cost, plant.today - dt.timedelta(days=age + days))
        _under_way(plant, product, supplier, lot, cost, days)
    for sku in ("RAW-PA66", "MB-BLACK", "BOX-M"):
        _asked(plant, plant.materials[sku])


def _purchase(
    plant: Plant, state: str, product: int, supplier: int, quantity: int, cost: str, on: dt.date, due: dt.date,
    promised: dt.date | None = None,
) -> int:  # fmt: skip
    more = {"promised_on": promised.isoformat(), "confirmed_quantity": str(quantity)} if promised else {}
    return plant.make("purchase", state, supplier=plant.suppliers[supplier], product=product, quantity=str(quantity),
                      price=cost, ordered_on=on.isoformat(), needed_on=due.isoformat(), **more)  # fmt: skip


def _came(plant: Plant, product: int, supplier: int, quantity: int, cost: str, on: dt.date) -> None:
    late = plant.random.choice((0, 0, 0, 2, 4))
    due = on + dt.timedelta(days=10)
    there = due + dt.timedelta(days=late)
    if there > plant.today:
        return
    purchase = _purchase(plant, "received", product, supplier, quantity, cost, on, due, there)
    plant.move("purchase", there, product, quantity, "A2", lot=f"B{there:%y%m%d}", purchase=purchase)
    pays = there + dt.timedelta(days=equipment.SUPPLIERS[supplier][2])
    values = {"purchase": purchase, "supplier": plant.suppliers[supplier], "issued_on": there.isoformat(),
              "due_on": pays.isoformat(), "amount": str(Decimal(cost) * quantity)}  # fmt: skip
    if pays <= plant.today and plant.random.random() < 0.8:
        plant.make("bill", "paid", **values, paid_on=pays.isoformat())
    else:
        plant.make("bill", "overdue" if pays < plant.today else "open", **values)


def _under_way(plant: Plant, product: int, supplier: int, quantity: int, cost: str, days: int) -> None:
    on = plant.today - dt.timedelta(days=plant.random.randint(1, 4))
    due = on + dt.timedelta(days=days)
    if plant.random.random() < 0.4:
        _purchase(plant, "sent", product, supplier, quantity, cost, on, due)
    else:
        late = plant.random.choice((0, 0, 3, 5))
        _purchase(plant, "confirmed", product, supplier, quantity, cost, on, due, due + dt.timedelta(days=late))


def _asked(plant: Plant, product: int) -> None:
    """A request for which quotes were asked, one of them answered."""
    needed = plant.today + dt.timedelta(days=14)
    request = plant.make("purchase_request", "asked", product=product, quantity="500", needed_on=needed.isoformat())
    plant.make("quotation", "asked", request=request, supplier=plant.suppliers[1], product=product, quantity="500")
    promised = plant.today + dt.timedelta(days=10)
    plant.make("quotation", "answered", request=request, supplier=plant.suppliers[2], product=product, quantity="500",
               price=str(plant.random.randint(80, 260) / 10), promised_on=promised.isoformat())  # fmt: skip


# --- what went wrong


def troubles(plant: Plant, orders: Sequence[tuple[int, OrderPlan]]) -> None:
    """Complaints, changes and the exceptions that rules would have collected; older ones are answered."""
    random = plant.random
    for id, plan in orders:
        for kind in _exceptions(plant, plan):
            _exception(plant, id, kind, _found(plant, plan))
        if plan.state == "signed" and random.random() < 0.05:
            _complaint(plant, id, plan)
        if plan.state in ("preparing", "scheduled") and random.random() < 0.12:
            _change(plant, id, plan)
    for found in _differing(plant):
        take(plant.app, plant.actor, "reconciliation", found, "differ")


def _exceptions(plant: Plant, plan: OrderPlan) -> list[str]:
    due, states = dt.date.fromisoformat(plan.values["due_on"]), {step.state for step in plan.steps}
    late = due < plant.today and plan.state not in (*SHIPPED, "cancelled")
    return [kind for kind, holds in (("late", late), ("returned", "returned" in states)) if holds]


ANSWERS = (
    ("来料晚到，供应商没有提前说", "供应商在门户确认交期，晚于需要当天通知计划", "chen"),
    ("换模排得太紧", "排程按标准工时加半小时换模", "zhao"),
    ("首件没有检验", "首件检验加必填照片", "qian"),
    ("客户改交期没有走改单", "改单按矩阵审批", "li"),
)


def _exception(plant: Plant, order: int, kind: str, on: dt.date) -> None:
    """Open since a fortnight at most; before that its action is agreed on, or answered by a change."""
    age, (cause, action, who) = (plant.today - on).days, plant.random.choice(ANSWERS)
    state = "open" if age < 14 else "agreed" if age < 28 else "answered"
    more: dict[str, Any] = {} if state == "open" else {"cause": cause, "action": action,
                                                       "responsible": plant.people.get(who)}  # fmt: skip
    if state == "answered":
        more["answered_by"] = "https://hub.example.com/designer/history#version-1"
    plant.make("exception", state, order=order, kind=kind, found_on=on.isoformat(), **more)


def _found(plant: Plant, plan: OrderPlan) -> dt.date:
    return min(plant.today, dt.date.fromisoformat(plan.values["due_on"]) + dt.timedelta(days=1))


def _complaint(plant: Plant, order: int, plan: OrderPlan) -> None:
    kind, said = plant.random.choice(
        (("quality", "飞边超标，要求补货"), ("quantity", "少 20 只"), ("wrong_goods", "颜色发错"), ("late", "晚到两天"),
         ("inside", "销售与仓库对发货数量说法不一"))
    )  # fmt: skip
    on = min(plant.today, plan.steps[-1].at.date() + dt.timedelta(days=2))
    done = plant.random.random() < 0.6
    more = {"answer": "已补发并道歉", "cost": str(plant.random.randint(2, 40) * 100)} if done else {}
    plant.make("complaint", "closed" if done else "open", order=order, kind=kind, description=said,
               raised_on=on.isoformat(), **more)  # fmt: skip


def _change(plant: Plant, order: int, plan: OrderPlan) -> None:
    due = dt.date.fromisoformat(plan.values["due_on"])
    values = {"order": order, "what": "due_date", "new_due_on": (due + dt.timedelta(days=5)).isoformat(),
              "why": "客户项目推迟"}  # fmt: skip
    with plant.app.database.read() as conn:
        seller = load_actor(conn, plant.app.tables, plant.people[plan.sales])
    try:
        save(plant.app, seller, "order_change", values)
    except (Denied, Invalid, Refused):
        return  # the matrix or the dates do not allow it


def _differing(plant: Plant) -> list[int]:
    found = records(plant.app, plant.actor, "reconciliation", where="record.difference != 0", limit=1000)
    return [row["id"] for row in found]
