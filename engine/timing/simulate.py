"""A stretch of time in seconds: the clock jumps from due moment to due moment, and what would happen does, in a copy.

Rules wake, records change, waits end; nothing leaves the process: mails and calls are counted and answered at once.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine import going_on
from engine.application import Application
from engine.errors import AppmillError
from engine.jobs.delivering import deliver
from engine.jobs.desk import Desk, Terms
from engine.schedules import Schedule
from engine.storage.automation import in_state
from engine.timetable import timetable_of
from engine.timing.counting import times_of
from engine.timing.reconcile import reconcile

MOST_AT_ONE_MOMENT = 10_000  # messages; more are rules that wake each other


@dataclass
class Hands:
    """A clock that is put forward; called, it answers the aware UTC moment."""

    now: dt.datetime

    def __call__(self) -> dt.datetime:
        return self.now


@dataclass(frozen=True)
class Firing:
    """A message woke a rule; ``acted``: it still meant something, the condition held, and the rule did its part."""

    at: dt.datetime
    rule: str
    record: tuple[str, int] | None
    acted: bool


@dataclass
class Story:
    """What happened, in order; ``sent`` counts what would have left, by kind. ``complete``: up to the wanted end."""

    firings: list[Firing] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    complete: bool = True

    def acted(self) -> list[Firing]:
        return [firing for firing in self.firings if firing.acted]


def simulate(
    app: Application, hands: Hands, end: dt.datetime, *, told: Callable[[dt.datetime], None] = lambda at: None
) -> Story:
    """Put the clock of ``app`` forward to ``end``, doing everything that comes due on the way. ``app.clock`` is
    ``hands``; its database is changed, so it is a copy (see ``copied``). ``told``: at every moment something is due."""
    story = Story()
    around = replace(app, registry=replace(app.registry, performers=_counting(app, story)))
    return Passing(around, hands, story).run(end, told)


def pass_time(app: Application, hands: Hands, end: dt.datetime) -> Story:
    """As ``simulate``, with the performers of ``app`` as they are."""
    return Passing(app, hands, Story()).run(end, lambda _at: None)


class Passing:
    """Time that passes for an application, moment by moment. What is to come is kept in memory: asking the database for
    it at every step would cost more than doing it."""

    def __init__(self, app: Application, hands: Hands, story: Story) -> None:
        self.app, self.hands, self.story = app, hands, story
        self.desk = Desk(Terms(attempts=1))
        self.messages: list[tuple[dt.datetime, int]] = []
        self.tables = {
            rule.stable_id: timetable_of(rule.trigger, app.definition.timezone, hands.now, times_of(app, rule))
            for rule in app.plans.timed.schedules
            if isinstance(rule.trigger, Schedule)
        }
        self.schedules = [(due, rule) for rule, table in self.tables.items() if (due := table.after(hands.now))]
        heapify(self.schedules)

    def run(self, end: dt.datetime, told: Callable[[dt.datetime], None]) -> Story:
        with self.listening():
            self.until(end, told)
        return self.story

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of every message that is left meanwhile, whoever leaves it."""
        former, self.app.database.doorbell = self.app.database.doorbell, self
        try:
            self.messages = _waiting(self.app)
            reconcile(self.app)
            yield
        finally:
            self.app.database.doorbell = former

    def until(self, end: dt.datetime, told: Callable[[dt.datetime], None] = lambda _at: None) -> None:
        """Do what comes due up to ``end``, which then is now; to be called while listening."""
        while (due := self._coming()) is not None and due <= end and self.story.complete:
            self.hands.now = max(due, self.hands.now)
            told(self.hands.now)
            self._fire_schedules()
            self._deliver()
        self.hands.now = end

    # --- as a doorbell

    def note(self, conn: sa.Connection, message_id: int, due: dt.datetime) -> None:
        return

    def ring(self, posted: Sequence[tuple[int, dt.datetime]]) -> None:
        for id, due in posted:
            heappush(self.messages, (due, id))

    # --- one moment

    def _coming(self) -> dt.datetime | None:
        parked = _first_parked(self.app) if self.app.plans.parking else None
        heads = [heap[0][0] for heap in (self.schedules, self.messages) if heap]
        found = min([*heads, *([parked] if parked else [])], default=None)
        return found if found is None or found.year < 9000 else None

    def _fire_schedules(self) -> None:
        """Woken directly, without the message each of them would be."""
        while self.schedules and self.schedules[0][0] <= self.hands.now:
            due, rule = heappop(self.schedules)
            key = f"schedule:{rule}:{self.tables[rule].name_of(due)}"
            try:
                with self.app.database.write() as conn:
                    acted = going_on.fire(self.app, conn, rule, key, given={"due": due.isoformat()})
            except AppmillError:
                acted, self.story.failed = False, self.story.failed + 1
            self._note(rule, None, acted)
            following = self.tables[rule].after(due)
            if following is not None:
                heappush(self.schedules, (following, rule))

    def _deliver(self) -> None:
        """Everything that is due now, and what that leaves for now."""
        for _ in range(MOST_AT_ONE_MOMENT):
            if self.messages and self.messages[0][0] <= self.hands.now:
                _due, id = heappop(self.messages)
            elif (parked := _due_parked(self.app) if self.app.plans.parking else None) is not None:
                id = parked
            else:
                return
            self._deliver_one(id)
        self.story.complete = False

    def _deliver_one(self, id: int) -> None:
        message, run = self.app.tables.message, self.app.tables.run
        outcome = deliver(self.app, id, self.desk)
        self.story.failed += outcome.state not in ("done", "parked", "waiting", "gone", "not_now")
        with self.app.database.read() as conn:
            row = conn.execute(sa.select(message).where(message.c.id == id)).one()
            if row.kind != "fire" or outcome.state == "gone":
                return
            acted = conn.execute(sa.select(run.c.id).where(run.c.key == row.key)).first() is not None
        self._note(row.effect["rule"], (row.form, row.record_id) if row.record_id is not None else None, acted)

    def _note(self, rule: str, record: tuple[str, int] | None, acted: bool) -> None:
        plan = self.app.plans.rule.get(rule)
        self.story.firings.append(Firing(self.hands.now, plan.rule.name if plan else rule, record, acted))


def _counting(app: Application, story: Story) -> dict[str, Callable[..., Any]]:
    def performer(kind: str) -> Callable[..., Any]:
        def perform(task: Any, around: Any) -> Mapping[str, Any]:
            story.sent[kind] += 1
            return {}

        return perform

    return {kind: performer(kind) for kind in app.registry.performers}


def _waiting(app: Application) -> list[tuple[dt.datetime, int]]:
    """What waits already: a heap, as it comes in order."""
    table = app.tables.message
    query = sa.select(table.c.due_at, table.c.id).where(in_state(table, "waiting"))
    with app.database.read() as conn:
        return [(row.due_at, row.id) for row in conn.execute(query.order_by(table.c.due_at, table.c.id))]


def _first_parked(app: Application) -> dt.datetime | None:
    table = app.tables.message
    with app.database.read() as conn:
        found: dt.datetime | None = conn.scalar(sa.select(sa.func.min(table.c.due_at)).where(in_state(table, "parked")))
    return found


def _due_parked(app: Application) -> int | None:
    table = app.tables.message
    due = sa.select(table.c.id).where(in_state(table, "parked"), table.c.due_at <= app.clock())
    with app.database.read() as conn:
        found: int | None = conn.scalar(due.order_by(table.c.id).limit(1))
    return found


# --- the copy --------------------------------------------------------------------------------------------------------


def copied(source: Path, target: Path) -> None:
    """A SQLite database as it is now, while it is being written to."""
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)
