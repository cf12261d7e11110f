"""A problem read once into numbers: operations, machines, tools and kinds become positions in lists.

Operations are numbered so that one comes after all those it waits for; ``sorted(numbers)`` is therefore always an
order in which they can be placed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .calendars import Calendar
from .shapes import Locked, Operation, Problem

NONE = -1


@dataclass(frozen=True, slots=True)
class Indexed:
    """``modes``: (machine, work) of each operation; ``outside``: the same where it may leave the house.
    ``before``: (predecessor, lag, share), of those that are in the problem: one that is not has been done.
    ``behind``: the operations that wait for it. ``tool`` and ``kind``: ``NONE`` where there is none.
    ``changes``: per machine, ``kind before * kinds + kind after`` → minutes. ``floor``: nothing of the operation
    itself lets it begin before this minute.
    """

    problem: Problem
    ids: list[str]
    number: dict[str, int]
    machine_ids: list[str]
    machine_number: dict[str, int]
    calendars: list[Calendar]
    unlimited: list[bool]
    changes: list[dict[int, int]]
    modes: list[tuple[tuple[int, int], ...]]
    outside: list[tuple[int, int] | None]
    before: list[tuple[tuple[int, int, int], ...]]
    behind: list[list[int]]
    tool: list[int]
    tools: int
    kind: list[int]
    kinds: int
    floor: list[int]
    unbroken: list[bool]
    locked: list[Locked | None]

    @classmethod
    def of(cls, problem: Problem) -> Indexed:
        """Raises ValueError where operations wait for each other in a circle, have no machine or no work."""
        ids = _sorted_by_waiting(problem.operations)
        operations = [problem.operations[name] for name in ids]
        number = {name: place for place, name in enumerate(ids)}
        machines = list(problem.machines.values())
        machine_number = {machine.id: place for place, machine in enumerate(machines)}
        tool_number = _numbered(operation.tool for operation in operations)
        kind_number = _numbered(operation.kind for operation in operations)
        before = [
            tuple((number[one.operation], one.lag, one.share) for one in operation.after if one.operation in number)
            for operation in operations
        ]
        groups = _changes(problem, kind_number)
        return cls(
            problem=problem,
            ids=ids,
            number=number,
            machine_ids=[machine.id for machine in machines],
            machine_number=machine_number,
            calendars=[machine.calendar for machine in machines],
            unlimited=[machine.unlimited for machine in machines],
            changes=[{} if machine.unlimited else groups.get(machine.group, {}) for machine in machines],
            modes=[_modes(operation, machine_number) for operation in operations],
            outside=[_outside(operation, machine_number) for operation in operations],
            before=before,
            behind=_behind(before),
            tool=[tool_number.get(operation.tool, NONE) for operation in operations],
            tools=len(tool_number),
            kind=[kind_number.get(operation.kind, NONE) for operation in operations],
            kinds=len(kind_number),
            floor=[_floor(problem, operation) for operation in operations],
            unbroken=[operation.unbroken for operation in operations],
            locked=[operation.locked for operation in operations],
        )

    def change(self, machine: int, before: int, after: int) -> int:
        """Minutes of changeover between two operations on a machine; none after ``NONE``."""
        changes = self.changes[machine]
        if not changes or before < 0 or self.kind[before] < 0 or self.kind[after] < 0:
            return 0
        return changes.get(self.kind[before] * self.kinds + self.kind[after], 0)

    def work_on(self, operation: int, machine: int) -> int:
        """Minutes of work on a machine, without changeover; 0 where the operation cannot be done there."""
        for one, work in self.modes[operation]:
            if one == machine:
                return work
        outside = self.outside[operation]
        return outside[1] if outside and outside[0] == machine else 0


def _sorted_by_waiting(operations: Mapping[str, Operation]) -> list[str]:
    waits = {name: sum(one.operation in operations for one in each.after) for name, each in operations.items()}
    behind: dict[str, list[str]] = {name: [] for name in operations}
    for name, each in operations.items():
        for one in each.after:
            if one.operation in operations:
                behind[one.operation].append(name)
    found = [name for name, count in waits.items() if not count]
    for name in found:  # grows while it is walked
        for later in behind[name]:
            waits[later] -= 1
            if not waits[later]:
                found.append(later)
    if len(found) < len(operations):
        circle = sorted(name for name, count in waits.items() if count)
        raise ValueError(f"these operations wait for each other in a circle, or behind one: {', '.join(circle[:9])}")
    return found


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(dict.fromkeys(name for name in names if name))}


def _changes(problem: Problem, kinds: dict[str, int]) -> dict[str, dict[int, int]]:
    groups: dict[str, dict[int, int]] = {}
    for (group, before, after), minutes in problem.changeovers.items():
        if before in kinds and after in kinds and minutes:
            groups.setdefault(group, {})[kinds[before] * len(kinds) + kinds[after]] = minutes
    return groups


def _modes(operation: Operation, machines: dict[str, int]) -> tuple[tuple[int, int], ...]:
    if not operation.modes and not operation.locked:
        raise ValueError(f"operation {operation.id} has no machine: name at least one mode, or lock it")
    if any(mode.work < 1 for mode in operation.modes):
        raise ValueError(f"operation {operation.id} has a mode without work: it takes one minute at least")
    return tuple((machines[mode.machine], mode.work) for mode in operation.modes)


def _outside(operation: Operation, machines: dict[str, int]) -> tuple[int, int] | None:
    return (machines[operation.outside.machine], operation.outside.work) if operation.outside else None


def _behind(before: list[tuple[tuple[int, int, int], ...]]) -> list[list[int]]:
    behind: list[list[int]] = [[] for _ in before]
    for place, waits in enumerate(before):
        for one, _, _ in waits:
            behind[one].append(place)
    return behind


def _floor(problem: Problem, operation: Operation) -> int:
    return max(problem.now, problem.orders[operation.order].released, operation.earliest)
