"""A promise: the earliest date that moves nobody, how sure it is, and why it is not earlier."""

from dataclasses import replace

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_scenes import problems, times, without

from plugins.planning.calendars import Calendar
from plugins.planning.chains import Link, why
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.promise import promised, sampled
from plugins.planning.shapes import After, Locked, Machine, Mode, Operation, Order, Problem, Reason, Schedule
from plugins.planning.spread import Spread

MORE = settings(max_examples=600 if DEEP else 40, deadline=None)
SHIFT = Calendar((), 0, ((480, 960),), 1440)


def flat(ratio, *, thin=False):
    return lambda _: Spread((ratio,), 99, thin)


WIDE = Spread((0.8, 0.9, 1.0, 1.2, 2.0), 99, thin=False)


def shop(*operations, calendar=None):
    """One machine, or as many as the operations name, always open unless said."""
    machines = {mode.machine for operation in operations for mode in operation.modes} | {"M"}
    orders = {operation.order: Order(operation.order, 9999, 9999) for operation in operations}
    return Problem(
        {id: Machine(id, "g", calendar or Calendar()) for id in machines},
        orders,
        {operation.id: operation for operation in operations},
    )


def work(id, minutes, machine="M", **fields):
    return Operation(id, id[0], (Mode(machine, minutes),), **fields)


def ended(plan):
    """Machine and end by operation: the changeover before the work may begin earlier or later."""
    return {id: (machine, end) for id, (machine, _, end) in times(plan).items()}


NEW = Order("N", 500, 500)


# --- the date --------------------------------------------------------------------------------------------------------


def test_a_promise_takes_a_gap_that_is_wide_enough_and_holds_it():
    problem = shop(work("A1", 30), work("B1", 30, earliest=100))
    plan = scheduled(problem)
    made = promised(problem, plan, NEW, [work("N1", 50)])
    assert (made.end, made.likely, made.safe) == (80, 80, 80)
    assert [(line.operation, line.start, line.end) for line in made.held] == [("N1", 30, 80)]
    assert times(plan).items() <= times(made.schedule).items()


def test_a_promise_waits_for_the_gap_that_is_wide_enough():
    problem = shop(work("A1", 30), work("B1", 30, earliest=100))
    made = promised(problem, scheduled(problem), NEW, [work("N1", 71)])
    assert made.end == 130 + 71


def test_a_promise_says_why_it_is_not_earlier_back_to_the_root():
    problem = shop(work("A1", 30, earliest=20, material="steel"), work("B1", 30, earliest=100), work("C1", 1, "O"))
    made = promised(problem, scheduled(problem), NEW, [work("N1", 30), work("N2", 10, "O", after=(After("N1"),))])
    assert made.reasons == (
        Link("N2", Reason("predecessor", "N1")),
        Link("N1", Reason("machine", "A1")),
        Link("A1", Reason("material", "steel")),
    )


def test_an_order_without_operations_has_no_date():
    with pytest.raises(ValueError, match=r"^Order N has no operations to promise a date for\.$"):
        promised(shop(), Schedule({}), NEW, [])


@MORE
@given(problems(), st.data())
def test_a_promise_keeps_every_rule_and_moves_nobody(whole, data):
    order = data.draw(st.sampled_from(sorted(whole.orders)))
    problem, operations = without(whole, order), [one for one in whole.operations.values() if one.order == order]
    operations = [replace(one, locked=None) for one in operations]
    plan = scheduled(problem)
    made = promised(problem, plan, whole.orders[order], operations, seed=data.draw(st.integers(0, 9)), samples=5)
    asked = replace(problem, operations={**problem.operations, **{one.id: one for one in operations}})
    assert not violations(asked, made.schedule)
    assert ended(plan).items() <= ended(made.schedule).items()
    assert {line.operation for line in made.held} == {one.id for one in operations}
    assert (made.likely, made.safe) == (made.end, made.end), "as long as nothing is known, everything goes by the plan"


# --- how sure it is --------------------------------------------------------------------------------------------------


def test_what_comes_right_before_on_the_machine_is_lengthened_too():
    problem = shop(work("A1", 100))
    made = promised(problem, scheduled(problem), NEW, [work("N1", 50)], flat(1.5))
    assert (made.end, made.likely, made.safe) == (150, 225, 225)


def test_what_is_locked_ends_when_it_is_said_to_end():
    problem = shop(replace(work("A1", 100), locked=Locked("M", 0, 100)))
    made = promised(problem, scheduled(problem), NEW, [work("N1", 50)], flat(1.5))
    assert made.likely == 175


def test_closed_time_counts_when_work_takes_longer():
    problem = shop(calendar=SHIFT)
    made = promised(problem, Schedule({}), NEW, [work("N1", 400)], flat(1.5))
    assert (made.end, made.likely) == (880, 1440 + 480 + 120)


def test_a_part_that_is_waited_for_is_late_when_its_work_is():
    parts = [work("N1", 100), work("N2", 10, "O", after=(After("N1", lag=5, share=50),))]
    made = promised(shop(work("A1", 1, "O")), Schedule({}), NEW, parts[:1], flat(2.0))
    assert made.likely == 200
    made = promised(shop(work("A1", 1, "O")), Schedule({}), NEW, parts, flat(2.0))
    assert made.end == 100, "the second does not end before the first"
    assert made.likely == 200


def test_nothing_begins_before_its_planned_start_for_material_and_people_are_called_for_then():
    problem = shop(work("A1", 100))
    made = promised(problem, scheduled(problem), NEW, [work("N1", 50)], flat(0.5))
    assert made.likely == 125


def test_eight_in_ten_are_reached_later_than_five_in_ten():
    made = promised(shop(), Schedule({}), NEW, [work("N1", 1000)], lambda _: WIDE, samples=1000)
    assert made.likely == pytest.approx(1000 * WIDE.at(0.5), abs=5)
    assert made.safe == pytest.approx(1000 * WIDE.at(0.8), abs=5)


def test_a_promise_on_thin_data_is_marked():
    assert promised(shop(), Schedule({}), NEW, [work("N1", 10)]).thin
    assert promised(shop(), Schedule({}), NEW, [work("N1", 10)], flat(1.0, thin=True)).thin
    assert not promised(shop(), Schedule({}), NEW, [work("N1", 10)], flat(1.0)).thin


def test_two_plans_are_compared_by_the_same_luck():
    steps = [work("N1", 100), work("N2", 100, after=(After("N1"),))]
    problem = shop(*steps)
    plan = scheduled(problem)
    later = Schedule(
        {id: replace(line, start=line.start + 7, end=line.end + 7) for id, line in plan.assignments.items()}
    )
    ends = sampled(problem, plan, ["N2"], lambda _: WIDE, seed=3)
    assert [end + 7 for end in ends] == list(sampled(problem, later, ["N2"], lambda _: WIDE, seed=3))
    assert ends != sampled(problem, plan, ["N2"], lambda _: WIDE, seed=4)


@MORE
@given(problems(), st.integers(0, 99), st.floats(1, 3))
def test_longer_work_never_ends_sooner(problem, seed, factor):
    plan = scheduled(problem)
    longer = Spread(tuple(one * factor for one in WIDE.quantiles), 99, thin=False)
    own = [next(iter(problem.operations))]
    usual = sampled(problem, plan, own, lambda _: WIDE, seed=seed, samples=9)
    slow = sampled(problem, plan, own, lambda _: longer, seed=seed, samples=9)
    assert all(one <= other for one, other in zip(usual, slow, strict=True))


# --- why -------------------------------------------------------------------------------------------------------------


@MORE
@given(problems())
def test_every_chain_of_a_plan_ends_at_a_root(problem):
    plan = scheduled(problem)
    for id in problem.operations:
        chain = why(problem, plan, id)
        assert chain[0].operation == id
        assert len({link.operation for link in chain}) == len(chain)
        assert chain[-1].reason.kind not in {"machine", "tool", "predecessor"}


def test_an_operation_that_is_not_planned_has_no_chain():
    with pytest.raises(KeyError):
        why(shop(), Schedule({}), "N1")
