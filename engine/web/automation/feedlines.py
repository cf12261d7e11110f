"""Feeds as the machine room tells them: how each stands with each of its connections, the last day drawn as bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from engine import formats
from engine.calendars import seconds_of
from engine.errors import message
from engine.feeding.days import Day, last_day
from engine.feeding.knowing import called
from engine.feeding.standing import MOST, FeedLine, standing
from engine.feeds import Feed
from engine.web.automation.frame import ROOT, words_of
from engine.web.automation.telling import masked
from engine.web.automation.words import Badge
from engine.web.context import application, reader

LATE = 3  # times `every` without a look that went well

FARES = {
    "failing": Badge(message("fails"), "bad", "alert-circle"),
    "behind": Badge(message("behind"), "warn", "alarm"),
    "works": Badge(message("works"), "good", "circle-check"),
    "unused": Badge(message("nothing yet"), "", "circle"),
}


@dataclass(frozen=True)
class Standing:
    """A feed with one of its connections. ``lag`` in words; ``counts``: state → how many, as text ("1000+")."""

    line: FeedLine
    label: str
    connection_label: str
    badge: Badge
    lag: str
    error: str
    waiting: str
    parked: str
    failed: str
    day: Day
    bars: tuple[Bar, ...]

    @property
    def href(self) -> str:
        return f"{ROOT}/feeds/{self.line.feed.name}"


@dataclass(frozen=True)
class Bar:
    """An hour drawn: heights in hundredths of the room, the failed part of it from below."""

    at: dt.datetime
    came: int
    failed: int
    height: float
    bad: float


def standings(conn: sa.Connection, feed: Feed | None = None) -> list[Standing]:
    """Of one feed, or of all."""
    app = application()
    lines = [line for line in standing(app) if feed in (None, line.feed)]
    days = last_day(app, conn, [(line.feed.stable_id, line.connection.name) for line in lines])
    return [_standing(line, days[line.feed.stable_id, line.connection.name]) for line in lines]


def _standing(line: FeedLine, day: Day) -> Standing:
    words = words_of()
    waiting, parked, failed = (_counted(one) for one in (line.waiting, line.parked, line.failed))
    return Standing(
        line, called(line.feed, reader().language), words.connection_label(line.connection.name), FARES[_fares(line)],
        _lasting(line.lag), masked(line.error), waiting, parked, failed, day,
        bars_of(day),
    )  # fmt: skip


def _fares(line: FeedLine) -> str:
    if line.error:
        return "failing"
    if line.lag is None:
        return "unused"
    late = dt.timedelta(seconds=seconds_of(line.feed.every) * LATE)
    return "behind" if line.reading.pulled and line.lag > late else "works"


def _lasting(lag: dt.timedelta | None) -> str:
    """Seconds only of what is shorter than a minute, minutes only of what is shorter than a day."""
    if lag is None:
        return ""
    step = next(size for size in (86400, 60, 1) if lag >= dt.timedelta(seconds=size) or size == 1)
    return formats.duration(dt.timedelta(seconds=int(lag.total_seconds()) // step * step), reader().language)


def _counted(count: int) -> str:
    return f"{MOST}+" if count >= MOST else str(count)


def bars_of(day: Day) -> tuple[Bar, ...]:
    most = max(day.most, max((hour.failed for hour in day.hours), default=0), 1)
    return tuple(
        Bar(hour.at, hour.came, hour.failed, _height(max(hour.came, hour.failed), most), _height(hour.failed, most))
        for hour in day.hours
    )


def _height(count: int, most: int) -> float:
    """What is not nothing is seen."""
    return round(max(6.0, 100 * count / most), 1) if count else 0.0


def behind(standings: Sequence[Standing]) -> int:
    return sum(one.badge in (FARES["failing"], FARES["behind"]) for one in standings)


def feeds_tag(standings: Sequence[Standing]) -> tuple[object, ...]:
    """What of them is drawn, but for since when."""
    return tuple(
        (one.badge.tone, one.error, one.waiting, one.parked, one.failed, one.day, one.line.fills, one.line.next_look)
        for one in standings
    )
