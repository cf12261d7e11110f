"""How long pages, slow statements and deliveries take, kept for two days: where the time goes, without other tools.

A process counts in memory, in buckets of time, and writes what changed once a minute. A figure is thus at most a minute
old, the last minute of a process that is killed is lost, and an hour holds only so many names.
"""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine import processes
from engine.application import Application
from engine.jobs.engine import Current
from engine.measuring import Unmeasured
from engine.storage import pace
from engine.storage.upsert import insert

LOG = logging.getLogger("appmill.pace")
EVERY = 60.0  # seconds
# Milliseconds: up to so long took those of a bucket; the last bucket holds what took longer.
BOUNDS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000,
          10_000, 15_000, 30_000, 60_000)  # fmt: skip
SLOW = 500.0  # milliseconds; of what took so long, or longer than all before, the last request is remembered
MOST_NAMES = 400  # of an hour and a kind
KEYS = ["hour", "process", "kind", "key"]


@dataclass
class Tally:
    """How often something happened and how long it took, in milliseconds."""

    count: int = 0
    total: float = 0.0
    slowest: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    request: str | None = None
    at: dt.datetime | None = None

    def add(self, took: float, request: str, now: Callable[[], dt.datetime]) -> None:
        if took >= SLOW or took > self.slowest:
            self.request, self.at = request or None, now()
        self.count += 1
        self.total += took
        self.slowest = max(self.slowest, took)
        self.buckets[bisect.bisect_left(BOUNDS, took)] += 1

    def join(self, other: Tally) -> None:
        """Those of another hour or process come to these."""
        if other._remembered > self._remembered:
            self.request, self.at = other.request, other.at
        self.count += other.count
        self.total += other.total
        self.slowest = max(self.slowest, other.slowest)
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    @property
    def _remembered(self) -> tuple[bool, float]:
        """What makes a remembered request worth more than another: it was slow, it was later."""
        return self.slowest >= SLOW, self.at.timestamp() if self.at else 0.0

    def quantile(self, share: float) -> float:
        """Up to how many milliseconds this share of them took: the upper bound of its bucket, never more than the
        slowest. 0 where there is none."""
        wanted, seen = share * self.count, 0
        for bound, number in zip((*BOUNDS, self.slowest), self.buckets, strict=True):
            seen += number
            if seen and seen >= wanted:
                return min(float(bound), self.slowest)
        return 0.0


Key = tuple[int, str, str]  # hour, kind, name


class Pace(Unmeasured):
    """The tallies of this process. ``clock`` answers the aware UTC datetime."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock, self._process = clock, processes.new_name()
        self._tallies: dict[Key, Tally] = {}
        self._changed: set[Key] = set()
        self._lock = threading.Lock()

    def answered(
        self, route: str, status: int, seconds: float, request: str, slow: Sequence[tuple[str, float]] = ()
    ) -> None:
        self._note([("route", route, seconds), *(("statement", text, took) for text, took in slow)], request)

    def delivered(
        self, kind: str, connection: str | None, outcome: str, seconds: float, request: str = "",
        slow: Sequence[tuple[str, float]] = (),
    ) -> None:  # fmt: skip
        self._note([("work", kind, seconds), *(("statement", text, took) for text, took in slow)], request)

    def _note(self, found: Iterable[tuple[str, str, float]], request: str) -> None:
        hour = pace.hour_of(self._clock())
        with self._lock:
            for kind, name, seconds in found:
                tally = self._tally((hour, kind, name))
                if tally is not None:
                    tally.add(seconds * 1000, request, self._clock)

    def _tally(self, key: Key) -> Tally | None:
        """None where the hour is full of other names: those seen first are seen again most."""
        tally = self._tallies.get(key)
        if tally is None:
            if sum(each[:2] == key[:2] for each in self._tallies) >= MOST_NAMES:
                return None
            tally = self._tallies[key] = Tally()
        self._changed.add(key)
        return tally

    def keep(self, app: Application) -> int:
        """Write what changed since the last time; answers how many rows. What cannot be written is tried again."""
        now = self._clock()
        with self._lock:
            changed, self._changed = self._changed, set()
            rows = [self._row(key, self._tallies[key]) for key in sorted(changed)]
        if not rows:
            return 0
        try:
            with app.database.write() as conn:
                _write(conn, app, rows, pace.hour_of(now))
        except BaseException:
            with self._lock:
                self._changed |= changed & self._tallies.keys()
            raise
        self._forget(pace.hour_of(now))
        return len(rows)

    def _forget(self, hour: int) -> None:
        with self._lock:
            for key in [each for each in self._tallies if each[0] < hour and each not in self._changed]:
                del self._tallies[key]

    def _row(self, key: Key, tally: Tally) -> dict[str, Any]:
        hour, kind, name = key
        return {
            "hour": hour, "process": self._process, "kind": kind,
            "key": hashlib.sha256(name.encode()).hexdigest()[:24], "name": name, "hits": tally.count,
            "buckets": list(tally.buckets), "total": tally.total, "slowest": tally.slowest,
            "request": tally.request, "at": tally.at,
        }  # fmt: skip


def _write(conn: sa.Connection, app: Application, rows: Sequence[dict[str, Any]], hour: int) -> None:
    """In the place of what this process wrote before; what is too old goes."""
    table = app.tables.pace
    for row in rows:
        new = {name: value for name, value in row.items() if name not in KEYS}
        conn.execute(insert(conn, table).values(row).on_conflict_do_update(index_elements=KEYS, set_=new))
    conn.execute(sa.delete(table).where(table.c.hour < hour - pace.HOURS_KEPT))


def lately(app: Application, hours: int) -> dict[tuple[str, str], Tally]:
    """(kind, name) → what all processes wrote of the last hours, the one under way included."""
    now, found = app.clock(), dict[tuple[str, str], Tally]()
    with app.database.read() as conn:
        table = app.tables.pace
        rows = conn.execute(sa.select(table).where(table.c.hour > pace.hour_of(now) - hours)).all()
    for row in rows:
        told = Tally(row.hits, row.total, row.slowest, list(row.buckets), row.request, row.at)
        found.setdefault((row.kind, row.name), Tally()).join(told)
    return found


def start(keeping: Pace, current: Current) -> Callable[[], None]:
    """Write once a minute, in a thread of its own; answers what ends it, having written once more."""
    ended = threading.Event()

    def once() -> None:
        try:
            keeping.keep(current())
        except Exception as error:
            LOG.warning("how long pages take could not be written down: %s", type(error).__name__)

    def work() -> None:
        while not ended.wait(EVERY):
            once()

    def stop() -> None:
        ended.set()
        thread.join(EVERY)
        once()

    thread = threading.Thread(target=work, name="pace", daemon=True)
    thread.start()
    return stop
