"""The last day of feeds, hour by hour: read from indexes, and never more than so many rows of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from engine.application import Application
from engine.storage.automation import in_state
from engine.storage.feeds import TROUBLE

HOURS = 24
HOUR = dt.timedelta(hours=1)
MOST = 5000  # arrivals of one feed and connection that are counted, the newest
TOGETHER = 40  # feeds and connections in one statement

Pair = tuple[str, str]  # the stable id of a feed, and a connection


@dataclass(frozen=True)
class Hour:
    """What came since ``at``, and how much of it failed."""

    at: dt.datetime
    came: int
    failed: int


@dataclass(frozen=True)
class Day:
    """``more``: there were more than were counted, and the first hours may show too few."""

    hours: tuple[Hour, ...]
    more: bool

    @property
    def came(self) -> int:
        return sum(hour.came for hour in self.hours)

    @property
    def most(self) -> int:
        return max((hour.came for hour in self.hours), default=0)


def last_day(app: Application, conn: sa.Connection, pairs: Sequence[Pair]) -> Mapping[Pair, Day]:
    """Every pair with its last 24 hours, the one under way the last."""
    now = app.clock()
    began = now.replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    begins = [began + place * HOUR for place in range(HOURS)]
    counted: dict[tuple[Pair, bool, int], int] = {}
    for start in range(0, len(pairs), TOGETHER):
        some = pairs[start : start + TOGETHER]
        for row in conn.execute(sa.union_all(*_counts(app, some, begins))):
            counted[some[row.place], bool(row.failed), row.hour] = row.many
    return {pair: _day(pair, begins, counted) for pair in pairs}


def _day(pair: Pair, begins: Sequence[dt.datetime], counted: Mapping[tuple[Pair, bool, int], int]) -> Day:
    hours = tuple(
        Hour(begin, counted.get((pair, False, place), 0), counted.get((pair, True, place), 0))
        for place, begin in enumerate(begins)
    )
    return Day(hours, sum(hour.came for hour in hours) >= MOST)


def _counts(
    app: Application, pairs: Sequence[Pair], begins: Sequence[dt.datetime]
) -> Iterator[sa.Select[tuple[int, ...]]]:
    table = app.tables.arrival
    hour = sa.case(
        *[(table.c.at < end, sa.literal_column(str(place))) for place, end in enumerate(begins[1:])],
        else_=sa.literal_column(str(HOURS - 1)),
    ).label("hour")
    failed = (in_state(table, *TROUBLE), in_state(table, "failed"))
    for place, (feed, connection) in enumerate(pairs):
        here = (table.c.feed == feed, table.c.connection == connection)
        came = sa.select(table.c.at, hour).where(*here, table.c.at >= begins[0]).order_by(table.c.at.desc())
        lost = sa.select(table.c.at, hour).where(*here, *failed).order_by(table.c.id.desc())
        for kind, query in enumerate((came, lost)):
            rows = query.limit(MOST).subquery()
            yield sa.select(
                sa.literal_column(str(place)).label("place"), sa.literal_column(str(kind)).label("failed"), rows.c.hour,
                sa.func.count().label("many"),
            ).where(rows.c.at >= begins[0]).group_by(rows.c.hour)  # fmt: skip
