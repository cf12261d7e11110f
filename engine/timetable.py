"""At which moments a schedule is due, and which of them are done after a pause: pure arithmetic over UTC moments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from engine.calendars import Times, Weekdays, days_of, due_after, exact_seconds
from engine.cron import read_cron
from engine.language import Duration
from engine.schedules import Misfire, Schedule

ON_TIME = dt.timedelta(minutes=1)  # later than this, a time was missed: nothing was running
MOST_AT_ONCE = 500


class Timetable(Protocol):
    """When something is due."""

    def after(self, moment: dt.datetime) -> dt.datetime | None:
        """The first due time later than ``moment``, in UTC; None when there is none any more."""

    def name_of(self, due: dt.datetime) -> str:
        """What tells this due time from every other."""


@dataclass(frozen=True)
class Calendar:
    """Times of a calendar. With ``fixed_hours`` an hour that the clocks show twice counts once."""

    triggers: Sequence[CronTrigger]
    zone: ZoneInfo
    fixed_hours: bool

    def after(self, moment: dt.datetime) -> dt.datetime | None:
        while (due := self._next(moment)) is not None:
            if not self.fixed_hours or not due.astimezone(self.zone).fold:
                return due
            moment = due
        return None

    def _next(self, moment: dt.datetime) -> dt.datetime | None:
        return min((due for trigger in self.triggers for due in self._of(trigger, moment)), default=None)

    def _of(self, trigger: CronTrigger, moment: dt.datetime) -> Iterator[dt.datetime]:
        """The next time of one trigger. Counting days across a change of the clocks it loses the hour, and with it a
        time at the very beginning of a day: so it is asked again from behind every change on the way."""
        local = moment.astimezone(self.zone)
        due = trigger.get_next_fire_time(local, local)
        if due is None:
            return
        yield due.astimezone(dt.UTC) if due > moment else self._beyond(due, moment)
        for change in _changes(self.zone, moment, due.astimezone(dt.UTC)):
            again = trigger.get_next_fire_time(None, change.astimezone(self.zone))
            if again is not None and again > moment:
                yield again.astimezone(dt.UTC)

    def _beyond(self, due: dt.datetime, moment: dt.datetime) -> dt.datetime:
        raise AssertionError(f"{due} is not after {moment}")

    def name_of(self, due: dt.datetime) -> str:
        if self.fixed_hours:
            return f"{due.astimezone(self.zone):%Y-%m-%dT%H:%M}[{self.zone.key}]"
        return _in_utc(due)


def _changes(zone: ZoneInfo, start: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    """When the clocks change after ``start`` and not after ``end``, to the second.

    Changes are weeks apart at least: five around the Ramadan in Morocco, months elsewhere.
    """
    while start < end:
        stop = min(end, start + dt.timedelta(days=7))
        if start.astimezone(zone).utcoffset() != stop.astimezone(zone).utcoffset():
            before, after = start, stop
            while after - before > dt.timedelta(seconds=1):
                middle = before + (after - before) // 2
                same = middle.astimezone(zone).utcoffset() == start.astimezone(zone).utcoffset()
                before, after = (middle, after) if same else (before, middle)
            yield after.replace(microsecond=0)
        start = stop


@dataclass(frozen=True)
class Interval:
    """Again and again, counted from ``start``. Days keep the time of day on the clocks of ``zone``."""

    length: Duration
    start: dt.datetime
    zone: ZoneInfo
    times: Times

    def after(self, moment: dt.datetime) -> dt.datetime | None:
        if moment < self.start:
            moment = self.start
        seconds = exact_seconds(self.length)
        if seconds is not None:
            step = dt.timedelta(seconds=seconds)
            return self.start + ((moment - self.start) // step + 1) * step
        due = self._near(moment)
        while due <= moment:
            due = self._next(due)
        return due

    def _next(self, due: dt.datetime) -> dt.datetime:
        """Working days keep the time of day the first one had, be it after hours."""
        if self.length.unit == "wh":
            return self.times.after(due, self.length)
        return due_after(self._at_start_time(due), self.length, self.zone, self.times.is_workday)

    def _near(self, moment: dt.datetime) -> dt.datetime:
        """A due time not after ``moment``, or the start."""
        days = days_of(self.length)
        if days is None:
            return self.start  # working days are counted one by one
        begun = self.start.astimezone(self.zone).date()
        rounds = max(0, (moment.astimezone(self.zone).date() - begun).days // days - 1)
        return self._on(begun + dt.timedelta(days=rounds * days))

    def _at_start_time(self, due: dt.datetime) -> dt.datetime:
        """A night on which the clocks skip the time of day must not move all later ones."""
        return self._on(due.astimezone(self.zone).date())

    def _on(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, self.start.astimezone(self.zone).time(), self.zone)

    def name_of(self, due: dt.datetime) -> str:
        return _in_utc(due)


def _in_utc(due: dt.datetime) -> str:
    return due.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def timetable_of(schedule: Schedule, zone: str, start: dt.datetime, times: Times | None = None) -> Timetable:
    """``zone``: the application's; ``times``: the rule's calendar; ``start``: since when the rule is in force. The
    schedule was checked before."""
    own = ZoneInfo(schedule.timezone or zone)
    if schedule.cron is not None:
        cron = read_cron(schedule.cron)
        return Calendar(tuple(cron.triggers(own)), own, cron.fixed_hours)
    if schedule.every is not None:
        return Interval(schedule.every, start, own, times or Weekdays(own))
    days = ",".join(schedule.weekdays) or "*"
    hours = [dt.time.fromisoformat(text) for text in schedule.at]
    triggers = [CronTrigger(hour=at.hour, minute=at.minute, day_of_week=days, timezone=own) for at in hours]
    return Calendar(tuple(triggers), own, fixed_hours=True)


# --- which of them are done ------------------------------------------------------------------------------------------


def due_times(
    table: Timetable, last: dt.datetime, now: dt.datetime, misfire: Misfire, most: int = MOST_AT_ONCE
) -> list[dt.datetime]:
    """The due times after ``last`` and up to ``now`` that are to be done, in order; all are aware UTC moments.

    Those of the last minute are on time and always done. Of the earlier ones, which were missed: ``skip`` none,
    ``once`` the latest when nothing is on time, ``all`` every one. More than ``most`` are not answered: when there are
    that many, go on from the last of them.
    """
    if misfire == "all":
        return _upto(table, last, now, most)
    edge = max(last, now - ON_TIME)
    on_time = _upto(table, edge, now, most)
    if on_time or misfire == "skip":
        return on_time
    missed = latest(table, last, edge)
    return [] if missed is None else [missed]


def latest(table: Timetable, last: dt.datetime, until: dt.datetime) -> dt.datetime | None:
    """The latest due time after ``last`` and not after ``until``, looked for from the end: a pause may be long."""
    back = ON_TIME
    while True:
        start = max(last, until - back)
        due = table.after(start)
        if due is not None and due <= until:
            return list(_each(table, start, until))[-1]
        if start == last:
            return None
        back *= 2


def _upto(table: Timetable, last: dt.datetime, now: dt.datetime, most: int) -> list[dt.datetime]:
    return [due for _place, due in zip(range(most), _each(table, last, now), strict=False)]


def _each(table: Timetable, last: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    due = table.after(last)
    while due is not None and due <= until:
        yield due
        due = table.after(due)
