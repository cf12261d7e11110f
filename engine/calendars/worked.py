"""What is worked in some years, as intervals with running totals: any question is two binary searches.

Times are whole microseconds since 1970, so that nothing is lost or rounded.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from engine.calendars.clocks import moment_of
from engine.calendars.declared import Span

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_MINUTE = dt.timedelta(minutes=1)
_EPOCH_DAY, _DAY = EPOCH.toordinal(), 86_400_000_000


def _offset(ordinal: int, zone: ZoneInfo) -> int:
    """By how much the clocks are ahead of UTC at the beginning of a day."""
    return (dt.datetime.fromordinal(ordinal).replace(tzinfo=zone).utcoffset() or dt.timedelta()) // _MICROSECOND


def _tick_of(day: dt.date, minute: int, zone: ZoneInfo, offset: int | None) -> int:
    if offset is None:
        return ticks(moment_of(dt.datetime.combine(day, dt.time()) + minute * _MINUTE, zone))
    return (day.toordinal() - _EPOCH_DAY) * _DAY + minute * 60_000_000 - offset


def ticks(moment: dt.datetime) -> int:
    return (moment - EPOCH) // _MICROSECOND


def moment_at(tick: int) -> dt.datetime:
    return EPOCH + dt.timedelta(microseconds=tick)


class Worked:
    """The intervals of the days of ``first`` to ``last`` year that are worked, in order and apart from each other.

    ``starts[i]``, ``ends[i]``: an interval; ``totals[i]``: how much is worked before it. ``days[k]``: the ordinal of a
    day on which shifts begin; ``of_day[k]``: its first interval.
    """

    def __init__(self, first: int, last: int, shifts_on: Callable[[dt.date], Sequence[Span]], zone: ZoneInfo) -> None:
        self.first, self.last = first, last
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.totals: list[int] = [0]
        self.days: list[int] = []
        self.of_day: list[int] = []
        begin, end = dt.date(first, 1, 1).toordinal(), dt.date(last, 12, 31).toordinal()
        offsets = [_offset(ordinal, zone) for ordinal in range(begin, end + 3)]
        for place, ordinal in enumerate(range(begin, end + 1)):
            day = dt.date.fromordinal(ordinal)
            steady = offsets[place] == offsets[place + 1] == offsets[place + 2]
            self._add(day, shifts_on(day), zone, offsets[place] if steady else None)

    def _add(self, day: dt.date, shifts: Sequence[Span], zone: ZoneInfo, offset: int | None) -> None:
        """``offset``: that of the clocks, where nobody changes them these days; most days by far."""
        begun = len(self.starts)
        for first, last in shifts:
            start, stop = (_tick_of(day, minute, zone, offset) for minute in (first, last))
            start = max(start, self.ends[-1]) if self.ends else start  # a night shift may reach into the next day's
            if start < stop:
                self.starts.append(start)
                self.ends.append(stop)
                self.totals.append(self.totals[-1] + stop - start)
        if len(self.starts) > begun:
            self.days.append(day.toordinal())
            self.of_day.append(begun)

    @property
    def total(self) -> int:
        return self.totals[-1]

    def until(self, tick: int) -> int:
        """How much is worked before this moment."""
        place = bisect_right(self.starts, tick) - 1
        return 0 if place < 0 else self.totals[place] + min(tick, self.ends[place]) - self.starts[place]

    def first_at(self, worked: int) -> int:
        """The first moment by which so much is worked; it is in working time or at its end."""
        place = max(0, bisect_left(self.totals, worked) - 1)
        return self.starts[place] + worked - self.totals[place]

    def last_at(self, worked: int) -> int:
        """The last moment by which no more is worked; it is in working time or at its beginning."""
        place = min(bisect_right(self.totals, worked) - 1, len(self.starts) - 1)
        return self.starts[place] + worked - self.totals[place]

    def day_of(self, place: int) -> int:
        """The place in ``days`` of an interval's day."""
        return bisect_right(self.of_day, place) - 1

    def of(self, day: int) -> range:
        """The intervals of ``days[day]``."""
        end = self.of_day[day + 1] if day + 1 < len(self.of_day) else len(self.starts)
        return range(self.of_day[day], end)

    def pressed(self, day: int, tick: int, *, earlier: bool) -> int:
        """The moment itself if it is worked on ``days[day]``; else the end of what was worked before (``earlier``) or
        the beginning of what is worked after it, as far as that day goes."""
        places = self.of(day)
        for place in places if earlier else reversed(places):
            if self.starts[place] <= tick <= self.ends[place]:
                return tick
        if earlier:
            before = [self.ends[place] for place in places if self.ends[place] < tick]
            return before[-1] if before else self.starts[places[0]]
        after = [self.starts[place] for place in places if self.starts[place] > tick]
        return after[0] if after else self.ends[places[-1]]
