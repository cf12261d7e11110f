"""What grows with the applications is looked at wholly by ``make deep`` and, spread over the whole, in part by
``make test``, which everybody waits for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
DEEP = os.environ.get("DEEP") == "full"


def some(cases: Sequence[T], most: int) -> list[T]:
    """All of them in the long form; else ``most`` of them, the first and evenly spread others."""
    if DEEP or len(cases) <= most:
        return list(cases)
    return [cases[place * (len(cases) - 1) // max(1, most - 1)] for place in range(most)]
