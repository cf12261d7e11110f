"""What a plan is worth: ends, delays, promises moved, money, changeovers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import total_ordering
from itertools import pairwise

from .calendars import Calendar
from .shapes import Assignment, Impact, Operation, Order, Problem, Schedule

DAY = 24 * 60


def ends(problem: Problem, plan: Schedule) -> dict[str, int]:
    """The minute each order is ready, by its id; orders without an operation in the plan are not named."""
    found: dict[str, int] = {}
    for one in plan.assignments.values():
        operation = problem.operations.get(one.operation)
        if operation and one.end > found.get(operation.order, -1):
            found[operation.order] = one.end
    return found


def days_late(end: int, promised: int) -> int:
    """Whole days begun after ``promised``."""
    return max(0, -(-(end - promised) // DAY))


def impacts(problem: Problem, before: Schedule, after: Schedule) -> tuple[Impact, ...]:
    """Of the orders that are late or whose end is another than before: the latest first, then the most moved. An order
    that was not in the plan before has its new end as its old one."""
    old, new = ends(problem, before), ends(problem, after)
    found = [_impact(problem.orders[order], old.get(order, end), end) for order, end in new.items()]
    told = [one for one in found if one.late or one.old_end != one.new_end]
    return tuple(sorted(told, key=lambda one: (-one.late, one.old_end - one.new_end, one.order)))


def _impact(order: Order, old_end: int, new_end: int) -> Impact:
    late = days_late(new_end, order.promised)
    return Impact(order.id, old_end, new_end, order.promised, late, late * order.penalty)


def late_orders(problem: Problem, plan: Schedule) -> tuple[str, ...]:
    """The orders that are ready after they are due."""
    return tuple(order for order, end in ends(problem, plan).items() if end > problem.orders[order].due)


def moved_promises(problem: Problem, before: Schedule, after: Schedule) -> tuple[str, ...]:
    """The orders that kept what was promised before, and do not now; one that was not there before moves nothing."""
    old = ends(problem, before)
    return tuple(
        order
        for order, end in ends(problem, after).items()
        if order in old and old[order] <= problem.orders[order].promised < end
    )


def cost(problem: Problem, plan: Schedule) -> int:
    """Hundredths: the hours of work of every machine, changeovers included, and the prices of what is done outside."""
    assigned = [(problem.operations.get(one.operation), one) for one in plan.assignments.values()]
    return sum(_cost(problem, operation, one) for operation, one in assigned if operation)


def _cost(problem: Problem, operation: Operation, one: Assignment) -> int:
    if operation.outside and operation.outside.machine == one.machine:
        return operation.outside.price
    machine = problem.machines[one.machine]
    return machine.cost * _work(machine.calendar, one) // 60 if machine.cost else 0


def _work(calendar: Calendar, one: Assignment) -> int:
    return calendar.work_at(one.end) - calendar.work_at(one.start)


def outside(problem: Problem, plan: Schedule) -> tuple[str, ...]:
    """The operations that leave the house."""
    return tuple(
        one.operation
        for one in plan.assignments.values()
        if (operation := problem.operations.get(one.operation))
        and operation.outside
        and operation.outside.machine == one.machine
    )


def changeovers(problem: Problem, plan: Schedule) -> int:
    """How often a machine is set up anew: neighbours between which a changeover takes time."""
    return sum(
        bool(problem.changeovers.get((problem.machines[machine].group, before.kind, after.kind)))
        for machine, operations in _sequences(problem, plan).items()
        for before, after in pairwise(operations)
    )


def _sequences(problem: Problem, plan: Schedule) -> dict[str, list[Operation]]:
    lines: dict[str, list[Assignment]] = defaultdict(list)
    for one in plan.assignments.values():
        if one.operation in problem.operations and not problem.machines[one.machine].unlimited:
            lines[one.machine].append(one)
    return {
        machine: [problem.operations[one.operation] for one in sorted(line, key=lambda one: (one.start, one.end))]
        for machine, line in lines.items()
    }


@dataclass(frozen=True)
class Goal:
    """What a search makes small. ``tardiness``: per minute an order is ready after due, times the order's weight;
    ``promise``: per order that kept its promise in the plan ``before`` and no longer does; ``disturbance``: per
    operation that begins at another minute or stands on another machine than ``before``; ``cost``: per hundredth;
    ``span``: per minute from now until everything is done (the makespan)."""

    tardiness: int = 1
    promise: int = 100_000
    disturbance: int = 10
    cost: int = 0
    before: Schedule | None = None
    span: int = 0


@total_ordering
@dataclass(frozen=True, slots=True)
class Score:
    """Compared by ``value``, the weighted sum; then by the sum of all ends, so that a plan that is done sooner wins."""

    value: int
    ends: int
    tardiness: int = 0
    promises: int = 0
    disturbed: int = 0
    cost: int = 0

    def __lt__(self, other: Score) -> bool:
        return (self.value, self.ends) < (other.value, other.ends)


def score(problem: Problem, plan: Schedule, goal: Goal) -> Score:
    """The lower, the better."""
    ready = ends(problem, plan)
    tardiness = sum(
        problem.orders[order].weight * max(0, end - problem.orders[order].due) for order, end in ready.items()
    )
    promises = len(moved_promises(problem, goal.before, plan)) if goal.before and goal.promise else 0
    disturbed = disturbance(problem, goal.before, plan) if goal.before and goal.disturbance else 0
    money = cost(problem, plan) if goal.cost else 0
    value = goal.tardiness * tardiness + goal.promise * promises + goal.disturbance * disturbed + goal.cost * money
    if goal.span:
        value += goal.span * (max(ready.values(), default=problem.now) - problem.now)
    return Score(value, sum(ready.values()), tardiness, promises, disturbed, money)


def disturbance(problem: Problem, before: Schedule, after: Schedule) -> int:
    """How many operations begin at another minute or stand on another machine; new ones disturb nobody."""
    return sum(
        (old.machine, old.start) != (one.machine, one.start)
        for name, one in after.assignments.items()
        if name in problem.operations and (old := before.assignments.get(name))
    )
