"""People by skill and shift against the heads that the plan needs."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .shapes import Problem, Schedule


@dataclass(frozen=True, slots=True)
class Shift:
    """``people`` with ``skill`` are there in the clock minutes [start, end)."""

    skill: str
    start: int
    end: int
    people: int


@dataclass(frozen=True, slots=True)
class Heads:
    """While a machine of ``group`` works, it takes ``people`` with ``skill``."""

    group: str
    skill: str
    people: int


@dataclass(frozen=True, slots=True)
class Staffing:
    """One shift: ``peak`` people are needed at once, first at the clock minute ``at``; ``needed`` and ``there`` in
    minutes of people. ``short``: how many people are missing at the peak."""

    shift: Shift
    peak: int
    at: int
    needed: int
    there: int

    @property
    def short(self) -> int:
        return max(0, self.peak - self.shift.people)


Work = tuple[int, int, int]  # clock start, end, people


def staffing(problem: Problem, plan: Schedule, shifts: Sequence[Shift], heads: Iterable[Heads]) -> tuple[Staffing, ...]:
    """What each shift needs, in the order given: of machines whose group needs its skill, while they work (the open
    parts of their assignments). Unlimited machines have their own people."""
    found: list[list[Work]] = [[] for _ in shifts]
    hours = _hours(shifts)
    for skill, work in _work(problem, plan, heads):
        for place in _meeting(hours.get(skill, ()), work):
            found[place].append(work)
    return tuple(_staffed(shift, work) for shift, work in zip(shifts, found, strict=True))


Hours = list[tuple[int, int, int]]  # start of a shift, latest end of it and those before, its place


def _hours(shifts: Sequence[Shift]) -> Mapping[str, Hours]:
    found: defaultdict[str, Hours] = defaultdict(list)
    for place, shift in sorted(enumerate(shifts), key=lambda one: one[1].start):
        hours = found[shift.skill]
        hours.append((shift.start, max(shift.end, hours[-1][1]) if hours else shift.end, place))
    return found


def _meeting(hours: Sequence[tuple[int, int, int]], work: Work) -> Iterator[int]:
    """The shifts that may share a minute with the work: the last that begins before its end, and backwards."""
    start, end, _people = work
    for at in range(bisect_left(hours, (end,)) - 1, -1, -1):
        _start, ends, place = hours[at]
        if ends <= start:
            return
        yield place


def _work(problem: Problem, plan: Schedule, heads: Iterable[Heads]) -> Iterator[tuple[str, Work]]:
    needs: defaultdict[str, list[Heads]] = defaultdict(list)
    for one in heads:
        needs[one.group].append(one)
    for assignment in plan.assignments.values():
        machine = problem.machines[assignment.machine]
        if machine.group in needs and not machine.unlimited:
            for start, end in machine.calendar.segments(assignment.start, assignment.end):
                yield from ((need.skill, (start, end, need.people)) for need in needs[machine.group])


def _staffed(shift: Shift, work: Iterable[Work]) -> Staffing:
    within = list(_clipped(shift, work))
    peak, at = _peak(within, shift.start)
    needed = sum((end - start) * people for start, end, people in within)
    return Staffing(shift, peak, at, needed, shift.people * (shift.end - shift.start))


def _clipped(shift: Shift, work: Iterable[Work]) -> Iterator[Work]:
    for start, end, people in work:
        first, last = max(start, shift.start), min(end, shift.end)
        if first < last:
            yield first, last, people


def _peak(work: Iterable[Work], start: int) -> tuple[int, int]:
    """The most people at once, and the first minute at which it is so; who goes makes room for who comes."""
    steps = sorted(step for begin, end, people in work for step in ((begin, people), (end, -people)))
    most, at, now = 0, start, 0
    for minute, people in steps:
        now += people
        if now > most:
            most, at = now, minute
    return most, at
