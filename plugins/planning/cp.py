"""One neighbourhood of a plan on one axis, solved by CP-SAT.

The tasks of a stretch of time are planned anew between fixed *heads* (what begins before the stretch stays where it
is) and *tails* (what begins after it keeps its order and may be pushed), as in Carlier's one-machine relaxation and
the time-window neighbourhoods of Beck, Feng and Watson, "Combining constraint programming and local search for
job-shop scheduling", 2011. Within the stretch, tasks that are not freed keep their machine and their order among
themselves (a partial order schedule), so that they may still move.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from .axis import Axis, Timing, pushed, tails

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


@dataclass(frozen=True)
class Stretch:
    """``tasks``: those that may move, all that begin in one stretch of time; ``freed``: those of them that may change
    their order and machine."""

    tasks: Sequence[int]
    freed: Collection[int]


@dataclass(frozen=True)
class Effort:
    """``work``: CP-SAT's deterministic time; ``seconds``: of the clock, whichever is over first."""

    work: float
    seconds: float
    seed: int
    workers: int = 1


@dataclass(frozen=True)
class Outcome:
    """``timing``: the plan with the stretch planned anew, or None where no other was found. ``proven``: the stretch
    can not be better."""

    timing: Timing | None
    proven: bool


def solved(axis: Axis, timing: Timing, stretch: Stretch, effort: Effort) -> Outcome:
    from ortools.sat.python import cp_model

    built = _Model(cp_model.CpModel(), axis, timing, stretch)
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = effort.workers
    parameters.random_seed = effort.seed
    parameters.max_deterministic_time = effort.work
    parameters.max_time_in_seconds = effort.seconds
    parameters.linearization_level = 0
    parameters.cp_model_probing_level = 0
    parameters.symmetry_level = 0
    status = solver.solve(built.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Outcome(None, proven=status == cp_model.INFEASIBLE)
    return Outcome(built.timing(solver), proven=status == cp_model.OPTIMAL)


class _Model:
    """What is put to CP-SAT: one start per task, one presence per mode of a freed task with several."""

    def __init__(self, model: cp_model.CpModel, axis: Axis, timing: Timing, stretch: Stretch) -> None:
        self.model, self.axis, self.was = model, axis, timing
        self.inside = set(stretch.tasks)
        self.tasks = sorted(stretch.tasks, key=timing.start.__getitem__)
        self.freed = stretch.freed
        self.tail = tails(axis, timing)
        self.ready, self.rest = self._edges()
        self.start: dict[int, cp_model.IntVar] = {}
        self.end: dict[int, cp_model.IntVar | cp_model.LinearExpr] = {}
        self.here: dict[int, list[cp_model.IntVar]] = {}
        self.on: list[list[cp_model.IntervalVar]] = [[] for _ in range(axis.resources)]
        self.kept: list[list[int]] = [[] for _ in range(axis.resources)]
        self.span = model.new_int_var(0, timing.span, "")
        for task in self.tasks:
            self._add_task(task)
        for task in self.tasks:
            self._add_chain(task)
        for intervals, kept in zip(self.on, self.kept, strict=True):
            self._add_resource(intervals, kept)
        model.minimize(self.span)

    def _edges(self) -> tuple[list[int], list[int]]:
        """Per machine and tool: from when it is free for the stretch, and how long what comes after it lasts."""
        first = self.was.start[self.tasks[0]]
        ready, rest = [0] * self.axis.resources, [0] * self.axis.resources
        for number in self.was.order:
            if number in self.inside:
                continue
            task = self.axis.tasks[number]
            machine, minutes = task.modes[self.was.mode[number]]
            for resource in (machine, task.tool) if task.tool >= 0 else (machine,):
                if self.was.start[number] < first:
                    ready[resource] = max(ready[resource], self.was.start[number] + minutes)
                else:
                    rest[resource] = max(rest[resource], self.tail[number])
        return ready, rest

    def _add_task(self, number: int) -> None:
        model, task, was = self.model, self.axis.tasks[number], self.was
        head = task.release
        for before, lag in task.before:
            if before not in self.inside:
                machine, minutes = self.axis.tasks[before].modes[was.mode[before]]
                head = max(head, was.start[before] + minutes + lag)
        start = self.start[number] = model.new_int_var(head, was.span, "")
        model.add_hint(start, was.start[number])
        if number in self.freed and len(task.modes) > 1:
            self._add_modes(number)
        else:
            machine, minutes = task.modes[was.mode[number]]
            self.end[number] = start + minutes
            interval = model.new_fixed_size_interval_var(start, minutes, "")
            self._occupy(machine, number, interval, None)
        if task.tool >= 0:
            end = self.end[number]
            interval = model.new_interval_var(start, end - start, end, "")
            self._occupy(task.tool, number, interval, None)

    def _add_modes(self, number: int) -> None:
        model, task, was, start = self.model, self.axis.tasks[number], self.was, self.start[number]
        lasts = [minutes for _, minutes in task.modes]
        here = self.here[number] = [model.new_bool_var("") for _ in task.modes]
        model.add_exactly_one(here)
        end = self.end[number] = model.new_int_var(0, was.span, "")
        model.add_hint(end, was.start[number] + lasts[was.mode[number]])
        for at, (machine, minutes) in enumerate(task.modes):
            model.add_hint(here[at], at == was.mode[number])
            self._occupy(
                machine, number, model.new_optional_fixed_size_interval_var(start, minutes, here[at], ""), here[at]
            )
        model.add(end == start + sum(here[at] * minutes for at, minutes in enumerate(lasts)))

    def _occupy(self, resource: int, number: int, interval: cp_model.IntervalVar, here: cp_model.IntVar | None) -> None:
        self.on[resource].append(interval)
        if number not in self.freed:
            self.kept[resource].append(number)
        start, end = self.start[number], self.end[number]
        ready, rest = self.ready[resource], self.rest[resource]
        if ready:
            self._where(self.model.add(start >= ready), here)
        self._where(self.model.add(self.span >= end + rest), here)

    @staticmethod
    def _where(constraint: cp_model.Constraint, here: cp_model.IntVar | None) -> None:
        if here is not None:
            constraint.only_enforce_if(here)

    def _add_chain(self, number: int) -> None:
        for after, lag in self.axis.tasks[number].after:
            if after in self.inside:
                self.model.add(self.start[after] >= self.end[number] + lag)
            else:
                self.model.add(self.span >= self.end[number] + lag + self.tail[after])

    def _add_resource(self, intervals: list[cp_model.IntervalVar], kept: list[int]) -> None:
        for one, other in pairwise(kept):
            self.model.add(self.start[other] >= self.end[one])
        if len(kept) < len(intervals):
            self.model.add_no_overlap(intervals)

    def timing(self, solver: cp_model.CpSolver) -> Timing:
        """The whole plan: heads as they were, the stretch as solved, and what comes after it pushed."""
        mode = list(self.was.mode)
        start = list(self.was.start)
        for number in self.tasks:
            start[number] = solver.value(self.start[number])
            for at, here in enumerate(self.here.get(number, ())):
                if solver.boolean_value(here):
                    mode[number] = at
        return pushed(self.axis, mode, start, self._ranks())

    def _ranks(self) -> list[int]:
        """0 for what comes before the stretch, 1 for it, 2 for what comes after."""
        first = self.was.start[self.tasks[0]]
        return [
            1 if task in self.inside else 2 * (self.was.start[task] >= first) for task in range(len(self.was.start))
        ]
