"""The plant of benchmarks/follow_up.py: open orders of the Order Hub with jobs, operations, material and a plan in force.

Everything but the plan is brought in by the walk that imports use. The plan is made by the core and its figures are put
into the records by statements, but for the orders, which walk, so that their forecasts are those of the plan.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

import sqlalchemy as sa

from engine import demo
from engine.api import Application, Together, system_actor, together, users_of
from plugins.planning.constructive import scheduled
from plugins.planning.floor import requesting
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import PLANNER, Floor, read
from plugins.planning.floor.time import day_of, minute, moment
from plugins.planning.shapes import Assignment, Schedule

SELLERS = 12
DAY = dt.timedelta(days=1)
AHEAD = 2 * DAY  # the plan begins so much later: what ends while it is measured would be moved for that alone
AT_ONCE = 200  # records of one transaction
# name, share of the machines, changeover, (least, usual, most) minutes of an operation
GROUPS = (
    ("注塑 小", 0.2, "30m", (60, 150, 420)),
    ("注塑 中", 0.2, "40m", (60, 170, 480)),
    ("注塑 大", 0.15, None, (90, 190, 520)),
    ("修边", 0.14, None, (20, 60, 180)),
    ("印刷", 0.17, None, (30, 90, 240)),
    ("包装", 0.14, None, (15, 50, 120)),
)
PRESSES = 3
MACHINES = 80
# How many of a thousand orders wait for one purchase, over and over: many parts for few, few for many.
WAITING = (2, 3, 4, 6, 10, 2, 3, 16)
WAITS = 0.22  # of all orders
STATES = ("preparing", "scheduled", "producing", "producing")


@dataclass(frozen=True)
class Product:
    """``steps``: (group, minutes of 100 pieces, setup) of each operation."""

    id: int
    mould: int
    steps: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Masters:
    groups: Sequence[int]
    products: Sequence[Product]
    parts: Sequence[int]
    resin: int
    customers: Sequence[int]
    sellers: Sequence[int]
    supplier: int


def build(app: Application, orders: int, seed: int) -> None:
    """The same plant for the same numbers, on whichever day."""
    random = Random(seed)
    people = [
        *demo.people(app.definition),
        *(demo.Person(f"s{n:02}", f"业务 {n:02}", ("sales",)) for n in range(SELLERS)),
    ]
    demo.make_people(app, people)
    sellers = [id for login, id in users_of(app) if login.startswith("s") and login[1:].isdigit()]
    parts = _parts(orders)
    masters = _masters(app, random, max(10, orders // 12), len(parts), sellers)
    wanted = [part for part, count in enumerate(parts) for _ in range(count)]
    wanted += [-1] * (orders - len(wanted))
    random.shuffle(wanted)
    waiting = iter(wanted)
    _together(app, (partial(_order, random, masters, number, next(waiting)) for number in range(orders)))
    _purchases(app, random, masters)
    _plan(app)
    requesting.follow(app, "As every night")  # the plant has been running: what is needed has been worked out before
    app.database.analyse()


def _parts(orders: int) -> list[int]:
    """How many orders wait for each part that is on its way."""
    found: list[int] = []
    while sum(found) < orders * WAITS:
        found.append(max(1, round(WAITING[len(found) % len(WAITING)] * orders / 1000)))
    return found


def _together(app: Application, wanted: Iterator[Any]) -> None:
    offers: dict[Any, Any] = {}
    batch = list(_some(wanted))
    while batch:
        with together(app, system_actor("books"), offers=offers) as walks:
            for make in batch:
                make(walks)
        batch = list(_some(wanted))


def _some(wanted: Iterator[Any]) -> Iterator[Any]:
    for _ in range(AT_ONCE):
        try:
            yield next(wanted)
        except StopIteration:
            return


# --- masters ---------------------------------------------------------------------------------------------------------


def _masters(app: Application, random: Random, products: int, parts: int, sellers: Sequence[int]) -> Masters:
    with together(app, system_actor("books")) as walks:

        def make(form: str, **values: Any) -> int:
            return walks.adopt(form, values).id

        lines = [make("production_line", name=f"{n} 号线") for n in range(1, 4)]
        groups = [
            make("machine_group", name=name, **({"changeover": change} if change else {}))
            for name, _, change, _ in GROUPS
        ]
        for place, (group, (name, share, _, _)) in enumerate(zip(groups, GROUPS, strict=True)):
            for n in range(round(share * MACHINES)):
                make("machine", code=f"{'ABCDEF'[place]}{n:02}", name=f"{name} {n}", line=lines[n % 3], group=group,
                     shifts="two_shifts", hourly_cost="60")  # fmt: skip
        supplier = make("supplier", name="进口件")
        stocked = {"kind": "material", "unit": "kg", "cost": "10", "lead_days": 7, "supplier": supplier}
        resin = make("product", sku="RAW", name="树脂", **stocked)
        place = make("location", code="A1", zone="raw")
        make("movement", kind="count", product=resin, lot="L0", location=place, quantity="100000000")
        found = [
            make(
                "product", sku=f"PT-{n:03}", name=f"嵌件 {n:03}", kind="part", cost="1", lead_days=10, supplier=supplier
            )
            for n in range(parts)
        ]
        customers = [make("customer", name=f"客户 {n:03}", level=random.choice("abc")) for n in range(60)]
        made = [_product(make, random, number, groups, resin) for number in range(products)]
    return Masters(groups, made, found, resin, customers, sellers, supplier)


def _product(make: Any, random: Random, number: int, groups: Sequence[int], resin: int) -> Product:
    """Of about four operations: moulding, trimming, printing, packing; some without trimming, some printed twice."""
    route = [number % PRESSES, *([3] if random.random() < 0.85 else []), 4, *([4] if random.random() < 0.15 else []), 5]
    steps = tuple((group, _minutes(random, group), 30 if group < PRESSES else 10) for group in route)
    mould = make("mould", code=f"MD-{number:04}", name=f"模具 {number}")
    operations = [
        {"number": 10 * place, "name": f"{GROUPS[group][0]} {place}", "group": groups[group], "cycle": f"{minutes * 60 / 100:.0f}s",
         "setup": f"{setup}m", **({"mould": mould, "wait": "1h"} if group < PRESSES else {})}
        for place, (group, minutes, setup) in enumerate(steps, 1)
    ]  # fmt: skip
    id = make("product", sku=f"FG-{number:04}", name=f"成品 {number}", family="housing", price="5", cost="3",
              bom=[{"component": resin, "quantity": "0.01"}], operations=operations)  # fmt: skip
    return Product(id, mould, steps)


def _minutes(random: Random, group: int) -> int:
    least, usual, most = GROUPS[group][3]
    return int(random.triangular(least, most, usual))


# --- orders ----------------------------------------------------------------------------------------------------------


def _order(random: Random, masters: Masters, number: int, part: int, walks: Together) -> None:
    product, quantity = random.choice(masters.products), random.randrange(60, 140)
    today = dt.datetime.now(dt.UTC).date()
    due = (today + dt.timedelta(days=random.randrange(4, 35))).isoformat()
    state = "preparing" if part >= 0 else random.choice(STATES)
    order = walks.adopt(
        "order",
        {"number": f"SO202001-{number:05}", "customer": random.choice(masters.customers), "due_on": due, "planned": True,
         "sales_person": masters.sellers[number % len(masters.sellers)], "ordered_on": (today - DAY).isoformat(),
         "lines": [{"product": product.id, "quantity": quantity, "price": "5"}]},
        state=state,
    ).id  # fmt: skip
    job = walks.adopt("job", {"order": order, "product": product.id, "quantity": quantity, "due_on": due}).id
    for place, (group, minutes, setup) in enumerate(product.steps, 1):
        own = {"mould": product.mould} if group < PRESSES else {}
        walks.adopt("job_step", {
            "job": job, "order": order, "number": 10 * place, "name": f"{GROUPS[group][0]} {place}",
            "group": masters.groups[group], "work": math.ceil(quantity * minutes / 100) + setup, **own,
        })  # fmt: skip
    _requirement(walks, order, job, masters.resin, due, quantity, quantity)
    if part >= 0:
        _requirement(walks, order, job, masters.parts[part], due, quantity, 0)


def _requirement(walks: Together, order: int, job: int, product: int, due: str, needed: int, reserved: int) -> None:
    walks.adopt("requirement", {"order": order, "job": job, "product": product, "due_on": due, "needed": str(needed),
                                "reserved": str(reserved)})  # fmt: skip


def _purchases(app: Application, random: Random, masters: Masters) -> None:
    """One for each part, enough for all that wait for it."""
    today = dt.datetime.now(dt.UTC).date()
    with together(app, system_actor("books")) as walks:
        for part in masters.parts:
            day = (today + AHEAD + dt.timedelta(days=random.randrange(3, 15))).isoformat()
            walks.adopt("purchase", {"supplier": masters.supplier, "product": part, "quantity": "1000000", "price": "0.01",
                                     "needed_on": day, "promised_on": day}, state="sent")  # fmt: skip


# --- the plan --------------------------------------------------------------------------------------------------------


def _plan(app: Application) -> None:
    floor = read(app, ready(app))
    begins = minute(app.clock() + AHEAD)
    plan = scheduled(replace(floor.problem, now=begins))
    steps = [_step(one) for one in plan.assignments.values()]
    _write(app, "job_step", ("machine", "planned_start", "planned_end"), steps)
    spans = _spans(floor, plan)
    jobs = [{"b_id": int(floor.rows[one]["job"]), **days} for one, days in spans.items()]
    _write(app, "job", ("planned_start", "planned_end"), jobs)
    with together(app, PLANNER) as walks:
        for one, days in spans.items():
            values = {name.removeprefix("b_"): day for name, day in days.items()}
            walks.save("order", values, id=floor.rows[one]["order"])


def _step(one: Assignment) -> dict[str, Any]:
    return {"b_id": int(one.operation), "b_machine": int(one.machine), "b_planned_start": moment(one.start),
            "b_planned_end": moment(one.end)}  # fmt: skip


def _spans(floor: Floor, plan: Schedule) -> Mapping[str, dict[str, Any]]:
    """A step of each order → the days on which it begins and is ready; every order has one job."""
    orders: dict[int, list[Assignment]] = {}
    for one in plan.assignments.values():
        orders.setdefault(floor.rows[one.operation]["order"], []).append(one)
    return {
        steps[0].operation: {
            "b_planned_start": day_of(min(one.start for one in steps) + 1, floor.zone),
            "b_planned_end": day_of(max(one.end for one in steps), floor.zone),
        }
        for steps in orders.values()
    }


def _write(app: Application, form: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    table = app.tables.form[form]
    new = {name: sa.bindparam(f"b_{name}") for name in names}
    with app.database.write() as conn:
        conn.execute(sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(new), list(rows))
