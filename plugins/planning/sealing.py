"""A plan's seal, what an alternative would write, and the way back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from .calendars import Calendar
from .shapes import Assignment, Machine, Operation, Order, Problem, Schedule


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan to write: ``before`` is None for an operation that is new, ``after`` for one that is gone."""

    operation: str
    before: Assignment | None
    after: Assignment | None

    @property
    def moves(self) -> bool:
        """Whether place or time differ, and not only the reason for them."""
        return _place(self.before) != _place(self.after)

    @property
    def back(self) -> Change:
        return Change(self.operation, self.after, self.before)


def seal(problem: Problem, plan: Schedule) -> str:
    """SHA-256, in hex, of all that an alternative depends on. The order of mappings and of modes does not matter, nor
    do names for people (customer, material), reasons, which follow from the plan, and ``now``: time passes while
    somebody reads; what would begin in the past by then, `late` names."""
    content = {
        "machines": [_machine(machine) for _, machine in sorted(problem.machines.items())],
        "orders": [_order(order) for _, order in sorted(problem.orders.items())],
        "operations": [_operation(operation) for _, operation in sorted(problem.operations.items())],
        "changeovers": [[*pair, minutes] for pair, minutes in sorted(problem.changeovers.items()) if minutes],
        "plan": [[operation, *_place(line)] for operation, line in sorted(plan.assignments.items())],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def changes(before: Schedule, after: Schedule) -> tuple[Change, ...]:
    """What has to be written to make one plan the other, by operation."""
    old, new = before.assignments, after.assignments
    return tuple(
        Change(operation, old.get(operation), new.get(operation))
        for operation in sorted(old.keys() | new.keys())
        if old.get(operation) != new.get(operation)
    )


def applied(plan: Schedule, changes: Iterable[Change]) -> Schedule:
    """The plan with the changes written; ValueError where a line is not as it was when they were worked out."""
    lines = dict(plan.assignments)
    for change in changes:
        if lines.pop(change.operation, None) != change.before:
            raise ValueError(f"The plan of operation {change.operation} has changed meanwhile. Work it out again.")
        if change.after:
            lines[change.operation] = change.after
    return Schedule(lines)


def undo(plan: Schedule, changes: Iterable[Change]) -> Schedule:
    """The plan as it was before the changes; ValueError where one of their lines has been changed since."""
    return applied(plan, (change.back for change in changes))


def late(changes: Iterable[Change], now: int) -> tuple[str, ...]:
    """The operations that would be put at a time that has passed by ``now``."""
    return tuple(change.operation for change in changes if change.moves and change.after and change.after.start < now)


def undoable(problem: Problem, plan: Schedule, changes: Collection[Change], now: int, started: Collection[str]) -> bool:
    """Whether the changes can be taken back: none of the operations they moved has started or been locked, the plan
    still holds all of them, and none would return to a time that has passed."""
    moved = [change for change in changes if change.moves]
    return (
        all(plan.assignments.get(change.operation) == change.after for change in changes)
        and not any(change.operation in started or _locked(problem, change.operation) for change in moved)
        and not late((change.back for change in moved), now)
    )


def _locked(problem: Problem, operation: str) -> bool:
    return operation in problem.operations and problem.operations[operation].locked is not None


def _machine(machine: Machine) -> list[Any]:
    return [
        machine.id,
        machine.group,
        _calendar(machine.calendar),
        machine.cost,
        machine.overtime,
        machine.unlimited,
    ]


def _calendar(calendar: Calendar) -> list[Any]:
    return [calendar.intervals, calendar.until, calendar.cycle, calendar.length]


def _order(order: Order) -> list[Any]:
    return [
        order.id,
        order.due,
        order.promised,
        order.weight,
        order.penalty,
        order.released,
        order.key,
        order.movable,
    ]


def _operation(operation: Operation) -> list[Any]:
    locked, outside = operation.locked, operation.outside
    return [
        operation.id,
        operation.order,
        sorted([mode.machine, mode.work] for mode in operation.modes),
        sorted([after.operation, after.lag, after.share] for after in operation.after),
        operation.tool,
        operation.kind,
        operation.earliest,
        operation.unbroken,
        locked and [locked.machine, locked.start, locked.end],
        outside and [outside.machine, outside.work, outside.price],
    ]


def _place(line: Assignment | None) -> list[Any]:
    return [line.machine, line.start, line.end] if line else []
