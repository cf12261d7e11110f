"""Work against open minutes, the bottleneck, and people against the heads that are needed."""

from fractions import Fraction
from itertools import pairwise

from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.planning.backward import backward
from plugins.planning.calendars import Calendar
from plugins.planning.load import Booking, Total, load
from plugins.planning.shapes import After, Assignment, Locked, Machine, Mode, Operation, Order, Problem, Schedule
from plugins.planning.staffing import Heads, Shift, staffing

EXAMPLES = 500 if DEEP else 30
DAY = 1440
EIGHT = Calendar(cycle=((480, 960),), length=DAY)  # from eight to four
TWO_SHIFTS = Calendar(cycle=((360, 1320),), length=DAY)
DAYS = [day * DAY for day in range(6)]


def shop(*operations, due=5 * DAY, now=0):
    machines = [Machine("saw1", "saw", EIGHT), Machine("saw2", "saw", EIGHT), Machine("press", "press", TWO_SHIFTS),
                Machine("plater", "plating", Calendar(), unlimited=True)]  # fmt: skip
    orders = {one.order: Order(one.order, due, due) for one in operations}
    return Problem({one.id: one for one in machines}, orders, {one.id: one for one in operations}, now=now)


def step(id, machine, work, *after, **given):
    return Operation(id, id[0], (Mode(machine, work),), tuple(After(one) for one in after), **given)


def plan(*rows):
    return Schedule({row[0]: Assignment(*row) for row in rows})


def work(found, group):
    return [(found.cells[group, day].booked, found.cells[group, day].due) for day in range(5)]


# --- what is scheduled ------------------------------------------------------------------------------------------------


def test_work_is_booked_by_the_open_minutes_of_each_day():
    problem = shop(step("A1", "saw1", 600), step("B1", "saw2", 100), step("C1", "press", 960))
    # A1: Monday from 14:00 two hours, Tuesday all eight
    found = load(
        problem,
        plan(("A1", "saw1", 840, DAY + 960), ("B1", "saw2", DAY + 480, DAY + 580), ("C1", "press", 360, 1320)),
        DAYS,
    )
    assert work(found, "saw") == [(120, 0), (580, 0), (0, 0), (0, 0), (0, 0)]
    assert [found.cells["saw", day].available for day in range(5)] == [960] * 5
    assert found.cells["saw", 1].bookings == (Booking("A1", "A", "saw1", 480), Booking("B1", "B", "saw2", 100))
    assert found.cells["press", 0].ratio == 1


def test_days_may_begin_when_the_first_shift_does():
    problem = shop(step("A1", "press", 960))
    found = load(problem, plan(("A1", "press", 600, DAY + 600)), [360, DAY + 360, 2 * DAY + 360])
    assert [found.cells["press", day].booked for day in (0, 1)] == [720, 240]


def test_work_outside_the_days_that_are_asked_for_is_not_booked():
    problem = shop(step("A1", "saw1", 960))
    found = load(problem, plan(("A1", "saw1", 480, DAY + 960)), DAYS[1:3])
    assert [cell.booked for (group, _day), cell in found.cells.items() if group == "saw"] == [480]


def test_an_unlimited_machine_is_told_apart_and_is_no_bottleneck():
    problem = shop(step("A1", "plater", 2000), step("B1", "saw1", 10))
    found = load(problem, plan(("A1", "plater", 0, 2000), ("B1", "saw1", 480, 490)), DAYS)
    assert [(key, cell.booked, cell.available, cell.ratio) for key, cell in found.outside.items()] == [
        (("plating", 0), 1440, 0, None), (("plating", 1), 560, 0, None),
    ]  # fmt: skip
    assert found.bottleneck == Total("saw", 10, 4800)


def test_the_bottleneck_is_the_group_with_the_highest_ratio_over_all_days_not_on_one():
    problem = shop(step("A1", "saw1", 960), step("B1", "press", 960))
    found = load(problem, plan(("A1", "saw1", 480, DAY + 960), ("B1", "press", 360, 1320)), DAYS)
    assert found.cells["press", 0].ratio == 1 > found.cells["saw", 0].ratio
    assert found.ranking == (Total("press", 960, 4800), Total("saw", 960, 4800))
    assert found.bottleneck.ratio == Fraction(1, 5)


def test_without_work_there_is_no_bottleneck():
    assert load(shop(), plan(), DAYS).bottleneck is None


# --- what is not scheduled --------------------------------------------------------------------------------------------


def test_what_is_not_scheduled_is_laid_backwards_before_its_due_date():
    problem = shop(step("A1", "saw1", 600), step("A2", "press", 1000, "A1"), due=4 * DAY)
    found = load(problem, plan(), DAYS)
    # 960 minutes of the press on Thursday and 40 on Wednesday until 22:00; the saw ends by 21:20 that day
    assert work(found, "press") == [(0, 0), (0, 0), (0, 40), (0, 960), (0, 0)]
    assert work(found, "saw") == [(0, 0), (0, 120), (0, 480), (0, 0), (0, 0)]
    assert found.cells["saw", 1].bookings == (Booking("A1", "A", "saw1", 120, scheduled=False),)


def test_work_that_would_lie_before_now_is_laid_from_now_on():
    problem = shop(step("A1", "saw1", 700), due=DAY, now=DAY + 600)
    assert work(load(problem, plan(), DAYS), "saw") == [(0, 0), (0, 360), (0, 340), (0, 0), (0, 0)]


def test_of_several_machines_the_quickest_is_taken_and_a_successor_in_the_plan_is_the_limit():
    either = Operation("A1", "A", (Mode("saw1", 90), Mode("press", 60)))
    problem = shop(either, step("A2", "saw1", 30, "A1"))
    (laid,) = backward(problem, plan(("A2", "saw1", 2 * DAY + 480, 2 * DAY + 510)))
    assert (laid.machine, laid.start, laid.end) == ("press", 2 * DAY + 420, 2 * DAY + 480)


def test_what_cools_down_ends_that_much_earlier():
    cooled = Operation("A2", "A", (Mode("press", 60),), (After("A1", lag=100),))
    laid = {one.operation: one for one in backward(shop(step("A1", "press", 30), cooled, due=3 * DAY), plan())}
    assert (laid["A2"].start, laid["A1"].end) == (2 * DAY + 1260, 2 * DAY + 1160)


def test_what_is_locked_lies_where_it_is():
    locked = Operation("A1", "A", (), locked=Locked("saw2", 500, 700))
    assert work(load(shop(locked), plan(), DAYS), "saw")[0] == (0, 200)


operations = st.lists(
    st.tuples(st.sampled_from(("saw1", "saw2", "press")), st.integers(1, 1500), st.booleans()), max_size=6
)


@given(operations, st.integers(0, 3 * DAY))
@settings(deadline=None, max_examples=EXAMPLES)
def test_every_minute_of_work_is_booked_once(rows, now):
    steps = [step(f"A{place}", machine, minutes, *([f"A{place - 1}"] if place and chained else []))
             for place, (machine, minutes, chained) in enumerate(rows)]  # fmt: skip
    problem = shop(*steps, now=now)
    found = load(problem, plan(), [day * DAY for day in range(40)])
    bookings = [one for cell in found.cells.values() for one in cell.bookings]
    for one in steps:
        assert sum(row.minutes for row in bookings if row.operation == one.id) == one.modes[0].work
    assert sum(total.work for total in found.ranking) == sum(minutes for _machine, minutes, _chained in rows)


@given(operations)
@settings(deadline=None, max_examples=EXAMPLES)
def test_a_predecessor_ends_before_its_successor_begins_where_there_is_time(rows):
    steps = [step(f"A{place}", machine, minutes, *([f"A{place - 1}"] if place else []))
             for place, (machine, minutes, _chained) in enumerate(rows)]  # fmt: skip
    laid = {one.operation: one for one in backward(shop(*steps, due=60 * DAY), plan())}
    for before, after in pairwise(steps):
        assert laid[before.id].end <= laid[after.id].start


# --- people -----------------------------------------------------------------------------------------------------------


def test_people_of_a_shift_against_the_heads_needed_at_once():
    problem = shop(step("A1", "saw1", 120), step("B1", "saw2", 120), step("C1", "press", 60))
    schedule = plan(("A1", "saw1", 480, 600), ("B1", "saw2", 540, 660), ("C1", "press", 600, 660))
    early, late = Shift("sawyer", 360, 600, 1), Shift("sawyer", 600, 960, 3)
    setter = Shift("setter", 360, 960, 2)
    heads = [Heads("saw", "sawyer", 1), Heads("press", "sawyer", 2), Heads("press", "setter", 1)]
    found = staffing(problem, schedule, [early, setter, late], heads)
    assert [(one.peak, one.at, one.short, one.needed, one.there) for one in found] == [
        (2, 540, 1, 180, 240),
        (1, 600, 0, 60, 1200),
        (3, 600, 0, 180, 1080),
    ]


def test_nobody_is_needed_while_a_machine_is_closed_and_who_goes_makes_room():
    problem = shop(step("A1", "saw1", 600), step("B1", "saw2", 100))
    schedule = plan(("A1", "saw1", 840, DAY + 960), ("B1", "saw2", DAY + 480, DAY + 580))
    night = Shift("sawyer", 960, DAY + 480, 0)
    assert [(one.peak, one.needed) for one in staffing(problem, schedule, [night], [Heads("saw", "sawyer", 1)])] == [
        (0, 0)
    ]


spans = st.tuples(st.integers(0, 900), st.integers(1, 400)).map(lambda span: (span[0], span[0] + span[1]))


@given(st.lists(st.tuples(spans, st.sampled_from(("saw1", "press"))), max_size=6), st.lists(spans, max_size=4))
@settings(deadline=None, max_examples=EXAMPLES)
def test_people_minute_by_minute(rows, shifts):
    always = Calendar()
    machines = {id: Machine(id, id, always) for id in ("saw1", "press")}
    given_plan = plan(*((f"A{place}", machine, *span) for place, (span, machine) in enumerate(rows)))
    heads = [Heads("saw1", "s", 1), Heads("press", "s", 2)]
    asked = [Shift("s", *span, 1) for span in shifts]
    for one in staffing(Problem(machines, {}, {}), given_plan, asked, heads):
        needed = [sum((1, 2)[machine == "press"] for (start, end), machine in rows if start <= minute < end)
                  for minute in range(one.shift.start, one.shift.end)]  # fmt: skip
        assert (one.peak, one.needed) == (max(needed), sum(needed))
        assert one.peak == 0 or needed[one.at - one.shift.start] == one.peak
