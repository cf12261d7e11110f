"""What one process has under way: its claims, which it keeps alive as long as it works on them."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from engine.application import Application
from engine.processes import new_name
from engine.storage.automation import in_state


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How patient delivery is; lengths in seconds. ``lease``: a claim that nobody renewed for so long is given to
    another process. ``margin``: how much longer than its time limit a call may take before it is given up.
    ``first`` and ``most`` bound the delay between tries; the breaker opens after ``breaks_after`` failures in a row and
    tries again after ``probe_after``. ``attempts`` is for what has no connection."""

    lease: float = 6.0
    margin: float = 10.0
    first: float = 2.0
    most: float = 3600.0
    breaks_after: int = 5
    probe_after: float = 30.0
    attempts: int = 5
    chance: Callable[[], float] = random.random  # 0 to 1: where in its range a delay falls


def may_take(free: int, has: int) -> int:
    """How many of the ``free`` threads somebody may take who ``has`` some: each only while more are free than are had.
    The first takes half, the next half of the rest, so that however slow some are, there is a thread for the next."""
    return max(0, (free - has + 1) // 2)


@dataclass
class Desk:
    """The claims of one process; shared by its threads. ``threads``: how many there are, None for any number."""

    terms: Terms = field(default_factory=Terms)
    threads: int | None = None
    name: str = field(default_factory=new_name)
    _claims: dict[str, float] = field(default_factory=dict)  # token → when it is given up, monotonic
    _calls: Counter[str] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self) -> str:
        return f"{self.name}:{next(self._numbers)}"

    def lease_until(self, now: dt.datetime) -> dt.datetime:
        return now + dt.timedelta(seconds=self.terms.lease)

    @contextmanager
    def holding(self, token: str, connection: str | None, seconds: float) -> Iterator[None]:
        """The claim is kept alive within, for at most ``seconds`` and a margin."""
        with self._lock:
            self._claims[token] = time.monotonic() + seconds + self.terms.margin
            self._calls[connection or ""] += 1
        try:
            yield
        finally:
            with self._lock:
                self._claims.pop(token, None)
                self._calls[connection or ""] -= 1

    def under_way(self, connection: str) -> int:
        return self._calls[connection]

    def has_room(self, connection: str) -> bool:
        """Whether a thread may be given to another call of the connection."""
        if self.threads is None:
            return True
        with self._lock:
            return may_take(self.threads - self._calls.total(), self._calls[connection]) > 0

    def overdue(self) -> int:
        """How many are under way that should have come to an end: whoever performs them hangs."""
        now = time.monotonic()
        with self._lock:
            return sum(until < now for until in self._claims.values())

    def renew(self, app: Application) -> int:
        """Keep the claims alive that are within their time; answers how many."""
        now = time.monotonic()
        with self._lock:
            tokens = [token for token, until in self._claims.items() if until >= now]
        if not tokens:
            return 0
        table = app.tables.message
        mine = (in_state(table, "claimed"), table.c.token.in_(tokens))
        with app.database.write() as conn:
            until = self.lease_until(app.clock())
            return conn.execute(sa.update(table).where(*mine).values(lease_until=until)).rowcount
