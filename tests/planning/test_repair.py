"""Plans after something has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_scenes import LONGEST_CHANGE, SMALL, Size, calendars, cancelled, longest, problems, times, without

from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.repair import fitted, inserted, repaired
from plugins.planning.shapes import After, Locked, Machine, Mode, Operation, Order, Problem, Schedule

SEARCH = settings(max_examples=1_500 if DEEP else 40, deadline=None)
FEW = settings(max_examples=300 if DEEP else 25, deadline=None)


@st.composite
def news(draw: st.DrawFn) -> tuple[Problem, Schedule]:
    """A problem with one order that the plan beside it does not know yet, nor those that wait for it."""
    drawn = draw(problems())
    before = without(drawn, draw(st.sampled_from(sorted(drawn.orders))))
    free = {
        name: one if name in before.operations else replace(one, locked=None) for name, one in drawn.operations.items()
    }
    return replace(drawn, operations=free), scheduled(before)


@st.composite
def changed(draw: st.DrawFn, drawn: Problem) -> Problem:
    """The problem with one thing changed that nobody asked the planner about."""
    name = draw(st.sampled_from(sorted(drawn.operations)))
    one, minutes = drawn.operations[name], draw(st.integers(1, 60))
    longer = tuple(replace(mode, work=mode.work + minutes) for mode in one.modes)
    return draw(
        st.sampled_from(
            (
                _with(drawn, replace(one, earliest=one.earliest + minutes, material="late")),
                _with(drawn, replace(one, modes=longer, unbroken=False)),
                _with(drawn, replace(one, locked=None)),
                _with(drawn, replace(one, locked=Locked(one.modes[0].machine, minutes, 2 * minutes))),
                _with(drawn, replace(one, modes=one.modes[-1:], locked=None)),
                cancelled(drawn, one.order),
                replace(drawn, now=drawn.now + minutes),
                _closed(drawn, one.modes[0].machine, draw(calendars())),
            )
        )
    )


def _with(drawn: Problem, one: Operation) -> Problem:
    return replace(drawn, operations={**drawn.operations, one.id: one})


def _closed(drawn: Problem, machine: str, calendar: Calendar) -> Problem:
    roomy = calendar if longest(calendar) >= SMALL.work + LONGEST_CHANGE else Calendar(until=40)
    return replace(drawn, machines={**drawn.machines, machine: replace(drawn.machines[machine], calendar=roomy)})


@SEARCH
@given(news())
def test_an_insertion_keeps_every_rule_and_moves_nobody_earlier_or_elsewhere(scene: tuple[Problem, Schedule]) -> None:
    drawn, before = scene
    after = inserted(drawn, before)
    assert violations(drawn, after) == ()
    for name, old in before.assignments.items():
        new = after.assignments[name]
        assert new.machine == old.machine
        assert new.start >= old.start


@FEW
@given(news())
def test_an_insertion_keeps_the_sequence_of_what_was_there(scene: tuple[Problem, Schedule]) -> None:
    drawn, before = scene
    after = inserted(drawn, before)
    for machine in (name for name, one in drawn.machines.items() if not one.unlimited):
        lines = [
            [name for name in sorted(before.assignments, key=lambda name: plan.assignments[name].start)
             if plan.assignments[name].machine == machine and not drawn.operations[name].locked]
            for plan in (before, after)
        ]  # fmt: skip
        assert lines[0] == lines[1]


@SEARCH
@given(news())
def test_a_fit_disturbs_nobody(scene: tuple[Problem, Schedule]) -> None:
    """Nobody's work moves; only a changeover behind what is new may be another one."""
    drawn, before = scene
    after = fitted(drawn, before)
    assert violations(drawn, after) == ()
    for name, (machine, start, end) in times(before).items():
        new = after.assignments[name]
        assert (new.machine, new.end) == (machine, end)
        assert new.start == start or drawn.changeovers


@FEW
@given(problems())
def test_a_plan_of_an_unchanged_problem_stays(drawn: Problem) -> None:
    plan = scheduled(drawn)
    assert repaired(drawn, plan) == inserted(drawn, plan) == fitted(drawn, plan) == plan


@SEARCH
@given(st.data())
def test_a_repair_keeps_every_rule(data: st.DataObject) -> None:
    drawn = data.draw(problems())
    now = data.draw(changed(drawn))
    after = repaired(now, scheduled(drawn))
    assert violations(now, after) == ()
    assert repaired(now, after) == after


@SEARCH
@given(st.data())
def test_a_repair_ends_whatever_changed_at_once(data: st.DataObject) -> None:
    drawn = data.draw(problems(Size(orders=6, machines=3)))
    plan, now = scheduled(drawn), drawn
    for _ in range(data.draw(st.integers(1, 4))):
        now = data.draw(changed(now)) if now.operations else now
    assert violations(now, repaired(now, plan)) == ()


@SEARCH
@given(st.data())
def test_what_does_not_depend_on_the_touched_keeps_its_start(data: st.DataObject) -> None:
    """Late material of one operation: those it reaches by waiting, machine or tool may move, no others."""
    drawn = data.draw(problems())
    one = drawn.operations[data.draw(st.sampled_from(sorted(drawn.operations)))]
    before = scheduled(drawn)
    after = repaired(_with(drawn, replace(one, earliest=data.draw(st.integers(0, 150)))), before)
    moved = {name for name in before.assignments if times(before)[name] != times(after)[name]}
    assert moved <= _reached(drawn, before, one.id)


def _reached(drawn: Problem, plan: Schedule, first: str) -> set[str]:
    """What begins later on the same machine, with the same tool, or waits; and what that reaches."""
    found, open_ones = {first}, [first]
    while open_ones:
        name = open_ones.pop()
        more = {other for other in drawn.operations if other not in found and _depends(drawn, plan, other, name)}
        found |= more
        open_ones.extend(more)
    return found


def _depends(drawn: Problem, plan: Schedule, later: str, earlier: str) -> bool:
    one, other = drawn.operations[later], drawn.operations[earlier]
    if any(wait.operation == earlier for wait in one.after):
        return True
    if plan.assignments[later].start < plan.assignments[earlier].start:
        return False
    together = plan.assignments[later].machine == plan.assignments[earlier].machine
    return together or (one.tool != "" and one.tool == other.tool)


@FEW
@given(st.data())
def test_what_is_locked_never_moves(data: st.DataObject) -> None:
    drawn = data.draw(problems())
    now = data.draw(changed(drawn))
    after = times(repaired(now, scheduled(drawn)))
    for name, one in now.operations.items():
        if one.locked:
            assert after[name] == (one.locked.machine, one.locked.start, one.locked.end)


def shop(*operations: Operation, **weights: int) -> Problem:
    """One press; an order for every operation, of weight 1 unless told otherwise."""
    orders = {one.order: Order(one.order, 100, 100, weight=weights.get(one.order, 1)) for one in operations}
    machines = {name: Machine(name, "press", Calendar()) for name in ("m1", "m2")}
    return Problem(machines, orders, {one.id: one for one in operations}, {("press", "red", "blue"): 5})


def op(name: str, work: int = 10, kind: str = "", machine: str = "m1", **known: object) -> Operation:
    return replace(Operation(name, name[0], (Mode(machine, work),), kind=kind), **known)  # type: ignore[arg-type]


def test_a_rush_order_pushes_what_weighs_less_and_only_that() -> None:
    before = scheduled(shop(op("a1"), op("b1"), op("c1"), a=9), first=("a", "b", "c"))
    after = inserted(shop(op("a1"), op("b1"), op("c1"), op("r1", 4), a=9, r=5), before)
    assert times(after) == {"a1": ("m1", 0, 10), "r1": ("m1", 10, 14), "b1": ("m1", 14, 24), "c1": ("m1", 24, 34)}


def test_a_gap_swallows_the_push() -> None:
    calm = [op("a1"), op("b1", earliest=12), op("c1", earliest=30)]
    before = scheduled(shop(*calm))
    after = inserted(shop(*calm, op("r1", 4), r=5), before)
    assert times(after) == {"r1": ("m1", 0, 4), "a1": ("m1", 4, 14), "b1": ("m1", 14, 24), "c1": ("m1", 30, 40)}


def test_who_waits_for_material_lets_others_pass() -> None:
    """a's slot goes by before its material is there: b and c stay, a follows, d is behind it as before."""
    calm = [op("a1"), op("b1"), op("c1"), op("d1")]
    before = scheduled(shop(*calm), first=("a", "b", "c", "d"))
    after = repaired(shop(op("a1", earliest=25, material="steel"), *calm[1:]), before)
    assert times(after) == {"b1": ("m1", 10, 20), "c1": ("m1", 20, 30), "a1": ("m1", 30, 40), "d1": ("m1", 40, 50)}


def test_who_waits_a_little_keeps_the_sequence() -> None:
    before = scheduled(shop(op("a1"), op("b1")), first=("a", "b"))
    after = repaired(shop(op("a1", earliest=3, material="steel"), op("b1")), before)
    assert times(after) == {"a1": ("m1", 3, 13), "b1": ("m1", 13, 23)}


def test_who_waits_for_one_that_waits_is_not_put_before_it() -> None:
    line = [op("a1", earliest=50), op("a2", after=(After("a1"),)), op("b1")]
    before = scheduled(shop(op("a1"), *line[1:]), first=("a", "b"))
    after = repaired(shop(*line), before)
    assert times(after) == {"b1": ("m1", 20, 30), "a1": ("m1", 50, 60), "a2": ("m1", 60, 70)}


def test_nobody_overtakes_what_it_waits_for_with_the_same_tool() -> None:
    """a2 may begin with a1, but they share a mould: with a2 before it, a1 would wait for itself."""
    line = [op("a1", tool="mould"), op("a2", machine="m2", tool="mould", after=(After("a1", share=0),))]
    before = scheduled(shop(*line))
    after = repaired(replace(shop(*line), now=15), before)
    assert times(before) == {"a1": ("m1", 0, 10), "a2": ("m2", 10, 20)}
    assert times(after) == {"a1": ("m1", 15, 25), "a2": ("m2", 25, 35)}


def test_what_waits_for_one_that_steps_back_steps_back_as_well() -> None:
    """a1 waits for material and a2 for a1: b and c pass them on both machines."""
    line = [op("a1"), op("a2", machine="m2", after=(After("a1"),)), op("b1"), op("c1", machine="m2", earliest=20)]
    before = scheduled(shop(*line), first=("a", "b", "c"))
    after = repaired(shop(replace(line[0], earliest=40), *line[1:]), before)
    assert times(before)["a2"] == ("m2", 10, 20)
    assert times(after) == {
        "b1": ("m1", 10, 20), "c1": ("m2", 20, 30), "a1": ("m1", 40, 50), "a2": ("m2", 50, 60),
    }  # fmt: skip


def test_a_push_steps_over_what_is_locked() -> None:
    calm = [op("a1"), op("b1", locked=Locked("m1", 10, 20)), op("c1")]
    before = scheduled(shop(*calm), first=("a", "c"))
    after = inserted(shop(*calm, op("r1", 4), r=5), before)
    assert times(after) == {"r1": ("m1", 0, 4), "b1": ("m1", 10, 20), "a1": ("m1", 20, 30), "c1": ("m1", 30, 40)}


def test_a_cancelled_neighbour_leaves_its_minutes_to_the_changeover() -> None:
    """b is blue as x before it was; without x it is set up itself, in the minutes x leaves, and ends as before."""
    before = scheduled(shop(op("a1", kind="red"), op("x1", kind="blue"), op("b1", kind="blue")), first=("a", "x", "b"))
    after = repaired(shop(op("a1", kind="red"), op("b1", kind="blue")), before)
    assert (times(before)["b1"], times(after)["b1"]) == (("m1", 25, 35), ("m1", 20, 35))


def test_an_operation_moves_to_another_machine_only_where_its_own_is_gone() -> None:
    before = scheduled(shop(op("a1"), op("b1")), first=("a", "b"))
    after = repaired(shop(op("a1", machine="m2"), op("b1")), before)
    assert times(after) == {"a1": ("m2", 0, 10), "b1": ("m1", 10, 20)}


def test_a_fit_is_refused_where_what_waits_stands_too_early() -> None:
    before = scheduled(shop(op("a1")))
    with pytest.raises(ValueError, match="operation r1 has no room on any of its machines"):
        fitted(shop(op("a1", after=(After("r1"),)), op("r1")), before)
