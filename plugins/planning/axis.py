"""A problem on one axis of time: machines that are always open, tasks and machines as numbers, and the makespan.

What the search for the shortest plan works on. Where calendars, changeovers or locked work have a say, there is no
axis, and operations are put in again one by one instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .calendars import Calendar
from .shapes import Assignment, Operation, Problem, Schedule


@dataclass(frozen=True, slots=True)
class Task:
    """``modes``: pairs of machine and minutes, ``before`` and ``after``: pairs of task and lag, all by number.
    ``tool``: the number of the tool, counted on from the machines; -1 for none. ``job``: the number of its order."""

    modes: tuple[tuple[int, int], ...]
    before: tuple[tuple[int, int], ...]
    after: tuple[tuple[int, int], ...]
    release: int
    tool: int
    job: int


@dataclass(frozen=True)
class Axis:
    names: tuple[str, ...]
    tasks: tuple[Task, ...]
    machines: tuple[str, ...]
    resources: int


@dataclass(frozen=True)
class Timing:
    """One plan on the axis: per task the chosen mode and its start; ``order``: tasks sorted by start."""

    mode: Sequence[int]
    start: Sequence[int]
    order: Sequence[int]
    span: int


def axis_of(problem: Problem) -> Axis | None:
    """The problem on one axis, or None where something in it does not fit on one."""
    operations = tuple(problem.operations.values())
    if problem.changeovers or not all(map(_plain, operations)) or not _always_open(problem):
        return None
    machines = tuple(problem.machines)
    number = {operation.id: at for at, operation in enumerate(operations)}
    job = {name: at for at, name in enumerate(problem.orders)}
    machine = {name: at for at, name in enumerate(machines)}
    tools = {tool: at for at, tool in enumerate(sorted({op.tool for op in operations if op.tool}), len(machines))}
    after: list[list[tuple[int, int]]] = [[] for _ in operations]
    for at, operation in enumerate(operations):
        for wait in operation.after:
            after[number[wait.operation]].append((at, wait.lag))
    tasks = tuple(
        Task(
            modes=tuple((machine[mode.machine], mode.work) for mode in operation.modes),
            before=tuple((number[wait.operation], wait.lag) for wait in operation.after),
            after=tuple(after[at]),
            release=max(problem.now, operation.earliest, problem.orders[operation.order].released),
            tool=tools.get(operation.tool, -1),
            job=job[operation.order],
        )
        for at, operation in enumerate(operations)
    )
    return Axis(tuple(number), tasks, machines, len(machines) + len(tools))


def _plain(operation: Operation) -> bool:
    whole = all(wait.share == 100 for wait in operation.after)
    return operation.locked is None and whole and all(mode.work > 0 for mode in operation.modes)


def _always_open(problem: Problem) -> bool:
    ever = Calendar()
    return all(machine.calendar == ever and not machine.unlimited for machine in problem.machines.values())


def timing_of(axis: Axis, plan: Schedule) -> Timing | None:
    """A plan on the axis; None where it does an operation in a way that is none of its modes (outside)."""
    mode, start = [], []
    for name, task in zip(axis.names, axis.tasks, strict=True):
        found = plan.assignments[name]
        at = next((at for at, (on, _) in enumerate(task.modes) if axis.machines[on] == found.machine), None)
        if at is None:
            return None
        mode.append(at)
        start.append(found.start)
    return pushed(axis, mode, start)


def pushed(axis: Axis, mode: Sequence[int], start: Sequence[int], ranks: Sequence[int] = ()) -> Timing:
    """Every task as early as it goes, when each machine and tool does its tasks in the order of ``start``, those of a
    lower rank first."""
    order = sorted(range(len(start)), key=start.__getitem__)
    if ranks:
        order.sort(key=ranks.__getitem__)
    ready = [0] * (axis.resources + 1)  # the last one is nobody's tool
    begins, ends = [0] * len(start), [0] * len(start)
    for number in order:
        task = axis.tasks[number]
        machine, minutes = task.modes[mode[number]]
        at = max(task.release, ready[machine], ready[task.tool] if task.tool >= 0 else 0)
        for before, lag in task.before:
            at = max(at, ends[before] + lag)
        begins[number] = at
        ends[number] = ready[machine] = ready[task.tool] = at + minutes
    return Timing(mode, begins, sorted(order, key=begins.__getitem__), max(ends, default=0))


def tails(axis: Axis, timing: Timing) -> list[int]:
    """For each task the minutes from its start to the end of the plan, at the least, as long as the order stays."""
    behind = [0] * (axis.resources + 1)
    tail = [0] * len(timing.start)
    for number in reversed(timing.order):
        task = axis.tasks[number]
        machine, minutes = task.modes[timing.mode[number]]
        rest = max(behind[machine], behind[task.tool] if task.tool >= 0 else 0)
        for after, lag in task.after:
            rest = max(rest, tail[after] + lag)
        tail[number] = behind[machine] = behind[task.tool] = minutes + rest
    return tail


def schedule_of(axis: Axis, timing: Timing) -> Schedule:
    """The plan in the caller's terms, without reasons."""
    found = {}
    for number, name in enumerate(axis.names):
        machine, minutes = axis.tasks[number].modes[timing.mode[number]]
        start = timing.start[number]
        found[name] = Assignment(name, axis.machines[machine], start, start + minutes)
    return Schedule(found)
