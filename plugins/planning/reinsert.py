"""Improvement by re-insertion: operations that are in each other's way are taken off the board and put back in another
order. It knows no calendar, changeover or tool itself: the board keeps every rule, so that every step is a valid plan.

Ruin and recreate: Schrimpf et al. 2000; what is put back first is told by one of several rules with noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .constructive import in_turn, ranks
from .ruins import around_a_late_order, around_a_minute
from .timeline import Board
from .worth import Ledger, Worth

SIZES = (6, 12, 24, 48)  # how many operations leave the board at once


@dataclass(frozen=True)
class Found:
    """A board with its ledger and value."""

    board: Board
    ledger: Ledger
    value: tuple[int, int]


class Reinsertion:
    """Steps from one board to the next. Boards are copied, not changed: a step that is not wanted is forgotten."""

    def __init__(self, worth: Worth) -> None:
        self.worth, self.indexed, self.still = worth, worth.indexed, frozenset(worth.still)
        self.rank = ranks(self.indexed)
        self.ruins = (around_a_late_order, around_a_late_order, around_a_minute)

    def begun(self, board: Board) -> Found:
        ledger = self.worth.ledger(board)
        return Found(board, ledger, self.worth.value(ledger, board))

    def step(self, found: Found, random: Random) -> Found | None:
        """Another board, better or worse, or None where what was taken out found no room."""
        board, ledger = found.board.copy(), found.ledger.copy()
        ruin, size = random.choice(self.ruins), random.choice(SIZES)
        chosen = ruin(self.worth, board, ledger, size, random)
        out = [gone for one in chosen if one not in self.still for gone in board.remove(one)]
        if not out or not self._put_back(board, out, found.board.start, random):
            return None
        if self.still and not self._stands(found.board, board):
            return None
        self.worth.update(ledger, board, {self.worth.order[one] for one in out})
        return Found(board, ledger, self.worth.value(ledger, board))

    def _put_back(self, board: Board, out: list[int], starts: list[int], random: Random) -> bool:
        old = {one: float(starts[one]) for one in out}
        rank = self._ranks(out, old, random)
        adrift = random.random() < 0.3
        for one in in_turn(self.indexed, out, rank):
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
        """Whether all that has to stay is where it was; not even its changeover may be another."""
        places = ((board.machine, board.start, board.stop) for board in (before, after))
        return all(old[one] == new[one] for old, new in zip(*places, strict=True) for one in self.still)


def reinserted(worth: Worth, board: Board, left: Callable[[], float], *, seed: int = 0, steps: int) -> Board:
    """The best board found until ``left`` says 0 or so many steps are done."""
    search, random = Reinsertion(worth), Random(seed)  # noqa: S311 – no secret
    now = search.begun(board)
    for _ in range(steps if worth.movable else 0):
        if not left():
            break
        other = search.step(now, random)
        # One that is as good is taken too: it opens other ways on.
        if other and other.value <= now.value:
            now = other
    return now.board
