"""Seals, changes and the way back."""

from dataclasses import replace

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.planning import sealing
from plugins.planning.calendars import Calendar
from plugins.planning.shapes import (
    Assignment,
    Locked,
    Machine,
    Mode,
    Operation,
    Order,
    Outside,
    Problem,
    Reason,
    Schedule,
)

MORE = settings(max_examples=400 if DEEP else 25, deadline=None)
DAY = 1440
SHIFT = Calendar((), 0, ((480, 960),), DAY)  # eight to four, every day


# --- the seal --------------------------------------------------------------------------------------------------------


def small():
    machines = {id: Machine(id, "press", SHIFT, 6000, 9000) for id in ("P1", "P2")}
    machines["X"] = Machine("X", "outside", Calendar(), unlimited=True)
    orders = {"A": Order("A", 2000, 2400, "Zhou", 2, 500), "B": Order("B", 3000, 3000)}
    operations = {
        "A1": Operation(
            "A1", "A", (Mode("P1", 60), Mode("P2", 90)), tool="T", kind="red", outside=Outside("X", 500, 9900)
        ),
        "B1": Operation("B1", "B", (Mode("P1", 30),), kind="blue", earliest=500, material="steel"),
    }
    problem = Problem(machines, orders, operations, {("press", "red", "blue"): 15}, 480)
    plan = {"A1": Assignment("A1", "P1", 480, 540), "B1": Assignment("B1", "P1", 540, 585, Reason("machine", "A1"))}
    return problem, Schedule(plan)


def with_part(problem, part, id, **fields):
    table = getattr(problem, part)
    return replace(problem, **{part: {**table, id: replace(table[id], **fields)}})


MATTERS = [
    ("machines", "P1", {"calendar": Calendar()}),
    ("machines", "P1", {"group": "other"}),
    ("machines", "P1", {"cost": 1}),
    ("machines", "P1", {"overtime": 1}),
    ("machines", "P1", {"unlimited": True}),
    ("orders", "A", {"due": 1}),
    ("orders", "A", {"promised": 1}),
    ("orders", "A", {"weight": 1}),
    ("orders", "A", {"penalty": 1}),
    ("orders", "A", {"released": 1}),
    ("orders", "A", {"key": True}),
    ("orders", "A", {"movable": False}),
    ("operations", "A1", {"order": "B"}),
    ("operations", "A1", {"modes": (Mode("P1", 61), Mode("P2", 90))}),
    ("operations", "A1", {"tool": ""}),
    ("operations", "A1", {"kind": ""}),
    ("operations", "A1", {"earliest": 1}),
    ("operations", "A1", {"unbroken": True}),
    ("operations", "A1", {"locked": Locked("P1", 480, 540)}),
    ("operations", "A1", {"outside": None}),
]


@pytest.mark.parametrize(("part", "id", "fields"), MATTERS, ids=lambda value: str(value)[:40])
def test_the_seal_changes_with_everything_that_matters(part, id, fields):
    problem, plan = small()
    assert sealing.seal(with_part(problem, part, id, **fields), plan) != sealing.seal(problem, plan)


def test_the_seal_changes_with_changeovers_with_what_is_there_and_with_the_plan():
    problem, plan = small()
    seen = {
        sealing.seal(problem, plan),
        sealing.seal(replace(problem, changeovers={}), plan),
        sealing.seal(replace(problem, orders={"A": problem.orders["A"]}), plan),
        sealing.seal(problem, Schedule({"A1": plan.assignments["A1"]})),
        sealing.seal(problem, Schedule({**plan.assignments, "B1": Assignment("B1", "P1", 541, 586)})),
        sealing.seal(problem, Schedule({**plan.assignments, "B1": Assignment("B1", "P2", 540, 585)})),
    }
    assert len(seen) == 6


def test_the_seal_does_not_change_with_order_names_reasons_or_time():
    problem, plan = small()
    turned = Problem(
        dict(reversed(problem.machines.items())),
        dict(reversed(problem.orders.items())),
        dict(reversed(problem.operations.items())),
        {**problem.changeovers, ("press", "blue", "red"): 0},
        problem.now + 5,
    )
    turned = with_part(turned, "orders", "A", customer="Zhou & Sons")
    turned = with_part(turned, "operations", "A1", modes=(Mode("P2", 90), Mode("P1", 60)), material="granulate")
    other = Schedule({id: replace(line, reason=Reason("calendar")) for id, line in reversed(plan.assignments.items())})
    assert sealing.seal(turned, other) == sealing.seal(problem, plan)


# --- changes and the way back ----------------------------------------------------------------------------------------

LINES = st.builds(
    lambda start, length, machine, kind: (start, start + length, machine, kind),
    st.integers(0, 50),
    st.integers(1, 9),
    st.sampled_from(["P1", "P2"]),
    st.sampled_from(["now", "calendar"]),
)
PLANS = st.dictionaries(st.sampled_from("abcdef"), LINES, max_size=6).map(
    lambda rows: Schedule(
        {id: Assignment(id, on, start, end, Reason(kind)) for id, (start, end, on, kind) in rows.items()}
    )
)


@MORE
@given(PLANS, PLANS)
def test_writing_the_changes_makes_the_new_plan_and_undoing_them_the_old(before, after):
    written = sealing.changes(before, after)
    assert sealing.applied(before, written) == after
    assert sealing.undo(after, written) == before
    assert {change.operation for change in written} <= before.assignments.keys() | after.assignments.keys()


def test_a_plan_that_has_changed_meanwhile_is_not_written_to():
    _, plan = small()
    moved = Schedule({**plan.assignments, "B1": Assignment("B1", "P1", 600, 645)})
    written = sealing.changes(plan, moved)
    with pytest.raises(ValueError, match=r"^The plan of operation B1 has changed meanwhile\. Work it out again\.$"):
        sealing.applied(moved, written)


def test_changes_can_be_undone_until_the_first_operation_they_moved_has_started():
    problem, plan = small()
    moved = Schedule({**plan.assignments, "B1": Assignment("B1", "P1", 600, 645)})
    written = sealing.changes(plan, moved)
    assert sealing.undoable(problem, moved, written, 500, {"A1"})
    assert not sealing.undoable(problem, moved, written, 500, {"B1"})
    assert not sealing.undoable(problem, moved, written, 541, set()), "it would begin in the past"
    assert not sealing.undoable(problem, plan, written, 500, set()), "the plan is another one"
    locked = with_part(problem, "operations", "B1", locked=Locked("P1", 600, 645))
    assert not sealing.undoable(locked, moved, written, 500, set())


def test_another_reason_at_the_same_place_is_written_but_does_not_stand_against_undoing():
    problem, plan = small()
    line = plan.assignments["A1"]
    other = Schedule({**plan.assignments, "A1": replace(line, reason=Reason("material", "steel"))})
    (change,) = sealing.changes(plan, other)
    assert not change.moves
    assert sealing.undoable(problem, other, [change], 500, {"A1"})
    assert sealing.late([change], 9999) == ()
