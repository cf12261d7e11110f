"""How far a script may still go: steps counted by itself, computing time by a signal. One process runs one script."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STEPS = 500_000
SOON = 0.005  # seconds


class Halt(BaseException):
    """Ends a script; no `except` of the language catches it. ``limit`` is one of `errors.LIMITS`."""

    def __init__(self, limit: str) -> None:
        self.limit = limit


class Meter:
    """What is left of the limits of the running script."""

    def __init__(self) -> None:
        self.steps = STEPS
        self._running = False
        self._talking = False

    def tick(self) -> None:
        """One turn of a loop, one call of a function. Answers None, so that a lambda can ask it first."""
        self.steps -= 1
        if self.steps < 0:
            raise Halt("steps")

    def spend(self, steps: int) -> None:
        """Many turns at once, paid before they are taken."""
        self.steps -= steps
        if self.steps < 0:
            raise Halt("steps")

    @contextmanager
    def limited(self, cpu: float, steps: int) -> Iterator[None]:
        """Inside, at most ``cpu`` seconds of computing and ``steps`` steps; raises Halt beyond."""
        self.steps = steps
        self._running, self._talking = True, False
        signal.signal(signal.SIGPROF, self._halt)
        signal.setitimer(signal.ITIMER_PROF, cpu)
        try:
            yield
        finally:
            self._running = False
            signal.setitimer(signal.ITIMER_PROF, 0)

    @contextmanager
    def talking(self) -> Iterator[None]:
        """While a frame is on its way nothing is ended: half a frame would not be understood."""
        self._talking = True
        try:
            yield
        finally:
            self._talking = False

    def _halt(self, signum: int, frame: FrameType | None) -> None:
        if not self._running:
            return
        signal.setitimer(signal.ITIMER_PROF, SOON)  # again, should this one be too early or be lost in a callback
        if not self._talking:
            raise Halt("cpu")


METER = Meter()
