"""A rush order as its record states it, beside the plan: the problem of the core with and without it.

What is not entered yet is made as the rules make it, looked at and taken back; it has ids below zero, which no record
has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from engine.api import Application, Refused, Together, every, get, message, together
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


@dataclass(frozen=True)
class Made:
    """Jobs, their steps and what they require, not made yet: ids below zero."""

    jobs: Mapping[int, Row] = field(default_factory=dict)
    steps: Sequence[Row] = ()
    wants: Sequence[Row] = ()


def question(app: Application, case: Row, within: Together | None = None) -> Question:
    """``case``: a record of ``rush_order``; ``within``: a transaction under way. Raises Refused where it cannot be
    asked."""
    read = books(app)
    order = _order(app, case)
    made = Made() if _has_steps(read, order) else _made(app, case, order, within)
    floor = made_of(app, _with(app, read, order, made), readiness(app, _needs(app, made, order)))
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
    return Question(floor, problem, plan, rush, own, measures(app, read), made.jobs)


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


def _made(app: Application, case: Row, order: Row, within: Together | None) -> Made:
    """The jobs and steps as the rules of the application make them: made, looked at and taken back."""
    if within is not None:
        with within.rehearsing():
            return _entered(within, app, case, order)
    with together(app, PLANNER, rehearsal=True) as walks:
        return _entered(walks, app, case, order)


def _entered(walks: Together, app: Application, case: Row, order: Row) -> Made:
    jobs: dict[int, Row] = {}
    steps: list[Row] = []
    wants: list[Row] = []
    id = order["id"] if order["id"] != NEW else enter_order(walks, app, case)
    for product, quantity in _wanted(app, case):
        made = walks.save("job", {"order": id, "product": product, "quantity": quantity}).id
        rows = walks.found("job_step", {"job": made})
        if not rows:
            continue  # bought, not made
        job = -1 - len(jobs)
        jobs[job] = {"id": job, "order": order["id"], "product": product, "quantity": quantity,
                     "number": order["number"]}  # fmt: skip
        steps += [{**row, "id": -1 - len(steps) - place, "job": job, "order": order["id"]}
                  for place, row in enumerate(rows)]  # fmt: skip
        wants += [{**row, "job": job} for row in walks.found("requirement", {"job": made})]
    return Made(jobs, steps, wants)


def enter_order(walks: Together, app: Application, case: Row) -> int:
    """The order as the case asks for it; sold by whoever sells to the customer where nobody is named."""
    seller = case["sales_person"] or get(app, PLANNER, "customer", case["customer"])["sales_person"]
    if seller is None:
        raise Refused(message("Name the sales person first: neither this nor the customer has one."))
    lines = [{"product": case["product"], "quantity": case["quantity"]}]
    values = {"customer": case["customer"], "sales_person": seller, "due_on": case["wanted_on"], "priority": "rush",
              "penalty": case["penalty"], "lines": lines}  # fmt: skip
    return walks.save("order", values).id


def _with(app: Application, read: Books, order: Row, made: Made) -> Books:
    customers = dict(read.customers)
    if order["customer"] is not None and order["customer"] not in customers:
        customers |= {row["id"]: row for row in every(app, PLANNER, "customer", ids=[order["customer"]])}
    return replace(
        read, steps=[*read.steps, *made.steps], jobs={**read.jobs, **made.jobs},
        orders={**read.orders, order["id"]: order}, customers=customers,
    )  # fmt: skip


def _needs(app: Application, made: Made, order: Row) -> Needs:
    """What all jobs need, and those that are not made yet."""
    found = needs(app, {row["product"] for row in made.wants})
    day = found.material.today
    demands = [
        Demand(f"new {place}", str(row["product"]), day, row["needed"], str(order["id"]), str(row["job"]))
        for place, row in enumerate(made.wants)
    ]
    return replace(found, material=replace(found.material, demands=[*found.material.demands, *demands]))


# --- what may be done about it ---------------------------------------------------------------------------------------


def measures(app: Application, read: Books) -> Measures:
    """What the machine groups allow: the shortest overtime that any of them names, as one answer counts for all."""
    longer = {str(id): row for id, row in read.groups.items() if row["overtime_hours"]}
    after = min((int(row["overtime_hours"] * 60) for row in longer.values()), default=0)
    closed = SUNDAY if longer and all(row["weekend"] for row in longer.values()) else 0
    offset = app.clock().astimezone(ZoneInfo(app.definition.timezone)).utcoffset() or dt.timedelta()
    opens = (8 * 60 - int(offset.total_seconds() // 60)) % (24 * 60)
    return Measures(Overtime(frozenset(longer), after, closed, opens), Leaving(MOST_OUTSIDE))
