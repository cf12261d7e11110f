"""Cron texts, read as people write them: five fields, names, ranges, steps, and 0 or 7 for Sunday.

Where both the day of the month and the weekday are limited, either is enough, as crontab has it. Beyond crontab: ``L``
is the last day of the month, ``mon#1`` its first Monday, ``fri#L`` its last Friday. The arithmetic is APScheduler's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from engine.errors import Message, message

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_POSITIONS = {"1": "1st", "2": "2nd", "3": "3rd", "4": "4th", "5": "5th", "l": "last"}


@dataclass(frozen=True)
class Field:
    """One of the five. ``first`` and ``last`` bound its numbers; ``names`` may stand for them."""

    label: Message
    first: int
    last: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """None when it is no number and no name of this field."""
        if text.isascii() and text.isdigit():
            return int(text)
        return self.first + self.names.index(text) if text in self.names else None


# Sunday may be 0 or 7, so the days of the week run from 0 to 7 here: sun 0, mon 1 … sat 6, sun 7.
FIELDS = (
    Field(message("minute"), 0, 59),
    Field(message("hour"), 0, 23),
    Field(message("day of the month"), 1, 31),
    Field(message("month"), 1, 12, MONTHS),
    Field(message("day of the week"), 0, 7, ("sun", *DAYS[:-1])),
)
_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY = FIELDS


class CronMistake(ValueError):
    """What is wrong with a cron text, and at which of its characters."""

    def __init__(self, reason: Message, offset: int) -> None:
        super().__init__(str(reason))
        self.reason, self.offset = reason, offset


@dataclass(frozen=True)
class Cron:
    """A cron text that was understood: numbers per field, None for any. ``weekdays`` count from Monday, 0.

    ``nth``: (which, weekday) such as ("1st", "mon"); ``last_day``: the last day of the month; ``either``: the day of
    the month or the weekday is enough; ``fixed_hours``: it names hours, so it means the clock on the wall.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...] | None
    weekdays: tuple[int, ...] | None
    nth: tuple[tuple[str, str], ...] = ()
    last_day: bool = False
    either: bool = False
    fixed_hours: bool = True

    def triggers(self, zone: ZoneInfo) -> list[CronTrigger]:
        """It is due whenever one of them is."""
        return [
            CronTrigger(minute=_listed(self.minutes), hour=_listed(self.hours), day=day, month=_listed(self.months),
                        day_of_week=weekday, timezone=zone)
            for day, weekday in self._days()
        ]  # fmt: skip

    def _days(self) -> list[tuple[str, str]]:
        days = ",".join([*([_listed(self.days)] if self.days else []), *(["last"] if self.last_day else [])])
        weekdays = _listed(self.weekdays) if self.weekdays is not None else ""
        found = [(f"{which} {weekday}", "*") for which, weekday in self.nth]
        if self.either:
            return [(days, "*"), *([("*", weekdays)] if weekdays else []), *found]
        if found:
            return [*([(days or "*", weekdays)] if weekdays else []), *found]
        return [(days or "*", weekdays or "*")]


def _listed(numbers: Sequence[int] | None) -> str:
    return "*" if numbers is None else ",".join(str(number) for number in numbers)


def read_cron(text: str) -> Cron:
    """Raises CronMistake."""
    words = [(found.group().lower(), found.start()) for found in re.finditer(r"\S+", text)]
    if len(words) != len(FIELDS):
        where = words[len(FIELDS)][1] if len(words) > len(FIELDS) else len(text.rstrip())
        reason = message("a cron text has five fields, minute hour day month weekday; this one has {count}",
                         count=len(words))  # fmt: skip
        raise CronMistake(reason, where)
    minute, hour, day, month, weekday = words
    plain_days, last_day = _without(day, "l")
    plain_weekdays, nth = _without_positions(weekday)
    limited = not day[0].startswith("*"), not weekday[0].startswith("*")
    cron = Cron(
        minutes=_numbers(_MINUTE, [minute]) or tuple(range(60)),
        hours=_numbers(_HOUR, [hour]) or tuple(range(24)),
        days=_numbers(_DAY, plain_days) if plain_days else None,
        months=_numbers(_MONTH, [month]),
        weekdays=_from_monday(_numbers(_WEEKDAY, plain_weekdays)) if plain_weekdays else None,
        nth=nth, last_day=last_day, either=all(limited), fixed_hours=not hour[0].startswith("*"),
    )  # fmt: skip
    _refuse_never(cron, day[1])
    return cron


def _without(word: tuple[str, int], mark: str) -> tuple[list[tuple[str, int]], bool]:
    parts = list(_parts(*word))
    return [part for part in parts if part[0] != mark], any(part[0] == mark for part in parts)


def _without_positions(word: tuple[str, int]) -> tuple[list[tuple[str, int]], tuple[tuple[str, str], ...]]:
    plain: list[tuple[str, int]] = []
    nth: list[tuple[str, str]] = []
    for part, offset in _parts(*word):
        name, mark, which = part.partition("#")
        number = _WEEKDAY.number(name)
        if not mark:
            plain.append((part, offset))
        elif which not in _POSITIONS or number is None or number > _WEEKDAY.last:
            reason = message("'{part}' is no weekday of the month; expected one such as mon#1, fri#L", part=part)
            raise CronMistake(reason, offset)
        else:
            nth.append((_POSITIONS[which], DAYS[(number - 1) % 7]))
    return plain, tuple(nth)


def _parts(word: str, offset: int) -> Iterator[tuple[str, int]]:
    for part in word.split(","):
        yield part, offset
        offset += len(part) + 1


def _numbers(field: Field, words: Sequence[tuple[str, int]]) -> tuple[int, ...] | None:
    """The numbers it stands for; None for any."""
    if [word for word, _offset in words] == ["*"]:
        return None
    found: set[int] = set()
    for word, offset in words:
        for part, place in _parts(word, offset):
            found |= _range(field, part, place)
    return tuple(sorted(found))


def _range(field: Field, part: str, offset: int) -> set[int]:
    span, slash, step_text = part.partition("/")
    step = _step(field, step_text, offset + len(span) + 1) if slash else 1
    if span == "*":
        return set(range(field.first, field.last + 1, step))
    start_text, dash, end_text = span.partition("-")
    start = _number(field, start_text, offset)
    if not dash:
        return set(range(start, field.last + 1, step)) if slash else {start}
    end = _number(field, end_text, offset + len(start_text) + 1)
    if end < start and field is _WEEKDAY:  # fri-mon, sat-sun
        end += 7
        return {number % 7 for number in range(start, end + 1, step)}
    if end < start:
        raise CronMistake(message("the range '{part}' runs backwards", part=part), offset)
    return set(range(start, end + 1, step))


def _number(field: Field, text: str, offset: int) -> int:
    number = field.number(text)
    if number is None or not field.first <= number <= field.last:
        known = f"{field.first}-{field.last}" + (f", {field.names[0]}-{field.names[-1]}" if field.names else "")
        reason = message("'{text}' is no {field}; expected {known}", text=text, field=field.label, known=known)
        raise CronMistake(reason, offset)
    return number


def _step(field: Field, text: str, offset: int) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= field.last:
        reason = message("'{text}' is no step; expected 1-{most}", text=text, most=field.last)
        raise CronMistake(reason, offset)
    return int(text)


def _from_monday(numbers: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return None if numbers is None else tuple(sorted({(number - 1) % 7 for number in numbers}))


_LONGEST = {4: 30, 6: 30, 9: 30, 11: 30, 2: 29}


def _refuse_never(cron: Cron, offset: int) -> None:
    """30 February: APScheduler would look for it until the end of its calendar."""
    if cron.days is None or cron.last_day or cron.either:
        return
    months = cron.months or tuple(range(1, 13))
    if not any(day <= _LONGEST.get(month, 31) for day in cron.days for month in months):
        raise CronMistake(message("none of these months has such a day"), offset)
