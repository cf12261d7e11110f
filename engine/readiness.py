"""Whether this process should be sent work: asked by load balancers and service managers every few seconds, by anybody.

So it costs next to nothing however often it is asked, ends within a bounded time whatever the database does, and tells
no more than one word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from engine.application import Application
from engine.storage.migrate import last_hash

Trouble = Literal["stopping", "database", "definition"]
PATIENCE = 2.0  # seconds until a database that does not answer counts as gone
KEPT = 1.0  # seconds an answer holds
BEHIND = 10.0  # seconds another definition may be in force elsewhere before this process counts as left behind


class Readiness:
    """``current`` answers the application in force; ``stopping`` is set when the process was told to end."""

    def __init__(
        self, current: Callable[[], Application], *, patience: float = PATIENCE,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.stopping = threading.Event()
        self._current, self._patience, self._ticks = current, patience, ticks
        self._lock = threading.Lock()
        self._looking: threading.Thread | None = None
        self._found: Trouble | None = "database"
        self._until = -1.0
        self._behind: float | None = None

    def trouble(self) -> Trouble | None:
        """Why no work should come here; None when it may."""
        if self.stopping.is_set():
            return "stopping"
        with self._lock:
            if self._ticks() < self._until:
                return self._found
            if self._looking is None or not self._looking.is_alive():
                self._looking = threading.Thread(target=self._look, name="readiness", daemon=True)
                self._looking.start()
            looking = self._looking
        looking.join(self._patience)
        return "database" if looking.is_alive() else self._found

    def _look(self) -> None:
        try:
            found = self._seen()
        except Exception:  # whatever it is, no work can be done; the log has it from whoever tried
            found = "database"
        self._found, self._until = found, self._ticks() + KEPT

    def _seen(self) -> Trouble | None:
        app = self._current()
        with app.database.read() as conn:
            newest = last_hash(conn)
        if newest == app.definition.hash:
            self._behind = None
            return None
        self._behind = self._ticks() if self._behind is None else self._behind
        return "definition" if newest is None or self._ticks() - self._behind > BEHIND else None
