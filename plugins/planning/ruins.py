"""Which operations leave the board together: those that stand in each other's way.

Ruin by relation, as in Schrimpf et al., "Record breaking optimization results using the ruin and recreate principle",
2000: what is taken out has to have something to exchange, which is here room on the same machines at the same time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from random import Random

from .timeline import Board
from .worth import Ledger, Worth


def around_a_late_order(worth: Worth, board: Board, ledger: Ledger, size: int, random: Random) -> list[int]:
    """An order that hurts, first; then those that stand where its operations could begin earlier."""
    order = _hurting(worth, ledger, random)
    found = dict.fromkeys(_movable(board, worth.operations[order]))
    orders = {order}
    for one in random.sample(list(found), len(found)):
        for other in _in_the_way(worth, board, one, random):
            if len(found) >= size:
                break
            if worth.order[other] not in orders:
                orders.add(worth.order[other])
                found.update(dict.fromkeys(_with_followers(board, other)))
    return list(found)


def around_a_minute(worth: Worth, board: Board, _ledger: Ledger, size: int, random: Random) -> list[int]:
    """What some machines of one group do at about one time, with what follows it."""
    one = random.choice(worth.movable)
    machines = [machine for machine, _ in worth.indexed.modes[one]] or [board.machine[one]]
    found: dict[int, None] = dict.fromkeys(_with_followers(board, one))
    near = [
        other
        for machine in machines
        for other in _near(board, machine, worth.indexed.calendars[machine].work_at(board.start[one]), size)
    ]
    near.sort(key=lambda other: abs(board.start[other] - board.start[one]))
    for other in near:
        if len(found) >= size:
            break
        found.update(dict.fromkeys(_with_followers(board, other)))
    return list(found)


def _hurting(worth: Worth, ledger: Ledger, random: Random) -> int:
    """An order, the likelier the more it hurts; any where none does."""
    sums = list(accumulate(ledger.pain[order] for order in worth.changing))
    place = bisect_left(sums, random.randint(1, sums[-1])) if sums[-1] else random.randrange(len(sums))
    return worth.changing[place]


def _movable(board: Board, operations: Iterable[int]) -> list[int]:
    return [one for one in operations if not board.indexed.locked[one]]


def _with_followers(board: Board, operation: int) -> list[int]:
    """It and everything that waits for it, so that it can be put later as well."""
    found = {operation: None}
    for one in (open_ones := [operation]):  # grows while it is walked
        for later in board.indexed.behind[one]:
            if later not in found:
                found[later] = None
                open_ones.append(later)
    return _movable(board, found)


def _in_the_way(worth: Worth, board: Board, one: int, random: Random) -> list[int]:
    """What stands on the machines it could be done on, between when it could begin and when it does."""
    indexed = worth.indexed
    least = board.bounds(one)[0]
    found: list[int] = []
    for machine, _ in indexed.modes[one]:
        line, calendar = board.lines[machine], indexed.calendars[machine]
        first = bisect_left(line.ends, calendar.work_at(least) + 1)
        last = bisect_left(line.begins, calendar.work_at(board.stop[one]))
        found += line.operations[first:last]
    if indexed.tool[one] >= 0:
        line = board.tools[indexed.tool[one]]
        found += line.operations[bisect_left(line.ends, least + 1) : bisect_left(line.begins, board.stop[one])]
    random.shuffle(found)
    if random.random() < 0.5:  # light orders make room for heavy ones
        found.sort(key=lambda other: worth.orders[worth.order[other]].weight)
    return found


def _near(board: Board, machine: int, work: int, many: int) -> list[int]:
    line = board.lines[machine]
    place = bisect_left(line.begins, work)
    return line.operations[max(0, place - many // 2) : place + many // 2]
