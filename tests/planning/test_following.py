"""How the plan in force follows: quietly, unless orders would be late."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from making import MakeApp
from planning_plant import HUB, MONDAY, Plant, stocked
from planning_scenes import problems, times
from reading import hub_registry

from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.floor.replanning import follow
from plugins.planning.following import followed
from plugins.planning.measure import Goal, late_orders, score
from plugins.planning.repair import repaired
from plugins.planning.shapes import Assignment, Machine, Mode, Operation, Order, Outside, Problem, Schedule

SEARCH = settings(max_examples=600 if DEEP else 40, deadline=None)
PRESSES = {name: Machine(name, "press", Calendar()) for name in ("m1", "m2")}
BROKEN = {**PRESSES, "m1": Machine("m1", "press", Calendar(until=500))}


def op(name: str, work: int = 10) -> Operation:
    return Operation(name, name, tuple(Mode(machine, work) for machine in PRESSES))


def shop(*operations: Operation, due: int = 1_000, **known: Order) -> Problem:
    """Two presses that can do the same; an order for each operation."""
    orders = {one.order: known.get(one.order, Order(one.order, due, due)) for one in operations}
    return Problem(PRESSES, orders, {one.id: one for one in operations})


def on_m1(*operations: Operation) -> Schedule:
    """One after the other on the first press."""
    found, at = {}, 0
    for one in operations:
        found[one.id] = Assignment(one.id, "m1", at, at + one.modes[0].work)
        at += one.modes[0].work
    return Schedule(found)


def test_a_stop_that_makes_nobody_late_moves_work_right_and_nowhere_else() -> None:
    work = [op("a"), op("b")]
    stopped = replace(shop(*work), machines=BROKEN)

    assert times(followed(stopped, on_m1(*work))) == {"a": ("m1", 500, 510), "b": ("m1", 510, 520)}


def test_a_stop_that_makes_orders_late_sends_work_to_the_other_machine() -> None:
    work = [op("a"), op("b")]
    stopped = replace(shop(*work, due=100), machines=BROKEN)

    after = followed(stopped, on_m1(*work))

    assert late_orders(stopped, repaired(stopped, on_m1(*work))) == ("a", "b")
    assert late_orders(stopped, after) == ()
    assert {one.machine for one in after.assignments.values()} == {"m2"}


def test_an_order_that_is_wanted_soon_goes_before_those_that_can_wait() -> None:
    plan = Schedule({"c": Assignment("c", "m2", 0, 200), **on_m1(op("a", 200)).assignments})
    work = op("a", 200), op("b"), op("c", 200)
    problem = shop(*work, b=Order("b", 50, 50), due=260)

    after = followed(problem, plan)

    assert late_orders(problem, after) == ()
    assert after.assignments["b"].end <= 50


def test_what_was_sent_out_of_the_house_stays_out() -> None:
    """Planned anew it would be done inside and sooner: that is for people to decide."""
    away = replace(op("a"), outside=Outside("away", 300, 100))
    machines = {**PRESSES, "away": Machine("away", "outside", Calendar(), unlimited=True)}
    problem = replace(shop(away, op("b"), due=200), machines=machines)
    plan = Schedule({"a": Assignment("a", "away", 0, 300)})  # b is new, a late

    assert followed(problem, plan).assignments["a"].machine == "away"


@SEARCH
@given(st.data())
def test_it_keeps_every_rule_and_is_never_worse_than_the_repair(data: st.DataObject) -> None:
    drawn = data.draw(problems())
    plan = scheduled(drawn)
    now = replace(drawn, now=drawn.now + data.draw(st.integers(0, 60)))

    after, kept = followed(now, plan), repaired(now, plan)

    assert violations(now, after) == ()
    assert score(now, after, Goal(before=plan)) <= score(now, kept, Goal(before=plan))
    if not late_orders(now, kept):
        assert after == kept


@SEARCH
@given(problems())
def test_where_nothing_happened_nothing_moves_whoever_is_late(drawn: Problem) -> None:
    plan = scheduled(drawn)
    assert followed(drawn, plan) == plan


def test_at_night_the_plant_sends_an_order_that_would_be_late_to_another_press(make_app: MakeApp) -> None:
    plant = Plant(make_app(HUB, registry=hub_registry(), now=MONDAY))
    stocked(plant)
    order = plant.order(600, due="2026-06-02")
    plant.made.deliver()
    before = plant.steps(order)[0]
    plant.made.clock.advance(minutes=-60)  # before anything runs
    plant.make("machine_stop", machine=before["machine"], kind="breakdown", begins_at=MONDAY,
               ends_at=MONDAY + dt.timedelta(days=5))  # fmt: skip

    plant.made.deliver()
    assert plant.steps(order)[0]["machine"] == before["machine"]  # by day nothing moves that need not
    follow(plant.app, "Every night", improve=True)

    after = plant.steps(order)[0]
    assert after["machine"] in plant.press
    assert after["machine"] != before["machine"]
    assert after["planned_end"] < MONDAY + dt.timedelta(days=1)
