"""Why an operation does not begin earlier: worked out of the finished plan, so that it is true of what is shown."""

from __future__ import annotations

from collections.abc import Iterator

from .indexed import NONE, Indexed
from .shapes import Assignment, Reason, Schedule
from .timeline import Board, Line

_LOCKED = Reason("locked")
_CALENDAR = Reason("calendar")
_NOW = Reason("now")
_RELEASED = Reason("released")


def schedule(board: Board) -> Schedule:
    """Everything on the board as a plan, with the reason of each start."""
    machine_before = _before_each(board, board.lines)
    tool_before = _before_each(board, board.tools)
    return Schedule(
        {
            board.indexed.ids[one]: _assignment(board, one, machine_before[one], tool_before[one])
            for one, machine in enumerate(board.machine)
            if machine >= 0
        }
    )


def _assignment(board: Board, one: int, machine_before: int, tool_before: int) -> Assignment:
    indexed = board.indexed
    reason = _LOCKED if indexed.locked[one] else _reason(board, one, machine_before, tool_before)
    machine = indexed.machine_ids[board.machine[one]]
    return Assignment(indexed.ids[one], machine, board.start[one], board.stop[one], reason)


def _before_each(board: Board, lines: list[Line]) -> list[int]:
    before = [NONE] * len(board.machine)
    for line in lines:
        for place in range(1, len(line.operations)):
            before[line.operations[place]] = line.operations[place - 1]
    return before


def _reason(board: Board, one: int, machine_before: int, tool_before: int) -> Reason:
    """What binds it latest. Where several bind to the same minute, what somebody could change is named first."""
    calendar, ids = board.indexed.calendars[board.machine[one]], board.indexed.ids
    begin, found, clock = -1, _NOW, -1
    for minute, reason in _clock_bounds(board, one, tool_before):
        work = calendar.work_at(minute)
        if work > begin or (work == begin and minute > clock):
            begin, found, clock = work, reason, minute
    if machine_before >= 0 and board.end[machine_before] >= begin:
        begin, found = board.end[machine_before], Reason("machine", ids[machine_before])
    elif calendar.begins(begin) > clock:
        found = _CALENDAR
    last = _last(board, one)
    if last >= 0:
        awaited = calendar.work_at(board.stop[last] - 1) + 1 - (board.end[one] - board.begin[one])
        if awaited > begin:
            begin, found = awaited, Reason("predecessor", ids[last])
    if board.indexed.unbroken[one] and board.begin[one] > begin:
        return _CALENDAR
    return found


def _clock_bounds(board: Board, one: int, tool_before: int) -> Iterator[tuple[int, Reason]]:
    indexed = board.indexed
    yield indexed.floor[one], _own_reason(indexed, one)
    for before, lag, share in indexed.before[one]:
        if board.machine[before] >= 0:
            done = board.stop[before] if share >= 100 else board.done(before, share)
            yield done + lag, Reason("predecessor", indexed.ids[before])
    if tool_before >= 0:
        yield board.stop[tool_before], Reason("tool", indexed.ids[tool_before])


def _own_reason(indexed: Indexed, one: int) -> Reason:
    problem, floor = indexed.problem, indexed.floor[one]
    operation = problem.operations[indexed.ids[one]]
    if floor == problem.now:
        return _NOW
    return _RELEASED if floor == problem.orders[operation.order].released else Reason("material", operation.material)


def _last(board: Board, one: int) -> int:
    """The predecessor it overlaps with that ends last: it does not end before that."""
    overlapping = [
        before for before, _, share in board.indexed.before[one] if share < 100 and board.machine[before] >= 0
    ]
    return max(overlapping, key=lambda before: board.stop[before], default=NONE)
