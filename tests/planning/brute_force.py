"""The best plan of a tiny problem without locked work, by trying every sequence on every choice of machines.

Every measure looked at here only gets worse when an operation ends later; so a best plan is among those in which each
operation, taken in the sequence of starts, begins as early as those before it allow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from plugins.planning.calendars import Calendar
from plugins.planning.shapes import Assignment, Operation, Problem, Schedule

HORIZON = 20_000
Worth = tuple[int, int]
Placed = dict[str, Assignment]


def is_open(calendar: Calendar, minute: int) -> bool:
    """By the definition of a calendar, minute by minute."""
    if minute < calendar.until:
        return any(start <= minute < end for start, end in calendar.intervals)
    round_minute = (minute - calendar.until) % calendar.length
    return any(start <= round_minute < end for start, end in calendar.cycle)


def open_minutes(calendar: Calendar, horizon: int = HORIZON) -> list[int]:
    return [minute for minute in range(horizon) if is_open(calendar, minute)]


def worth(problem: Problem, plan: Mapping[str, Assignment]) -> Worth:
    """(weighted minutes late, sum of the orders' ends), of the operations that are in the plan."""
    ends: dict[str, int] = {}
    for one in plan.values():
        order = problem.operations[one.operation].order
        ends[order] = max(ends.get(order, 0), one.end)
    late = sum(problem.orders[order].weight * max(0, end - problem.orders[order].due) for order, end in ends.items())
    return late, sum(ends.values())


def best_plan(problem: Problem) -> Schedule:
    """A plan whose ``worth`` no other plan undercuts."""
    minutes = {name: open_minutes(machine.calendar) for name, machine in problem.machines.items()}
    best: Placed = {}

    def search(placed: Placed) -> None:
        nonlocal best
        if best and worth(problem, placed) >= worth(problem, best):
            return
        if len(placed) == len(problem.operations):
            best = dict(placed)
            return
        for operation in _ready(problem, placed):
            for mode in operation.modes:
                search({**placed, operation.id: _next(problem, minutes[mode.machine], placed, operation, mode.machine)})

    search({})
    return Schedule(best)


def _ready(problem: Problem, placed: Placed) -> Iterator[Operation]:
    for operation in problem.operations.values():
        if operation.id not in placed and all(one.operation in placed for one in operation.after):
            yield operation


def _next(problem: Problem, minutes: list[int], placed: Placed, operation: Operation, machine: str) -> Assignment:
    """Behind everything that is placed on the machine and with the tool."""
    line = [] if problem.machines[machine].unlimited else [one for one in placed.values() if one.machine == machine]
    last = max(line, key=lambda one: one.end, default=None)
    work = next(mode.work for mode in operation.modes if mode.machine == machine)
    if last:
        kinds = problem.operations[last.operation].kind, operation.kind
        work += problem.changeovers.get((problem.machines[machine].group, *kinds), 0)
    least, least_end = _bounds(problem, placed, operation)
    place = bisect_left(minutes, max(least, last.end if last else 0))
    while True:
        start, end = minutes[place], minutes[place + work - 1] + 1
        if end >= least_end and not (operation.unbroken and end - start > work):
            return Assignment(operation.id, machine, start, end)
        place += 1


def _bounds(problem: Problem, placed: Placed, operation: Operation) -> tuple[int, int]:
    least = max(problem.now, problem.orders[operation.order].released, operation.earliest)
    users = [
        one for one in placed.values() if operation.tool and problem.operations[one.operation].tool == operation.tool
    ]
    least, least_end = max([least, *(one.end for one in users)]), 0
    for after in operation.after:
        before = placed[after.operation]
        least = max(least, _done(problem, before, after.share) + after.lag)
        least_end = max(least_end, before.end if after.share < 100 else 0)
    return least, least_end


def _done(problem: Problem, before: Assignment, share: int) -> int:
    work = next(mode.work for mode in problem.operations[before.operation].modes if mode.machine == before.machine)
    calendar = problem.machines[before.machine].calendar
    worked = [minute for minute in range(before.start, before.end) if is_open(calendar, minute)][-work:]
    need = -(-work * share // 100)
    return worked[need - 1] + 1 if need else worked[0]
