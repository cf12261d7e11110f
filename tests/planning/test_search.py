"""Improvement within a budget: never worse, never against a rule, nothing moved that may not move."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic

import brute_force
import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_scenes import TINY, problems, times

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from planning_instances import makespan, read

from plugins.planning.axis import axis_of, pushed, tails, timing_of
from plugins.planning.budget import Budget
from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.cp import Effort, Stretch, solved
from plugins.planning.indexed import Indexed
from plugins.planning.measure import Goal, score
from plugins.planning.reasons import schedule
from plugins.planning.reinsert import Reinsertion
from plugins.planning.search import improved
from plugins.planning.shapes import After, Machine, Mode, Operation, Order, Problem, Schedule
from plugins.planning.timeline import Board
from plugins.planning.worth import Worth

SHORTEST = Goal(tardiness=0, promise=0, disturbance=0, span=1)
MANY = 400 if DEEP else 25


def endless() -> Budget:
    return Budget(3_600, lambda: 0.0)


def two_orders(*, setup: int = 0) -> Problem:
    """One machine; the order that was taken first is long, the second one is due soon and weighs more."""
    slow = Operation("slow", "a", (Mode("m", 100),), kind="red")
    quick = Operation("quick", "b", (Mode("m", 10),), kind="blue")
    return Problem(
        {"m": Machine("m", "press", Calendar())},
        {"a": Order("a", due=120, promised=120), "b": Order("b", due=20, promised=20, weight=5)},
        {"slow": slow, "quick": quick},
        {("press", "red", "blue"): setup} if setup else {},
    )


def in_sequence(problem: Problem, *orders: str) -> Schedule:
    return scheduled(problem, first=orders)


def test_an_order_that_is_due_soon_goes_first() -> None:
    problem = two_orders()
    plan = in_sequence(problem, "a", "b")

    found = improved(problem, plan, Goal(), endless(), steps=50)

    assert times(found) == {"quick": ("m", 0, 10), "slow": ("m", 10, 110)}


def test_a_plan_that_cannot_be_better_is_returned_as_it_is() -> None:
    problem = two_orders()
    plan = in_sequence(problem, "b", "a")

    assert improved(problem, plan, Goal(), endless(), steps=50) is plan


def test_a_promise_that_was_kept_may_weigh_more_than_lateness() -> None:
    problem = two_orders()
    plan = in_sequence(problem, "a", "b")
    keep = Goal(disturbance=1_000_000, before=plan)

    assert improved(problem, plan, keep, endless(), steps=50) is plan


@given(problems(), st.integers(0, 9), st.sampled_from([Goal(), Goal(cost=1), SHORTEST]))
@settings(deadline=None, max_examples=MANY)
def test_no_rule_is_broken_and_nothing_gets_worse(problem: Problem, seed: int, goal: Goal) -> None:
    plan = scheduled(problem)
    goal = replace(goal, before=plan)

    found = improved(problem, plan, goal, endless(), seed=seed, steps=40, workers=1, solver=False)

    assert violations(problem, found) == ()
    assert score(problem, found, goal) <= score(problem, plan, goal)


@given(problems(), st.integers(0, 9), st.data())
@settings(deadline=None, max_examples=MANY)
def test_only_free_orders_move(problem: Problem, seed: int, data: st.DataObject) -> None:
    plan = scheduled(problem)
    free = data.draw(st.sets(st.sampled_from(sorted(problem.orders))))

    found = improved(problem, plan, Goal(), endless(), seed=seed, steps=40, free=free)

    assert violations(problem, found) == ()
    fixed = {name for name, one in problem.operations.items() if one.order not in free}
    assert {name: times(found)[name] for name in fixed} == {name: times(plan)[name] for name in fixed}


@given(problems(locked=False), st.integers(0, 9))
@settings(deadline=None, max_examples=MANY)
def test_what_is_counted_step_by_step_is_the_score_of_the_plan(problem: Problem, seed: int) -> None:
    plan = scheduled(problem)
    goal = Goal(cost=2, span=3, before=plan)
    indexed = Indexed.of(problem)
    search, random = Reinsertion(Worth(indexed, goal)), Random(seed)
    now = search.begun(Board.of(indexed, plan))

    for _ in range(10):
        now = search.step(now, random) or now

    counted = score(problem, schedule(now.board), goal)
    assert now.value == (counted.value, counted.ends)


@given(problems(TINY, locked=False))
@settings(deadline=None, max_examples=MANY)
def test_a_tiny_plan_becomes_the_best_there_is(problem: Problem) -> None:
    best = brute_force.best_plan(problem)

    found = improved(problem, scheduled(problem), Goal(), endless(), steps=600)

    assert score(problem, found, Goal()).value == score(problem, best, Goal()).value


def test_the_same_seed_gives_the_same_plan() -> None:
    problem = read("mk01").problem
    plan = scheduled(problem)

    for goal, solver in itertools.product((Goal(), SHORTEST), (True, False)):
        once, again = (
            improved(problem, plan, goal, endless(), seed=3, workers=1, steps=6, solver=solver) for _ in range(2)
        )
        assert times(once) == times(again)


def test_the_best_known_plan_of_a_small_job_shop_is_found_in_seconds() -> None:
    problem = read("ft06").problem

    found = improved(problem, scheduled(problem), SHORTEST, Budget(20, monotonic), workers=2)

    assert makespan(found) == 55
    assert violations(problem, found) == ()


def test_it_does_without_cp_sat() -> None:
    problem = read("ft06").problem
    plan = scheduled(problem)

    found = improved(problem, plan, SHORTEST, endless(), steps=300, solver=False)

    assert makespan(found) < makespan(plan)


class Ticking:
    """A clock on which a second goes by each time it is asked, and the answer to whether it was cancelled."""

    def __init__(self, cancelled_after: int = 1 << 30) -> None:
        self.asked, self.after = 0, cancelled_after

    def clock(self) -> float:
        self.asked += 1
        return float(self.asked)

    def cancelled(self) -> bool:
        return self.asked > self.after


@pytest.mark.parametrize("goal", [Goal(), SHORTEST])
def test_it_stops_when_the_time_is_over(goal: Goal) -> None:
    problem, ticking = read("mk01").problem, Ticking()

    improved(problem, scheduled(problem), goal, Budget(12, ticking.clock), workers=2)

    assert ticking.asked <= 12 + 4


@pytest.mark.parametrize("goal", [Goal(), SHORTEST])
def test_it_stops_when_it_is_cancelled(goal: Goal) -> None:
    problem, ticking = read("mk01").problem, Ticking(cancelled_after=5)
    budget = Budget(1_000, ticking.clock, ticking.cancelled)

    improved(problem, scheduled(problem), goal, budget, workers=2)

    assert ticking.asked <= 5 + 4


def test_the_time_of_a_solver_is_kept() -> None:
    problem = read("ta41").problem
    plan = scheduled(problem)
    improved(problem, plan, SHORTEST, endless(), steps=1)  # the solver is loaded once
    began = monotonic()

    improved(problem, plan, SHORTEST, Budget(1, monotonic))

    assert monotonic() - began < 4  # 1.1 s on a machine of its own; tests share theirs


def chain() -> Problem:
    """Two orders over two machines, each first on another one; a tool that both second operations need."""
    after = {"b": (After("a", lag=5),), "d": (After("c"),)}
    modes = {"a": "m", "b": "n", "c": "n", "d": "m"}
    works = {"a": 10, "b": 20, "c": 30, "d": 40}
    return Problem(
        {name: Machine(name, "g", Calendar()) for name in "mn"},
        {name: Order(name, 0, 0) for name in "xy"},
        {
            name: Operation(
                name,
                "x" if name in "ab" else "y",
                (Mode(modes[name], works[name]),),
                after.get(name, ()),
                tool="mould" if name in "bd" else "",
                earliest=2 if name == "a" else 0,
            )
            for name in "abcd"
        },
    )


def test_tasks_are_pushed_and_their_tails_end_with_the_plan() -> None:
    axis = axis_of(chain())
    assert axis is not None

    timing = pushed(axis, [0, 0, 0, 0], [0, 50, 0, 80])

    assert list(timing.start) == [2, 30, 0, 50]  # b waits for the machine, d for the tool
    assert timing.span == 90
    assert tails(axis, timing) == [75, 60, 90, 40]


def test_a_stretch_is_solved_to_the_end() -> None:
    problem = chain()
    axis = axis_of(problem)
    timing = axis and timing_of(axis, scheduled(problem))
    assert axis
    assert timing

    outcome = solved(axis, timing, Stretch(timing.order, frozenset(timing.order)), Effort(5, 60, seed=1))

    assert outcome.proven
    assert outcome.timing
    assert outcome.timing.span == 90


@pytest.mark.parametrize(
    "change",
    [
        {"changeovers": {("g", "red", "blue"): 3}},
        {"machines": {name: Machine(name, "g", Calendar(cycle=((0, 5),), length=9)) for name in "mn"}},
    ],
)
def test_a_factory_with_closed_time_or_changeovers_has_no_single_axis(change: dict[str, object]) -> None:
    assert axis_of(replace(chain(), **change)) is None  # type: ignore[arg-type]
