"""Calendars against the same calendar read minute by minute."""

from __future__ import annotations

import pytest
from brute_force import is_open, open_minutes
from deep import DEEP
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_scenes import calendars

from plugins.planning.calendars import Calendar, joined

MINUTES = 400
SEARCH = settings(max_examples=2_000 if DEEP else 60, deadline=None)
WEEK = Calendar(cycle=tuple((day * 1440 + 360, day * 1440 + 1320) for day in range(5)), length=7 * 1440)


@SEARCH
@given(calendars(), st.integers(0, MINUTES))
def test_work_at_counts_the_open_minutes_before(calendar: Calendar, minute: int) -> None:
    assert calendar.work_at(minute) == len(open_minutes(calendar, minute))


@SEARCH
@given(calendars())
def test_every_minute_of_work_has_its_clock_minute(calendar: Calendar) -> None:
    for work, minute in enumerate(open_minutes(calendar, MINUTES)):
        assert calendar.begins(work) == minute
        assert calendar.ends(work + 1) == minute + 1


@SEARCH
@given(calendars(), st.integers(0, MINUTES))
def test_opens_is_the_first_open_minute_from_here(calendar: Calendar, minute: int) -> None:
    opened = calendar.opens(minute)
    assert is_open(calendar, opened)
    assert not any(is_open(calendar, between) for between in range(minute, opened))


@SEARCH
@given(calendars(), st.integers(0, MINUTES))
def test_closes_ends_an_open_stretch(calendar: Calendar, minute: int) -> None:
    start = calendar.opens(minute)
    if calendar == Calendar() or calendar.cycle == ((0, calendar.length),):
        return
    end = calendar.closes(start)
    assert all(is_open(calendar, between) for between in range(start, end))
    seam = end == calendar.until or (end - calendar.until) % calendar.length == 0
    assert seam or not is_open(calendar, end)


@SEARCH
@given(calendars(), st.integers(0, MINUTES), st.integers(0, 120))
def test_segments_are_the_open_parts(calendar: Calendar, start: int, length: int) -> None:
    segments = calendar.segments(start, start + length)
    covered = [minute for first, last in segments for minute in range(first, last)]
    assert covered == [minute for minute in range(start, start + length) if is_open(calendar, minute)]
    assert segments == joined(segments)


def test_a_week_of_two_shifts() -> None:
    friday_evening = 4 * 1440 + 1320
    assert WEEK.work_at(friday_evening) == 5 * 960
    assert WEEK.ends(5 * 960) == friday_evening
    assert WEEK.begins(5 * 960) == 7 * 1440 + 360
    assert WEEK.segments(friday_evening - 60, 7 * 1440 + 400) == (
        (friday_evening - 60, friday_evening),
        (7 * 1440 + 360, 7 * 1440 + 400),
    )


@pytest.mark.parametrize("spans", [((5, 5),), ((5, 9), (7, 12)), ((5, 9), (9, 12)), ((5, 99),)])
def test_a_calendar_refuses_intervals_out_of_order(spans: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="intervals of a calendar are sorted, apart and within"):
        Calendar(cycle=spans, length=60)


def test_a_calendar_is_open_at_some_time() -> None:
    with pytest.raises(ValueError, match="a calendar is open at some time of its cycle"):
        Calendar(cycle=(), length=60)
