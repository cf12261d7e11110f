"""How far a backup is, in one line of a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from engine.errors import Message

EVERY = 0.2  # seconds


class Progress:
    """Call it as ``told(done, total, what)``; it says so now and then, where somebody watches."""

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._said_at = 0.0

    def __call__(self, done: int, total: int, what: Message) -> None:
        now = time.monotonic()
        if self._shown and now - self._said_at >= EVERY:
            self._said_at = now
            sys.stderr.write(f"\r\033[K{done} of {total}: {what}")
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
