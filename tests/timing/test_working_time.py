"""Counting by a calendar: shifts, holidays and clocks that are changed."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendars import Calendar, Shifts, Weekdays, go_on, left_over, read_days, read_shift, read_weekdays
from engine.calendars.declared import LONGEST, Mistake
from engine.holidays import LISTS, public_holidays
from engine.language import Duration, Label
from engine.worktime import made

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NAME = Label({"": "Plant"})
DAY_SHIFTS = ("08:00-12:00", "13:30-17:30")
PLANT = made(
    Calendar(
        label=NAME, shifts={"mon-fri": DAY_SHIFTS, "sat": ("08:00-12:00",)}, holidays="cn_public",
        closed=("2026-08-03..2026-08-09",), open={"2026-08-08": ("08:00-12:00",)},
    ), "Asia/Shanghai",
)  # fmt: skip
# Where the clocks are changed in the middle of a shift, and one shift reaches into the next day's.
NIGHT = made(
    Calendar(label=NAME, shifts={"sun": ("22:00-06:00",), "mon-fri": ("02:30-05:00", "22:00-06:00")}),
    "Europe/Berlin",
)
HOURS = dt.timedelta(hours=1)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


def shown(moment: dt.datetime, zone: ZoneInfo = SHANGHAI) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("start", "length", "due"),
    [
        ("2026-03-04 09:30", "4wh", "2026-03-04 15:00"),  # over the break at noon
        ("2026-03-04 08:00", "4wh", "2026-03-04 12:00"),  # the end of a shift, not the beginning of the next
        ("2026-03-04 16:30", "4wh", "2026-03-05 11:00"),
        ("2026-03-06 16:30", "5wh", "2026-03-07 12:00"),  # a Saturday morning
        ("2026-03-07 11:00", "2wh", "2026-03-09 09:00"),
        ("2026-04-30 16:30", "2wh", "2026-05-06 09:00"),  # the Labour Day holidays
        ("2026-05-08 16:30", "2wh", "2026-05-09 09:00"),  # a Saturday that makes up for them is worked like a Monday
        ("2026-05-09 08:00", "8wh", "2026-05-09 17:30"),
        ("2026-08-01 11:30", "2wh", "2026-08-08 09:30"),  # works holidays, and overtime in them
        ("2026-03-04 09:30", "1wd", "2026-03-05 09:30"),
        ("2026-03-06 09:30", "2wd", "2026-03-09 09:30"),
        ("2026-03-06 16:00", "1wd", "2026-03-07 12:00"),  # closed by then on a Saturday
        ("2026-03-04 20:00", "1wd", "2026-03-05 17:30"),  # after hours: as at the end of the day
        ("2026-03-08 10:00", "1wd", "2026-03-09 12:00"),  # on a Sunday: as at the end of Saturday
        ("2026-03-04 12:45", "1wd", "2026-03-05 12:00"),
        ("2026-02-13 09:30", "2wd", "2026-02-24 09:30"),  # Spring Festival; the 14th makes up for it
        ("2026-03-04 20:00", "3h", "2026-03-04 23:00"),  # other lengths do not ask the calendar
        ("2026-03-04 20:00", "2d", "2026-03-06 20:00"),
    ],
)
def test_a_length_is_counted_within_the_shifts(start: str, length: str, due: str) -> None:
    digits = length.rstrip("wdh")
    assert shown(PLANT.after(at(start), Duration(int(digits), length[len(digits) :]))) == due  # type: ignore[arg-type]


def test_a_night_shift_belongs_to_the_day_it_begins() -> None:
    start = at("2026-03-03 23:00", BERLIN)
    assert shown(NIGHT.after(start, Duration(8, "wh")), BERLIN) == "2026-03-04 23:00"
    assert shown(NIGHT.after(at("2026-03-04 01:00", BERLIN), Duration(1, "wd")), BERLIN) == "2026-03-05 01:00"


def test_a_shift_is_an_hour_shorter_or_longer_when_the_clocks_are_changed() -> None:
    """On 29 March 2026 02:00 is 03:00, on 25 October 03:00 is 02:00 again."""
    nights = made(Calendar(label=NAME, shifts={"sat": ("22:00-06:00",)}), "Europe/Berlin")
    for saturday, hours in (("2026-03-21", 8), ("2026-03-28", 7), ("2026-10-24", 9)):
        begun = at(f"{saturday} 12:00", BERLIN)
        assert nights.worked(begun, begun + dt.timedelta(days=1)) == hours * HOURS
    assert shown(nights.after(at("2026-03-28 22:00", BERLIN), Duration(5, "wh")), BERLIN) == "2026-03-29 04:00"


def test_days_and_hours_between() -> None:
    assert PLANT.workdays_between(dt.date(2026, 4, 30), dt.date(2026, 5, 9)) == 4  # 6, 7, 8 and 9 May
    assert PLANT.workdays_between(dt.date(2026, 5, 9), dt.date(2026, 4, 30)) == -4
    assert PLANT.add_workdays(dt.date(2026, 4, 30), 1) == dt.date(2026, 5, 6)
    assert PLANT.add_workdays(dt.date(2026, 5, 3), -1) == dt.date(2026, 4, 30)
    assert PLANT.worked(at("2026-04-30 16:30"), at("2026-05-06 09:00")) == 2 * HOURS
    assert shown(PLANT.end_of(dt.date(2026, 3, 7))) == "2026-03-07 12:00"
    assert shown(PLANT.end_of(dt.date(2026, 3, 8))) == "2026-03-07 12:00"  # a Sunday: by the end of Saturday
    with pytest.raises(OverflowError):
        PLANT.add_workdays(dt.date(2026, 5, 3), 10**6)


MOMENTS = st.datetimes(
    dt.datetime(2026, 1, 1), dt.datetime(2026, 12, 31), timezones=st.just(dt.UTC)
) | st.datetimes(dt.datetime(2026, 3, 27), dt.datetime(2026, 3, 31), timezones=st.just(dt.UTC)) | st.datetimes(
    dt.datetime(2026, 10, 23), dt.datetime(2026, 10, 27), timezones=st.just(dt.UTC)
)  # fmt: skip
CALENDARS = st.sampled_from([PLANT, NIGHT])
LENGTHS = st.builds(Duration, st.integers(1, 60), st.sampled_from(["wh", "wd"]))


def is_open(calendar: Shifts, moment: dt.datetime) -> bool:
    """Worked just before it or just after it."""
    little = dt.timedelta(microseconds=1)
    return calendar.worked(moment - little, moment + little) > dt.timedelta()


@settings(deadline=None)
@given(CALENDARS, MOMENTS, LENGTHS)
def test_nothing_is_due_in_closed_time(calendar: Shifts, start: dt.datetime, length: Duration) -> None:
    due, begun = calendar.after(start, length), calendar.before(start, length)
    assert begun < start < due or length.unit == "wd"
    assert is_open(calendar, due)
    assert is_open(calendar, begun)


@settings(deadline=None)
@given(CALENDARS, MOMENTS, st.integers(1, 300))
def test_counting_back_undoes_counting_on(calendar: Shifts, start: dt.datetime, hours: int) -> None:
    """As far as work goes: moments between which nothing is worked are the same to a calendar."""
    length = Duration(hours, "wh")
    due = calendar.after(start, length)
    assert calendar.worked(start, due) == hours * HOURS
    assert calendar.worked(calendar.before(due, length), due) == hours * HOURS
    assert calendar.worked(start, calendar.before(due, length)) == dt.timedelta()
    assert calendar.later(due, -hours * HOURS) == calendar.before(due, length)


@settings(deadline=None)
@given(CALENDARS, MOMENTS, st.integers(1, 60))
def test_working_days_are_as_many_as_were_said(calendar: Shifts, start: dt.datetime, days: int) -> None:
    begun = calendar.after(start, Duration(1, "wd"))
    due = calendar.after(begun, Duration(days, "wd"))
    first, last = (_day(calendar, moment) for moment in (begun, due))
    assert calendar.workdays_between(first, last) == days
    assert calendar.add_workdays(first, days) == last


def _day(calendar: Shifts, moment: dt.datetime) -> dt.date:
    """The day a moment of working time belongs to, looked up the slow way."""
    around = moment.astimezone(calendar.zone).date()
    for day in (around - dt.timedelta(days=1), around):
        for begin, end in calendar.shifts_on(day):
            midnight = dt.datetime.combine(day, dt.time())
            spans = [midnight + dt.timedelta(minutes=minute) for minute in (begin, end)]
            first, last = (span.replace(tzinfo=calendar.zone).astimezone(dt.UTC) for span in spans)
            if first <= moment <= last:
                return day
    raise AssertionError(moment)


@settings(deadline=None)
@given(CALENDARS, st.lists(MOMENTS, min_size=2, max_size=6), LENGTHS)
def test_what_begins_later_is_never_due_earlier(
    calendar: Shifts, starts: list[dt.datetime], length: Duration
) -> None:
    starts.sort()
    for one, other in pairwise(starts):
        assert calendar.after(one, length) <= calendar.after(other, length)
        assert calendar.before(one, length) <= calendar.before(other, length)
        assert calendar.worked(one, other) >= dt.timedelta()


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_a_clock_that_stood_still_goes_on_with_what_was_left(minutes: list[int]) -> None:
    """However often it is interrupted, in the end as much was worked as was allowed."""
    length, start = Duration(10, "wh"), at("2026-03-04 09:30")
    visits: list[tuple[dt.datetime, dt.datetime]] = []
    due, now = PLANT.after(start, length), start
    for worked in minutes:
        left = PLANT.later(now, worked * HOURS / 60)
        visits.append((now, left))
        now = left + dt.timedelta(days=3)
        due = go_on(PLANT, length, now, left_over(PLANT, length, visits))
    spent = sum((PLANT.worked(*visit) for visit in visits), dt.timedelta())
    assert spent + PLANT.worked(now, due) == 10 * HOURS


def test_without_a_calendar_working_days_are_monday_to_friday() -> None:
    plain = Weekdays(SHANGHAI)
    assert shown(plain.after(at("2026-05-01 20:00"), Duration(1, "wd"))) == "2026-05-04 20:00"
    assert plain.worked(at("2026-03-06 12:00"), at("2026-03-09 12:00")) == 24 * HOURS
    assert plain.workdays_between(dt.date(2026, 3, 6), dt.date(2026, 3, 13)) == 5
    assert shown(plain.end_of(dt.date(2026, 3, 8))) == "2026-03-08 23:59"


def test_public_holidays_are_as_they_were_announced() -> None:
    for name in LISTS:
        public = public_holidays(name)
        assert {day.year for day in public.closed | public.worked} == public.years
        assert not public.closed & public.worked
        assert all(day.weekday() >= 5 for day in public.worked)


@pytest.mark.parametrize("text", ["8:00-12:00", "08:00-08:00", "08:00-24:30", "08:00–12:00", "25:00-26:00", ""])
def test_what_is_no_shift_is_refused(text: str) -> None:
    with pytest.raises(Mistake, match="is no shift; expected one such as"):
        read_shift(text)


def test_texts_of_a_calendar_are_read() -> None:
    assert (read_shift("13:30-17:30"), read_shift("22:00-06:00"), read_shift("00:00-24:00")) == (
        (810, 1050), (1320, 1800), (0, 1440),
    )  # fmt: skip
    assert (read_weekdays("mon-fri"), read_weekdays("sun")) == ((0, 1, 2, 3, 4), (6,))
    assert read_days("2026-08-03..2026-08-09") == (dt.date(2026, 8, 3), dt.date(2026, 8, 9))
    for text in ("fri-mon", "monday", "mon,tue"):
        with pytest.raises(Mistake, match="names no weekdays"):
            read_weekdays(text)
    for text in ("2026-02-30", "2026-08-09..2026-08-03", f"2026-01-01..{2027 + LONGEST // 366}-06-01", "20260101"):
        with pytest.raises(Mistake, match="is no day"):
            read_days(text)
