"""Small problems of every kind, drawn by Hypothesis, and plans compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from plugins.planning.calendars import Calendar
from plugins.planning.shapes import (
    After,
    Locked,
    Machine,
    Mode,
    Operation,
    Order,
    Outside,
    Problem,
    Schedule,
)

KINDS = ("", "red", "blue", "white")
TOOLS = ("", "", "mould 1", "mould 2")
LONGEST_CHANGE = 6


@dataclass(frozen=True)
class Size:
    orders: int = 4
    operations: int = 3
    machines: int = 4
    work: int = 25


SMALL = Size()
TINY = Size(orders=3, operations=2, machines=2, work=8)


def intervals(most: int, length: int, *, least: int = 0) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    """Sorted intervals within [0, length), apart from each other."""
    ends = st.lists(st.integers(0, length), unique=True, min_size=2 * least, max_size=2 * most).map(sorted)
    return ends.map(lambda found: tuple(zip(found[: len(found) // 2 * 2 : 2], found[1::2], strict=True)))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Always open, or with closed time; some with days of their own before the cycle begins."""
    if draw(st.booleans()):
        return Calendar()
    until = draw(st.integers(0, 60))
    length = draw(st.integers(2, 60))
    return Calendar(draw(intervals(3, until)) if until else (), until, draw(intervals(3, length, least=1)), length)


def longest(calendar: Calendar) -> int:
    """The longest stretch that comes again and again."""
    if calendar == Calendar():
        return 1 << 30
    return max(end - start for start, end in calendar.cycle)


@st.composite
def problems(draw: st.DrawFn, size: Size = SMALL, *, locked: bool = True) -> Problem:
    """A valid problem: what is unbroken fits somewhere, what is locked lies where it was drawn, sense or not."""
    machines = draw(parks(size))
    operations: dict[str, Operation] = {}
    orders: dict[str, Order] = {}
    for number in range(draw(st.integers(1, size.orders))):
        order, steps = draw(order_of(f"o{number}", machines, tuple(operations), size, locked))
        orders[order.id] = order
        operations.update({one.id: one for one in steps})
    return Problem(machines, orders, operations, draw(changes()), draw(st.integers(0, 30)))


@st.composite
def parks(draw: st.DrawFn, size: Size) -> dict[str, Machine]:
    found = {}
    for number in range(draw(st.integers(1, size.machines))):
        name, group = f"m{number}", draw(st.sampled_from(("press", "print")))
        found[name] = Machine(name, group, draw(calendars()), draw(st.integers(0, 900)))
    found["away"] = Machine("away", "outside", draw(calendars()), unlimited=True)
    return found


def changes() -> st.SearchStrategy[dict[tuple[str, str, str], int]]:
    """Not always the shorter way round: over a third kind it may take less."""
    pairs = [(group, before, after) for group in ("press", "print") for before in KINDS[1:] for after in KINDS[1:]]
    return st.dictionaries(st.sampled_from(pairs), st.integers(1, LONGEST_CHANGE), max_size=len(pairs))


@st.composite
def order_of(
    draw: st.DrawFn, name: str, machines: dict[str, Machine], others: tuple[str, ...], size: Size, locked: bool = True
) -> tuple[Order, list[Operation]]:
    """An order whose first operation may wait for one of ``others``."""
    due = draw(st.integers(10, 200))
    order = Order(
        name,
        due,
        due + draw(st.integers(-9, 20)),
        weight=draw(st.integers(1, 5)),
        penalty=draw(st.integers(0, 9)),
        released=draw(st.one_of(st.just(0), st.integers(0, 40))),
    )
    steps: list[Operation] = []
    for place in range(draw(st.integers(1, size.operations))):
        waits = [steps[-1].id] if steps else [draw(st.sampled_from(others))] if others and draw(st.booleans()) else []
        after = tuple(After(one, draw(st.integers(0, 8)), draw(st.sampled_from((0, 30, 50, 99, 100)))) for one in waits)
        steps.append(draw(_operation(f"{name}-{place}", name, machines, after, size, locked)))
    return order, steps


@st.composite
def _operation(
    draw: st.DrawFn,
    name: str,
    order: str,
    machines: dict[str, Machine],
    after: tuple[After, ...],
    size: Size,
    locked: bool,
) -> Operation:
    on = draw(st.lists(st.sampled_from(sorted(machines)), min_size=1, max_size=3, unique=True))
    modes = tuple(Mode(machine, draw(st.integers(1, size.work))) for machine in on)
    fits = all(mode.work + LONGEST_CHANGE <= longest(machines[mode.machine].calendar) for mode in modes)
    start = draw(st.integers(0, 80))
    fixed = Locked(on[0], start, start + draw(st.integers(1, 30))) if locked and draw(st.integers(0, 5)) == 0 else None
    material = draw(st.booleans())
    return Operation(
        name,
        order,
        modes,
        after,
        tool=draw(st.sampled_from(TOOLS)),
        kind=draw(st.sampled_from(KINDS)),
        earliest=draw(st.integers(0, 60)) if material else 0,
        material="steel" if material else "",
        unbroken=fits and draw(st.booleans()),
        locked=fixed,
        outside=Outside("away", draw(st.integers(1, 40)), 500) if draw(st.booleans()) else None,
    )


def without(problem: Problem, order: str) -> Problem:
    """The problem as if an order had not come, nor those that wait for it."""
    gone = {one.id for one in problem.operations.values() if one.order == order}
    while more := _waiting(problem, gone) - gone:
        gone |= more
    return replace(problem, operations={name: one for name, one in problem.operations.items() if name not in gone})


def _waiting(problem: Problem, gone: set[str]) -> set[str]:
    return {one.id for one in problem.operations.values() if any(wait.operation in gone for wait in one.after)}


def cancelled(problem: Problem, order: str) -> Problem:
    """The problem with an order's operations gone; what waited for them waits no longer."""
    left = {name: one for name, one in problem.operations.items() if one.order != order}
    return replace(problem, operations=left)


def times(plan: Schedule) -> dict[str, tuple[str, int, int]]:
    """What people see of a plan: machine, start and end by operation."""
    return {name: (one.machine, one.start, one.end) for name, one in plan.assignments.items()}
