"""What times are counted by: a calendar with shifts, or plain weekdays where none is declared."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from engine.calendars.clocks import moment_of, on_the_wall
from engine.calendars.declared import DAY, Span
from engine.calendars.lengths import due_after, due_before, exact_seconds, monday_to_friday
from engine.calendars.worked import Worked, moment_at, ticks
from engine.language import Duration

HOUR = 3_600_000_000  # microseconds
FIRST_YEAR, LAST_YEAR = 1900, 2200  # as far as a calendar is laid out

T = TypeVar("T")


class Times(Protocol):
    """A calendar on the clocks of one zone. Moments are aware UTC datetimes."""

    @property
    def zone(self) -> ZoneInfo: ...

    def after(self, start: dt.datetime, length: Duration) -> dt.datetime:
        """The moment ``length`` after ``start``."""

    def before(self, end: dt.datetime, length: Duration) -> dt.datetime:
        """The moment ``length`` before ``end``."""

    def is_workday(self, day: dt.date) -> bool: ...

    def workdays_between(self, first: dt.date, last: dt.date) -> int:
        """How many working days lie after the first date up to the last; negative where that is earlier."""

    def add_workdays(self, day: dt.date, count: int) -> dt.date:
        """The working day ``count`` working days after a date, or before it; 0 is the date itself."""

    def worked(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """How much of the span is working time; negative where it ends before it begins."""

    def later(self, start: dt.datetime, worked: dt.timedelta) -> dt.datetime:
        """The first moment by which so much is worked after ``start``; negative: the last one before it."""

    def end_of(self, day: dt.date) -> dt.datetime:
        """The last moment that work due on this day may be done: the end of the last shift by then."""


class Shifts:
    """A calendar with shifts. Nothing is ever due while it is closed: what would be is due when it closed before."""

    def __init__(self, zone: ZoneInfo, week: Sequence[Sequence[Span]], other: Mapping[dt.date, Sequence[Span]]) -> None:
        """``week``: the shifts of Monday to Sunday, in order and not all empty; ``other``: of days that differ."""
        self.zone, self._week, self._other = zone, tuple(week), dict(other)
        self._kept: Worked | None = None

    def shifts_on(self, day: dt.date) -> Sequence[Span]:
        """What is worked on a day, in minutes from its midnight."""
        return self._other.get(day, self._week[day.weekday()])

    def is_workday(self, day: dt.date) -> bool:
        return bool(self.shifts_on(day))

    def after(self, start: dt.datetime, length: Duration) -> dt.datetime:
        if length.unit == "wh":
            return self._after_worked(start, length.amount * HOUR)
        return self._days(start, length.amount, 1) if length.unit == "wd" else due_after(start, length, self.zone)

    def before(self, end: dt.datetime, length: Duration) -> dt.datetime:
        if length.unit == "wh":
            return self._before_worked(end, length.amount * HOUR)
        return self._days(end, length.amount, -1) if length.unit == "wd" else due_before(end, length, self.zone)

    def worked(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        table = self._table(min(start, end).year - 1, max(start, end).year + 1)
        return dt.timedelta(microseconds=table.until(ticks(end)) - table.until(ticks(start)))

    def later(self, start: dt.datetime, worked: dt.timedelta) -> dt.datetime:
        amount = worked // dt.timedelta(microseconds=1)
        if amount == 0:
            return start
        return self._after_worked(start, amount) if amount > 0 else self._before_worked(start, -amount)

    def workdays_between(self, first: dt.date, last: dt.date) -> int:
        table = self._table(min(first, last).year, max(first, last).year)
        return bisect_right(table.days, last.toordinal()) - bisect_right(table.days, first.toordinal())

    def add_workdays(self, day: dt.date, count: int) -> dt.date:
        if count == 0:
            return day
        ordinal = day.toordinal()

        def found(table: Worked) -> dt.date | None:
            place = bisect_right(table.days, ordinal) - 1 if count > 0 else bisect_left(table.days, ordinal)
            return dt.date.fromordinal(table.days[place + count]) if 0 <= place + count < len(table.days) else None

        return self._look(day.year, count > 0, found)

    def end_of(self, day: dt.date) -> dt.datetime:
        def found(table: Worked) -> dt.datetime | None:
            place = bisect_right(table.days, day.toordinal()) - 1
            return None if place < 0 else moment_at(table.ends[table.of(place)[-1]])

        return self._look(day.year, False, found)

    # --- looking it up

    def _after_worked(self, start: dt.datetime, amount: int) -> dt.datetime:
        def found(table: Worked) -> dt.datetime | None:
            wanted = table.until(ticks(start)) + amount
            return moment_at(table.first_at(wanted)) if wanted <= table.total else None

        return self._look(start.year, True, found)

    def _before_worked(self, end: dt.datetime, amount: int) -> dt.datetime:
        def found(table: Worked) -> dt.datetime | None:
            wanted = table.until(ticks(end)) - amount
            return moment_at(table.last_at(wanted)) if wanted >= 0 else None

        return self._look(end.year, False, found)

    def _days(self, moment: dt.datetime, count: int, direction: int) -> dt.datetime:
        """The same time of day ``count`` working days on. A moment at which it is closed counts as when it closed
        before, or, counting backwards, as when it opens again."""
        earlier = direction > 0

        def found(table: Worked) -> dt.datetime | None:
            stand = _standing(table, ticks(moment), earlier)
            if stand is None:
                return None
            day, tick = stand
            there = day + direction * count
            if not 0 <= there < len(table.days):
                return None
            return moment_at(table.pressed(there, self._same_time(table, day, there, tick), earlier=earlier))

        return self._look(moment.year, earlier, found)

    def _same_time(self, table: Worked, day: int, there: int, tick: int) -> int:
        apart = dt.timedelta(days=table.days[there] - table.days[day])
        return ticks(moment_of(on_the_wall(moment_at(tick), self.zone) + apart, self.zone))

    def _look(self, year: int, ahead: bool, find: Callable[[Worked], T | None]) -> T:
        """What ``find`` answers of as many years as it takes."""
        more = 1
        while True:
            table = self._table(year - (1 if ahead else more), year + (more if ahead else 1))
            found = find(table)
            if found is not None:
                return found
            more *= 2

    def _table(self, first: int, last: int) -> Worked:
        """Of these years at least; raises OverflowError. Kept, and made anew where more are asked for."""
        kept = self._kept
        if kept is None or first < kept.first or last > kept.last:
            if first < FIRST_YEAR or last > LAST_YEAR:
                raise OverflowError(f"no calendar reaches from {first} to {last}")
            first, last = (min(first, kept.first), max(last, kept.last)) if kept else (first, last)
            kept = self._kept = Worked(first, last, self.shifts_on, self.zone)
        return kept


def _standing(table: Worked, tick: int, earlier: bool) -> tuple[int, int] | None:
    """(place of its day, moment) of a moment of working time, or of the nearest before or after it."""
    if earlier:
        place = bisect_right(table.starts, tick) - 1
        return None if place < 0 else (table.day_of(place), min(tick, table.ends[place]))
    place = bisect_left(table.ends, tick)
    return None if place == len(table.ends) else (table.day_of(place), max(tick, table.starts[place]))


class Weekdays:
    """Where no calendar is declared: Monday to Friday, around the clock."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    @cached_property
    def _shifts(self) -> Shifts:
        return Shifts(self.zone, [[(0, DAY)]] * 5 + [[], []], {})

    def after(self, start: dt.datetime, length: Duration) -> dt.datetime:
        return self._shifts.after(start, length) if length.unit == "wh" else due_after(start, length, self.zone)

    def before(self, end: dt.datetime, length: Duration) -> dt.datetime:
        return self._shifts.before(end, length) if length.unit == "wh" else due_before(end, length, self.zone)

    def is_workday(self, day: dt.date) -> bool:
        return monday_to_friday(day)

    def workdays_between(self, first: dt.date, last: dt.date) -> int:
        if last < first:
            return -self.workdays_between(last, first)
        weeks, rest = divmod((last - first).days, 7)
        return weeks * 5 + len([step for step in range(1, rest + 1) if (first.weekday() + step) % 7 < 5])

    def add_workdays(self, day: dt.date, count: int) -> dt.date:
        return self._shifts.add_workdays(day, count)

    def worked(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        return self._shifts.worked(start, end)

    def later(self, start: dt.datetime, worked: dt.timedelta) -> dt.datetime:
        return self._shifts.later(start, worked)

    def end_of(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(23, 59), self.zone).astimezone(dt.UTC)


def spent(times: Times, unit: str, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    """How much of a length counted in this unit goes by: working time of working days and hours, else all of it."""
    return times.worked(start, end) if unit in ("wd", "wh") else end - start


def left_over(times: Times, length: Duration, visits: Sequence[tuple[dt.datetime, dt.datetime]]) -> dt.timedelta:
    """What is left of ``length`` after some visits, first to last; negative when they took longer."""
    exact = exact_seconds(length)
    begun = visits[0][0]
    whole = dt.timedelta(seconds=exact) if exact else spent(times, length.unit, begun, times.after(begun, length))
    return whole - sum((spent(times, length.unit, start, end) for start, end in visits), dt.timedelta())


def go_on(times: Times, length: Duration, now: dt.datetime, left: dt.timedelta) -> dt.datetime:
    """When a clock that stood still with so much left comes to its end, if it goes on now."""
    return times.later(now, left) if length.unit in ("wd", "wh") else now + left
