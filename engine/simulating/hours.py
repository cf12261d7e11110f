"""When somebody works: hours of a day on the clocks of a zone, days of the week, and days they are away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from engine.calendars import monday_to_friday

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Hours:
    """``start`` and ``end`` are hours of the day, such as 8.5 for half past eight; ``away``: days without work."""

    zone: ZoneInfo
    start: float = 8.0
    end: float = 17.0
    is_workday: Callable[[dt.date], bool] = monday_to_friday
    away: frozenset[dt.date] = field(default_factory=frozenset)

    def begin(self, day: dt.date) -> dt.datetime:
        return self._at(day, self.start)

    def close(self, day: dt.date) -> dt.datetime:
        return self._at(day, self.end)

    def works(self, day: dt.date) -> bool:
        return self.is_workday(day) and day not in self.away

    def at_work(self, moment: dt.datetime) -> bool:
        day = moment.astimezone(self.zone).date()
        return self.works(day) and self.begin(day) <= moment < self.close(day)

    def next(self, moment: dt.datetime) -> dt.datetime:
        """The first working moment that is not before this one; aware UTC."""
        day = moment.astimezone(self.zone).date()
        for _ in range(3660):
            if self.works(day) and moment < self.close(day):
                return max(moment, self.begin(day))
            day += DAY
        raise ValueError("these hours never come")

    def after(self, moment: dt.datetime, work: dt.timedelta) -> dt.datetime:
        """The moment at which this much working time has passed since ``moment``."""
        left, here = work, self.next(moment)
        while True:
            close = self.close(here.astimezone(self.zone).date())
            if here + left < close:
                return here + left
            left -= close - here
            here = self.next(close)

    def _at(self, day: dt.date, hour: float) -> dt.datetime:
        minutes = round(hour * 60)
        midnight = dt.datetime.combine(day + DAY * (minutes // 1440), dt.time(), self.zone)
        return midnight.replace(hour=minutes // 60 % 24, minute=minutes % 60).astimezone(dt.UTC)
