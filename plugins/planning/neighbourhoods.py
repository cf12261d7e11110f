"""Which part of a plan on one axis is planned anew next, and how large it is.

Three kinds, as in the literature on large neighbourhoods for job shops: everything in a stretch of time, some machines
in a longer stretch, some orders in a longer stretch. The size of each kind grows while its parts are solved to the end
and shrinks when they are not, so that it fits the machine, the budget and the problem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .axis import Axis, Timing
from .cp import Stretch

Picked = Callable[[Axis, Timing, int, int, Random], Stretch]


def in_time(_axis: Axis, timing: Timing, size: int, centre: int, _random: Random) -> Stretch:
    tasks = _stretch(timing, size, centre)
    return Stretch(tasks, frozenset(tasks))


def on_machines(axis: Axis, timing: Timing, size: int, centre: int, random: Random) -> Stretch:
    tasks = _stretch(timing, size * random.choice((2, 3, 5)), centre)
    by_machine: dict[int, list[int]] = {}
    for task in tasks:
        by_machine.setdefault(axis.tasks[task].modes[timing.mode[task]][0], []).append(task)
    return Stretch(tasks, _some(list(by_machine.values()), size, random))


def of_orders(axis: Axis, timing: Timing, size: int, centre: int, random: Random) -> Stretch:
    tasks = _stretch(timing, size * random.choice((2, 3, 5)), centre)
    by_order: dict[int, list[int]] = {}
    for task in tasks:
        by_order.setdefault(axis.tasks[task].job, []).append(task)
    return Stretch(tasks, _some(list(by_order.values()), size, random))


def _stretch(timing: Timing, size: int, centre: int) -> list[int]:
    """About ``size`` tasks that follow each other in time; whole, so that what begins at one minute is not divided.

    The stretch may hang over either end of the plan, so that its first and last tasks are as likely as others."""
    order, start = timing.order, timing.start
    low, high = max(0, centre - size // 2), min(len(order), centre + (size + 1) // 2)
    if size >= len(order):
        low, high = 0, len(order)
    while low > 0 and start[order[low - 1]] == start[order[low]]:
        low -= 1
    while high < len(order) and start[order[high]] == start[order[high - 1]]:
        high += 1
    return list(order[low:high])


def _some(groups: list[list[int]], size: int, random: Random) -> frozenset[int]:
    random.shuffle(groups)
    chosen: set[int] = set()
    for group in groups:
        if chosen and len(chosen) + len(group) > size:
            break
        chosen.update(group)
    return frozenset(chosen)


@dataclass
class Kind:
    """``size``: how many tasks are freed. ``won``: a fading average of how often it found something. ``swept``: the
    place in the order of time up to which it has come; half a stretch on each time, so that no part is forgotten."""

    picked: Picked
    size: float
    won: float = 0.3
    swept: float = 0.0

    def next(self, axis: Axis, timing: Timing, random: Random) -> Stretch:
        centre = int(self.swept) % len(timing.order)
        self.swept = centre + self.size * random.uniform(0.4, 0.6)
        return self.picked(axis, timing, int(self.size), centre, random)

    def learn(self, *, proven: bool, better: bool, limit: int) -> None:
        self.size = min(limit, self.size * 1.08) if proven else max(8.0, self.size * 0.93)
        self.won += 0.1 * (better - self.won)


def kinds(axis: Axis) -> list[Kind]:
    """With less than some tasks for each machine there is little to exchange."""
    size = max(30.0, 4.0 * len(axis.machines))
    return [Kind(picked, size) for picked in (in_time, on_machines, of_orders)]


def chosen(known: list[Kind], random: Random) -> Kind:
    """One kind, the likelier the more often it found something; none is given up."""
    return random.choices(known, [0.1 + kind.won for kind in known])[0]
