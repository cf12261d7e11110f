"""The sequences a plan consists of, for shifting it right: who follows whom on each machine and with each tool."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heappush

from .indexed import NONE, Indexed
from .shapes import Assignment, Schedule
from .timeline import Board, Line, Slot

PASSES = 20  # so often one operation lets others pass: two that wait for each other's tools could do so for ever


class Sequences:
    """``board``: only what is locked stands in its lines, as obstacles that are stepped over; the others have their
    times there, and stand in ``rows`` by machine and ``tool_rows`` by tool, sorted by their begin.

    ``rank``: the begin by which an operation was put where it stands. Whoever waits for another, or stands behind it,
    has the greater rank (of equal ones the greater number): so nobody waits for itself, however they overtake.
    """

    __slots__ = ("before", "board", "freed", "next", "passed", "rank", "rows", "tool_before", "tool_next", "tool_rows")

    def __init__(self, board: Board, freed: dict[int, int]) -> None:
        many = len(board.machine)
        self.board = board
        self.freed = freed
        self.rows: list[list[int]] = [[] for _ in board.lines]
        self.tool_rows: list[list[int]] = [[] for _ in board.tools]
        self.before, self.next = [NONE] * many, [NONE] * many
        self.tool_before, self.tool_next = [NONE] * many, [NONE] * many
        self.rank, self.passed = list(board.start), [0] * many

    @classmethod
    def of(cls, indexed: Indexed, plan: Schedule) -> Sequences:
        """What of a plan still can stand. An operation whose machine cannot do it any more, or that waits for one that
        has yet to be placed or begins after it, is left out: it has to be placed anew."""
        board = Board(indexed)
        for one, name in enumerate(indexed.ids):
            kept = plan.assignments.get(name)
            if kept and not indexed.locked[one]:
                _stand(board, one, kept)
        sequences = cls(board, _freed(board, plan))
        sequences._line_up()
        return sequences

    def _line_up(self) -> None:
        board, indexed = self.board, self.board.indexed
        movable = [one for one, machine in enumerate(board.machine) if machine >= 0 and not indexed.locked[one]]
        for one in sorted(movable, key=lambda one: (board.start[one], one)):
            if not indexed.unlimited[board.machine[one]]:
                self.rows[board.machine[one]].append(one)
            if indexed.tool[one] >= 0:
                self.tool_rows[indexed.tool[one]].append(one)
        for row in self.rows:
            _chain(row, self.before, self.next)
        for row in self.tool_rows:
            _chain(row, self.tool_before, self.tool_next)

    def settle(self, touched: Iterable[int], *, overtake: bool = False) -> None:
        """Moves these operations, and those that depend on what moved, as far right as they must.

        ``overtake``: one that cannot begin for a reason of its own before others on its machine or with its tool have
        theirs lets them pass; else the sequences are kept.
        """
        board, indexed = self.board, self.board.indexed
        waiting = {one for one in touched if one >= 0 and not indexed.locked[one]}
        queue = [(board.start[one], one) for one in waiting]
        heapify(queue)
        while queue:
            _, one = heappop(queue)
            passing = self._passing(one, waiting) if overtake else []
            if passing:
                heappush(queue, (board.start[one], one))
            else:
                waiting.discard(one)
            for later in passing or self._moved(one):
                if later >= 0 and later not in waiting and board.machine[later] >= 0 and not indexed.locked[later]:
                    waiting.add(later)
                    heappush(queue, (board.start[later], later))

    def _passing(self, one: int, waiting: set[int]) -> list[int]:
        """Those that now follow somebody else, because this one has let others pass; none where nobody could."""
        board = self.board
        minute = self._least(one, waiting)
        nexts = (self.next[one], self.tool_next[one])
        if self.passed[one] >= PASSES or not any(later >= 0 and board.start[later] < minute for later in nexts):
            return []
        self.passed[one] += 1
        board.start[one] = minute
        return [each for late in self._late(one, minute) for each in self._step_back(late, minute)]

    def _least(self, one: int, waiting: set[int]) -> int:
        """The minute from which it could begin if it stood first on its machine."""
        board = self.board
        minute = board.bounds(one)[0]
        for before, _, _ in board.indexed.before[one]:
            if before in waiting:
                minute = max(minute, board.start[before])
        if self.tool_before[one] >= 0:
            minute = max(minute, board.stop[self.tool_before[one]])
        return minute

    def _late(self, one: int, minute: int) -> list[int]:
        """It and all that wait for it and would stand before it then: they cannot begin sooner either."""
        indexed, found, open_ = self.board.indexed, {one: None}, [one]
        while open_:
            for later in indexed.behind[open_.pop()]:
                if self.board.machine[later] >= 0 and self.rank[later] < minute and not indexed.locked[later]:
                    if later not in found:
                        open_.append(later)
                    found[later] = None
        return list(found)

    def _step_back(self, one: int, minute: int) -> list[int]:
        """Puts it behind all of its rows that rank before the minute; answers who follows somebody else now."""
        board = self.board
        nexts = [self.next[one], self.tool_next[one]]
        self.rank[one] = minute
        if self.next[one] >= 0:
            self.freed[self.next[one]] = board.stop[self.next[one]]
        tool = board.indexed.tool[one]
        if not board.indexed.unlimited[board.machine[one]]:
            self._relink(one, self.rows[board.machine[one]], self.before, self.next)
        if tool >= 0:
            self._relink(one, self.tool_rows[tool], self.tool_before, self.tool_next)
        return [*nexts, self.next[one], self.tool_next[one], *board.indexed.behind[one]]

    def _relink(self, one: int, row: list[int], before: list[int], following: list[int]) -> None:
        """Puts an operation behind those of its row that rank before it now."""
        rank = self.rank
        first = place = row.index(one)
        while place + 1 < len(row) and (rank[row[place + 1]], row[place + 1]) < (rank[one], one):
            row[place] = row[place + 1]
            place += 1
        row[place] = one
        before[row[0]], following[row[-1]] = NONE, NONE
        _chain(row[max(0, first - 1) : place + 2], before, following)

    def _moved(self, one: int) -> Sequence[int]:
        """Those that follow it in any order, if it had to move."""
        board = self.board
        least, least_end = board.bounds(one)
        if self.tool_before[one] >= 0:
            least = max(least, board.stop[self.tool_before[one]])
        machine, work = board.machine[one], board.work[one]
        least = max(least, self._kept(one))
        slot = board.slot(one, machine, work, least, least_end, left=self.before[one])
        if slot is None:
            name, on = board.indexed.ids[one], board.indexed.machine_ids[machine]
            raise ValueError(f"operation {name} has no room: {on} is never open long enough")
        if slot == Slot(machine, work, board.begin[one], board.end[one], board.start[one], board.stop[one]):
            return ()
        _set(board, one, slot)
        return self.next[one], self.tool_next[one], *board.indexed.behind[one]

    def _kept(self, one: int) -> int:
        """The minute it began: earlier where the one before it on the machine is gone and its changeover grows, so
        that its work can stay where it is."""
        board = self.board
        if one not in self.freed:
            return board.start[one]
        calendar = board.indexed.calendars[board.machine[one]]
        long = board.work[one] + board.indexed.change(board.machine[one], self.before[one], one)
        begin = calendar.work_at(self.freed[one]) - long
        return min(board.start[one], calendar.begins(max(0, begin)))

    def insert(self, one: int, slot: Slot, place: int) -> None:
        """Puts an operation into its machine's row before ``place``, and shifts what it is in the way of."""
        _set(self.board, one, slot)
        row = self.rows[slot.machine]
        if not self.board.indexed.unlimited[slot.machine]:
            row.insert(place, one)
            _link(row, place, self.before, self.next)
        tool = self.board.indexed.tool[one]
        if tool >= 0:
            row = self.tool_rows[tool]
            place = bisect_left(row, slot.start, key=self.board.start.__getitem__)
            row.insert(place, one)
            _link(row, place, self.tool_before, self.tool_next)
        self.settle((self.next[one], self.tool_next[one]))

    def place_after(self, machine: int, minute: int) -> int:
        """The place in a machine's row behind all that have ended by then."""
        work = self.board.indexed.calendars[machine].work_at(minute)
        return bisect_right(self.rows[machine], work, key=self.board.end.__getitem__)

    def tool_holder(self, one: int, slot: Slot, yields: Callable[[int], bool]) -> int:
        """Who holds the tool within a slot and does not yield, because it has begun by then or for its priority."""
        board, tool = self.board, self.board.indexed.tool[one]
        if tool < 0:
            return NONE
        row = self.tool_rows[tool]
        place = bisect_right(row, slot.start, key=board.stop.__getitem__)
        while place < len(row) and board.start[row[place]] < slot.stop:
            if board.start[row[place]] < slot.start or not yields(row[place]):
                return row[place]
            place += 1
        return NONE

    def lined(self) -> Board:
        """The board with everything in its lines."""
        board = self.board
        for lines, rows in ((board.lines, self.rows), (board.tools, self.tool_rows)):
            for place, row in enumerate(rows):
                lines[place] = _line(board, [*lines[place].operations, *row], clock=lines is board.tools)
        return board


def _stand(board: Board, one: int, kept: Assignment) -> None:
    """Gives an operation the times of the old plan, unless it has to be placed anew."""
    indexed = board.indexed
    machine = indexed.machine_number.get(kept.machine, NONE)
    work = indexed.work_on(one, machine) if machine >= 0 else 0
    for before, _, _ in indexed.before[one]:
        if not indexed.locked[before] and (board.machine[before] < 0 or board.start[before] > kept.start):
            return
    if work:
        _set(board, one, board.slot_at(machine, work, kept.start, kept.end))


def _set(board: Board, one: int, slot: Slot) -> None:
    board.machine[one], board.work[one] = slot.machine, slot.work
    board.begin[one], board.end[one] = slot.begin, slot.end
    board.start[one], board.stop[one] = slot.start, slot.stop


def _freed(board: Board, plan: Schedule) -> dict[int, int]:
    """The operations whose neighbour before them on the machine is not there any more, and when they ended."""
    lines: dict[str, list[Assignment]] = {}
    for kept in plan.assignments.values():
        lines.setdefault(kept.machine, []).append(kept)
    number = board.indexed.number
    found: dict[int, int] = {}
    for line in lines.values():
        line.sort(key=lambda kept: (kept.start, kept.end))
        stands = [board.machine[number[kept.operation]] >= 0 if kept.operation in number else False for kept in line]
        for place in range(1, len(line)):
            if stands[place] and not stands[place - 1]:
                found[number[line[place].operation]] = line[place].end
    return found


def _chain(row: list[int], before: list[int], following: list[int]) -> None:
    for place in range(1, len(row)):
        before[row[place]], following[row[place - 1]] = row[place - 1], row[place]


def _link(row: list[int], place: int, before: list[int], following: list[int]) -> None:
    _chain(row[max(0, place - 1) : place + 2], before, following)


def _line(board: Board, operations: list[int], *, clock: bool) -> Line:
    operations.sort(key=lambda one: (board.start[one], board.stop[one]))
    begins, ends = (board.start, board.stop) if clock else (board.begin, board.end)
    line = Line([begins[one] for one in operations], [ends[one] for one in operations], operations)
    line.cover()
    return line
