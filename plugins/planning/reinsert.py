"""Improvement by re-insertion: operations that are in each other's way are taken off the board and put back in another
order. It knows no calendar, changeover or tool itself: the board keeps every rule, so that every step is a valid plan.

Ruin and recreate: Schrimpf et al. 2000; what is put back first is told by one of several rules with noise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import Random

from .constructive import in_turn, ranks
from .ruins import around_a_late_order, around_a_minute
from .timeline import Board
from .worth import Ledger, Worth

Rank = Callable[[Board, list[int], Random], dict[int, float]]


@dataclass
class Found:
    """A board with its ledger and value."""

    board: Board
    ledger: Ledger
    value: tuple[int, int]


class Reinsertion:
    """``still``: the operations that may not move at all."""

    def __init__(self, worth: Worth, still: Collection[int]) -> None:
        self.worth, self.indexed, self.still = worth, worth.indexed, frozenset(still)
        self.rank = ranks(self.indexed)
        self.ruins = (around_a_late_order, around_a_late_order, around_a_minute)

    def begun(self, board: Board) -> Found:
        ledger = self.worth.ledger(board)
        return Found(board, ledger, self.worth.value(ledger, board))

    def step(self, found: Found, random: Random) -> Found | None:
        """Another board, better or worse, or None where what was taken out found no room."""
        board, ledger = found.board.copy(), found.ledger.copy()
        ruin, size = random.choice(self.ruins), random.choice((6, 12, 24, 48))
        chosen = [one for one in ruin(self.worth, board, ledger, size, random) if one not in self.still]
        out: dict[int, None] = {}
        old = {one: float(board.start[one]) for one in chosen}
        for one in chosen:
            for gone in board.remove(one):
                old.setdefault(gone, float(found.board.start[gone]))
                out[gone] = None
        if not out or not self.still.isdisjoint(out) or not self._put_back(board, list(out), old, random):
            return None
        if self.still and not self._stands(found.board, board):
            return None
        self.worth.update(ledger, board, {self.worth.order[one] for one in out})
        return Found(board, ledger, self.worth.value(ledger, board))

    def _put_back(self, board: Board, out: list[int], old: dict[int, float], random: Random) -> bool:
        rank = self._ranks(out, old, random)
        adrift = random.random() < 0.3
        for one in in_turn(self.indexed, out, rank):  # type: ignore[arg-type]
            modes = self.indexed.modes[one]
            on = (random.choice(modes),) if adrift and len(modes) > 1 and random.random() < 0.2 else ()
            if not board.place(one, on=on):
                return False
        return True

    def _ranks(self, out: list[int], old: dict[int, float], random: Random) -> dict[int, float]:
        kind = random.randrange(5)
        if kind == 0:  # the first order before all others, which keep their sequence
            first = self.worth.order[out[0]]
            return {one: -1.0 if self.worth.order[one] == first else old[one] for one in out}
        if kind == 1:  # by the rule of the first plan, with noise
            return {one: self.rank[one] + random.gauss(0, 2) for one in out}
        if kind == 2:  # order by order, by chance
            by_order = {self.worth.order[one]: random.random() for one in out}
            return {one: by_order[self.worth.order[one]] for one in out}
        if kind == 3:  # operation by operation, by chance
            return {one: random.random() for one in out}
        spread = (max(old.values()) - min(old.values())) / 4  # as before, with noise
        return {one: old[one] + random.gauss(0, spread) for one in out}

    def _stands(self, before: Board, after: Board) -> bool:
        """Whether nothing that has to stay was even touched by another changeover."""
        return all(before.start[one] == after.start[one] and before.stop[one] == after.stop[one] for one in self.still)


def reinserted(
    worth: Worth, board: Board, left: Callable[[], float], *, still: Collection[int] = (), seed: int = 0, steps: int
) -> Board:
    """The best board found until ``left`` says 0 or so many steps are done. ``still``: as in `Reinsertion`."""
    search, random = Reinsertion(worth, still), Random(seed)  # noqa: S311 – no secret
    now = search.begun(board)
    for _ in range(steps):
        if not left():
            break
        other = search.step(now, random)
        if other and other.value <= now.value:
            now = other
    return now.board
