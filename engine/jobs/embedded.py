"""Delivery within the serving process: a dispatcher that sleeps until something is posted or due, and a few threads.

The dispatcher picks what is free (the first of each lane, of connections that have room), so that a slow or dead system
holds up nobody else.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from typing import Any

import sqlalchemy as sa

from engine.jobs import picking, sweeping
from engine.jobs.claiming import IN_A_ROW, After, Outcome
from engine.jobs.delivering import deliver
from engine.jobs.desk import Desk, Terms
from engine.jobs.engine import Current
from engine.jobs.picking import Picked
from engine.jobs.trying import is_lost

LOG = logging.getLogger("appmill.delivery")
LONGEST_SLEEP = 60.0
A_MOMENT = 0.01
HELD_BACK = 0.5  # seconds a connection or lane is left alone that was not free after all


class Embedded:
    """``threads`` deliver; ``alone``: no other process delivers from this database."""

    def __init__(self, current: Current, *, threads: int = 8, terms: Terms | None = None, alone: bool = True) -> None:
        self.desk = Desk(terms or Terms(), threads)
        self._current, self._threads, self._alone = current, threads, alone
        self._rung, self._ending = threading.Event(), threading.Event()
        self._due = 0.0  # monotonic: when the dispatcher looks again
        self._queue: SimpleQueue[Picked | None] = SimpleQueue()
        self._under_way: dict[int, Picked] = {}
        self._held_back: dict[str, float] = {}
        self._names: list[str | None] = []
        self._lock = threading.Lock()
        self._running: list[threading.Thread] = []
        self._workers = 0
        self._delivered = 0
        self._failing = ""

    # --- the doorbell

    def note(self, conn: sa.Connection, message_id: int, due: dt.datetime) -> None:
        return

    def ring(self, posted: Sequence[tuple[int, dt.datetime]]) -> None:
        self._rung.set()

    # --- the engine

    def start(self) -> None:
        for work in (self._dispatch, self._keep):
            self._begin(work)
        for _ in range(self._threads):
            self._add_worker()

    def _begin(self, work: Any) -> None:
        thread = threading.Thread(target=work, name=f"delivery {work.__name__.strip('_')}", daemon=True)
        self._running.append(thread)
        thread.start()

    def _add_worker(self) -> None:
        self._workers += 1
        self._begin(self._work)

    def stop(self, timeout: float) -> bool:
        self._ending.set()
        self._rung.set()
        until = time.monotonic() + timeout
        for thread in self._running[:2]:  # only when they have ended are there no more workers to come
            thread.join(max(0.0, until - time.monotonic()))
        for _ in range(self._workers):
            self._queue.put(None)
        for thread in self._running:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._running)

    def health(self) -> Mapping[str, Any]:
        alive = sum(thread.is_alive() for thread in self._running)
        return {
            "engine": "embedded", "name": self.desk.name, "threads": self._threads, "alive": alive >= self._threads + 2,
            "under_way": len(self._under_way), "hanging": self.desk.overdue(), "delivered": self._delivered,
            "trouble": self._failing,
        }  # fmt: skip

    # --- the dispatcher

    def _look_around(self) -> None:
        app = self._current()
        with app.database.read() as conn:
            found = picking.connections(app, conn)
        if set(found) != set(self._names):
            self._names = found
            self._rung.set()

    def _dispatch(self) -> None:
        self._guarded(self._look_around)
        self._guarded(lambda: sweeping.sweep(self._current(), self.desk, orphans=self._alone, ring=False))
        while not self._ending.is_set():
            self._rung.clear()
            nap = self._guarded(self._pick)
            self._rung.wait(1.0 if nap is None else nap)

    def _pick(self) -> float:
        """Hand out what is free; answers for how many seconds nothing more is to be expected."""
        app = self._current()
        while not self._ending.is_set():
            now = time.monotonic()
            with self._lock:
                taken = list(self._under_way.values())
                room = self._threads - len(taken)
                held_back = {name for name, until in self._held_back.items() if until > now}
            if room <= 0:
                return LONGEST_SLEEP  # a thread that becomes free rings
            with app.database.read() as conn:
                picked = picking.free(app, conn, self._names, taken, held_back, self.desk, room)
            self._names = self._names[1:] + self._names[:1]  # whoever was first is last next time
            if not picked:
                return self._nap()
            with self._lock:
                self._under_way.update({each.id: each for each in picked})
            for each in picked:
                self._queue.put(each)
        return 0.0

    def _nap(self) -> float:
        app = self._current()
        with app.database.read() as conn:
            due = picking.next_due(app, conn, self.desk.terms)
        now = time.monotonic()
        with self._lock:
            naps = [LONGEST_SLEEP, *(until - now for until in self._held_back.values() if until > now)]
        return min(naps) if due is None else min(*naps, max(0.005, due))

    # --- the threads

    def _work(self) -> None:
        while (picked := self._queue.get()) is not None:
            row = 0
            next_one: Picked | None = picked
            while next_one is not None:
                row += 1
                next_one = self._deliver(next_one, "tell" if row < IN_A_ROW else "ring")

    def _deliver(self, picked: Picked, after: After) -> Picked | None:
        """Deliver it; answers what the thread goes on with, without asking the dispatcher."""
        outcome = self._guarded(lambda: deliver(self._current(), picked.id, self.desk, after=after))
        following = Picked(outcome.next, outcome.connection, None) if outcome is not None and outcome.next else None
        with self._lock:
            self._under_way.pop(picked.id, None)
            self._delivered += 1
            if outcome is None or outcome.state in ("not_now", "gone"):
                self._hold_back(picked, outcome)
            if following is not None and following.id in self._under_way:
                following = None
            if following is not None:
                self._under_way[following.id] = following
        if following is None:
            self._rung.set()
        return following

    def _hold_back(self, picked: Picked, outcome: Outcome | None) -> None:
        """Leave alone for a moment what was not free, or the dispatcher would pick it again at once."""
        now, name, seconds = time.monotonic(), f"#{picked.id}", HELD_BACK
        if outcome is not None and outcome.state == "not_now":
            name = outcome.connection or picked.lane or name
            if outcome.connection and self.desk.under_way(outcome.connection):
                seconds = A_MOMENT  # all its calls are ours, and one of them is about to end
        self._held_back = {each: end for each, end in self._held_back.items() if end > now}
        self._held_back[name] = now + seconds

    # --- claims are kept alive, hanging threads replaced, and what was lost is found

    def _keep(self) -> None:
        while not self._ending.wait(min(sweeping.EVERY, self.desk.terms.lease / 3)):
            self._guarded(lambda: self.desk.renew(self._current()))
            self._guarded(self._look_around)
            swept = self._guarded(lambda: sweeping.sweep(self._current(), self.desk, ring=False))
            if swept is not None and (swept.released or swept.woken):
                self._rung.set()
            hanging = self.desk.overdue()
            while self._workers < self._threads + min(hanging, 2 * self._threads):
                LOG.error("%s deliveries hang; another thread is started", hanging)
                self._add_worker()

    def _guarded(self, work: Any) -> Any:
        """What the thread does, whatever goes wrong; None when it did, and then the database is given a moment."""
        try:
            done = work()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if said != self._failing:
                LOG.exception("the database cannot be reached" if is_lost(error) else "delivery failed")
            self._failing = said
            self._ending.wait(0.2)
            return None
        self._failing = ""
        return done
