"""How many statements a thread has run since it began something, and which of them were slow.

A statement is told of by its text, in which values of people never stand: those are bound. It costs a count and two
looks at the clock for each statement.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import sqlalchemy as sa

SLOW = 0.02  # seconds; what is faster is counted only
MOST_SLOW = 20  # of one request: a page that runs hundreds has another illness
LONGEST = 1000  # characters of a statement that are kept


class Watch(threading.local):
    """Of one thread."""

    count = 0
    began = 0.0

    def __init__(self) -> None:
        self.slow: list[tuple[str, float]] = []

    def begin(self) -> None:
        self.count, self.slow = 0, []

    def ran(self, text: str, seconds: float) -> None:
        self.count += 1
        if seconds >= SLOW and len(self.slow) < MOST_SLOW:
            self.slow.append((" ".join(text[:LONGEST].split()), seconds))


watch = Watch()


def listen(engine: sa.Engine) -> None:
    """Hear of the statements that go through SQLAlchemy; prepared ones tell themselves (``prepared.py``)."""

    @sa.event.listens_for(engine, "before_execute")
    def before(_conn: Any, _statement: Any, _many: Any, _values: Any, _options: Any) -> None:
        watch.began = time.perf_counter()

    @sa.event.listens_for(engine, "after_execute")
    def after(_conn: Any, _statement: Any, _many: Any, _values: Any, _options: Any, result: Any) -> None:
        """As it was sent: not every statement can be written down for no database in particular."""
        watch.ran(getattr(result.context, "statement", None) or "", time.perf_counter() - watch.began)
