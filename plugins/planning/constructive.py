"""The first plan: serial schedule generation.

Operations are taken one by one, each after those it waits for, and put where they end earliest, into gaps (serial
schedule generation scheme with insertion: Kolisch & Hartmann 1999, Heuristic Algorithms for the Resource-Constrained
Project Scheduling Problem). Who comes first is told by the ATC rule, apparent tardiness cost (Vepsalainen & Morton
1987, Priority Rules for Job Shops with Weighted Tardiness Costs, Management Science 33:8): weight per minute of work
that is left, discounted by the slack that is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from math import log

from .indexed import Indexed
from .reasons import schedule
from .shapes import Problem, Schedule
from .timeline import Board

# How many average works a slack may be long before it hardly counts (k of the rule). Measured on generated factories
# of 300 to 3,000 orders; see benchmarks/planning_factory.py.
LOOK_AHEAD = 2.0


def scheduled(problem: Problem, *, first: Sequence[str] = ()) -> Schedule:
    """A plan of the whole problem, the orders of ``first`` before all others in their sequence.

    Raises ValueError where operations wait in a circle, have no machine, or are unbroken and longer than any of their
    machines is ever open.
    """
    indexed = Indexed.of(problem)
    return schedule(filled(Board(indexed), ranks(indexed, first)))


def filled(board: Board, rank: Sequence[float]) -> Board:
    """The board with every operation that was not on it put into gaps, the lowest rank first."""
    open_ones = [one for one, machine in enumerate(board.machine) if machine < 0]
    for one in in_turn(board.indexed, open_ones, rank):
        if not board.place(one):
            raise ValueError(f"operation {board.indexed.ids[one]} has no room on any of its machines")
    return board


def in_turn(indexed: Indexed, operations: Sequence[int], rank: Sequence[float] | Mapping[int, float]) -> Iterator[int]:
    """These operations, the lowest rank first among those whose predecessors have all had their turn."""
    awaits = dict.fromkeys(operations, 0)
    for one in operations:
        awaits[one] = sum(before in awaits for before, _, _ in indexed.before[one])
    ready = [(rank[one], one) for one in operations if not awaits[one]]
    heapify(ready)
    while ready:
        _, one = heappop(ready)
        yield one
        for later in indexed.behind[one]:
            if later in awaits:
                awaits[later] -= 1
                if not awaits[later]:
                    heappush(ready, (rank[later], later))


def ranks(indexed: Indexed, first: Sequence[str] = ()) -> list[float]:
    """Of each operation by its number, the lowest to be placed first; none behind one that waits for it."""
    problem = indexed.problem
    begins, left = latest_begins(indexed)
    usual = sum(min(work for _, work in modes) for modes in indexed.modes if modes) / max(1, len(indexed.ids))
    places = {order: place for place, order in enumerate(first)}
    found = []
    for one, name in enumerate(indexed.ids):
        order = problem.orders[problem.operations[name].order]
        slack = max(0, begins[one] - problem.now) / (LOOK_AHEAD * max(1.0, usual))
        rank = slack - log(max(order.weight, 0.01) / max(1, left[one]))
        found.append(rank if order.id not in places else (places[order.id] - len(places)) * 1e12)
    for one in range(len(found) - 1, -1, -1):
        for before, _, _ in indexed.before[one]:
            found[before] = min(found[before], found[one])
    return found


def latest_begins(indexed: Indexed) -> tuple[list[int], list[int]]:
    """Of each operation: the clock minute by which it has to begin for its order to be in time, were it alone; and the
    work that is left from it to the end of its order, along the longest way."""
    problem = indexed.problem
    ends = [problem.orders[problem.operations[name].order].due for name in indexed.ids]
    begins, left = ends[:], [0] * len(ends)
    for one in range(len(ends) - 1, -1, -1):
        if indexed.modes[one] and not indexed.locked[one]:
            machine, work = min(indexed.modes[one], key=lambda mode: mode[1])
            calendar = indexed.calendars[machine]
            left[one] += work
            begins[one] = calendar.begins(max(0, calendar.work_at(ends[one]) - work))
        for before, lag, _ in indexed.before[one]:
            ends[before] = min(ends[before], begins[one] - lag)
            left[before] = max(left[before], left[one])
    return begins, left
