"""When something is due, and how much of a span of time is worked: pure arithmetic over aware UTC moments."""

from engine.calendars.lengths import (
    IsWorkday,
    days_of,
    due_after,
    due_before,
    exact_seconds,
    monday_to_friday,
    seconds_of,
)
from engine.calendars.times import Times, Weekdays

__all__ = [
    "IsWorkday",
    "Times",
    "Weekdays",
    "days_of",
    "due_after",
    "due_before",
    "exact_seconds",
    "monday_to_friday",
    "seconds_of",
]
