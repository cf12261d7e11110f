"""How much work machines and people have on each day, against the minutes in which they are there.

What is scheduled is booked where it is: minutes of work of a machine's calendar within [start, end). What is not
scheduled is laid backwards from its order's due date without regard to capacity (*backward infinite loading*): the last
operation ends when the order is due, each before it when the next begins less its lag, each on the machine that does it
in the fewest minutes, by that machine's calendar; work that would lie before now is laid from now on instead. So each
machine group sees it in the days in which the order would need it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .backward import backward
from .shapes import Assignment, Machine, Problem, Schedule


@dataclass(frozen=True, slots=True)
class Booking:
    """``minutes`` of work of an operation on one day. ``scheduled``: no, where it is only laid before its due date."""

    operation: str
    order: str
    machine: str
    minutes: int
    scheduled: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A machine group on one day: open minutes of all its machines, minutes of work ``booked`` by the plan and ``due``
    by what is not scheduled, and the operations behind them. An unlimited group has no ``available`` minutes."""

    group: str
    day: int
    available: int
    booked: int
    due: int
    bookings: tuple[Booking, ...]

    @property
    def ratio(self) -> Fraction | None:
        """Work by open minutes; None where there are none."""
        return Fraction(self.booked + self.due, self.available) if self.available else None


@dataclass(frozen=True, slots=True)
class Total:
    """A machine group over all days: minutes of work, scheduled or not, by open minutes."""

    group: str
    work: int
    available: int

    @property
    def ratio(self) -> Fraction | None:
        """As ``Cell.ratio``: None where the group is never open."""
        return Fraction(self.work, self.available) if self.available else None


@dataclass(frozen=True)
class Load:
    """``cells``: limited groups by (group, day), every day of every group; ``outside``: unlimited groups, where
    something is there. ``ranking``: limited groups, the highest ratio first, of the same ratio by name; a group that
    is never open and has work comes first of all. Its first is the bottleneck, where it has work at all."""

    cells: Mapping[tuple[str, int], Cell]
    outside: Mapping[tuple[str, int], Cell]
    ranking: tuple[Total, ...]

    @property
    def bottleneck(self) -> Total | None:
        """The group that decides what can be made within the days: see ``ranking`` for what it was held against."""
        return self.ranking[0] if self.ranking and self.ranking[0].work else None


Booked = defaultdict[tuple[str, int], list[Booking]]


def load(problem: Problem, plan: Schedule, days: Sequence[int]) -> Load:
    """The load of each machine group on each day. ``days``: sorted clock minutes at which days begin, and the end of
    the last: n + 1 of them for n days, which are numbered from 0. Operations of the problem that the plan does not
    have are laid before their order's due date. Work in closed time (something locked) counts for nothing here."""
    inside: Booked = defaultdict(list)
    outside: Booked = defaultdict(list)
    for one, scheduled in _laid(problem, plan):
        machine = problem.machines[one.machine]
        for day, minutes in worked(machine, one.start, one.end, days):
            order = problem.operations[one.operation].order
            rows = (outside if machine.unlimited else inside)[machine.group, day]
            rows.append(Booking(one.operation, order, machine.id, minutes, scheduled))
    groups = _groups(problem.machines.values())
    cells = {
        (group, day): _cell(group, day, _open(machines, days[day], days[day + 1]), inside.get((group, day), ()))
        for group, machines in groups.items()
        for day in range(len(days) - 1)
    }
    unlimited = {(group, day): _cell(group, day, 0, rows) for (group, day), rows in sorted(outside.items())}
    return Load(cells, unlimited, _ranking(groups, cells))


def _laid(problem: Problem, plan: Schedule) -> Iterator[tuple[Assignment, bool]]:
    for assignment in plan.assignments.values():
        yield assignment, True
    for assignment in backward(problem, plan):
        yield assignment, False


def worked(machine: Machine, start: int, end: int, days: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(day, minutes of work) of [start, end) by the machine's calendar, for the days in which there are any."""
    calendar = machine.calendar
    for day in range(max(0, bisect_right(days, start) - 1), len(days) - 1):
        if days[day] >= end:
            return
        upto = min(end, days[day + 1])
        minutes = calendar.work_at(upto) - calendar.work_at(max(start, days[day]))
        if minutes:
            yield day, minutes


def _groups(machines: Iterable[Machine]) -> Mapping[str, list[Machine]]:
    found: defaultdict[str, list[Machine]] = defaultdict(list)
    for machine in machines:
        if not machine.unlimited:
            found[machine.group].append(machine)
    return found


def _open(machines: Sequence[Machine], start: int, end: int) -> int:
    return sum(machine.calendar.work_at(end) - machine.calendar.work_at(start) for machine in machines)


def _cell(group: str, day: int, available: int, bookings: Sequence[Booking]) -> Cell:
    booked = sum(one.minutes for one in bookings if one.scheduled)
    due = sum(one.minutes for one in bookings if not one.scheduled)
    return Cell(group, day, available, booked, due, tuple(bookings))


def _ranking(groups: Mapping[str, list[Machine]], cells: Mapping[tuple[str, int], Cell]) -> tuple[Total, ...]:
    work = dict.fromkeys(groups, 0)
    available = dict.fromkeys(groups, 0)
    for (group, _day), cell in cells.items():
        work[group] += cell.booked + cell.due
        available[group] += cell.available
    return tuple(sorted((Total(group, work[group], available[group]) for group in groups), key=_rank))


def _rank(total: Total) -> tuple[bool, Fraction, str]:
    never = not total.available and total.work > 0
    return not never, -(total.ratio or Fraction(0)), total.group
