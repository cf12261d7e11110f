"""The calendars of a definition, ready to count with."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from engine.calendars import Calendar, Shifts, Times, Weekdays, each_day, read_shift, read_weekdays
from engine.calendars.clocks import moment_of
from engine.calendars.declared import DAY
from engine.formats import zone
from engine.holidays import public_holidays
from engine.language import Duration

Span = tuple[int, int]


class Calendars(Times):
    """All of them by name; itself the one that is followed where none is named. Each is made when it is first asked."""

    def __init__(self, declared: Mapping[str, Calendar], timezone: str) -> None:
        self.declared, self.timezone = declared, timezone
        self._made: dict[str | None, Times] = {}
        self._default = next((name for name, calendar in declared.items() if calendar.default), None)

    def of(self, name: str | None) -> Times:
        """The calendar of this name; the default one for None."""
        name = name or self._default
        if name not in self._made:
            calendar = self.declared[name] if name else None
            self._made[name] = made(calendar, self.timezone) if calendar else Weekdays(zone(self.timezone))
        return self._made[name]

    @property
    def zone(self) -> ZoneInfo:
        return self.of(None).zone

    def after(self, start: dt.datetime, length: Duration) -> dt.datetime:
        return self.of(None).after(start, length)

    def before(self, end: dt.datetime, length: Duration) -> dt.datetime:
        return self.of(None).before(end, length)

    def is_workday(self, day: dt.date) -> bool:
        return self.of(None).is_workday(day)

    def workdays_between(self, first: dt.date, last: dt.date) -> int:
        return self.of(None).workdays_between(first, last)

    def add_workdays(self, day: dt.date, count: int) -> dt.date:
        return self.of(None).add_workdays(day, count)

    def worked(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        return self.of(None).worked(start, end)

    def later(self, start: dt.datetime, worked: dt.timedelta) -> dt.datetime:
        return self.of(None).later(start, worked)

    def end_of(self, day: dt.date) -> dt.datetime:
        return self.of(None).end_of(day)


def open_spans(definition: Any, name: str | None, first: dt.date, days: int) -> list[tuple[dt.datetime, dt.datetime]]:
    """When a calendar is open on the ``days`` days from ``first`` on: UTC moments, in order, apart from each other.
    Where nothing is declared, workdays are open from midnight to midnight."""
    times = calendars_of(definition).of(name)
    found: list[tuple[dt.datetime, dt.datetime]] = []
    for day in (first + dt.timedelta(days=number) for number in range(days)):
        shifts = times.shifts_on(day) if isinstance(times, Shifts) else [(0, DAY)] if times.is_workday(day) else []
        midnight = dt.datetime.combine(day, dt.time())
        for begins, ends in shifts:
            start, end = (moment_of(midnight + dt.timedelta(minutes=at), times.zone) for at in (begins, ends))
            if found and start <= found[-1][1]:
                found[-1] = found[-1][0], max(end, found[-1][1])
            else:
                found.append((start, end))
    return found


_recent: deque[tuple[Any, Calendars]] = deque(maxlen=16)


def calendars_of(definition: Any) -> Calendars:
    """The calendars of a definition; asked again for one definition, the same."""
    for known, found in tuple(_recent):
        if known is definition:
            return found
    made = Calendars(definition.calendars, definition.timezone)
    _recent.append((definition, made))
    return made


def made(calendar: Calendar, timezone: str) -> Shifts:
    """Raises Mistake for texts that mean nothing; the checks have refused those."""
    week = week_of(calendar)
    return Shifts(zone(calendar.timezone or timezone), week, _other_days(calendar, week))


def week_of(calendar: Calendar) -> list[tuple[Span, ...]]:
    """The shifts of Monday to Sunday."""
    week: list[tuple[Span, ...]] = [()] * 7
    for days, shifts in calendar.shifts.items():
        for day in read_weekdays(days):
            week[day] = _in_order(shifts)
    return week


def _other_days(calendar: Calendar, week: Sequence[tuple[Span, ...]]) -> dict[dt.date, tuple[Span, ...]]:
    """What goes before, last: a day declared open before one closed before public holidays."""
    found: dict[dt.date, tuple[Span, ...]] = {}
    if calendar.holidays:
        public = public_holidays(calendar.holidays)
        usual = next((shifts for shifts in week if shifts), ())
        found |= dict.fromkeys(public.closed, ())
        found |= dict.fromkeys(public.worked, usual)  # a day that makes up for a holiday is as long as any other
    for text in calendar.closed:
        found |= dict.fromkeys(each_day(text), ())
    return found | {dt.date.fromisoformat(day): _in_order(shifts) for day, shifts in calendar.open.items()}


def _in_order(shifts: Iterable[str]) -> tuple[Span, ...]:
    return tuple(sorted(read_shift(text) for text in shifts))
