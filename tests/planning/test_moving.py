"""What moving one operation by hand does: it goes where it is put, the rest yields, and no rule is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deep import DEEP
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planning_scenes import problems, times

from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.moving import CannotMove, Moved, moved
from plugins.planning.shapes import After, Assignment, Locked, Machine, Mode, Operation, Order, Problem, Schedule

SEARCH = settings(max_examples=2_000 if DEEP else 80, deadline=None)
PRESSES = {name: Machine(name, "press", Calendar()) for name in ("m1", "m2")}


def op(name: str, work: int = 10, on: tuple[str, ...] = ("m1", "m2"), **more: object) -> Operation:
    return Operation(name, name, tuple(Mode(machine, work) for machine in on), **more)  # type: ignore[arg-type]


def shop(*operations: Operation, now: int = 0, due: int = 1_000) -> Problem:
    orders = {one.order: Order(one.order, due, due) for one in operations}
    return Problem(PRESSES, orders, {one.id: one for one in operations}, now=now)


def plan(**lines: tuple[str, int, int]) -> Schedule:
    return Schedule({name: Assignment(name, *line) for name, line in lines.items()})


def why_not(problem: Problem, before: Schedule, operation: str, machine: str, start: int) -> tuple[str, str]:
    with pytest.raises(CannotMove) as refused:
        moved(problem, before, operation, machine, start)
    return refused.value.why, refused.value.of


# --- the ordinary cases ----------------------------------------------------------------------------------------------


def test_it_goes_where_there_is_room_and_nobody_else_moves() -> None:
    found = moved(shop(op("a"), op("b")), plan(a=("m1", 0, 10), b=("m1", 10, 20)), "b", "m2", 5)
    assert times(found.plan) == {"a": ("m1", 0, 10), "b": ("m2", 5, 15)}
    assert [line.operation for line in found.lines] == ["b"]


def test_what_begins_behind_it_yields_and_only_as_far_as_it_must() -> None:
    before = plan(a=("m1", 0, 10), b=("m1", 10, 20), c=("m1", 25, 35))
    found = moved(shop(op("a"), op("b"), op("c"), op("d")), Schedule({**before.assignments, **plan(
        d=("m2", 0, 10)).assignments}), "d", "m1", 10)  # fmt: skip
    assert times(found.plan) == {"a": ("m1", 0, 10), "d": ("m1", 10, 20), "b": ("m1", 20, 30), "c": ("m1", 30, 40)}


def test_what_is_half_done_by_then_comes_before_it_and_is_named_as_the_reason() -> None:
    found = moved(shop(op("a"), op("b")), plan(a=("m1", 0, 10), b=("m2", 0, 10)), "b", "m1", 6)
    assert (found.landed.start, found.landed.reason.kind, found.landed.reason.of) == (10, "machine", "a")
    found = moved(shop(op("a"), op("b")), plan(a=("m1", 0, 10), b=("m2", 0, 10)), "b", "m1", 4)
    assert times(found.plan) == {"b": ("m1", 4, 14), "a": ("m1", 14, 24)}


def test_what_yields_on_the_machine_gives_up_the_mould_too_and_nobody_else_does() -> None:
    problem = shop(op("a", tool="t"), op("b", tool="t"))
    assert times(moved(problem, plan(a=("m1", 0, 10), b=("m1", 10, 20)), "b", "m1", 3).plan) == {
        "b": ("m1", 3, 13), "a": ("m1", 13, 23)}  # fmt: skip
    found = moved(problem, plan(a=("m1", 0, 10), b=("m1", 12, 22)), "b", "m2", 3)
    assert (found.landed.start, found.landed.reason.kind) == (10, "tool")


def test_it_is_not_in_its_own_way() -> None:
    problem = shop(op("a"))
    assert moved(problem, plan(a=("m1", 0, 10)), "a", "m1", 7).landed.start == 7
    assert moved(problem, plan(a=("m1", 5, 15)), "a", "m1", 2).landed.start == 2


def test_it_does_not_come_before_what_it_waits_for_and_takes_along_what_waits_for_it() -> None:
    problem = shop(op("a"), op("b", after=(After("a"),)), op("c", after=(After("b"),)))
    before = plan(a=("m1", 0, 10), b=("m1", 10, 20), c=("m1", 20, 30))
    assert moved(problem, before, "b", "m2", 3).landed.start == 10
    assert times(moved(problem, before, "a", "m2", 50).plan) == {
        "a": ("m2", 50, 60), "b": ("m1", 60, 70), "c": ("m1", 70, 80)}  # fmt: skip


def test_an_order_that_becomes_late_is_told() -> None:
    found = moved(shop(op("a"), due=15), plan(a=("m1", 0, 10)), "a", "m1", 10)
    assert found.late == (frozenset(), frozenset({"a"}))
    assert [(one.order, one.old_end, one.new_end, one.late) for one in found.impacts] == [("a", 10, 20, 1)]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_what_cannot_be_is_refused_with_its_reason() -> None:
    fixed = op("x", locked=Locked("m1", 0, 10))
    problem = shop(op("a", on=("m1",)), fixed, op("b"), now=5)
    before = plan(a=("m1", 10, 20), x=("m1", 0, 10), b=("m2", 5, 15))
    assert why_not(problem, before, "nobody", "m1", 10) == ("unknown", "")
    assert why_not(problem, before, "x", "m2", 10) == ("locked", "")
    assert why_not(problem, before, "a", "m2", 10) == ("machine", "")
    assert why_not(problem, before, "b", "m2", 4) == ("past", "")
    assert why_not(problem, before, "b", "m2", 5) == ("here", "")


def test_what_is_frozen_does_not_wait_so_nothing_it_waits_for_may_come_too_late() -> None:
    problem = shop(op("a"), op("b", after=(After("a"),), locked=Locked("m1", 30, 40)))
    before = plan(a=("m1", 0, 10), b=("m1", 30, 40))
    assert moved(problem, before, "a", "m1", 20).landed.start == 20
    assert why_not(problem, before, "a", "m2", 21) == ("waited_for", "b")


def test_the_seal_is_of_what_would_be_written() -> None:
    problem, before = shop(op("a"), op("b")), plan(a=("m1", 5, 15), b=("m1", 15, 25))
    first = moved(problem, before, "b", "m2", 5)
    assert moved(replace(problem, now=3), before, "b", "m2", 5).seal == first.seal
    assert moved(problem, before, "b", "m2", 6).seal != first.seal
    assert moved(problem, plan(a=("m1", 5, 15), b=("m1", 16, 26)), "b", "m2", 5).seal != first.seal


# --- whatever the plan -----------------------------------------------------------------------------------------------


@st.composite
def drags(draw: st.DrawFn) -> Moved:
    problem = draw(problems())
    before = scheduled(problem)
    free = sorted(name for name, one in problem.operations.items() if one.locked is None)
    assume(free)
    name = draw(st.sampled_from(free))
    machine = draw(st.sampled_from(problem.operations[name].modes)).machine
    try:
        return moved(problem, before, name, machine, problem.now + draw(st.integers(0, 150)))
    except CannotMove as refused:
        assume(refused.why not in ("here", "waited_for", "room"))
        raise


@SEARCH
@given(drags())
def test_no_rule_is_broken(found: Moved) -> None:
    assert violations(found.problem, found.plan) == ()


@SEARCH
@given(drags())
def test_nothing_frozen_moves_and_nothing_begins_earlier_or_elsewhere(found: Moved) -> None:
    """But for a changeover that begins earlier, its work staying where it is, as in every repair."""
    for name, old in found.before.assignments.items():
        new, locked = found.plan.assignments[name], found.problem.operations[name].locked
        if locked is not None:
            assert (new.machine, new.start, new.end) == (old.machine, old.start, old.end)
        elif name != found.operation:
            assert new.machine == old.machine
            assert new.start >= old.start or new.end >= old.end


@SEARCH
@given(drags())
def test_it_is_where_it_was_asked_or_at_the_next_possible_minute(found: Moved) -> None:
    """But for a changeover of the one before it that falls away because of the move."""
    asked, landed, before = found.asked, found.landed, found.before.assignments
    assert landed.start >= asked
    assume(not any(one.end < before[name].end for name, one in found.plan.assignments.items() if name != landed.operation))
    for start in range(asked, landed.start):
        assert violations(found.problem, _with(found, start)), f"it could have begun at {start}"


@SEARCH
@given(drags())
def test_the_same_drag_has_the_same_seal_and_names_all_that_moves(found: Moved) -> None:
    again = moved(found.problem, found.before, found.operation, found.landed.machine, found.asked)
    assert again.seal == found.seal
    after = {**times(found.before), **{one.operation: _place(one.after) for one in found.lines}}
    assert after == times(found.plan)


def _with(found: Moved, start: int) -> Schedule:
    """The plan with the operation at another minute, as long as it would take there."""
    one, problem = found.landed, found.problem
    calendar = problem.machines[one.machine].calendar
    work = next(mode.work for mode in problem.operations[one.operation].modes if mode.machine == one.machine)
    change = _change(found, start)
    end = calendar.ends(calendar.work_at(start) + work + change)
    return Schedule({**found.plan.assignments, one.operation: replace(one, start=start, end=end)})


def _change(found: Moved, start: int) -> int:
    problem, machine = found.problem, found.problem.machines[found.landed.machine]
    line = [one for one in found.plan.assignments.values() if one.machine == machine.id
            and one.operation != found.operation and one.start <= start]  # fmt: skip
    if not line or machine.unlimited:
        return 0
    left = problem.operations[max(line, key=lambda one: (one.start, one.end)).operation]
    return problem.changeovers.get((machine.group, left.kind, problem.operations[found.operation].kind), 0)


def _place(one: Assignment | None) -> tuple[str, int, int]:
    assert one is not None
    return one.machine, one.start, one.end
