"""Schedules: every serving process works out what is due; whoever is first leaves the message.

``tick`` does it once, by the application's clock. ``Clockwork`` calls it when the next time is due: APScheduler is an
alarm clock here and nothing more, so a process that ends takes nothing with it.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Rule
from engine.schedules import Schedule
from engine.storage.migrate import last_hash
from engine.storage.upsert import insert
from engine.timetable import MOST_AT_ONCE, due_times, timetable_of
from engine.timing.counting import times_of
from engine.timing.posting import post, told
from engine.timing.reconcile import LAG, catch_up, reconcile, trigger_hash

LOOK_AGAIN = 3.0  # seconds: a new definition is taken up by then; costs nothing while there is none
AT_LEAST = 60.0  # seconds: the machine's clock may have been set
LOG = logging.getLogger("appmill.schedules")


@dataclass(frozen=True)
class Standing:
    """A row of ``_timer``: since when the rule is in force, and up to when its due times were looked at."""

    rule: str
    hash: str
    began_at: dt.datetime
    last_at: dt.datetime


def tick(app: Application) -> dt.datetime | None:
    """Leave a message for every due time that has come and answer when the next one is; None when none will come.

    A process whose definition is no longer in force leaves none: the others do.
    """
    rules = app.plans.timed.schedules
    if not rules:
        return None
    now = app.clock()
    with app.database.read() as conn:
        if last_hash(conn) != app.definition.hash:
            return None
        known = _standings(app, conn)
    coming = []
    for rule in rules:
        standing = known.get(rule.stable_id)
        if standing is None or standing.hash != trigger_hash(rule):
            standing = _begin(app, rule, standing, now)
        coming.append(_look(app, rule, standing, now))
    return min((due for due in coming if due is not None), default=None)


def next_times(app: Application, rule: Rule, count: int) -> list[dt.datetime]:
    """The next due times of a schedule, for screens."""
    with app.database.read() as conn:
        standing = _standings(app, conn).get(rule.stable_id)
    now = app.clock()
    table = timetable_of(
        _schedule(rule), app.definition.timezone, standing.began_at if standing else now, times_of(app, rule)
    )
    found: list[dt.datetime] = []
    due = table.after(now)
    while due is not None and len(found) < count:
        found.append(due)
        due = table.after(due)
    return found


def _look(app: Application, rule: Rule, standing: Standing, now: dt.datetime) -> dt.datetime | None:
    """Do what is due for one rule; answers when to look at it again."""
    schedule = _schedule(rule)
    table = timetable_of(schedule, app.definition.timezone, standing.began_at, times_of(app, rule))
    first = table.after(standing.last_at)
    if first is None or first > now:
        return first
    dues = due_times(table, standing.last_at, now, schedule.misfire)
    upto = dues[-1] if len(dues) == MOST_AT_ONCE else now
    with app.database.write() as conn:
        if _claim(app, conn, standing, upto):
            for due in dues:
                key = f"schedule:{rule.stable_id}:{table.name_of(due)}"
                post(app, conn, key, rule.stable_id, due, given={"due": told(due)})
    return table.after(upto)


def _claim(app: Application, conn: sa.Connection, standing: Standing, upto: dt.datetime) -> bool:
    """Whether this process is the one to do it: another one may have looked since."""
    table = app.tables.timer
    seen = (table.c.rule == standing.rule, table.c.hash == standing.hash, table.c.last_at == standing.last_at)
    return bool(conn.execute(sa.update(table).where(*seen).values(last_at=upto)).rowcount)


def _begin(app: Application, rule: Rule, former: Standing | None, now: dt.datetime) -> Standing:
    """A schedule that is new or was changed begins now; several processes begin it at the same moment."""
    began = now.replace(microsecond=0)
    table, standing = app.tables.timer, Standing(rule.stable_id, trigger_hash(rule), began, began)
    row = {"rule": standing.rule, "hash": standing.hash, "began_at": began, "last_at": began}
    with app.database.write() as conn:
        if former is None:
            conn.execute(insert(conn, table).values(row).on_conflict_do_nothing(index_elements=["rule"]))
        else:
            seen = (table.c.rule == former.rule, table.c.hash == former.hash)
            conn.execute(sa.update(table).where(*seen).values(row))
        return _standings(app, conn).get(rule.stable_id, standing)


def _standings(app: Application, conn: sa.Connection) -> dict[str, Standing]:
    columns = app.tables.timer.c
    rows = conn.execute(sa.select(columns.rule, columns.hash, columns.began_at, columns.last_at))
    return {row.rule: Standing(*row) for row in rows}


def _schedule(rule: Rule) -> Schedule:
    assert isinstance(rule.trigger, Schedule)  # planning sorted the rules
    return rule.trigger


# --- the alarm clock -------------------------------------------------------------------------------------------------


class Clockwork:
    """In a thread of its own, for the application in force: ``tick`` when something is due, and what is to be done once
    for a new definition."""

    def __init__(
        self,
        current: Callable[[], Application],
        *,
        work: Callable[[Application], dt.datetime | None] = tick,
        begin: Callable[[Application], object] = reconcile,
    ) -> None:
        from apscheduler.schedulers.background import BackgroundScheduler

        self._current = current
        self._work, self._begin = work, begin
        self._begun: Application | None = None
        self._due: dt.datetime | None = None
        self._looked = 0.0
        self._lagging: float | None = None
        self._scheduler: Any = BackgroundScheduler(timezone=dt.UTC)

    def start(self) -> None:
        self._scheduler.start()
        self._wake_in(0)

    def stop(self) -> None:
        """Waits for a tick under way."""
        self._scheduler.shutdown()

    def _wake_in(self, seconds: float) -> None:
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)  # the scheduler's own clock is the machine's
        self._scheduler.add_job(self._tick, "date", run_date=moment, id="tick", replace_existing=True,
                                misfire_grace_time=None)  # fmt: skip

    def _tick(self) -> None:
        wait = LOOK_AGAIN
        try:
            wait = min(wait, self._look())
        except Exception:
            LOG.exception("what is due could not be looked at; it is tried again in %s seconds", LOOK_AGAIN)
        if self._scheduler.running:
            self._wake_in(wait)

    def _look(self) -> float:
        """Seconds until the next due time."""
        app = self._current()
        if app is not self._begun:
            self._begin(app)
            self._begun, self._looked = app, 0.0
            self._lagging = time.monotonic() + LAG.total_seconds() if self._begin is reconcile else None
        if self._lagging is not None and time.monotonic() > self._lagging:
            self._lagging = None
            if app.database.dialect != "sqlite":  # one process serves a SQLite file
                catch_up(app)
        now = app.clock()
        if time.monotonic() - self._looked > AT_LEAST or (self._due is not None and self._due <= now):
            self._due = self._work(app)
            self._looked = time.monotonic()
        return AT_LEAST if self._due is None else max(0.0, (self._due - app.clock()).total_seconds())
