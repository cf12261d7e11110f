"""What a question adds to a problem: one order more, longer shifts, work done outside. Each turns it into another."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from .calendars import Calendar, Interval, joined
from .shapes import Machine, Mode, Operation, Order, Problem, Schedule

DAY = 24 * 60
Extra = tuple[str, int, int]  # overtime of one machine: (machine, start, end) in clock minutes


@dataclass(frozen=True)
class Overtime:
    """Which machine ``groups`` may work longer. ``after``: minutes at most after the last shift of a day that has one;
    ``closed``: minutes at most on a day that has none (weekend, holiday), from its minute ``opens``. Days begin at
    multiples of 1,440 minutes of the epoch. ``cost``: hundredths per hour where a machine names none."""

    groups: frozenset[str] = frozenset()
    after: int = 0
    closed: int = 0
    opens: int = 8 * 60
    cost: int = 0

    def __bool__(self) -> bool:
        return bool(self.groups) and self.after + self.closed > 0


@dataclass(frozen=True)
class Leaving:
    """Which operations may leave the house: of those with an ``outside`` at most ``most``, at most ``each`` of them to
    one processor (by his machine; one not named takes any number), for ``price`` hundredths in all (None: any)."""

    most: int = 0
    each: Mapping[str, int] = field(default_factory=dict)
    price: int | None = None

    def allows(self, operations: Iterable[Operation]) -> bool:
        """Whether all of these, each with an ``outside``, may leave together."""
        ways = [operation.outside for operation in operations if operation.outside]
        counts: dict[str, int] = defaultdict(int)
        for way in ways:
            counts[way.machine] += 1
        return (
            len(ways) <= self.most
            and all(number <= self.each.get(machine, number) for machine, number in counts.items())
            and (self.price is None or sum(way.price for way in ways) <= self.price)
        )


@dataclass(frozen=True)
class Measures:
    """What may be bought at all, for one question."""

    overtime: Overtime = Overtime()
    outside: Leaving = Leaving()


def with_order(problem: Problem, order: Order, operations: Iterable[Operation]) -> Problem:
    """The problem with one order more, or with another form of one."""
    more = {operation.id: operation for operation in operations}
    orders = {**problem.orders, order.id: order}
    return replace(problem, orders=orders, operations={**problem.operations, **more})


def offered(
    problem: Problem, overtime: Overtime, until: int, groups: Collection[str] | None = None
) -> tuple[Extra, ...]:
    """Every overtime that may be bought between now and ``until``, of ``groups`` or of all that may."""
    wanted = overtime.groups if groups is None else overtime.groups & set(groups)
    return tuple(
        (machine.id, start, end)
        for machine in problem.machines.values()
        if machine.group in wanted and not machine.unlimited
        for start, end in _windows(machine.calendar, overtime, problem.now, until)
    )


def extended(problem: Problem, extras: Collection[Extra]) -> Problem:
    """The problem with these machines open at these times as well."""
    spans: dict[str, list[Interval]] = defaultdict(list)
    for machine, start, end in extras:
        spans[machine].append((start, end))
    machines = {
        id: replace(problem.machines[id], calendar=_open(problem.machines[id].calendar, of)) for id, of in spans.items()
    }
    return replace(problem, machines={**problem.machines, **machines}) if machines else problem


def left(problem: Problem, operations: Collection[str]) -> Problem:
    """The problem with these operations done outside: KeyError for one that is not known, ValueError for one that may
    not leave."""
    gone = {id: _outside(problem.operations[id]) for id in operations}
    return replace(problem, operations={**problem.operations, **gone}) if gone else problem


def leaves(operation: Operation, machine: str) -> bool:
    """Whether an operation on this machine is done outside the house, and not in one of its usual ways."""
    away = operation.outside is not None and operation.outside.machine == machine
    return away and all(mode.machine != machine for mode in operation.modes)


def used(problem: Problem, extras: Iterable[Extra], schedule: Schedule) -> tuple[Extra, ...]:
    """The parts of the overtime in which something is done, sorted: what has to be bought for this schedule. Closing
    the rest changes no line of it."""
    busy = _busy(problem, schedule)
    return tuple(
        (machine, max(start, begin), min(end, stop))
        for machine, start, end in sorted(extras)
        for begin, stop in _within(busy.get(machine, ()), start, end)
    )


def worked(problem: Problem, extras: Iterable[Extra], schedule: Schedule) -> tuple[Extra, ...]:
    """The overtime, whole and sorted, in which something is done."""
    busy = _busy(problem, schedule)
    return tuple(extra for extra in sorted(extras) if _within(busy.get(extra[0], ()), extra[1], extra[2]))


def minutes(extras: Iterable[Extra]) -> int:
    return sum(end - start for _, start, end in extras)


def premium(problem: Problem, overtime: Overtime, extras: Iterable[Extra]) -> int:
    """Hundredths that this overtime costs above the same work in a shift, rounded up."""
    sixtieths = sum((end - start) * _above(problem.machines[machine], overtime) for machine, start, end in extras)
    return -(-sixtieths // 60)


def _above(machine: Machine, overtime: Overtime) -> int:
    return max(0, (machine.overtime or overtime.cost) - machine.cost)


def _busy(problem: Problem, schedule: Schedule) -> dict[str, tuple[Interval, ...]]:
    """When each machine works. What is locked ends when it ends, whether the machine is open longer or not."""
    busy: dict[str, list[Interval]] = defaultdict(list)
    for line in schedule.assignments.values():
        if not problem.operations[line.operation].locked:
            busy[line.machine].append((line.start, line.end))
    return {machine: joined(spans) for machine, spans in busy.items()}


def _within(busy: Sequence[Interval], start: int, end: int) -> Sequence[Interval]:
    """Those of sorted intervals that reach into [start, end)."""
    return busy[bisect_right(busy, start, key=itemgetter(1)) : bisect_left(busy, end, key=itemgetter(0))]


def _windows(calendar: Calendar, overtime: Overtime, now: int, until: int) -> Iterable[Interval]:
    """One at most for each day, never before now."""
    ahead = calendar.segments(now // DAY * DAY, until + DAY)
    for day in range(now // DAY * DAY, until, DAY):
        begin, end = _window(overtime, day, [span for span in ahead if span[0] < day + DAY and span[1] > day], ahead)
        if max(begin, now) < end:
            yield max(begin, now), end


def _window(overtime: Overtime, day: int, shifts: Collection[Interval], ahead: Collection[Interval]) -> Interval:
    """On a day without work a shift of its own; else after the last shift that ends on it, until the next one at most:
    a shift through the night is followed by its morning."""
    if not shifts:
        return day + overtime.opens, min(day + overtime.opens + overtime.closed, day + DAY)
    last = max((end for _, end in shifts if end <= day + DAY), default=None)
    if last is None:
        return day, day
    return last, min([last + overtime.after, *(start for start, _ in ahead if start > last)])


def _open(calendar: Calendar, spans: Collection[Interval]) -> Calendar:
    """The calendar with more open time: its cycle is written out as far as that reaches."""
    beyond = max(end for _, end in spans) - calendar.until
    until = calendar.until + max(0, -(-beyond // calendar.length)) * calendar.length
    return replace(calendar, intervals=joined((*calendar.segments(0, until), *spans)), until=until)


def _outside(operation: Operation) -> Operation:
    """The operation with the processor as its only way. The mould goes along; closed time in the house breaks nothing
    there."""
    if operation.outside is None or operation.locked:
        raise ValueError(f"Operation {operation.id} may not leave the house.")
    return replace(operation, modes=(Mode(operation.outside.machine, operation.outside.work),), unbroken=False)
