"""The check finds every way in which a plan can be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_scenes import problems

from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.shapes import After, Assignment, Locked, Machine, Mode, Operation, Order, Problem, Schedule

DAYS = Calendar(cycle=((0, 100),), length=200)
BOTH = (Mode("m1", 10), Mode("m2", 10))
PROBLEM = Problem(
    machines={"m1": Machine("m1", "press", DAYS), "m2": Machine("m2", "press", DAYS), "m3": Machine("m3", "x", DAYS)},
    orders={"a": Order("a", 100, 100), "b": Order("b", 100, 100, released=5)},
    operations={
        "a1": Operation("a1", "a", BOTH, tool="mould", kind="red"),
        "a2": Operation("a2", "a", BOTH, (After("a1", lag=5),), kind="red", unbroken=True),
        "a3": Operation("a3", "a", BOTH, (After("a2", share=50),)),
        "b1": Operation("b1", "b", BOTH, tool="mould", kind="blue"),
        "b2": Operation("b2", "b", BOTH, locked=Locked("m2", 60, 130)),
    },
    changeovers={("press", "red", "blue"): 4},
)
GOOD = {
    "a1": ("m1", 0, 10),
    "b1": ("m1", 10, 24),
    "a2": ("m2", 15, 25),
    "a3": ("m1", 24, 34),
    "b2": ("m2", 60, 130),
}


def found(**changed: tuple[str, int, int] | None) -> list[tuple[str, str, str]]:
    times = {name: each for name, each in {**GOOD, **changed}.items() if each}
    plan = Schedule({name: Assignment(name, *each) for name, each in times.items()})
    return sorted((one.rule, one.operation, one.with_) for one in violations(PROBLEM, plan))


def test_a_good_plan_has_no_violation() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"a3": None}, [("missing", "a3", "")]),
        ({"z9": ("m1", 0, 1)}, [("unknown", "z9", "")]),
        ({"a3": ("m3", 30, 40)}, [("machine", "a3", "")]),
        ({"b2": ("m2", 60, 131)}, [("locked", "b2", "")]),
        (
            {"b1": ("m2", 0, 10), "a2": ("m2", 25, 35), "a3": ("m1", 30, 40)},
            [("begin", "b1", ""), ("tool", "b1", "a1")],
        ),
        ({"a3": ("m1", 150, 210)}, [("closed", "a3", "")]),
        ({"a3": ("m1", 24, 35)}, [("work", "a3", "")]),
        ({"b1": ("m1", 10, 20)}, [("work", "b1", "")]),
        ({"a2": ("m1", 95, 205), "a3": ("m2", 210, 220)}, [("unbroken", "a2", "")]),
        ({"a3": ("m1", 23, 33)}, [("overlap", "a3", "b1")]),
        ({"a3": ("m2", 55, 65)}, [("overlap", "b2", "a3")]),
        ({"b1": ("m2", 5, 15), "a2": ("m2", 15, 25)}, [("tool", "b1", "a1")]),
        ({"a2": ("m2", 14, 24)}, [("wait", "a2", "a1")]),
        ({"a3": ("m2", 5, 15), "a2": ("m2", 15, 25)}, [("wait", "a3", "a2"), ("wait", "a3", "a2")]),
    ],
)
def test_a_wrong_plan_is_told_by_its_rule(
    changed: dict[str, tuple[str, int, int]], expected: list[tuple[str, str, str]]
) -> None:
    assert found(**changed) == expected


@settings(max_examples=500 if DEEP else 25, deadline=None)
@given(problems(), st.data())
def test_a_minute_less_is_always_a_violation(drawn: Problem, data: st.DataObject) -> None:
    plan = scheduled(drawn)
    name = data.draw(st.sampled_from(sorted(plan.assignments)))
    one = plan.assignments[name]
    shorter = {**plan.assignments, name: replace(one, start=one.start + 1)}
    assert violations(drawn, Schedule(shorter)) != ()
