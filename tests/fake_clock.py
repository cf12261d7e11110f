"""A clock that stands still until a test moves it."""

from __future__ import annotations

import datetime as dt

START = dt.datetime(2026, 3, 4, 1, 30, tzinfo=dt.UTC)  # a Wednesday, 09:30 in Shanghai


class FakeClock:
    """Called, it answers ``now``, an aware UTC datetime."""

    def __init__(self, now: dt.datetime = START) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **length: float) -> dt.datetime:
        """``clock.advance(hours=4)``."""
        self.now += dt.timedelta(**length)
        return self.now
