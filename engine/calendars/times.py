"""What times are counted by: the plain calendar of weekdays, or a calendar with shifts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.calendars.lengths import due_after, due_before, monday_to_friday
from engine.language import Duration


class Times(Protocol):
    """A calendar on the clocks of one zone. Moments are aware UTC datetimes."""

    @property
    def zone(self) -> ZoneInfo: ...

    def after(self, start: dt.datetime, length: Duration) -> dt.datetime:
        """The moment ``length`` after ``start``."""

    def before(self, end: dt.datetime, length: Duration) -> dt.datetime:
        """The moment ``length`` before ``end``."""

    def is_workday(self, day: dt.date) -> bool: ...


@dataclass(frozen=True)
class Weekdays:
    """Where no calendar is declared: Monday to Friday, around the clock."""

    zone: ZoneInfo

    def after(self, start: dt.datetime, length: Duration) -> dt.datetime:
        return due_after(start, length, self.zone)

    def before(self, end: dt.datetime, length: Duration) -> dt.datetime:
        return due_before(end, length, self.zone)

    def is_workday(self, day: dt.date) -> bool:
        return monday_to_friday(day)
