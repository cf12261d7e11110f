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


# The code of these rooms is the same for both databases: in ``make test`` they run wholly on SQLite and, evenly spread,
# one test in so many on PostgreSQL. Storage, the walk, jobs, feeds, faults and the like run wholly on both.
ONE_IN = {
    "approvals": 3, "automation": 3, "entries": 3, "imports": 3, "messages": 3, "paper": 4, "planning": 4, "timing": 3,
    "trying": 4, "web": 4,
}  # fmt: skip


def left_out(rooms: Sequence[str]) -> set[int]:
    """Which of the tests on PostgreSQL, in rooms one after the other, are for the long form: their places."""
    if DEEP:
        return set()
    seen: dict[str, int] = {}
    found = set()
    for place, room in enumerate(rooms):
        seen[room] = seen.get(room, 0) + 1
        if room in ONE_IN and seen[room] % ONE_IN[room] != 1:
            found.add(place)
    return found
