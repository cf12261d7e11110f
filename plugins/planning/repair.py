"""A plan after something has changed: what has to move moves right, everything else stays where it is.

Right shift along three orders at once: of waiting, of machines, of tools (right-shift rescheduling: Vieira, Herrmann &
Lin 2003, Rescheduling Manufacturing Systems, Journal of Scheduling 6:1). Every dependence leads from an earlier begin
in the old plan to a later one; so operations that may have to move are taken by their old begin, each once, and the
ripple ends where an operation still fits where it was.
"""

from __future__ import annotations

from .constructive import filled, in_turn
from .indexed import Indexed
from .reasons import schedule
from .sequences import Sequences
from .shapes import Problem, Schedule
from .timeline import Board, Slot


def inserted(problem: Problem, plan: Schedule) -> Schedule:
    """The operations that are not in the plan yet placed by their order's priority (weight, then due), each where it
    ends earliest, before what is unlocked, unstarted and of less priority; that is shifted right, on its machine and in
    its sequence. The plan is trusted to be valid but for what is missing."""
    indexed = Indexed.of(problem)
    sequences = Sequences.of(indexed, plan)
    return _wedged(sequences)


def repaired(problem: Problem, plan: Schedule) -> Schedule:
    """The plan for a problem that has changed in any way: later material, other work, closed time, what is locked,
    operations gone, machines gone, new operations (placed as ``inserted`` does).

    Sequences are kept, but that one that cannot begin for a reason of its own (material, predecessor, tool) before the
    next on its machine would have begun lets that one pass: a machine does not stand idle for it.
    Nothing moves to an earlier minute, but for the changeover of one whose neighbour is gone.
    """
    indexed = Indexed.of(problem)
    sequences = Sequences.of(indexed, plan)
    sequences.settle((one for one, machine in enumerate(sequences.board.machine) if machine >= 0), overtake=True)
    return _wedged(sequences)


def fitted(problem: Problem, plan: Schedule) -> Schedule:
    """The operations that are not in the plan yet put into gaps: nobody else's work moves, nobody ends at another
    minute. A changeover may begin at another one, where what it changes from is new.

    Raises ValueError where one has no room, because what waits for it stands too early.
    """
    indexed = Indexed.of(problem)
    board = Board.of(indexed, plan)
    return schedule(filled(board, _places(indexed)))


def _places(indexed: Indexed) -> list[float]:
    """The place of each operation by its order's priority; none behind one that waits for it."""
    ranks = [priority(indexed, one) for one in range(len(indexed.ids))]
    place = {rank: float(number) for number, rank in enumerate(sorted(set(ranks)))}
    places = [place[rank] for rank in ranks]
    for one in range(len(places) - 1, -1, -1):
        for before, _, _ in indexed.before[one]:
            places[before] = min(places[before], places[one])
    return places


def priority(indexed: Indexed, one: int) -> tuple[int, int, str]:
    """The lower, the sooner: the heavier order, then the one due first."""
    order = indexed.problem.orders[indexed.problem.operations[indexed.ids[one]].order]
    return -order.weight, order.due, order.id


def _wedged(sequences: Sequences) -> Schedule:
    board, indexed = sequences.board, sequences.board.indexed
    missing = [one for one, machine in enumerate(board.machine) if machine < 0]
    places = _places(indexed) if missing else []
    for one in in_turn(indexed, missing, places):
        found = [room for machine, work in indexed.modes[one] if (room := _room(sequences, places, one, machine, work))]
        if not found:
            raise ValueError(f"operation {indexed.ids[one]} has no room on any of its machines")
        slot, place = min(found, key=lambda room: (room[0].stop, -room[0].start))
        sequences.insert(one, slot, place)
    return schedule(sequences.lined())


def _room(sequences: Sequences, places: list[float], one: int, machine: int, work: int) -> tuple[Slot, int] | None:
    """Where on a machine, and before which place of its row."""
    least, least_end = sequences.board.bounds(one)
    while True:
        found = _beside(sequences, places, one, machine, work, least, least_end)
        if found is None:
            return None
        holder = sequences.tool_holder(one, found[0], lambda other: places[one] < places[other])
        if holder < 0:
            return found
        least = sequences.board.stop[holder]


def _beside(
    sequences: Sequences, places: list[float], one: int, machine: int, work: int, least: int, least_end: int
) -> tuple[Slot, int] | None:
    """The first place in a machine's row that is wide enough, or from which the row yields to a greater priority."""
    board, row = sequences.board, sequences.rows[machine]
    place = sequences.place_after(machine, least)
    while True:
        left = row[place - 1] if place else -1
        slot = board.slot(one, machine, work, least, least_end, left=left)
        if slot is None or place == len(row):
            return (slot, place) if slot else None
        right = row[place]
        if slot.begin <= board.begin[right]:
            grown = max(0, board.indexed.change(machine, one, right) - board.indexed.change(machine, left, right))
            if places[one] < places[right] or slot.end + grown <= board.begin[right]:
                return slot, place
        place += 1
