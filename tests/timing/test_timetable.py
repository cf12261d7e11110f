"""When a schedule is due: arithmetic alone, against figures worked out by hand and against a slow oracle."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cron import CronMistake, read_cron
from engine.language import Duration
from engine.schedules import Schedule
from engine.timetable import ON_TIME, Timetable, due_times, latest, timetable_of

UTC = dt.UTC
BERLIN = "Europe/Berlin"


def local(schedule: Schedule, start: dt.datetime, end: dt.datetime, zone: str = BERLIN) -> list[str]:
    table = timetable_of(schedule, zone, start)
    return [f"{due.astimezone(ZoneInfo(zone)):%d %H:%M %z}" for due in due_times(table, start, end, "all", 10_000)]


def utc(month: int, day: int, hour: int = 0, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=UTC)


# --- nights on which the clocks change


def test_a_fixed_hour_is_due_once_in_the_night_the_clocks_go_back() -> None:
    assert local(Schedule(cron="30 2 * * *"), utc(10, 24, 12), utc(10, 26, 12)) == ["25 02:30 +0200", "26 02:30 +0100"]
    table = timetable_of(Schedule(cron="30 2 * * *"), BERLIN, utc(10, 24))
    assert [table.name_of(due) for due in due_times(table, utc(10, 24, 12), utc(10, 25, 12), "all")] == [
        "2026-10-25T02:30[Europe/Berlin]"
    ]


def test_a_fixed_hour_that_the_clocks_skip_is_due_an_hour_later() -> None:
    assert local(Schedule(cron="30 2 * * *"), utc(3, 28, 12), utc(3, 30, 12)) == ["29 03:30 +0200", "30 02:30 +0200"]


@pytest.mark.parametrize("month", [3, 10])
def test_midnight_comes_every_day_through_both_nights(month: int) -> None:
    found = local(Schedule(at=("00:00",)), utc(month, 23, 12), utc(month, 31, 12))
    assert [due[:8] for due in found] == [f"{day} 00:00" for day in range(24, 32)]
    assert len(local(Schedule(cron="0 0 1 * *"), utc(1, 15), utc(12, 15))) == 11


def test_midnight_comes_every_day_where_the_clocks_change_around_the_ramadan() -> None:
    found = local(Schedule(at=("00:00",)), utc(1, 1), utc(6, 1), "Africa/Casablanca")
    assert [due[3:8] for due in found] == ["00:00"] * len(found)
    assert [due[9:] for due in found].count("+0000") == 35  # five weeks on the clocks of Greenwich
    assert len(found) == 151
    quarterly = local(Schedule(cron="0 0 1 */3 *"), utc(1, 2), utc(12, 31), "Africa/Casablanca")
    assert [due[:8] for due in quarterly] == ["01 00:00"] * 3


def test_every_half_hour_goes_on_through_both_nights() -> None:
    for month, day in ((3, 29), (10, 25)):
        start, end = utc(month, day - 1, 12), utc(month, day, 12)
        found = due_times(timetable_of(Schedule(cron="*/30 * * * *"), BERLIN, start), start, end, "all")
        assert found == [start + n * dt.timedelta(minutes=30) for n in range(1, 49)]


def test_times_of_day_are_due_once_each_in_both_nights() -> None:
    schedule = Schedule(at=("02:15", "08:00"))
    assert local(schedule, utc(10, 24, 12), utc(10, 25, 12)) == ["25 02:15 +0200", "25 08:00 +0100"]
    assert local(schedule, utc(3, 28, 12), utc(3, 29, 12)) == ["29 03:15 +0200", "29 08:00 +0200"]


def test_a_day_keeps_its_time_of_day_and_a_skipped_one_does_not_move_the_others() -> None:
    schedule = Schedule(every=Duration(1, "d"))
    assert local(schedule, utc(3, 27, 1, 30), utc(3, 31)) == ["28 02:30 +0100", "29 03:30 +0200", "30 02:30 +0200"]
    assert local(Schedule(every=Duration(24, "h")), utc(3, 27, 1, 30), utc(3, 31)) == [
        "28 02:30 +0100", "29 03:30 +0200", "30 03:30 +0200",
    ]  # fmt: skip


def test_working_days_are_counted() -> None:
    schedule = Schedule(every=Duration(2, "wd"))
    assert local(schedule, utc(3, 4, 1), utc(3, 14)) == [
        "06 02:00 +0100", "10 02:00 +0100", "12 02:00 +0100",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cron", "days"),
    [("0 9 * * mon#1", [2]), ("0 9 L * *", [31]), ("0 9 1,L * *", [1, 31]), ("0 9 13 * fri", [6, 13, 20, 27]),
     ("0 9 * * 0", [1, 8, 15, 22, 29]), ("0 9 * * 7", [1, 8, 15, 22, 29]), ("0 9 * * sat-sun", [1, 7, 8, 14, 15, 21, 22, 28, 29]),
     ("0 9 */10 * *", [1, 11, 21, 31]), ("0 9 * mar fri#L", [27]), ("0 9 1-7 3 *", [1, 2, 3, 4, 5, 6, 7])],
)  # fmt: skip
def test_days_of_cron_texts(cron: str, days: list[int]) -> None:
    found = local(Schedule(cron=cron), utc(3, 1), utc(4, 1), "UTC")
    assert [int(one[:2]) for one in found] == days


@pytest.mark.parametrize(
    ("cron", "column", "said"),
    [("* * * *", 7, "a cron text has five fields, minute hour day month weekday; this one has 4"),
     ("* * * * * *", 10, "a cron text has five fields, minute hour day month weekday; this one has 6"),
     ("0 24 * * *", 2, "'24' is no hour; expected 0-23"),
     ("0 8 * * mox", 8, "'mox' is no day of the week; expected 0-7, sun-sat"),
     ("5-1 * * * *", 0, "the range '5-1' runs backwards"), ("*/0 * * * *", 2, "'0' is no step; expected 1-59"),
     ("0 0 30 feb *", 4, "none of these months has such a day"), ("0 8-99 * * *", 4, "'99' is no hour; expected 0-23"),
     ("1,,2 * * * *", 2, "'' is no minute; expected 0-59"),
     ("0 0 * * mon#9", 8, "'mon#9' is no weekday of the month; expected one such as mon#1, fri#L")],
)  # fmt: skip
def test_a_mistake_in_a_cron_text_has_its_place(cron: str, column: int, said: str) -> None:
    with pytest.raises(CronMistake) as found:
        read_cron(cron)
    assert (found.value.offset, str(found.value)) == (column, said)


# --- down over ten due times


@pytest.mark.parametrize(
    ("misfire", "back", "done"),
    [("skip", utc(3, 4, 12, 30), []), ("once", utc(3, 4, 12, 30), [12]), ("all", utc(3, 4, 12, 30), range(3, 13)),
     ("skip", utc(3, 4, 12), [12]), ("once", utc(3, 4, 12), [12]), ("all", utc(3, 4, 12), range(3, 13))],
)  # fmt: skip
def test_ten_times_were_missed(misfire: str, back: dt.datetime, done: list[int]) -> None:
    """Down from 02:30 on; back between two due times, or at the tenth."""
    table = timetable_of(Schedule(cron="0 * * * *"), "UTC", utc(3, 4))
    assert due_times(table, utc(3, 4, 2, 30), back, misfire) == [utc(3, 4, hour) for hour in done]  # type: ignore[arg-type]


def test_more_than_can_be_left_at_once_is_left_in_portions() -> None:
    table = timetable_of(Schedule(cron="* * * * *"), "UTC", utc(3, 4))
    first = due_times(table, utc(3, 4), utc(3, 5), "all", most=1000)
    assert (len(first), first[-1]) == (1000, utc(3, 4, 16, 40))
    assert len(due_times(table, first[-1], utc(3, 5), "all", most=1000)) == 440


# --- against an oracle

ZONES = ("UTC", BERLIN, "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu")
CRONS = (
    "*/17 * * * *", "30 2 * * *", "0 0 * * *", "*/20 1-3 * * *", "5 */7 * * mon-fri", "0 12 L * *", "15 3 * * sun",
    "0 0 1 * mon", "59 23 * * *", "*/45 0,2 * * *",
)  # fmt: skip
SCHEDULES = st.one_of(
    st.sampled_from(CRONS).map(lambda cron: Schedule(cron=cron)),
    st.tuples(st.integers(1, 90), st.sampled_from(("m", "h", "d", "w", "wd"))).map(
        lambda pair: Schedule(every=Duration(*pair) if pair[1] in "mh" else Duration(pair[0] % 5 + 1, pair[1]))  # type: ignore[arg-type]
    ),
    st.lists(st.times().map(lambda at: f"{at:%H:%M}"), min_size=1, max_size=3).map(lambda at: Schedule(at=tuple(at))),
)
MOMENTS = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
LENGTHS = st.timedeltas(dt.timedelta(), dt.timedelta(days=6))


def each(table: Timetable, last: dt.datetime, now: dt.datetime) -> list[dt.datetime]:
    found, due = [], table.after(last)
    while due is not None and due <= now:
        found.append(due)
        due = table.after(due)
    return found


@settings(max_examples=300, deadline=None)
@given(SCHEDULES, st.sampled_from(ZONES), MOMENTS, LENGTHS, LENGTHS, st.sampled_from(("skip", "once", "all")))
def test_what_is_done_after_a_pause(
    schedule: Schedule, zone: str, start: dt.datetime, ran: dt.timedelta, paused: dt.timedelta, misfire: str
) -> None:
    table, last = timetable_of(schedule, zone, start), start + ran
    now = last + paused
    every = each(table, last, now)
    on_time = [due for due in every if due > now - ON_TIME]
    done = due_times(table, last, now, misfire, 100_000)  # type: ignore[arg-type]
    assert done == {"all": every, "skip": on_time, "once": on_time or every[-1:]}[misfire]
    assert latest(table, last, now) == (every[-1] if every else None)
    assert every == sorted(set(every))
    assert len({table.name_of(due) for due in every}) == len(every)


@settings(max_examples=200, deadline=None)
@given(SCHEDULES, st.sampled_from(ZONES), MOMENTS, st.lists(LENGTHS, max_size=5))
def test_it_does_not_matter_how_often_it_is_looked_at(
    schedule: Schedule, zone: str, start: dt.datetime, pauses: list[dt.timedelta]
) -> None:
    table, now = timetable_of(schedule, zone, start), start
    found: list[dt.datetime] = []
    for pause in pauses:
        found += due_times(table, now, now + pause, "all", 100_000)
        now += pause
    assert found == each(table, start, now)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CRONS), st.sampled_from(ZONES), MOMENTS)
def test_a_cron_text_means_what_the_clock_on_the_wall_shows(cron: str, zone: str, start: dt.datetime) -> None:
    """Minute by minute for two days: due when all fields agree; a fixed hour once, and not in vain where it is skipped."""
    read, own = read_cron(cron), ZoneInfo(zone)
    table = timetable_of(Schedule(cron=cron), zone, start)
    first = start.replace(second=0)
    minutes = [first + n * dt.timedelta(minutes=1) for n in range(1, 2 * 24 * 60)]
    shown = {due for due in minutes if agrees(read, due.astimezone(own)) and not (read.fixed_hours and due.astimezone(own).fold)}
    found = set(each(table, first, minutes[-1]))
    assert shown <= found
    for extra in found - shown:  # only what the clocks skipped
        before = (extra - dt.timedelta(hours=2)).astimezone(own).utcoffset()
        assert before != extra.astimezone(own).utcoffset()


def agrees(cron, at: dt.datetime) -> bool:  # type: ignore[no-untyped-def]
    tomorrow = at.date() + dt.timedelta(days=1)
    day = (cron.days is not None and at.day in cron.days) or (cron.last_day and tomorrow.day == 1)
    weekday = cron.weekdays is not None and at.weekday() in cron.weekdays
    limited_day, limited_weekday = cron.days is not None or cron.last_day, cron.weekdays is not None
    fits = (day or weekday) if cron.either else (day or not limited_day) and (weekday or not limited_weekday)
    return at.minute in cron.minutes and at.hour in cron.hours and fits and (cron.months is None or at.month in cron.months)
