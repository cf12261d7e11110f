"""Backward infinite loading: where work that nobody scheduled would lie, if it were done just in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter

from .shapes import Assignment, Mode, Operation, Problem, Reason, Schedule


def backward(problem: Problem, plan: Schedule) -> Iterator[Assignment]:
    """The operations that the plan does not have, the last first. Capacity is not looked at, so that they overlap. An
    operation of which the plan has a successor ends by when this begins."""
    later = _later(problem)
    begins = {one.operation: one.start for one in plan.assignments.values()}
    for id in reversed(_in_order(problem.operations)):
        operation = problem.operations[id]
        if id not in begins:
            found = _laid(problem, operation, _latest(problem, operation, later.get(id, []), begins))
            begins[id] = found.start
            yield found


def _later(problem: Problem) -> Mapping[str, list[tuple[str, int]]]:
    """By operation, those that wait for it, and how long after it."""
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for operation in problem.operations.values():
        for after in operation.after:
            found[after.operation].append((operation.id, after.lag))
    return found


def _in_order(operations: Mapping[str, Operation]) -> list[str]:
    graph = {id: [after.operation for after in one.after] for id, one in operations.items()}
    return list(TopologicalSorter(graph).static_order())


def _latest(problem: Problem, operation: Operation, later: list[tuple[str, int]], begins: Mapping[str, int]) -> int:
    due = problem.orders[operation.order].due
    return min((due, *(begins[id] - lag for id, lag in later)))


def _laid(problem: Problem, operation: Operation, latest: int) -> Assignment:
    if operation.locked:
        locked = operation.locked
        return Assignment(operation.id, locked.machine, locked.start, locked.end, Reason("locked"))
    mode = min(operation.modes, key=_work)
    calendar = problem.machines[mode.machine].calendar
    begin = max(calendar.work_at(latest) - mode.work, calendar.work_at(problem.now))
    return Assignment(operation.id, mode.machine, calendar.begins(begin), calendar.ends(begin + mode.work))


def _work(mode: Mode) -> tuple[int, str]:
    return mode.work, mode.machine
