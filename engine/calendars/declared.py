"""A calendar as the definition declares it, and what its texts mean."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import Message, message
from engine.language import Label, Named, option

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  # minutes
LONGEST = 366  # days of one span in ``closed``

Span = tuple[int, int]  # minutes from the midnight the shift's day begins with; beyond 1440 is the next day


@dataclass(frozen=True, kw_only=True)
class Calendar(Named):
    """When is worked: shifts by weekday, public holidays, days closed and days open beside them."""

    label: Label = option("What people call the calendar.")
    shifts: Mapping[str, tuple[str, ...]] = option(
        'Weekdays, such as mon-fri or sat, and the shifts on them, such as ["08:00-12:00", "13:30-17:30"]. One that '
        'ends before it begins, such as "22:00-06:00", ends the next morning; the time belongs to the day it begins.',
        minProperties=1,
    )
    holidays: Literal["cn_public"] | None = option(
        "Public holidays of the engine's own list, with the working days that make up for them. cn_public: China.", None
    )
    closed: tuple[str, ...] = option(
        'More days on which nothing is worked, such as "2026-07-01" or "2026-08-03..2026-08-09".', (), maxItems=1000
    )
    open: Mapping[str, tuple[str, ...]] = option(
        'Days that differ, such as overtime, and the shifts on them: "2026-05-09": ["08:00-12:00"]. They go before '
        "everything else.",
        {}, maxProperties=1000,
    )  # fmt: skip
    default: bool = option("Whether it is followed wherever no other calendar is named.", False)
    timezone: str | None = option("The clock it follows. Default: the application's time zone.", None)


class Mistake(ValueError):
    """A text of a calendar that means nothing; ``said`` tells why."""

    def __init__(self, said: Message) -> None:
        super().__init__(str(said))
        self.said = said


_SHIFT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def read_shift(text: str) -> Span:
    """``"13:30-17:30"`` → (810, 1050); ``"22:00-06:00"`` → (1320, 1800). Raises Mistake."""
    found = _SHIFT.fullmatch(text)
    if found:
        begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if end <= DAY and begin != end:
            return begin, end if end > begin else end + DAY
    raise Mistake(message("'{text}' is no shift; expected one such as \"08:00-12:00\".", text=text))


def read_weekdays(text: str) -> tuple[int, ...]:
    """``"mon-fri"`` → (0, 1, 2, 3, 4); ``"sat"`` → (5,). Raises Mistake."""
    first, dash, last = text.partition("-")
    known = first in WEEKDAYS and (not dash or last in WEEKDAYS)
    begin, end = (WEEKDAYS.index(first), WEEKDAYS.index(last if dash else first)) if known else (1, 0)
    if end < begin:
        raise Mistake(message("'{text}' names no weekdays; expected some such as mon-fri or sat.", text=text))
    return tuple(range(begin, end + 1))


def read_days(text: str) -> tuple[dt.date, dt.date]:
    """``"2026-08-03..2026-08-09"`` → the first and the last day; of one day, that day twice. Raises Mistake."""
    first, _dots, last = text.partition("..")
    try:
        begin, end = (dt.date.fromisoformat(part) for part in (first, last or first))
    except ValueError:
        begin, end = dt.date.max, dt.date.min
    if not 0 <= (end - begin).days < LONGEST or len(first) != 10:
        said = message(
            "'{text}' is no day; expected one such as 2026-07-01, or the first and the last of at most a year: "
            "2026-08-03..2026-08-09.", text=text,
        )  # fmt: skip
        raise Mistake(said)
    return begin, end


def each_day(text: str) -> Iterator[dt.date]:
    first, last = read_days(text)
    return (first + dt.timedelta(days=step) for step in range((last - first).days + 1))
