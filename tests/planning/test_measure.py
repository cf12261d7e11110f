"""What a plan is worth."""

from __future__ import annotations

from dataclasses import replace

from deep import DEEP
from hypothesis import given, settings
from planning_scenes import problems

from plugins.planning.calendars import Calendar
from plugins.planning.constructive import scheduled
from plugins.planning.measure import (
    DAY,
    Goal,
    changeovers,
    cost,
    days_late,
    disturbance,
    ends,
    impacts,
    late_orders,
    moved_promises,
    outside,
    score,
)
from plugins.planning.shapes import Assignment, Impact, Machine, Mode, Operation, Order, Outside, Problem, Schedule

MODES = (Mode("m1", 60),)
PROBLEM = Problem(
    machines={
        "m1": Machine("m1", "press", Calendar(cycle=((0, 600),), length=DAY), cost=6_000),
        "away": Machine("away", "outside", Calendar(), cost=99, unlimited=True),
    },
    orders={
        "a": Order("a", due=100, promised=200, weight=3, penalty=500),
        "b": Order("b", due=2 * DAY, promised=2 * DAY),
    },
    operations={
        "a1": Operation("a1", "a", MODES, kind="red"),
        "a2": Operation("a2", "a", MODES, kind="blue", outside=Outside("away", 30, 1_234)),
        "b1": Operation("b1", "b", MODES, kind="red"),
    },
    changeovers={("press", "red", "blue"): 10, ("press", "blue", "red"): 15},
)


def plan(**times: tuple[str, int, int]) -> Schedule:
    return Schedule({name: Assignment(name, *each) for name, each in times.items()})


NOW = plan(a1=("m1", 0, 60), a2=("m1", 60, 130), b1=("m1", 130, 205))
LATER = plan(a1=("m1", 0, 60), b1=("m1", 60, 120), a2=("m1", 540, DAY + 10))
SENT = plan(a1=("m1", 0, 60), a2=("away", 60, 90), b1=("m1", 60, 120))


def test_an_order_ends_with_its_last_operation() -> None:
    assert ends(PROBLEM, NOW) == {"a": 130, "b": 205}
    assert ends(PROBLEM, plan(b1=("m1", 0, 60))) == {"b": 60}


def test_a_late_day_counts_from_its_first_minute() -> None:
    assert [days_late(end, 200) for end in (199, 200, 201, 200 + DAY, 201 + DAY)] == [0, 0, 1, 1, 2]


def test_impacts_tell_who_moved_or_is_late() -> None:
    assert impacts(PROBLEM, NOW, LATER) == (
        Impact("a", 130, DAY + 10, promised=200, late=1, penalty=500),
        Impact("b", 205, 120, promised=2 * DAY, late=0, penalty=0),
    )
    assert impacts(PROBLEM, NOW, NOW) == ()


def test_an_order_that_is_late_is_told_though_it_did_not_move() -> None:
    assert [one.order for one in impacts(PROBLEM, LATER, LATER)] == ["a"]


def test_late_is_after_due_and_a_promise_moves_once() -> None:
    assert late_orders(PROBLEM, NOW) == ("a",)
    assert moved_promises(PROBLEM, NOW, LATER) == ("a",)
    assert moved_promises(PROBLEM, LATER, LATER) == ()
    assert moved_promises(PROBLEM, plan(b1=("m1", 0, 60)), LATER) == ()


def test_work_costs_by_the_hour_with_its_changeover_and_outside_by_its_price() -> None:
    assert cost(PROBLEM, NOW) == 6_000 + 7_000 + 7_500
    assert cost(PROBLEM, LATER) == 6_000 + 6_000 + 7_000  # a night costs nothing
    assert cost(PROBLEM, SENT) == 6_000 + 1_234 + 6_000
    assert (outside(PROBLEM, NOW), outside(PROBLEM, SENT)) == ((), ("a2",))


def test_changeovers_are_counted_where_kinds_meet() -> None:
    assert [changeovers(PROBLEM, each) for each in (NOW, LATER, SENT)] == [2, 1, 0]


def test_a_score_weighs_what_the_goal_names() -> None:
    goal = Goal(tardiness=2, promise=1_000, disturbance=10, cost=1, before=NOW)
    found = score(PROBLEM, LATER, goal)
    late = 3 * (DAY + 10 - 100)
    assert (found.tardiness, found.promises, found.disturbed, found.cost) == (late, 1, 2, 19_000)
    assert found.value == 2 * late + 1_000 + 20 + 19_000
    assert score(PROBLEM, SENT, goal) < score(PROBLEM, NOW, goal) < found


def test_what_is_new_disturbs_nobody() -> None:
    assert disturbance(PROBLEM, plan(a1=("m1", 0, 60)), NOW) == 0
    assert disturbance(PROBLEM, plan(a2=("away", 60, 90)), NOW) == 1


@settings(max_examples=300 if DEEP else 20, deadline=None)
@given(problems())
def test_a_plan_is_no_better_or_worse_than_itself(drawn: Problem) -> None:
    made = scheduled(drawn)
    goal = Goal(cost=1, before=made)
    heavier = replace(drawn, orders={name: replace(one, weight=one.weight + 1) for name, one in drawn.orders.items()})
    assert all(one.late and one.old_end == one.new_end for one in impacts(drawn, made, made))
    assert score(drawn, made, goal).disturbed == 0
    assert score(drawn, made, goal) <= score(heavier, made, goal)
