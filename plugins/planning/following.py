"""How the plan in force follows what happens: nothing moves that need not, unless orders would be late."""

from __future__ import annotations

from dataclasses import replace

from .budget import Budget
from .constructive import scheduled
from .measure import Goal, late_orders, outside, score
from .repair import repaired
from .search import improved
from .shapes import Mode, Operation, Problem, Schedule

# Of the search: one takes 1 ms at 400 operations, 9 at 4,000. What they gain: benchmarks/on_time.py.
STEPS = 30


def followed(problem: Problem, plan: Schedule, *, steps: int = STEPS, settled: bool = True) -> Schedule:
    """``repaired``; and where orders are late in that, planned anew if that is better by the usual goal (weighted
    tardiness, promises that the plan in force kept, operations that move), and so many ``steps`` of the search from
    the better one. Where nobody is late, nobody is disturbed; nor where nothing has to move, whoever is late in the
    plan in force: somebody may have agreed to that; not so where it is not ``settled``. The same problem and plan give
    the same plan.

    A repair moves nothing to an earlier minute or to another machine: where a plan does nothing else, every stop is
    lost for good, and a workshop does better without it. Raises ValueError as ``repaired`` and ``scheduled`` do.
    """
    kept = repaired(problem, plan)
    if not late_orders(problem, kept) or (settled and not _moved(plan, kept)):
        return kept
    goal, held = Goal(before=plan), _held(problem, kept)
    better = min(kept, scheduled(held), key=lambda one: score(held, one, goal))
    return improved(held, better, goal, Budget(1, lambda: 0.0), steps=steps, solver=False)


def _moved(before: Schedule, after: Schedule) -> bool:
    """Whether anything is new or stands elsewhere."""
    old = before.assignments
    return any(
        name not in old or (old[name].machine, old[name].start, old[name].end) != (one.machine, one.start, one.end)
        for name, one in after.assignments.items()
    )


def _held(problem: Problem, plan: Schedule) -> Problem:
    """What has been sent out of the house can be done there alone: somebody has decided that."""
    out = [problem.operations[name] for name in outside(problem, plan)]
    away = {one.id: replace(one, modes=_away(one)) for one in out}
    return replace(problem, operations={**problem.operations, **away})


def _away(one: Operation) -> tuple[Mode, ...]:
    assert one.outside is not None
    there = tuple(mode for mode in one.modes if mode.machine == one.outside.machine)
    return there or (Mode(one.outside.machine, one.outside.work),)
