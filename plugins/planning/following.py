"""How the plan in force follows what happens: nothing moves that need not, unless orders would be late."""

from __future__ import annotations

from dataclasses import replace

from .constructive import scheduled
from .measure import Goal, late_orders, outside, score
from .repair import repaired
from .shapes import Mode, Operation, Problem, Schedule


def followed(problem: Problem, plan: Schedule) -> Schedule:
    """``repaired``; and where orders are late in that, planned anew, if that is better by the usual goal (weighted
    tardiness, promises that the plan in force kept, operations that move). Where nobody is late, nobody is disturbed.

    A repair never moves anything to an earlier minute or to another machine. Alone it lets a plant lose what every
    stop takes: benchmarks/on_time.py. Raises ValueError as both do.
    """
    kept = repaired(problem, plan)
    if not late_orders(problem, kept):
        return kept
    goal = Goal(before=plan)
    return min(kept, anew(problem, kept), key=lambda one: score(problem, one, goal))


def anew(problem: Problem, plan: Schedule) -> Schedule:
    """``scheduled``, but that what has been sent out of the house stays out: somebody has decided that."""
    out = [problem.operations[name] for name in outside(problem, plan)]
    held = {one.id: replace(one, modes=(_away(one),)) for one in out}
    return scheduled(replace(problem, operations={**problem.operations, **held}))


def _away(one: Operation) -> Mode:
    assert one.outside is not None
    return Mode(one.outside.machine, one.outside.work)
