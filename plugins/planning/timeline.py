"""The board a plan is put together on: what stands where on each machine and tool, and where there is room.

How to use it from a search that takes operations out and puts them back::

    indexed = Indexed.of(problem)                # once per problem
    board = Board.of(indexed, plan)              # O(n log n)
    out = board.remove(indexed.number["A-10"])   # the operation, rarely its follower on the machine too
    out += board.remove(...)
    for operation in sorted(out):                # numbers are sorted by waiting: predecessors first
        if not board.place(operation):           # the earliest end among its machines, into gaps
            ...                                  # those that wait for it leave no room: remove them too
    plan = schedule(board)                       # of reasons.py

``place`` moves nobody's work: it looks for room between what stands there, before those that wait for the operation.
Only the changeover of the one behind it on the machine may become another and begin at another minute.
``place(operation, on=((machine, work),))`` narrows the machines, or sends it outside
(``on=(indexed.outside[operation],)``). ``copy`` is cheap beside ``of``. Everything on the board is valid after every
call; an operation that is not on it constrains nobody.

Inside, a machine's line is kept in minutes of its own *work*, where closed time does not exist: an operation that spans
a night is one unbroken stretch, and every gap is as long as the work that fits into it. Tools are kept in clock time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from .indexed import NONE, Indexed
from .shapes import Schedule

FAR = 1 << 62


@dataclass(slots=True)
class Line:
    """What stands on one machine (in minutes of work) or occupies one tool (in clock minutes), sorted and apart."""

    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    operations: list[int] = field(default_factory=list)

    def add(self, operation: int, begin: int, end: int) -> int:
        """Its place in the lists; behind what has the same begin, which takes no time (locked within closed time)."""
        place = bisect_right(self.begins, begin)
        self.begins.insert(place, begin)
        self.ends.insert(place, end)
        self.operations.insert(place, operation)
        return place

    def place_of(self, operation: int, begin: int) -> int:
        place = bisect_left(self.begins, begin)
        while self.operations[place] != operation:
            place += 1
        return place

    def take(self, place: int) -> None:
        del self.begins[place], self.ends[place], self.operations[place]

    def cover(self) -> None:
        """Locked operations may overlap each other: an end is never before an earlier one's, or a gap would be seen
        within a long one that a short one interrupts."""
        for place in range(1, len(self.ends)):
            self.ends[place] = max(self.ends[place], self.ends[place - 1])

    def free_from(self, start: int, end: int, least: int) -> int:
        """``start`` if [start, end) is free; else the first minute behind it from which ``least`` minutes are."""
        place = bisect_right(self.ends, start)
        if place == len(self.begins) or self.begins[place] >= end:
            return start
        last = len(self.begins) - 1
        while place < last and self.begins[place + 1] - self.ends[place] < least:
            place += 1
        return self.ends[place]

    def copy(self) -> Line:
        return Line(self.begins[:], self.ends[:], self.operations[:])


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for one operation: [begin, end) in the machine's minutes of work, [start, stop) in clock minutes."""

    machine: int
    work: int
    begin: int
    end: int
    start: int
    stop: int


class Board:
    """Lists by operation number: ``machine`` (``NONE``: not on the board), ``begin`` and ``end`` in minutes of the
    machine's work, ``start`` and ``stop`` in clock minutes, ``work`` without changeover."""

    __slots__ = ("begin", "end", "indexed", "lines", "machine", "start", "stop", "tools", "work")

    def __init__(self, indexed: Indexed) -> None:
        """An empty board, but for what is locked."""
        many = len(indexed.ids)
        self.indexed = indexed
        self.machine = [NONE] * many
        self.begin, self.end = [0] * many, [0] * many
        self.start, self.stop = [0] * many, [0] * many
        self.work = [0] * many
        self.lines = [Line() for _ in indexed.machine_ids]
        self.tools = [Line() for _ in range(indexed.tools)]
        fixed = [(one.start, one.end, operation, one) for operation, one in enumerate(indexed.locked) if one]
        for start, end, operation, locked in sorted(fixed, key=lambda each: each[:3]):
            self._lock(operation, indexed.machine_number[locked.machine], start, end)
        for line in (*self.lines, *self.tools):
            line.cover()

    @classmethod
    def of(cls, indexed: Indexed, plan: Schedule) -> Board:
        """What of a plan concerns the problem; locked operations stand where the problem locks them."""
        board = cls(indexed)
        for operation, name in enumerate(indexed.ids):
            one = plan.assignments.get(name)
            machine = indexed.machine_number.get(one.machine, NONE) if one else NONE
            work = indexed.work_on(operation, machine) if machine >= 0 else 0
            if one and work and not indexed.locked[operation]:
                board.put(operation, board.slot_at(machine, work, one.start, one.end), neighbour=False)
        return board

    def copy(self) -> Board:
        """Another board with the same operations on it."""
        other = Board.__new__(Board)
        other.indexed = self.indexed
        for name in ("begin", "end", "machine", "start", "stop", "work"):
            setattr(other, name, getattr(self, name)[:])
        other.lines = [line.copy() for line in self.lines]
        other.tools = [line.copy() for line in self.tools]
        return other

    def slot_at(self, machine: int, work: int, start: int, stop: int) -> Slot:
        """Clock minutes on a machine, as a slot."""
        calendar = self.indexed.calendars[machine]
        return Slot(machine, work, calendar.work_at(start), calendar.work_at(stop), start, stop)

    def place(self, operation: int, *, on: Sequence[tuple[int, int]] = ()) -> bool:
        """Puts an operation where it ends earliest, into gaps; False, and nothing done, where there is no room.

        ``on``: the machines and works to choose from, instead of its modes.
        """
        slot = self.best(operation, on or self.indexed.modes[operation])
        if slot:
            self.put(operation, slot)
        return slot is not None

    def best(self, operation: int, modes: Sequence[tuple[int, int]]) -> Slot | None:
        """The slot with the earliest end, then the shortest; the first mode among equals."""
        least, least_end = self.bounds(operation)
        best: Slot | None = None
        for machine, work in modes:
            if best and least + work > best.stop:
                continue
            slot = self.slot(operation, machine, work, least, least_end)
            if (
                slot
                and (not best or (slot.stop, -slot.start) < (best.stop, -best.start))
                and self._awaited(operation, slot)
            ):
                best = slot
        return best

    def bounds(self, operation: int) -> tuple[int, int]:
        """The clock minutes before which an operation neither begins nor ends, by itself and its predecessors."""
        indexed = self.indexed
        least, least_end = indexed.floor[operation], 0
        for one, lag, share in indexed.before[operation]:
            if self.machine[one] < 0:
                continue
            if share >= 100:
                least = max(least, self.stop[one] + lag)
            else:
                least = max(least, self.done(one, share) + lag)
                least_end = max(least_end, self.stop[one])
        return least, least_end

    def done(self, operation: int, share: int) -> int:
        """The clock minute at which a share of an operation's work, rounded up to minutes, is done."""
        return self._done(
            self.machine[operation], self.work[operation], self.end[operation], self.stop[operation], share
        )

    def _done(self, machine: int, work: int, end: int, stop: int, share: int) -> int:
        need = -(-share * work // 100)
        if not work or need == work:
            return stop
        calendar = self.indexed.calendars[machine]
        begin = max(0, end - work)  # work that has grown may be longer than all that is before the old end
        return calendar.ends(begin + need) if need else calendar.begins(begin)

    def slot(
        self,
        operation: int,
        machine: int,
        work: int,
        least: int,
        least_end: int = 0,
        *,
        left: int = NONE,
    ) -> Slot | None:
        """The earliest room on a machine that begins and ends not before these clock minutes; None where an unbroken
        operation is longer than the machine is ever open. ``left``: one to come behind that has its place on this
        machine without standing in its line."""
        indexed = self.indexed
        calendar, tool = indexed.calendars[machine], indexed.tool[operation]
        begin = calendar.work_at(least)
        if left >= 0:
            begin = max(begin, self.end[left])
        last = calendar.work_at(least_end - 1) + 1 if least_end else 0
        while True:
            if indexed.unlimited[machine]:
                room = self.unbroken(operation, machine, max(begin, last - work), work)
            else:
                room = self._gap(operation, machine, work, begin, last, left)
            if room is None:
                return None
            begin, long = room
            start, stop = calendar.begins(begin), calendar.ends(begin + long)
            free = self.tools[tool].free_from(start, stop, long) if tool >= 0 else start
            if free == start:
                return Slot(machine, work, begin, begin + long, start, stop)
            begin = calendar.work_at(free)

    def _gap(self, operation: int, machine: int, work: int, least: int, last: int, left: int) -> tuple[int, int] | None:
        line, change = self.lines[machine], self.indexed.change
        begins, ends, operations = line.begins, line.ends, line.operations
        place, many = bisect_right(ends, least), len(begins)
        while True:
            if place == many or begins[place] - least >= work:
                before = operations[place - 1] if place else NONE
                if left >= 0 and (before < 0 or ends[place - 1] < self.end[left]):
                    before = left
                long = work + change(machine, before, operation)
                room = self.unbroken(operation, machine, max(least, last - long), long)
                if room is None or place == many:
                    return room
                if room[0] + long <= self._limit(machine, operation, operations[place]):
                    return room
            least = max(least, ends[place])
            place += 1

    def unbroken(self, operation: int, machine: int, begin: int, long: int) -> tuple[int, int] | None:
        """(begin, long), later where an unbroken operation would span closed time; None where it always would."""
        if not self.indexed.unbroken[operation]:
            return begin, long
        calendar = self.indexed.calendars[machine]
        start = calendar.begins(begin)
        # What does not fit into one whole round of the cycle never will.
        far = max(start, calendar.until) + 2 * calendar.length
        while calendar.ends(begin + long) - start > long:
            if start > far:
                return None
            begin = calendar.work_at(calendar.closes(start))
            start = calendar.begins(begin)
        return begin, long

    def _limit(self, machine: int, operation: int, following: int) -> int:
        """Up to where (in work) an operation may reach before one that stands: it needs its changeover, before its
        own work, which stays where it is."""
        begin = self.begin[following]
        change = self.indexed.change(machine, operation, following)
        if self.indexed.locked[following]:
            return begin - self.lacking(following, change)
        moved = self.end[following] - self.work[following] - change
        if moved == begin:
            return begin
        if moved < begin and (moved < 0 or not self._may_begin(operation, following, moved)):
            return -1
        return moved

    def lacking(self, locked: int, change: int) -> int:
        """The minutes of a changeover before a locked operation that its own do not hold."""
        spare = self.end[locked] - self.begin[locked] - self.work[locked]
        return max(0, change - spare) if self.indexed.modes[locked] else 0

    def _may_begin(self, operation: int, following: int, begin: int) -> bool:
        """Whether one that stands may begin its (longer) changeover earlier."""
        machine, indexed = self.machine[following], self.indexed
        start, tool = indexed.calendars[machine].begins(begin), indexed.tool[following]
        if start < self.bounds(following)[0] or following in indexed.behind[operation]:
            return False
        if indexed.unbroken[following] and self.stop[following] - start > self.end[following] - begin:
            return False
        return tool < 0 or self.tools[tool].free_from(start, self.start[following], 1) == start

    def _awaited(self, operation: int, slot: Slot) -> bool:
        """Whether those on the board that wait for an operation still can."""
        indexed = self.indexed
        for one in indexed.behind[operation]:
            if self.machine[one] < 0 or indexed.locked[one]:
                continue
            for before, lag, share in indexed.before[one]:
                if before != operation:
                    continue
                done = self._done(slot.machine, slot.work, slot.end, slot.stop, share) if share < 100 else slot.stop
                if done + lag > self.start[one] or (share < 100 and slot.stop > self.stop[one]):
                    return False
        return True

    def put(self, operation: int, slot: Slot, *, neighbour: bool = True) -> None:
        """Puts an operation where it was found to fit. ``neighbour``: the changeover of the one behind it follows."""
        machine = slot.machine
        self.machine[operation], self.work[operation] = machine, slot.work
        self.begin[operation], self.end[operation] = slot.begin, slot.end
        self.start[operation], self.stop[operation] = slot.start, slot.stop
        tool = self.indexed.tool[operation]
        if tool >= 0:
            self.tools[tool].add(operation, slot.start, slot.stop)
        if self.indexed.unlimited[machine]:
            return
        place = self.lines[machine].add(operation, slot.begin, slot.end)
        if neighbour:
            self._change_at(machine, place + 1)

    def remove(self, operation: int) -> list[int]:
        """Takes an operation off the board; with it those behind it on the machine whose changeover would grow and
        find no room. A locked one stays: nothing is taken."""
        machine, tool = self.machine[operation], self.indexed.tool[operation]
        if machine < 0 or self.indexed.locked[operation]:
            return []
        if tool >= 0:
            self.tools[tool].take(self.tools[tool].place_of(operation, self.start[operation]))
        self.machine[operation] = NONE
        if self.indexed.unlimited[machine]:
            return [operation]
        line = self.lines[machine]
        place = line.place_of(operation, self.begin[operation])
        line.take(place)
        if place == len(line.operations) or self._change_at(machine, place):
            return [operation]
        return [operation, *self.remove(line.operations[place])]

    def _change_at(self, machine: int, place: int) -> bool:
        """Lets an operation begin with the changeover it now needs, its work staying where it is; False if that is
        longer and there is no room."""
        line = self.lines[machine]
        if place == len(line.operations) or self.indexed.locked[line.operations[place]]:
            return True
        one = line.operations[place]
        before = line.operations[place - 1] if place else NONE
        begin = self.end[one] - self.work[one] - self.indexed.change(machine, before, one)
        if begin < self.begin[one]:
            free = line.ends[place - 1] if place else 0
            if begin < free or not self._may_begin(one, one, begin):
                return False
        if begin != self.begin[one]:
            self._begin_at(one, place, begin)
        return True

    def _begin_at(self, operation: int, place: int, begin: int) -> None:
        machine, tool = self.machine[operation], self.indexed.tool[operation]
        start = self.indexed.calendars[machine].begins(begin)
        if tool >= 0:
            line = self.tools[tool]
            line.begins[line.place_of(operation, self.start[operation])] = start
        self.lines[machine].begins[place] = begin
        self.begin[operation], self.start[operation] = begin, start

    def _lock(self, operation: int, machine: int, start: int, stop: int) -> None:
        calendar = self.indexed.calendars[machine]
        begin, end = calendar.work_at(start), calendar.work_at(stop)
        needed = self.indexed.work_on(operation, machine)
        work = min(end - begin, needed) if needed else end - begin
        self.put(operation, Slot(machine, work, begin, end, start, stop), neighbour=False)
