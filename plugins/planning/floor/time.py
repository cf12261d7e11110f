"""Moments of records and minutes of the core, both ways; and when machines are open."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from engine.api import AppDefinition, open_spans
from plugins.planning.calendars import Calendar, Interval, joined

EPOCH = dt.datetime(2020, 1, 6, tzinfo=dt.UTC)  # a Monday; the same for ever, so that two plans can be compared
BEFORE, AHEAD = 14, 400  # days that are read of a calendar; behind them its last week repeats
WEEK = 7 * 24 * 60


def minute(moment: dt.datetime) -> int:
    """The minute a moment is in."""
    return int((moment - EPOCH).total_seconds() // 60)


def moment(at: int) -> dt.datetime:
    return EPOCH + dt.timedelta(minutes=at)


def end_of(day: dt.date, zone: ZoneInfo) -> int:
    """The minute at which a day is over where the plant stands."""
    return minute(dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=zone))


def day_of(at: int, zone: ZoneInfo) -> dt.date:
    """The day on which something that ends at this minute is ready."""
    return (moment(at) - dt.timedelta(minutes=1)).astimezone(zone).date()


_recent: deque[tuple[AppDefinition, str | None, dt.date, tuple[Interval, ...]]] = deque(maxlen=16)


def open_minutes(definition: AppDefinition, name: str | None, today: dt.date) -> tuple[Interval, ...]:
    """When the calendar of this name is open, from some days ago until far ahead. Asked again on the same day, the
    same: working it out takes longer than repairing a plan of two hundred operations."""
    for known, *of, found in tuple(_recent):
        if known is definition and of == [name, today]:
            return found
    found = _open_minutes(definition, name, today)
    _recent.append((definition, name, today, found))
    return found


def _open_minutes(definition: AppDefinition, name: str | None, today: dt.date) -> tuple[Interval, ...]:
    spans = open_spans(definition, name, today - dt.timedelta(days=BEFORE), BEFORE + AHEAD)
    return joined((minute(start), minute(end)) for start, end in spans)


def calendar_of(open_at: Sequence[Interval], closed: Iterable[Interval] = ()) -> Calendar:
    """Without the stops, and with the last week of what is known as its cycle."""
    if not open_at:
        raise ValueError("a calendar that is never open")
    until = open_at[-1][1]
    week = tuple((start - until + WEEK, end - until + WEEK) for start, end in open_at if start >= until - WEEK)
    return Calendar(without(open_at, joined(closed)), until, week, WEEK)


def without(open_at: Sequence[Interval], closed: Sequence[Interval]) -> tuple[Interval, ...]:
    """The parts of open intervals that no closed one covers; both sorted."""
    found: list[Interval] = []
    for start, end in open_at:
        at = start
        for stop, again in closed:
            if again <= at or stop >= end:
                continue
            if stop > at:
                found.append((at, stop))
            at = max(at, again)
        if at < end:
            found.append((at, end))
    return tuple(found)
