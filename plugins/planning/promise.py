"""A date for one order: the earliest with capacity and material that moves nobody, and how sure it is."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from .calendars import Calendar
from .chains import Link, last, why
from .measures import with_order
from .repair import fitted
from .shapes import After, Assignment, Operation, Order, Problem, Schedule
from .spread import NOTHING_KNOWN, Spread

Lengths = Callable[[Operation], Spread]
NEAREST = 200  # operations that are lengthened with each sample
SAMPLES = 200


@dataclass(frozen=True)
class Promise:
    """``end``: as planned; ``likely`` and ``safe``: reached in 50 and 80 % of the samples. ``held``: what a reservation
    keeps until it expires. ``thin``: too little is known of the real times of the order's own operations. ``reasons``:
    why not earlier, from the last operation back to the root. ``schedule``: the present plan with the order in it."""

    order: str
    end: int
    likely: int
    safe: int
    held: tuple[Assignment, ...]
    thin: bool
    reasons: tuple[Link, ...]
    schedule: Schedule


def promised(
    problem: Problem,
    plan: Schedule,
    order: Order,
    operations: Collection[Operation],
    lengths: Lengths = lambda _: NOTHING_KNOWN,
    *,
    seed: int = 0,
    samples: int = SAMPLES,
) -> Promise:
    """A promise for an order that is not in the problem yet, against a plan of all that is. Nobody moves. ValueError
    for an order without operations."""
    if not operations:
        raise ValueError(f"Order {order.id} has no operations to promise a date for.")
    whole = with_order(problem, order, operations)
    schedule = fitted(whole, plan)
    own = [operation.id for operation in operations]
    ends = sampled(whole, schedule, own, lengths, seed=seed, samples=samples)
    final = last(schedule, own)
    return Promise(
        order.id,
        schedule.assignments[final].end,
        _reached(ends, 0.5),
        _reached(ends, 0.8),
        tuple(schedule.assignments[id] for id in own),
        any(lengths(operation).thin for operation in operations),
        why(whole, schedule, final),
        schedule,
    )


def sampled(
    problem: Problem, schedule: Schedule, own: Collection[str], lengths: Lengths, *, seed: int, samples: int = SAMPLES
) -> tuple[int, ...]:
    """The sorted ends of these operations when times are as they are in reality.

    An approximation, and its limits: all that lies before them on a machine, with a tool or in an order, of these the
    `NEAREST` latest in the plan, takes its planned work times a ratio drawn from its spread; what lies further back or
    is locked keeps to the plan. Sequence and machines stay; nothing begins before its planned start, since material
    and people are called for that; lengths are independent of each other. Draws are stratified (Latin
    hypercube, McKay, Beckman and Conover 1979) and depend on seed and operation alone, so that two plans are compared
    by the same luck (common random numbers).
    """
    steps = _steps(problem, schedule, own)
    draws = {step.id: _draws(lengths(problem.operations[step.id]), f"{seed}/{step.id}", samples) for step in steps}
    planned = {id: (line.start, line.end) for id, line in schedule.assignments.items()}
    return tuple(
        sorted(_end(steps, {id: draw[at] for id, draw in draws.items()}, planned, own) for at in range(samples))
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One operation that is lengthened. ``behind``: those before it on its machine and with its tool."""

    id: str
    calendar: Calendar
    start: int
    work: int
    after: tuple[After, ...]
    behind: tuple[str, ...]


def _steps(problem: Problem, schedule: Schedule, own: Collection[str]) -> list[_Step]:
    """The operations and the nearest before them, first things first."""
    behind = before(problem, schedule)
    ahead = [(-schedule.assignments[id].start, id) for id in own]
    heapq.heapify(ahead)
    seen = set(own)
    chosen: list[_Step] = []
    while ahead and len(chosen) < max(NEAREST, len(own)):
        operation = problem.operations[heapq.heappop(ahead)[1]]
        if operation.locked:
            continue
        chosen.append(_step(problem, schedule.assignments[operation.id], operation.after, behind.get(operation.id, ())))
        for id in (*(wait.operation for wait in operation.after), *behind.get(operation.id, ())):
            if id not in seen:
                seen.add(id)
                heapq.heappush(ahead, (-schedule.assignments[id].start, id))
    return sorted(chosen, key=lambda step: (step.start, schedule.assignments[step.id].end, step.id))


def _step(problem: Problem, line: Assignment, after: tuple[After, ...], behind: tuple[str, ...]) -> _Step:
    calendar = problem.machines[line.machine].calendar
    work = calendar.work_at(line.end) - calendar.work_at(line.start)
    return _Step(line.operation, calendar, line.start, work, after, behind)


def before(problem: Problem, schedule: Schedule) -> Mapping[str, tuple[str, ...]]:
    """For each operation those right before it on its machine and with its tool."""
    found: dict[str, list[str]] = {}
    latest: dict[tuple[str, str], str] = {}
    for line in sorted(schedule.assignments.values(), key=lambda line: (line.start, line.end, line.operation)):
        for resource in _resources(problem, line):
            if resource in latest:
                found.setdefault(line.operation, []).append(latest[resource])
            latest[resource] = line.operation
    return {id: tuple(dict.fromkeys(others)) for id, others in found.items()}


def _resources(problem: Problem, line: Assignment) -> tuple[tuple[str, str], ...]:
    if problem.machines[line.machine].unlimited:
        return ()
    tool = problem.operations[line.operation].tool
    return (("machine", line.machine), ("tool", tool)) if tool else (("machine", line.machine),)


def _draws(spread: Spread, key: str, samples: int) -> list[float]:
    """One ratio for each sample: one from each of as many equal shares of the spread, in the key's own order."""
    places = list(range(samples))
    Random(key).shuffle(places)  # noqa: S311 - a sample, not a secret
    return [spread.at((place + 0.5) / samples) for place in places]


def _end(
    steps: Sequence[_Step],
    ratios: Mapping[str, float],
    planned: Mapping[str, tuple[int, int]],
    own: Collection[str],
) -> int:
    """The end of the last of these operations when each step takes its own ratio."""
    real: dict[str, tuple[int, int, _Step]] = {}
    for step in steps:
        start, least = step.start, 0
        for id in step.behind:
            start = max(start, real[id][1] if id in real else planned[id][1])
        for wait in step.after:
            part, whole = _done(wait, real, planned)
            start, least = max(start, part), max(least, whole if wait.share < 100 else 0)
        begun = step.calendar.work_at(start)
        work = max(1, math.ceil(step.work * ratios[step.id])) if step.work else 0
        end = step.calendar.ends(begun + work) if work else start
        real[step.id] = (start, max(end, least), step)
    return max(real[id][1] if id in real else planned[id][1] for id in own)


def _done(
    wait: After, real: Mapping[str, tuple[int, int, _Step]], planned: Mapping[str, tuple[int, int]]
) -> tuple[int, int]:
    """When the share waited for is done, and the whole."""
    if wait.operation not in real:
        return 0, planned[wait.operation][1]  # the planned start has waited for it already
    start, end, step = real[wait.operation]
    if wait.share == 100:
        return end + wait.lag, end
    calendar = step.calendar
    begun = calendar.work_at(start)
    part = math.ceil((calendar.work_at(end) - begun) * wait.share / 100)
    return (calendar.ends(begun + part) if part else start) + wait.lag, end


def _reached(ends: Sequence[int], share: float) -> int:
    return ends[math.ceil(share * len(ends)) - 1]
