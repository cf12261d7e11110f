"""Whether a plan keeps every rule: written apart from what makes plans, by the plain definition of each rule.

A locked operation is asked one thing only: that it stands where it is locked. It does not wait, needs no changeover and
no open time, and two of them may overlap: what has happened cannot be planned otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from .calendars import Calendar, Interval
from .shapes import After, Assignment, Machine, Operation, Problem, Schedule


@dataclass(frozen=True, slots=True)
class Violation:
    """``rule``: missing, unknown, machine, locked, begin, closed, work, unbroken, overlap, tool or wait. ``with_``: the
    other operation."""

    rule: str
    operation: str
    with_: str = ""
    text: str = ""


def violations(problem: Problem, plan: Schedule) -> tuple[Violation, ...]:
    """Everything a plan does against the problem's rules; empty for a good one."""
    return tuple(_violations(problem, plan.assignments))


def _violations(problem: Problem, plan: Mapping[str, Assignment]) -> Iterator[Violation]:
    for name in sorted(problem.operations.keys() - plan.keys()):
        yield Violation("missing", name, text="is not in the plan")
    for name in sorted(plan.keys() - problem.operations.keys()):
        yield Violation("unknown", name, text="is not in the problem")
    known = {name: one for name, one in plan.items() if name in problem.operations}
    changes = _changes(problem, known.values())
    for name, one in known.items():
        operation = problem.operations[name]
        if operation.locked:
            yield from _locked(operation, one)
        elif _work(operation, one.machine) is None:
            yield Violation("machine", name, text=f"cannot be done on {one.machine}")
        else:
            yield from _alone(problem, operation, one, changes.get(name, 0))
            yield from _waits(problem, operation, one, known)
    yield from _overlaps(problem, known)


def _locked(operation: Operation, one: Assignment) -> Iterator[Violation]:
    locked = operation.locked
    if locked and (locked.machine, locked.start, locked.end) != (one.machine, one.start, one.end):
        yield Violation("locked", operation.id, text=f"is locked to {locked}, planned {one}")


def _work(operation: Operation, machine: str) -> int | None:
    works = [mode.work for mode in operation.modes if mode.machine == machine]
    if operation.outside and operation.outside.machine == machine:
        works.append(operation.outside.work)
    return works[0] if works else None


def _alone(problem: Problem, operation: Operation, one: Assignment, change: int) -> Iterator[Violation]:
    calendar = problem.machines[one.machine].calendar
    free = max(problem.now, problem.orders[operation.order].released, operation.earliest)
    if one.start < free:
        yield Violation("begin", operation.id, text=f"begins at {one.start}, free from {free}")
    minutes = _open(calendar, one.start, one.end)
    if not minutes or minutes[0][0] != one.start or minutes[-1][1] != one.end:
        yield Violation(
            "closed", operation.id, text=f"begins or ends ({one.start}–{one.end}) while {one.machine} is closed"
        )
    needed = (_work(operation, one.machine) or 0) + change
    if (got := sum(end - start for start, end in minutes)) != needed:
        yield Violation("work", operation.id, text=f"takes {needed} minutes on {one.machine}, planned {got}")
    if operation.unbroken and len(minutes) > 1:
        yield Violation("unbroken", operation.id, text=f"spans closed time of {one.machine}")


def _open(calendar: Calendar, start: int, end: int) -> list[Interval]:
    """The open stretches within [start, end)."""
    parts: list[Interval] = []
    for first, last in _intervals(calendar):
        if first >= end:
            break
        first, last = max(first, start), min(last, end)
        if first < last and parts and parts[-1][1] == first:
            parts[-1] = (parts[-1][0], last)
        elif first < last:
            parts.append((first, last))
    return parts


def _intervals(calendar: Calendar) -> Iterator[Interval]:
    """The open intervals of a calendar in their order, without end."""
    yield from calendar.intervals
    if calendar.cycle == ((0, calendar.length),):
        yield calendar.until, 1 << 62
        return
    begin = calendar.until
    while True:
        yield from ((begin + first, begin + last) for first, last in calendar.cycle)
        begin += calendar.length


def _changes(problem: Problem, plan: Iterable[Assignment]) -> dict[str, int]:
    """The minutes of changeover each operation needs after the one before it on its machine."""
    found: dict[str, int] = {}
    for machine, line in _by_machine(problem, plan):
        for before, after in pairwise(line):
            kinds = problem.operations[before.operation].kind, problem.operations[after.operation].kind
            found[after.operation] = problem.changeovers.get((machine.group, *kinds), 0)
    return found


def _by_machine(problem: Problem, plan: Iterable[Assignment]) -> Iterator[tuple[Machine, list[Assignment]]]:
    lines: dict[str, list[Assignment]] = defaultdict(list)
    for one in plan:
        lines[one.machine].append(one)
    for name, line in lines.items():
        if not problem.machines[name].unlimited:
            yield problem.machines[name], sorted(line, key=lambda one: (one.start, one.end))


def _waits(
    problem: Problem, operation: Operation, one: Assignment, plan: Mapping[str, Assignment]
) -> Iterator[Violation]:
    for after in operation.after:
        before = plan.get(after.operation)
        if before is None:
            continue
        free = _done(problem, before, after) + after.lag
        if one.start < free:
            yield Violation("wait", operation.id, before.operation, f"begins at {one.start}, may from {free}")
        if after.share < 100 and one.end < before.end:
            yield Violation("wait", operation.id, before.operation, f"ends at {one.end}, before {before.end}")


def _done(problem: Problem, before: Assignment, after: After) -> int:
    """The clock minute at which the share of the work is done: counted back from the end, for a changeover may lie
    before the work."""
    minutes = _open(problem.machines[before.machine].calendar, before.start, before.end)
    got = sum(end - start for start, end in minutes)
    operation = problem.operations[before.operation]
    work = min(_work(operation, before.machine) or got, got)
    left = work - -(-work * after.share // 100)
    if after.share >= 100 or left == 0:
        return before.end
    return _back(minutes, left, at_start=left == work)


def _back(minutes: list[Interval], left: int, *, at_start: bool) -> int:
    """The minute from which ``left`` open ones are left; ``at_start``: the opening rather than the closing before."""
    for start, end in reversed(minutes):
        if left < end - start or (left == end - start and at_start):
            return end - left
        left -= end - start
    return minutes[0][0]


def _overlaps(problem: Problem, plan: Mapping[str, Assignment]) -> Iterator[Violation]:
    for _, line in _by_machine(problem, plan.values()):
        yield from _pairs(problem, line, "overlap")
    tools: dict[str, list[Assignment]] = defaultdict(list)
    for name, one in plan.items():
        if tool := problem.operations[name].tool:
            tools[tool].append(one)
    for line in tools.values():
        yield from _pairs(problem, sorted(line, key=lambda one: (one.start, one.end)), "tool")


def _pairs(problem: Problem, line: list[Assignment], rule: str) -> Iterator[Violation]:
    """Each that begins before the latest end of those that began earlier; two locked ones may."""
    latest: dict[bool, Assignment] = {}
    for one in line:
        locked = problem.operations[one.operation].locked is not None
        for other, before in latest.items():
            if one.start < before.end and not (locked and other):
                yield Violation(rule, one.operation, before.operation, f"both from {one.start}")
        if locked not in latest or latest[locked].end < one.end:
            latest[locked] = one
