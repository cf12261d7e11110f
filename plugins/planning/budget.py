"""How long a search may go on, and how it is told to stop: the clock comes from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


def _never() -> bool:
    return False


def _untold(_share: float) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Budget:
    """``seconds`` from the moment it was made, by ``clock`` (seconds, such as ``time.monotonic``). ``cancelled`` is
    asked between steps; ``told`` hears which share (0–1) of the time is over."""

    seconds: float
    clock: Callable[[], float]
    cancelled: Callable[[], bool] = _never
    told: Callable[[float], None] = _untold
    began: float = field(default=-1.0)

    def __post_init__(self) -> None:
        if self.began < 0:
            object.__setattr__(self, "began", self.clock())

    def left(self) -> float:
        """Seconds that are left, 0 once it is over or cancelled."""
        if self.cancelled():
            return 0.0
        spent = self.clock() - self.began
        self.told(min(1.0, spent / self.seconds) if self.seconds else 1.0)
        return max(0.0, self.seconds - spent)

    def part(self, share: float) -> Budget:
        """A budget of its own that begins now, of a share of what is left."""
        return Budget(self.left() * share, self.clock, self.cancelled)
