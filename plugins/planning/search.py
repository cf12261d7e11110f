"""Improvement of a plan within a time budget; at any time it has a plan that is no worse than the one it began with.

Two ways, by what the problem is like. Where only the makespan counts and machines are always open, without changeovers
or locked work, CP-SAT solves neighbourhoods (`shorten.py`). In all other cases operations are taken out and put back
(`reinsert.py`), which keeps every rule of a real factory. Measured by benchmarks/instances.py and
benchmarks/planning_search.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from importlib.util import find_spec

from .axis import axis_of, schedule_of, timing_of
from .budget import Budget
from .indexed import Indexed
from .measure import Goal, score
from .reasons import schedule
from .reinsert import reinserted
from .shapes import Problem, Schedule
from .shorten import shortened
from .timeline import Board
from .worth import Worth

ENDLESS = 1 << 60


def improved(
    problem: Problem,
    plan: Schedule,
    goal: Goal,
    budget: Budget,
    *,
    seed: int = 0,
    workers: int = 2,
    free: Collection[str] | None = None,
    steps: int = ENDLESS,
    solver: bool | None = None,
) -> Schedule:
    """A plan whose `measure.score` is not above that of ``plan``, which has to be a valid plan of the whole problem.

    ``free``: only these orders may move; all others keep machine, start and end. What is locked never moves.
    ``steps``: at most so many neighbourhoods. With one worker and steps that are over before the budget, the same seed
    gives the same plan. ``workers``: threads, where CP-SAT is used. ``solver``: False does without CP-SAT; None asks
    whether it is installed.
    """
    if solver is None:
        solver = find_spec("ortools") is not None
    found = _shortest(problem, plan, goal, budget, seed, workers, steps) if solver and free is None else None
    if found is None:
        found = _put_back(problem, plan, goal, budget, free, seed, steps)
    return found if score(problem, found, goal) < score(problem, plan, goal) else plan


def _shortest(
    problem: Problem, plan: Schedule, goal: Goal, budget: Budget, seed: int, workers: int, steps: int
) -> Schedule | None:
    """None where it is not the makespan alone that counts, or the problem has no single axis of time."""
    if not goal.span or replace(goal, span=0, before=None) != Goal(0, 0, 0):
        return None
    axis = axis_of(problem)
    timing = axis and timing_of(axis, plan)
    if not axis or not timing:
        return None
    best = shortened(axis, timing, budget.left, seed=seed, workers=workers, steps=steps)
    return schedule(Board.of(Indexed.of(problem), schedule_of(axis, best)))


def _put_back(
    problem: Problem, plan: Schedule, goal: Goal, budget: Budget, free: Collection[str] | None, seed: int, steps: int
) -> Schedule:
    begun = budget.left()
    indexed = Indexed.of(problem)
    worth, board = Worth(indexed, goal, free), Board.of(indexed, plan)
    # What is read once has to be written once: the end takes about as long as the beginning did.
    kept = begun - budget.left()
    return schedule(reinserted(worth, board, lambda: max(0.0, budget.left() - kept), seed=seed, steps=steps))
