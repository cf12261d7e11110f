"""Public job-shop instances as problems of the planning core, and CP-SAT alone for comparison.

The files lie in `instances/`; their format is told in its README.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from plugins.planning.calendars import Calendar
from plugins.planning.shapes import After, Assignment, Machine, Mode, Operation, Order, Problem, Schedule

FOLDER = Path(__file__).parent / "instances"
EVER = Calendar()


@dataclass(frozen=True)
class Instance:
    """``best``: the best makespan known (minutes)."""

    name: str
    flexible: bool
    best: int
    problem: Problem


def names() -> tuple[str, ...]:
    return tuple(_known())


def read(name: str) -> Instance:
    """One instance of the folder. KeyError where `best_known.csv` does not name it."""
    row = _known()[name]
    flexible = row["kind"] == "fjsp"
    text = (FOLDER / f"{name}.txt").read_text()
    return Instance(name, flexible, int(row["best_known_upper"]), parsed(text, flexible=flexible))


def _known() -> Mapping[str, Mapping[str, str]]:
    with (FOLDER / "best_known.csv").open(newline="") as lines:
        return {row["name"]: row for row in csv.DictReader(lines)}


def parsed(text: str, *, flexible: bool) -> Problem:
    """The problem an instance file tells of: every job an order that is due at once, so that its end counts."""
    first, *lines = [line.split() for line in text.splitlines() if line.strip()]
    jobs, machines = int(first[0]), int(first[1])
    numbers = iter(int(number) for line in lines for number in line)
    steps = _flexible if flexible else _fixed
    operations = [step for job in range(jobs) for step in _chained(job, steps(numbers, machines))]
    if (rest := len(list(numbers))) or len(first) > 3:
        raise ValueError(f"{jobs} jobs were announced, and {rest} numbers are left after them")
    return Problem(
        machines={f"M{at}": Machine(f"M{at}", f"M{at}", EVER) for at in range(machines)},
        orders={f"J{job}": Order(f"J{job}", due=0, promised=0) for job in range(jobs)},
        operations={operation.id: operation for operation in operations},
    )


def _fixed(numbers: Iterator[int], machines: int) -> Iterator[tuple[Mode, ...]]:
    for _ in range(machines):
        yield (_mode(next(numbers), next(numbers)),)


def _flexible(numbers: Iterator[int], _machines: int) -> Iterator[tuple[Mode, ...]]:
    for _ in range(next(numbers)):
        yield tuple(_mode(next(numbers) - 1, next(numbers)) for _ in range(next(numbers)))


def _mode(machine: int, minutes: int) -> Mode:
    return Mode(f"M{machine}", minutes)


def _chained(job: int, steps: Iterator[tuple[Mode, ...]]) -> Iterator[Operation]:
    for at, modes in enumerate(steps):
        after = (After(f"J{job}.{at - 1}"),) if at else ()
        yield Operation(f"J{job}.{at}", f"J{job}", modes, after)


def makespan(plan: Schedule) -> int:
    return max(assignment.end for assignment in plan.assignments.values())


def solved_alone(problem: Problem, seconds: float, clock: Callable[[], float], *, workers: int = 2) -> int | None:
    """The makespan CP-SAT reaches with the whole model within so many seconds, those it takes to build the model
    included; None where it found no plan. Only what the instances hold is modelled: machines, modes, chains."""
    from ortools.sat.python import cp_model

    began = clock()
    model = cp_model.CpModel()
    horizon = sum(max(mode.work for mode in operation.modes) for operation in problem.operations.values())
    span = model.new_int_var(0, horizon, "")
    on: dict[str, list[cp_model.IntervalVar]] = {machine: [] for machine in problem.machines}
    ends: dict[str, cp_model.IntVar] = {}
    for operation in problem.operations.values():
        start, end = model.new_int_var(0, horizon, ""), model.new_int_var(0, horizon, "")
        ends[operation.id] = end
        for after in operation.after:
            model.add(start >= ends[after.operation])
        chosen = [model.new_bool_var("") for _ in operation.modes]
        model.add_exactly_one(chosen)
        for mode, here in zip(operation.modes, chosen, strict=True):
            on[mode.machine].append(model.new_optional_interval_var(start, mode.work, end, here, ""))
        model.add(span >= end)
    for intervals in on.values():
        model.add_no_overlap(intervals)
    model.minimize(span)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = max(0.1, seconds - (clock() - began))
    status = solver.solve(model)
    return round(solver.objective_value) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None


def placed(problem: Problem, starts: Mapping[str, tuple[str, int]]) -> Schedule:
    """The plan that machine and start of every operation amount to, where machines are always open."""
    work = {(op.id, mode.machine): mode.work for op in problem.operations.values() for mode in op.modes}
    return Schedule({name: Assignment(name, on, at, at + work[name, on]) for name, (on, at) in starts.items()})
