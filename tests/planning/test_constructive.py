"""The first plan, and the board it is put together on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brute_force import best_plan, worth
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_scenes import TINY, problems, times

from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.indexed import Indexed
from plugins.planning.measure import ends
from plugins.planning.reasons import schedule
from plugins.planning.shapes import (
    After,
    Assignment,
    Locked,
    Machine,
    Mode,
    Operation,
    Order,
    Problem,
    Reason,
    Schedule,
)
from plugins.planning.timeline import Board

SEARCH = settings(max_examples=1_500 if DEEP else 40, deadline=None)
FEW = settings(max_examples=150 if DEEP else 15, deadline=None)
DAYS = Calendar(cycle=((0, 10),), length=20)  # open ten minutes, closed ten


def problem(*operations: Operation, calendar: Calendar | None = None, **known: object) -> Problem:
    """Two presses, and an order for each operation's order, due at minute 100."""
    machines = {name: Machine(name, "press", calendar or Calendar()) for name in ("m1", "m2")}
    orders = {one.order: Order(one.order, due=100, promised=100) for one in operations}
    return replace(Problem(machines, orders, {one.id: one for one in operations}), **known)  # type: ignore[arg-type]


def operation(name: str, work: int = 10, **known: object) -> Operation:
    return replace(Operation(name, name[0], (Mode("m1", work),)), **known)  # type: ignore[arg-type]


@SEARCH
@given(problems())
def test_a_plan_keeps_every_rule(drawn: Problem) -> None:
    assert violations(drawn, scheduled(drawn)) == ()


@FEW
@given(problems())
def test_the_same_problem_has_the_same_plan(drawn: Problem) -> None:
    assert scheduled(drawn) == scheduled(drawn)


@FEW
@given(problems(TINY, locked=False))
def test_a_plan_is_never_better_than_the_best(drawn: Problem) -> None:
    best, plan = best_plan(drawn), scheduled(drawn)
    assert violations(drawn, best) == ()
    assert worth(drawn, best.assignments) <= worth(drawn, plan.assignments)


@SEARCH
@given(problems(), st.data())
def test_what_is_taken_off_the_board_finds_room_again(drawn: Problem, data: st.DataObject) -> None:
    indexed = Indexed.of(drawn)
    board = Board.of(indexed, scheduled(drawn))
    before = schedule(board)
    copy = board.copy()
    taken = copy.remove(data.draw(st.integers(0, len(indexed.ids) - 1)))
    assert violations(_without(drawn, indexed, taken), schedule(copy)) == ()
    placed = [one for one in sorted(taken) if copy.place(one)]
    assert violations(_without(drawn, indexed, set(taken) - set(placed)), schedule(copy)) == ()
    assert schedule(board) == before


def _without(drawn: Problem, indexed: Indexed, gone: object) -> Problem:
    names = {indexed.ids[one] for one in gone}  # type: ignore[attr-defined]
    return replace(drawn, operations={name: one for name, one in drawn.operations.items() if name not in names})


def test_a_short_operation_goes_into_the_gap_before_a_late_one() -> None:
    given_ = problem(operation("a1", earliest=20, material="steel"), operation("b1", work=15), operation("c1", work=6))
    plan = scheduled(given_, first=("a", "b", "c"))
    assert times(plan) == {"a1": ("m1", 20, 30), "b1": ("m1", 0, 15), "c1": ("m1", 30, 36)}


def test_the_orders_named_first_go_first() -> None:
    given_ = problem(operation("a1"), operation("b1"))
    assert [scheduled(given_, first=(name,)).assignments[f"{name}1"].start for name in "ab"] == [0, 0]


def test_the_heavier_order_goes_first() -> None:
    given_ = problem(operation("a1"), operation("b1"))
    heavy = replace(given_, orders={**given_.orders, "b": replace(given_.orders["b"], weight=9)})
    assert ends(heavy, scheduled(heavy)) == {"b": 10, "a": 20}


def test_the_machine_with_the_earliest_end_is_taken_with_its_changeover() -> None:
    either = (Mode("m1", 10), Mode("m2", 14))
    given_ = problem(
        operation("a1", kind="red", locked=Locked("m1", 0, 5)),
        operation("b1", kind="blue", modes=either),
        changeovers={("press", "red", "blue"): 6},
    )
    assert scheduled(given_).assignments["b1"] == Assignment("b1", "m2", 0, 14, Reason("now"))


def test_a_changeover_behind_an_inserted_operation_is_kept_room_for() -> None:
    """Between two red ones, a blue one needs a changeover before and one behind it."""
    red = {"kind": "red"}
    locked = [operation("a1", **red, locked=Locked("m1", 0, 5)), operation("b1", 9, earliest=30, **red)]
    given_ = problem(
        *locked,
        operation("c1", 10, kind="blue"),
        changeovers={("press", "red", "blue"): 4, ("press", "blue", "red"): 3},
    )
    plan = scheduled(given_, first=("b", "c"))
    assert times(plan)["c1"] == ("m1", 39, 53)  # a gap of 25, but the red one cannot begin its changeover before 30


@pytest.mark.parametrize(
    ("changed", "start", "reason"),
    [
        ({}, 0, Reason("now")),
        ({"earliest": 7, "material": "steel"}, 7, Reason("material", "steel")),
        ({"after": (After("a1", lag=2),), "modes": (Mode("m2", 5),)}, 6, Reason("predecessor", "a1")),
        ({"tool": "mould", "modes": (Mode("m2", 5),)}, 4, Reason("tool", "a1")),
        ({"modes": (Mode("m1", 5),)}, 4, Reason("machine", "a1")),
        ({"earliest": 12, "material": "steel"}, 20, Reason("calendar")),
        ({"earliest": 7, "material": "steel", "unbroken": True}, 20, Reason("calendar")),
        ({"locked": Locked("m2", 3, 9)}, 3, Reason("locked")),
        ({"after": (After("a1", share=50),), "modes": (Mode("m2", 1),)}, 3, Reason("predecessor", "a1")),
    ],
)
def test_every_start_has_its_reason(changed: dict[str, object], start: int, reason: Reason) -> None:
    first = operation("a1", 4, tool="mould", locked=Locked("m1", 0, 4))
    given_ = problem(first, operation("b1", 5, modes=(Mode("m2", 5),), **{}), calendar=DAYS)
    second = replace(given_.operations["b1"], **changed)  # type: ignore[arg-type]
    plan = scheduled(replace(given_, operations={**given_.operations, "b1": second}))
    assert (plan.assignments["b1"].start, plan.assignments["b1"].reason) == (start, reason)


def test_an_order_that_is_not_released_waits() -> None:
    given_ = problem(operation("a1"))
    later = replace(given_, orders={"a": replace(given_.orders["a"], released=8)})
    assert scheduled(later).assignments["a1"] == Assignment("a1", "m1", 8, 18, Reason("released"))


def test_an_operation_spans_closed_time_unless_it_is_unbroken() -> None:
    spans = scheduled(problem(operation("a1", 8, earliest=5), calendar=DAYS))
    unbroken = scheduled(problem(operation("a1", 8, earliest=5, unbroken=True), calendar=DAYS))
    assert (times(spans)["a1"], times(unbroken)["a1"]) == (("m1", 5, 23), ("m1", 20, 28))


def test_what_is_never_open_long_enough_is_refused() -> None:
    with pytest.raises(ValueError, match="operation a1 has no room on any of its machines"):
        scheduled(problem(operation("a1", 11, unbroken=True), calendar=DAYS))


def test_operations_that_wait_in_a_circle_are_refused() -> None:
    given_ = problem(operation("a1", after=(After("a2"),)), operation("a2", after=(After("a1"),)))
    with pytest.raises(ValueError, match="wait for each other in a circle, or behind one: a1, a2"):
        scheduled(given_)


def test_an_operation_without_work_or_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="operation a1 has a mode without work"):
        scheduled(problem(operation("a1", 0)))
    with pytest.raises(ValueError, match="operation a1 has no machine"):
        scheduled(problem(operation("a1", modes=())))


def test_a_problem_without_operations_has_an_empty_plan() -> None:
    assert scheduled(problem()) == Schedule({})
