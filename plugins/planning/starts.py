"""First plans on one axis: active schedules by Giffler and Thompson, "Algorithms for solving production-scheduling
problems", 1960. Among the tasks that compete for the machine that would be done first, the one with most work left to
its order's end goes first; with noise, so that several tries differ.
"""

from __future__ import annotations

from random import Random

from .axis import Axis, Timing, pushed


def active(axis: Axis, noise: float, random: Random) -> Timing:
    """``noise``: up to which share a task's remaining work is counted longer than it is."""
    build = _Build(axis, [rest * (1 + noise * random.random()) for rest in _left(axis)])
    while build.ready:
        build.take(build.next())
    return pushed(axis, build.mode, build.start)


def _left(axis: Axis) -> list[float]:
    """The shortest time from each task's start to the end of all that wait for it."""
    left = [-1.0] * len(axis.tasks)
    waits = [len(task.after) for task in axis.tasks]
    open_ones = [number for number, many in enumerate(waits) if not many]
    for number in open_ones:  # grows while it is walked
        task = axis.tasks[number]
        least = min(minutes for _, minutes in task.modes)
        left[number] = least + max((left[after] + lag for after, lag in task.after), default=0)
        for before, _ in task.before:
            waits[before] -= 1
            if not waits[before]:
                open_ones.append(before)
    return left


class _Build:
    """A plan that grows. ``ready``: tasks that wait for no other, with (end, start, mode) if they were next."""

    def __init__(self, axis: Axis, left: list[float]) -> None:
        many = len(axis.tasks)
        self.axis, self.left = axis, left
        self.free = [0] * axis.resources
        self.mode, self.start, self.end = [0] * many, [0] * many, [0] * many
        self.waits = [len(task.before) for task in axis.tasks]
        self.ready = {number: self._best(number) for number, many in enumerate(self.waits) if not many}

    def _best(self, number: int) -> tuple[int, int, int]:
        task = self.axis.tasks[number]
        least = max((self.end[before] + lag for before, lag in task.before), default=0)
        least = max(least, task.release, self.free[task.tool] if task.tool >= 0 else 0)
        found = ((max(least, self.free[machine]), minutes, at) for at, (machine, minutes) in enumerate(task.modes))
        return min((start + minutes, start, at) for start, minutes, at in found)

    def next(self) -> int:
        first, (end, _, mode) = min(self.ready.items(), key=lambda item: item[1][0])
        machine = self.axis.tasks[first].modes[mode][0]
        rivals = (
            number
            for number, (_, start, at) in self.ready.items()
            if start < end and self.axis.tasks[number].modes[at][0] == machine
        )
        return max(rivals, key=self.left.__getitem__)

    def take(self, number: int) -> None:
        end, start, mode = self.ready.pop(number)
        task = self.axis.tasks[number]
        machine = task.modes[mode][0]
        self.mode[number], self.start[number], self.end[number] = mode, start, end
        for resource in (machine, task.tool) if task.tool >= 0 else (machine,):
            self.free[resource] = end
        for after, _ in task.after:
            self.waits[after] -= 1
            if not self.waits[after]:
                self.ready[after] = (0, 0, 0)
        for other in self.ready:
            self.ready[other] = self._best(other)
