"""When something is due, and how much of a span of time is worked: pure arithmetic over aware UTC moments."""

from engine.calendars.declared import Calendar, Mistake, each_day, read_days, read_shift, read_weekdays
from engine.calendars.lengths import (
    IsWorkday,
    days_of,
    due_after,
    due_before,
    exact_seconds,
    monday_to_friday,
    seconds_of,
)
from engine.calendars.times import Shifts, Times, Weekdays, go_on, left_over

__all__ = [
    "Calendar", "IsWorkday", "Mistake", "Shifts", "Times", "Weekdays", "days_of", "due_after", "due_before",
    "each_day", "exact_seconds", "go_on", "left_over", "monday_to_friday", "read_days", "read_shift", "read_weekdays",
    "seconds_of",
]  # fmt: skip
