"""A script that limits ended again and again rests, so that it does not cost a process each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from engine.scripts.errors import ScriptStopped

MOST = 3
REST = 600.0  # seconds; then one more try
_KEPT = 1000


class Breaker:
    """Counts per script how often in a row it was ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended: dict[str, tuple[int, float]] = {}
        self._lock = Lock()

    @property
    def resting(self) -> int:
        return sum(self._rests(key) for key in tuple(self._ended))

    def ask(self, key: str) -> None:
        """Raises ScriptStopped("tripped") while the script rests."""
        if self._rests(key):
            raise ScriptStopped("tripped")

    def note(self, key: str) -> None:
        with self._lock:
            count, _at = self._ended.pop(key, (0, 0.0))
            self._ended[key] = (count + 1, self._clock())
            if len(self._ended) > _KEPT:
                del self._ended[next(iter(self._ended))]

    def forgive(self, key: str) -> None:
        """After a run that ended well, or when somebody says so; ``key`` is the script's hash."""
        if key in self._ended:
            with self._lock:
                self._ended.pop(key, None)

    def _rests(self, key: str) -> bool:
        count, at = self._ended.get(key, (0, 0.0))
        return count >= MOST and self._clock() - at < REST
