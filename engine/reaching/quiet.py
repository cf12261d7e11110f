"""When a message may go out: not in quiet hours, and the digest once a day. All on the clock of the person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from engine.calendars.clocks import moment_of, on_the_wall

LONGEST = 60  # days off in a row; after that it goes out all the same
IsWorkday = Callable[[dt.date], bool]


@dataclass(frozen=True)
class Hours:
    """Quiet hours: from ``begin`` up to ``end``, over midnight where that is earlier; on days off the whole day."""

    begin: dt.time
    end: dt.time
    days_off: bool = False

    def covers(self, time: dt.time) -> bool:
        if self.begin <= self.end:
            return self.begin <= time < self.end
        return time >= self.begin or time < self.end


def read_time(text: str) -> dt.time:
    """``"07:00"``; raises ValueError for anything else."""
    return dt.datetime.strptime(text, "%H:%M").time()


def out_at(moment: dt.datetime, hours: Hours | None, zone: ZoneInfo, is_workday: IsWorkday) -> dt.datetime:
    """The first aware UTC moment from ``moment`` on at which it is not quiet."""
    if hours is None:
        return moment
    wall = start = on_the_wall(moment, zone)
    for _day in range(LONGEST):
        if hours.days_off and not is_workday(wall.date()):
            wall = dt.datetime.combine(wall.date() + dt.timedelta(days=1), dt.time())
        elif hours.covers(wall.time()):
            later = hours.begin > hours.end and wall.time() >= hours.begin
            wall = dt.datetime.combine(wall.date() + dt.timedelta(days=int(later)), hours.end)
        else:
            break
    return moment if wall == start else max(moment, moment_of(wall, zone))


def next_digest(
    moment: dt.datetime, at: dt.time, hours: Hours | None, zone: ZoneInfo, is_workday: IsWorkday
) -> dt.datetime:
    """The first digest after ``moment``; none on days off where those are quiet."""
    wall = on_the_wall(moment, zone)
    day = wall.date() + dt.timedelta(days=int(wall.time() >= at))
    for _day in range(LONGEST):
        if hours is None or not hours.days_off or is_workday(day):
            break
        day += dt.timedelta(days=1)
    return moment_of(dt.datetime.combine(day, at), zone)
