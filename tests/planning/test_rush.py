"""A rush order: its red list, its alternatives, and the way back."""

from dataclasses import replace
from itertools import count

import pytest
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_scenes import problems, times, without

from plugins.planning import sealing
from plugins.planning.budget import Budget
from plugins.planning.buying import Harm, Variant
from plugins.planning.calendars import Calendar
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.measure import Goal, ends, score
from plugins.planning.measures import Leaving, Measures, Overtime, extended, left, offered, used
from plugins.planning.rush import RedList, alternatives, measured, mixed, red_list, why, why_order
from plugins.planning.shapes import (
    After,
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


# --- what can be bought ----------------------------------------------------------------------------------------------

WEEK = Calendar((), 0, tuple((day * DAY + 480, day * DAY + 960) for day in range(5)), 7 * DAY)


def one_machine(calendar, now=0):
    return Problem({"P1": Machine("P1", "press", calendar)}, {}, {}, now=now)


def test_overtime_is_offered_after_the_last_shift_of_a_day_and_on_days_without_one():
    found = offered(one_machine(WEEK), Overtime(frozenset({"press"}), after=120, closed=300), 7 * DAY)
    assert [(start // DAY, start % DAY, end % DAY) for _, start, end in found] == [
        *((day, 960, 1080) for day in range(5)),
        *((day, 480, 780) for day in (5, 6)),
    ]


def test_overtime_is_offered_neither_before_now_nor_into_the_next_shift_nor_to_other_groups():
    nights = Calendar((), 0, ((0, 360), (1320, DAY)), DAY)
    press = Overtime(frozenset({"press"}), after=120)
    assert offered(one_machine(WEEK, now=1000), press, DAY) == (("P1", 1000, 1080),)
    assert offered(one_machine(nights), press, DAY) == (("P1", 360, 480),)
    assert offered(one_machine(Calendar()), press, DAY) == ()
    assert offered(one_machine(Calendar((), 0, ((0, 900), (950, 1000)), DAY)), press, DAY) == (("P1", 1000, 1120),)
    assert offered(one_machine(WEEK), Overtime(frozenset({"print"}), after=120), DAY) == ()


@MORE
@given(st.integers(0, 9000), st.integers(1, 600), st.integers(0, 20000))
def test_an_extended_calendar_is_open_at_the_old_times_and_the_new_ones_alone(start, long, minute):
    calendar = extended(one_machine(WEEK), [("P1", start, start + long)]).machines["P1"].calendar
    was = WEEK.work_at(minute + 1) - WEEK.work_at(minute)
    is_open = calendar.work_at(minute + 1) - calendar.work_at(minute)
    assert is_open == max(was, int(start <= minute < start + long))


def test_only_the_overtime_that_is_worked_in_is_bought():
    problem, _ = small()
    plan = Schedule({"A1": Assignment("A1", "P1", 900, 1000), "B1": Assignment("B1", "P1", 1040, 1060)})
    extras = [("P1", 960, 1080), ("P1", 2400, 2500), ("P2", 960, 1080)]
    assert used(problem, extras, plan) == (("P1", 960, 1000), ("P1", 1040, 1060))
    locked = with_part(problem, "operations", "A1", locked=Locked("P1", 900, 1000))
    assert used(locked, extras, plan) == (("P1", 1040, 1060),)


def test_limits_of_work_outside_are_those_of_number_processor_and_price():
    problem, _ = small()
    one = problem.operations["A1"]
    assert Leaving(most=2).allows([one, one])
    assert not Leaving(most=1).allows([one, one])
    assert not Leaving(most=2, each={"X": 1}).allows([one, one])
    assert Leaving(most=2, each={"Y": 1}).allows([one, one])
    assert not Leaving(most=2, price=19_799).allows([one, one])
    assert Leaving(most=2, price=19_800).allows([one, one])


def test_what_may_not_leave_does_not():
    problem, _ = small()
    with pytest.raises(ValueError, match=r"^Operation B1 may not leave the house\.$"):
        left(problem, ["B1"])


# --- the rush order in scenes that can be worked out by hand ---------------------------------------------------------

SHORT = Overtime(frozenset({"press"}), after=120)


def ticking(seconds=1.0, step=0.03):
    """A budget whose clock goes on by itself: the same in every run."""
    ticks = count()
    return Budget(seconds, lambda: next(ticks) * step)


def scene(*orders, rush=300, **fields):
    """One press in a day shift of eight hours; orders as (id, minutes, fields of the order, fields of the operation),
    each due at the end of the first day; a heavy rush order of so many minutes."""
    machines = {
        "P1": Machine("P1", "press", SHIFT, 6000, 9000),
        "X": Machine("X", "outside", Calendar(), unlimited=True),
    }
    made = {id: Order(id, **{"due": 960, "promised": 960, "penalty": 100, **more}) for id, _, more, _ in orders}
    steps = {f"{id}1": Operation(f"{id}1", id, (Mode("P1", work),), **more) for id, work, _, more in orders}
    problem = Problem(machines, made, steps, now=480)
    order = Order("R", 960, 960, weight=50, **fields)
    return problem, scheduled(problem), order, [Operation("R1", "R", (Mode("P1", rush),))]


NOTHING = Measures()


def ended(plan):
    """Machine and end by operation: the changeover before the work may begin earlier or later."""
    return {id: (machine, end) for id, (machine, _, end) in times(plan).items()}


def answers(asked, measures=NOTHING, **options):
    return {one.name: one for one in alternatives(*asked, measures, ticking(), workers=1, **options)}


def test_the_red_list_names_who_becomes_later_with_the_worst_first():
    asked = scene(
        ("A", 60, {"weight": 9, "promised": 9999}, {}),
        ("B", 60, {"weight": 8, "penalty": 900}, {}),
        ("C", 60, {"weight": 7, "key": True, "customer": "Zhou"}, {}),
        rush=480,
    )
    found = red_list(*asked)
    assert (found.order, found.end) == ("R", 960)
    assert [one.impact.order for one in found.delayed] == ["C", "B", "A"]
    worst = found.delayed[0]
    assert (worst.customer, worst.key) == ("Zhou", True)
    assert (worst.impact.old_end, worst.impact.new_end, worst.impact.promised) == (660, DAY + 660, 960)
    assert (worst.impact.late, worst.impact.penalty) == (1, 100)
    assert found.delayed[2].impact.late == 0


def test_the_red_list_is_told_first_and_every_alternative_as_soon_as_it_is_there():
    told = []
    found = alternatives(*scene(("A", 300, {}, {})), Measures(), ticking(), workers=1, told=told.append)
    assert isinstance(told[0], RedList)
    assert tuple(told[1:]) == found
    assert [one.name for one in found] == ["no_measures", "nobody_hurt", "extend_shifts", "outsource", "resequence"]


def test_nobody_hurt_takes_the_earliest_gap():
    found = answers(scene(("A", 300, {}, {})))["nobody_hurt"]
    assert times(found.schedule) == {"A1": ("P1", 480, 780), "R1": ("P1", 780, DAY + 600)}
    assert found.moved_promises == 0


def test_overtime_is_bought_as_far_as_it_is_worked_in_and_paid_by_the_hour():
    found = answers(scene(("A", 300, {}, {})), Measures(SHORT))
    assert found["no_measures"].late_orders == 1
    longer = found["extend_shifts"]
    assert longer.added == (("P1", 960, 1080),)
    assert longer.overtime == 120
    assert longer.late_orders == 1, "R and A take 600 minutes, and are there after 480 and 1,080"
    assert dict(ends_of(longer))["A"] == 1080
    assert longer.cost - found["no_measures"].cost == 2 * (9000 - 6000)


def ends_of(alternative):
    return [(impact.order, impact.new_end) for impact in alternative.impacts]


def test_overtime_that_makes_nobody_less_late_is_not_bought():
    found = answers(scene(("A", 60, {}, {}), rush=60), Measures(SHORT))["extend_shifts"]
    assert (found.added, found.same_as, found.why_not) == ((), "no_measures", "")


def test_the_cheaper_of_two_operations_that_help_leaves_and_no_more_than_may():
    away = {"A": Outside("X", 300, 5000), "B": Outside("X", 300, 900)}
    orders = [(id, 240, {"weight": 5}, {"outside": way}) for id, way in away.items()]
    found = answers(scene(*orders, rush=200), Measures(outside=Leaving(most=1)))
    assert found["outsource"].outside == ("B1",)
    assert found["outsource"].late_orders == 0
    both = answers(scene(*orders, rush=480), Measures(outside=Leaving(most=2)))["outsource"]
    assert both.outside == ("A1", "B1")
    assert answers(scene(*orders, rush=480), Measures(outside=Leaving(most=2, price=5000)))["outsource"].outside == (
        "B1",
    )


def test_the_rush_order_itself_may_leave():
    problem, plan, order, (step,) = scene(("A", 480, {"weight": 99}, {}))
    step = replace(step, outside=Outside("X", 300, 700))
    found = answers((problem, plan, order, [step]), Measures(outside=Leaving(most=1)))["outsource"]
    assert found.outside == ("R1",)
    assert times(found.schedule) == {"A1": ("P1", 480, 960), "R1": ("X", 480, 780)}


def test_movable_orders_give_way_and_those_of_key_customers_stay():
    orders = (("A", 200, {"weight": 9, "due": 690}, {}), ("K", 200, {"weight": 8, "key": True, "promised": 900}, {}))
    free = (("L", 80, {"weight": 1, "due": 9999, "promised": 9999}, {}),)
    problem, plan, order, steps = scene(*orders, *free, rush=280)
    found = answers((problem, plan, replace(order, due=9999, weight=20), steps))
    kept = found["resequence"]
    assert kept.schedule.assignments["K1"].end <= 960
    assert found["no_measures"].late_orders >= kept.late_orders


@pytest.mark.parametrize(
    ("name", "reason"), [("extend_shifts", "no_overtime"), ("outsource", "no_outside"), ("resequence", "no_movable")]
)
def test_an_alternative_that_cannot_be_says_why_and_invents_nothing(name, reason):
    found = answers(scene(("A", 300, {"movable": False}, {})))
    assert (found[name].why_not, found[name].same_as) == (reason, "no_measures")
    assert found[name].schedule == found["no_measures"].schedule


def test_a_chain_of_reasons_leads_to_the_root():
    asked = scene(("A", 300, {}, {}))
    found = answers(asked)["no_measures"]
    whole = measured(asked[0], *asked[2:], found)
    chain = why(whole, found.schedule, "A1")
    assert chain == why_order(whole, found.schedule, "A")
    assert [(link.operation, link.reason.kind) for link in chain] == [("A1", "machine"), ("R1", "now")]


def test_without_any_time_left_every_alternative_is_still_a_plan():
    asked = scene(("A", 300, {}, {"outside": Outside("X", 10, 1)}))
    found = alternatives(*asked, Measures(SHORT, Leaving(most=1)), Budget(0.0, lambda: 0.0), workers=1)
    assert [one.why_not for one in found] == ["", "", "no_time", "no_time", "no_time"]
    assert not any(violations(measured(asked[0], *asked[2:], one), one.schedule) for one in found)


# --- mixed by hand ---------------------------------------------------------------------------------------------------


def test_by_hand_only_the_orders_that_may_move_do():
    orders = [("A", 150, {"weight": 3}, {}), ("B", 150, {"weight": 2}, {}), ("C", 150, {"weight": 1}, {})]
    asked = scene(*orders, rush=150)
    plan = asked[1]
    made = mixed(*asked, may_move={"C"}, overtime=Overtime(), outside=(), budget=ticking(), workers=1)
    assert times(made.schedule)["A1"] == times(plan)["A1"]
    assert times(made.schedule)["B1"] == times(plan)["B1"]
    assert times(made.schedule)["R1"][2] == 930
    assert [impact.order for impact in made.impacts if impact.new_end > impact.old_end] == ["C"]


def test_by_hand_overtime_and_work_outside_are_what_was_chosen():
    asked = scene(("A", 300, {"weight": 9}, {}), ("B", 100, {}, {"outside": Outside("X", 50, 900)}))
    made = mixed(*asked, may_move=(), overtime=SHORT, outside=("B1",), budget=ticking(), workers=1)
    assert made.outside == ("B1",)
    assert made.schedule.assignments["R1"].end == 1080
    assert made.overtime == 120
    assert not violations(measured(asked[0], *asked[2:], made), made.schedule)


# --- what is true of every rush order --------------------------------------------------------------------------------


@st.composite
def shops(draw):
    """A shop with day shifts, so full that a rush order hurts somebody."""
    machines = {
        **{f"P{n}": Machine(f"P{n}", "press", SHIFT, 6000, 9000) for n in range(draw(st.integers(1, 2)))},
        "Q": Machine("Q", "print", SHIFT, 3000, 5000),
        "X": Machine("X", "outside", Calendar(), unlimited=True),
    }
    presses = [id for id in machines if id.startswith("P")]
    orders, operations = {}, {}
    for number in range(draw(st.integers(1, 5))):
        order, steps = draw(_order(f"O{number}", presses, 480 * draw(st.integers(1, 4))))
        orders[order.id] = order
        operations.update({step.id: step for step in steps})
    problem = Problem(machines, orders, operations, {("press", "red", "blue"): 15, ("press", "blue", "red"): 30}, 480)
    return problem, scheduled(problem), *draw(_order("R", presses, 900, weight=20))


@st.composite
def _order(draw, id, presses, due, weight=None):
    weight = weight or draw(st.integers(1, 9))
    order = Order(
        id,
        480 + due,
        480 + due + draw(st.sampled_from((0, 300))),
        weight=weight,
        penalty=100,
        key=draw(st.booleans()),
        movable=draw(st.booleans()),
    )
    away = st.sampled_from((None, Outside("X", 200, 4000), Outside("X", 700, 900)))
    first = Operation(
        f"{id}-1",
        id,
        tuple(Mode(press, draw(st.integers(30, 500))) for press in presses),
        kind=draw(st.sampled_from(("red", "blue"))),
        tool=draw(st.sampled_from(("", "mould"))),
        outside=draw(away),
    )
    second = Operation(f"{id}-2", id, (Mode("Q", draw(st.integers(20, 300))),), (After(first.id),), outside=draw(away))
    return order, [first, second][: draw(st.integers(1, 2))]


MEASURES = Measures(Overtime(frozenset({"press", "print"}), 120, 240), Leaving(most=2, each={"X": 1}, price=4500))


@MORE
@given(shops())
def test_every_alternative_is_what_it_says(asked):
    problem, plan, order, steps = asked
    found = alternatives(*asked, MEASURES, ticking(), workers=1)
    for one in found:
        whole = measured(problem, order, steps, one)
        assert not violations(whole, one.schedule), one.name
        assert sealing.applied(plan, sealing.changes(plan, one.schedule)) == one.schedule
        shown = {impact.order: (impact.old_end, impact.new_end) for impact in one.impacts}
        old, new = ends(problem, plan), ends(whole, one.schedule)
        assert {id: (old.get(id, end), end) for id, end in new.items() if id in shown} == shown
        assert all(old.get(id, end) == end <= whole.orders[id].promised for id, end in new.items() if id not in shown)
        assert used(whole, one.added, one.schedule) == one.added, one.name
        assert one.overtime == sum(end - start for _, start, end in one.added)
        assert MEASURES.outside.allows([whole.operations[id] for id in one.outside])
    _say_so_where_they_are_equal(found)


def _say_so_where_they_are_equal(found):
    for place, one in enumerate(found):
        equal = [
            other.name
            for other in found[:place]
            if (times(other.schedule), other.added, other.outside) == (times(one.schedule), one.added, one.outside)
        ]
        assert one.same_as == (equal[0] if equal else "")


@MORE
@given(shops())
def test_nobody_hurt_hurts_nobody_and_no_alternative_is_worse_than_no_measures(asked):
    problem, plan, order, steps = asked
    goal = Goal()
    none, nobody, longer, away, anew = alternatives(*asked, MEASURES, ticking(), goal=goal, workers=1)
    assert ended(plan).items() <= ended(nobody.schedule).items()
    harm = Harm.of(problem, plan, goal)

    def harmed(one):
        return harm.total(Variant(measured(problem, order, steps, one), plan, one.schedule))

    assert harmed(longer) <= harmed(none)
    assert harmed(away) <= harmed(none)
    own = replace(goal, before=plan)
    whole = measured(problem, order, steps, none)
    assert score(whole, anew.schedule, own) <= score(whole, none.schedule, own)


@MORE
@given(problems(), st.data())
def test_in_any_scene_the_alternatives_keep_every_rule(whole, data):
    id = data.draw(st.sampled_from(sorted(whole.orders)))
    problem = without(whole, id)
    steps = [replace(one, locked=None) for one in whole.operations.values() if one.order == id]
    plan = scheduled(problem)
    asked = (problem, plan, replace(whole.orders[id], weight=9), steps)
    overtime = Overtime(frozenset({"press", "print"}), 30, 30)
    for one in alternatives(*asked, Measures(overtime, Leaving(most=3)), ticking(), workers=1):
        assert not violations(measured(problem, asked[2], steps, one), one.schedule), one.name
    locked = {one.id for one in problem.operations.values() if one.locked}
    assert all(times(one.schedule)[id] == times(plan)[id] for id in locked)


def test_the_same_seed_gives_the_same_alternatives():
    asked = scene(("A", 300, {}, {}), ("B", 200, {"weight": 2}, {}))
    assert answers(asked, Measures(SHORT), seed=5) == answers(asked, Measures(SHORT), seed=5)
