"""A rush order as its record states it, beside the plan: the problem of the core with and without it.

An order that is not entered yet, or has no jobs yet, is made of its routing with ids below zero, which no record has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from zoneinfo import ZoneInfo

from engine.api import Application, Refused, every, get, message
from plugins.planning.floor.materials import Needs, needs, readiness
from plugins.planning.floor.reading import PLANNER, Books, Floor, Row, books, made_of
from plugins.planning.material_shapes import Demand
from plugins.planning.measures import Leaving, Measures, Overtime
from plugins.planning.repair import repaired
from plugins.planning.shapes import Operation, Order, Problem, Reason, Schedule

FORM = "rush_order"
NEW = -1  # the id of an order that is not entered yet
MOST_OUTSIDE = 20
SUNDAY = 8 * 60  # minutes a machine may run on a day off


@dataclass(frozen=True)
class Question:
    """``problem`` and ``plan``: without the rush order; ``rush`` and ``operations``: what comes into it. ``floor``
    holds both. ``jobs``: the jobs that are not made yet, by their id below zero."""

    floor: Floor
    problem: Problem
    plan: Schedule
    rush: Order
    operations: tuple[Operation, ...]
    measures: Measures
    jobs: Mapping[int, Row]


def question(app: Application, case: Row) -> Question:
    """``case``: a record of ``rush_order``. Raises Refused where it cannot be asked."""
    read = books(app)
    order = _order(app, case)
    jobs, steps = _made(app, order, _wanted(app, case)) if not _has_steps(read, order) else ({}, [])
    floor = made_of(app, _with(app, read, order, jobs, steps), readiness(app, _needs(app, jobs, order)))
    rush = floor.problem.orders.get(str(order["id"]))
    own = tuple(one for one in floor.problem.operations.values() if rush is not None and one.order == rush.id)
    _refuse(order, own, floor)
    assert rush is not None  # has operations
    ids = {one.id for one in own}
    rest = {id: one for id, one in floor.problem.operations.items() if id not in ids}
    others = {id: one for id, one in floor.problem.orders.items() if id != rush.id}
    problem = replace(floor.problem, orders=others, operations=rest)
    lines = {id: line for id, line in floor.plan.assignments.items() if id not in ids}
    plan = bare(repaired(problem, Schedule(lines)))
    return Question(floor, problem, plan, rush, own, measures(app, read), jobs)


def bare(plan: Schedule) -> Schedule:
    """The plan without its reasons, to be compared with another."""
    return Schedule({id: replace(line, reason=Reason("now")) for id, line in plan.assignments.items()})


def _refuse(order: Row, own: Sequence[Operation], floor: Floor) -> None:
    if any(one.locked is not None for one in own):
        raise Refused(message("Work on {order} has begun or is frozen; it can no longer be put in as a rush order.",
                              order=order["number"]))  # fmt: skip
    if not own:
        raise Refused(message("There is nothing to make: the product has no routing, or none of its machines or moulds "
                              "is usable."))  # fmt: skip


# --- the order as it will be -----------------------------------------------------------------------------------------


def _order(app: Application, case: Row) -> Row:
    """The order, with what the case asks for it."""
    asked = {"due_on": case["wanted_on"], "priority": "rush"}
    if case["order"] is not None:
        found = get(app, PLANNER, "order", case["order"])
        return {**found, **asked, "penalty": case["penalty"] or found["penalty"]}
    return {"id": NEW, "number": case["number"], "customer": case["customer"], "penalty": case["penalty"],
            "sales_person": case["sales_person"], "line": None, **asked}  # fmt: skip


def _wanted(app: Application, case: Row) -> list[tuple[int, int]]:
    """(product, quantity) of what is to be made."""
    if case["order"] is None:
        return [(case["product"], case["quantity"])]
    lines = get(app, PLANNER, "order", case["order"])["lines"]
    return [(line["product"], line["quantity"]) for line in lines]


def _has_steps(read: Books, order: Row) -> bool:
    return any(row["order"] == order["id"] for row in read.steps)


def _made(app: Application, order: Row, wanted: Sequence[tuple[int, int]]) -> tuple[dict[int, Row], list[Row]]:
    """The jobs and steps as the rules of the application make them."""
    jobs: dict[int, Row] = {}
    steps: list[Row] = []
    for product, quantity in wanted:
        routing = get(app, PLANNER, "product", product)["operations"]
        if not routing:
            continue  # bought, not made
        id = -1 - len(jobs)
        jobs[id] = {"id": id, "order": order["id"], "product": product, "quantity": quantity, "number": order["number"]}
        steps += [_step(-1 - len(steps) - place, jobs[id], line) for place, line in enumerate(routing)]
    return jobs, steps


def _step(id: int, job: Row, line: Row) -> Row:
    return {
        "id": id, "version": 0, "job": job["id"], "order": job["order"], "number": line["number"], "name": line["name"],
        "group": line["group"], "machine": line["machine"], "mould": line["mould"], "good": 0, "reports": 0,
        "work": work_of(line, job["quantity"]), "reported_at": None, "planned_start": None, "planned_end": None,
        "frozen": False, "outside": None,
    }  # fmt: skip


def work_of(line: Row, quantity: int) -> int:
    """Minutes of an operation of the routing for so many pieces, with its set-up."""
    cycle, setup = line["cycle"] or dt.timedelta(), line["setup"] or dt.timedelta()
    return ceil(Decimal(quantity) / (line["cavities"] or 1) * Decimal(cycle.total_seconds()) / 60
                + Decimal(setup.total_seconds()) / 60)  # fmt: skip


def _with(app: Application, read: Books, order: Row, jobs: Mapping[int, Row], steps: Sequence[Row]) -> Books:
    customers = dict(read.customers)
    if order["customer"] is not None and order["customer"] not in customers:
        customers |= {row["id"]: row for row in every(app, PLANNER, "customer", ids=[order["customer"]])}
    return replace(
        read, steps=[*read.steps, *steps], jobs={**read.jobs, **jobs}, orders={**read.orders, order["id"]: order},
        customers=customers,
    )  # fmt: skip


def _needs(app: Application, jobs: Mapping[int, Row], order: Row) -> Needs:
    """What all jobs need, and those that are not made yet."""
    more = [
        (f"new {id} {place}", line["component"], _needed(line, job["quantity"]), id)
        for id, job in jobs.items()
        for place, line in enumerate(get(app, PLANNER, "product", job["product"])["bom"])
    ]
    found = needs(app, {product for _, product, _, _ in more})
    day = found.material.today
    demands = [Demand(name, str(product), day, quantity, str(order["id"]), str(job))
               for name, product, quantity, job in more]  # fmt: skip
    return replace(found, material=replace(found.material, demands=[*found.material.demands, *demands]))


def _needed(line: Row, quantity: int) -> Decimal:
    share: Decimal = 1 + (line["scrap"] or 0) / Decimal(100)
    return round(quantity * Decimal(line["quantity"]) * share, 3)


# --- what may be done about it ---------------------------------------------------------------------------------------


def measures(app: Application, read: Books) -> Measures:
    """What the machine groups allow: the shortest overtime that any of them names, as one answer counts for all."""
    longer = {str(id): row for id, row in read.groups.items() if row["overtime_hours"]}
    after = min((int(row["overtime_hours"] * 60) for row in longer.values()), default=0)
    closed = SUNDAY if longer and all(row["weekend"] for row in longer.values()) else 0
    offset = app.clock().astimezone(ZoneInfo(app.definition.timezone)).utcoffset() or dt.timedelta()
    opens = (8 * 60 - int(offset.total_seconds() // 60)) % (24 * 60)
    return Measures(Overtime(frozenset(longer), after, closed, opens), Leaving(MOST_OUTSIDE))

