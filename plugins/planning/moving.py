"""One operation put somewhere else by hand, and what that does to everybody else: worked out, nothing written.

It begins at the minute asked for, or as soon after it as its material, what it waits for, its mould, the machine's
calendar and what is locked allow. What begins behind it on the machine yields to the right, as in ``repaired``, and no
further than it must; what was more than half done by then comes before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .indexed import NONE, Indexed
from .measure import changeovers, impacts, late_orders
from .repair import repaired
from .sealing import Change, changes
from .sequences import Sequences
from .shapes import Assignment, Impact, Operation, Problem, Schedule
from .timeline import Board, Slot

WhyNot = Literal["unknown", "locked", "machine", "past", "room", "waited_for", "here"]


class CannotMove(ValueError):
    """``of`` names the operation that stands in the way, where one does."""

    def __init__(self, why: WhyNot, of: str = "") -> None:
        super().__init__(f"{why} {of}".strip())
        self.why, self.of = why, of


@dataclass(frozen=True)
class Moved:
    """``asked``: the minute that was asked for; ``before``: the plan in force, which may lag behind the problem."""

    problem: Problem
    operation: str
    asked: int
    before: Schedule
    plan: Schedule

    @property
    def landed(self) -> Assignment:
        return self.plan.assignments[self.operation]

    @cached_property
    def lines(self) -> tuple[Change, ...]:
        """What begins, ends or stands elsewhere than in the plan in force, what was moved first."""
        found = [one for one in changes(self.before, self.plan) if one.moves and one.after is not None]
        return tuple(sorted(found, key=lambda one: (one.operation != self.operation, _start(one), one.operation)))

    @cached_property
    def impacts(self) -> tuple[Impact, ...]:
        """The orders that are ready at another minute than before."""
        return tuple(one for one in impacts(self.problem, self.before, self.plan) if one.old_end != one.new_end)

    @property
    def late(self) -> tuple[frozenset[str], frozenset[str]]:
        """The orders that are late before and after."""
        return frozenset(late_orders(self.problem, self.before)), frozenset(late_orders(self.problem, self.plan))

    @property
    def changeovers(self) -> tuple[int, int]:
        return changeovers(self.problem, self.before), changeovers(self.problem, self.plan)

    @property
    def seal(self) -> str:
        """SHA-256, in hex, of all that would be written: what was looked at is what is agreed to."""
        lines = [[one.operation, _place(one.before), _place(one.after)] for one in self.lines]
        ends = [[one.order, one.old_end, one.new_end, one.late] for one in self.impacts]
        return hashlib.sha256(json.dumps([self.operation, lines, ends]).encode()).hexdigest()


def _start(line: Change) -> int:
    return line.after.start if line.after else 0


def _place(one: Assignment | None) -> list[str | int]:
    return [one.machine, one.start, one.end] if one else []


def moved(problem: Problem, plan: Schedule, operation: str, machine: str, start: int) -> Moved:
    """Raises CannotMove."""
    _refuse(problem, operation, machine, start)
    settled = repaired(problem, plan)
    after = repaired(problem, _forced(problem, settled, operation, machine, start))
    _refuse_waited_for(problem, settled, after)
    found = Moved(problem, operation, start, plan, after)
    if _place(found.landed) == _place(plan.assignments.get(operation)):
        raise CannotMove("here")
    return found


def _refuse(problem: Problem, operation: str, machine: str, start: int) -> None:
    one = problem.operations.get(operation)
    if one is None:
        raise CannotMove("unknown")
    if one.locked is not None:
        raise CannotMove("locked")
    if not any(mode.machine == machine for mode in one.modes):
        raise CannotMove("machine")
    if start < problem.now:
        raise CannotMove("past")


# --- the operation put there, whoever stands there -------------------------------------------------------------------


def _forced(problem: Problem, plan: Schedule, operation: str, machine: str, start: int) -> Schedule:
    """A plan whose sequences are those wanted, with times that are none too late; the repair makes it a good one."""
    indexed = Indexed.of(problem)
    sequences = Sequences.of(indexed, plan)
    one, on = indexed.number[operation], indexed.machine_number[machine]
    slot = _slot(sequences, one, on, start)
    others = [] if indexed.unlimited[on] else [each for each in sequences.rows[on] if each != one]
    board = sequences.board
    yielding = [each for each in others if board.start[each] <= slot.start < board.stop[each]]
    _set(board, one, slot)
    for each in yielding:
        _no_earlier(board, each, slot.stop)
    for each in range(len(indexed.ids)):  # those that are waited for come first
        _no_earlier(board, each, board.bounds(each)[0])
    return _as_it_stands(board)


def _slot(sequences: Sequences, one: int, machine: int, start: int) -> Slot:
    """From ``start`` on, behind what stays before it on the machine and behind whoever holds its tool by then."""
    board, indexed = sequences.board, sequences.board.indexed
    least, least_end = board.bounds(one)
    least, work = max(least, start), indexed.work_on(one, machine)
    room = _Room.of(sequences, one, machine)
    while True:
        left = room.left(indexed.calendars[machine].opens(least))
        slot = board.slot(one, machine, work, least, least_end, left=left)
        if slot is None:
            raise CannotMove("room")
        free = room.tool_free(slot.start)
        if free <= slot.start:
            return slot
        least = free


@dataclass(frozen=True)
class _Room:
    """Who else is on the machine and who else uses the tool, but for those that wait for the operation: they follow it
    wherever it goes. ``awaited``: what it waits for."""

    board: Board
    machine: int
    row: list[int]
    tool_row: list[int]
    awaited: set[int]

    @classmethod
    def of(cls, sequences: Sequences, one: int, machine: int) -> _Room:
        indexed = sequences.board.indexed
        locked, waits = indexed.locked, indexed.before
        behind = {one} | _reached(lambda each: (later for later in indexed.behind[each] if not locked[later]), one)
        row = [] if indexed.unlimited[machine] else sequences.rows[machine]
        tool_row = sequences.tool_rows[indexed.tool[one]] if indexed.tool[one] >= 0 else []
        awaited = _reached(lambda each: () if locked[each] else (before for before, _lag, _share in waits[each]), one)
        others, users = ([each for each in found if each not in behind] for found in (row, tool_row))
        return cls(sequences.board, machine, others, users, awaited)

    def left(self, minute: int) -> int:
        """The last that stays before an operation put at this minute: it is half done by then, or awaited."""
        kept = [each for each in self.row if self._stays(each, minute) or each in self.awaited]
        return max(kept, key=lambda each: self.board.end[each], default=NONE)

    def _stays(self, one: int, minute: int) -> bool:
        start = self.board.start[one]
        return start <= minute and 2 * minute >= start + self.board.stop[one]

    def tool_free(self, minute: int) -> int:
        """When the tool is free for one that would begin at this minute: whoever has begun by then keeps it, but for
        the one that yields on the machine itself."""
        start, stop, machine = self.board.start, self.board.stop, self.board.machine
        kept = [each for each in self.tool_row if machine[each] != self.machine or self._stays(each, minute)]
        return max((stop[each] for each in kept if start[each] < minute < stop[each]), default=0)


def _reached(nexts: Callable[[int], Iterable[int]], one: int) -> set[int]:
    """Everything one leads to, through however many; what is locked does not wait, so nothing leads through it."""
    found, todo = set[int](), [one]
    while todo:
        new = set(nexts(todo.pop())) - found
        found |= new
        todo += new
    return found


def _no_earlier(board: Board, one: int, minute: int) -> None:
    """Puts what begins before this minute behind it, without a look at others: never later than it must."""
    if board.start[one] >= minute or board.indexed.locked[one]:
        return
    machine, work = board.machine[one], board.work[one]
    calendar = board.indexed.calendars[machine]
    begin = calendar.work_at(minute)
    _set(board, one, Slot(machine, work, begin, begin + work, calendar.begins(begin), calendar.ends(begin + work)))


def _set(board: Board, one: int, slot: Slot) -> None:
    board.machine[one], board.work[one] = slot.machine, slot.work
    board.begin[one], board.end[one] = slot.begin, slot.end
    board.start[one], board.stop[one] = slot.start, slot.stop


def _as_it_stands(board: Board) -> Schedule:
    ids, machines = board.indexed.ids, board.indexed.machine_ids
    places = enumerate(zip(board.machine, board.start, board.stop, strict=True))
    return Schedule({ids[one]: Assignment(ids[one], machines[on], *times) for one, (on, *times) in places})


# --- what is locked does not wait ------------------------------------------------------------------------------------


def _refuse_waited_for(problem: Problem, before: Schedule, after: Schedule) -> None:
    """What is locked does not wait, so the repair lets what it waits for come too late; a person is told instead."""
    for one in problem.operations.values():
        if one.locked is None or not one.after:
            continue
        if _kept(problem, one, before) and not _kept(problem, one, after):
            raise CannotMove("waited_for", one.id)


def _kept(problem: Problem, locked: Operation, plan: Schedule) -> bool:
    """Whether what a locked operation waits for is over before it; of what overlaps with it, whether it has begun."""
    start = plan.assignments[locked.id].start
    awaited = [(wait, plan.assignments[wait.operation]) for wait in locked.after if wait.operation in plan.assignments]
    return all((one.end if wait.share >= 100 else one.start) + wait.lag <= start for wait, one in awaited)
