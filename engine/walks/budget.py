"""How long walks may go on, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.errors import Message

Told = Callable[[int, int, Message], None]


@dataclass(frozen=True)
class Budget:
    """``seconds`` for all forms together; ``records``: how many are generated per form; ``steps``: how many states of
    one record are looked at, counting each with what its conditions say."""

    seconds: float = 10.0
    records: int = 3
    steps: int = 120


@dataclass
class Remaining:
    """A share of the seconds, from now on."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    end: float = field(init=False)

    def __post_init__(self) -> None:
        self.end = self.clock() + self.seconds

    @property
    def over(self) -> bool:
        return self.clock() >= self.end
