"""Tokens that connectors were given by the other side and that run out: known to this process only, asked for once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EARLY = 60.0  # seconds before its end a token is not used any more: a call takes its time


class Tokens:
    """By connection and name. Whoever needs one that somebody else is asking for waits for it."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._known: dict[tuple[str, str], tuple[str, float]] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def kept(self, connection: str, name: str, get: Callable[[], tuple[str, float]]) -> str:
        key = (connection, name)
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            known = self._known.get(key)
            if known is not None and self._seconds() < known[1]:
                return known[0]
            token, good_for = get()
            self._known[key] = (token, self._seconds() + max(good_for - EARLY, good_for / 2))
            return token

    def forget(self, connection: str, name: str) -> None:
        with self._lock:
            self._known.pop((connection, name), None)
