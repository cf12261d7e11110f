"""How near the search for the shortest plan comes to the best known, beside CP-SAT alone in the same run.

    python benchmarks/instances.py                                # all, 10 s and 60 s: about 45 minutes
    python benchmarks/instances.py --only la29,mk10 --seconds 10
    python benchmarks/instances.py --quick                        # one small instance of each kind, 2 s

Both have the same seconds and two threads, one after the other for each instance, so that other work on the machine
hits both. Our plan begins with the first plan of the planning core, whose time is within the seconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from planning_instances import Instance, makespan, names, read, solved_alone

from plugins.planning.budget import Budget
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.measure import Goal
from plugins.planning.search import improved
from plugins.planning.shapes import Problem

SHORTEST = Goal(tardiness=0, promise=0, disturbance=0, span=1)
QUICK = ("ft06", "mk01")


@dataclass(frozen=True)
class Row:
    """Makespans (minutes) of an instance; ``alone``: None where CP-SAT found no plan."""

    instance: Instance
    seconds: float
    first: int
    ours: int
    alone: int | None

    def gap(self, found: int | None) -> float:
        """Percent above the best known; infinite without a plan."""
        return 100 * found / self.instance.best - 100 if found is not None else float("inf")


def shortest(problem: Problem, seconds: float, *, seed: int = 0) -> tuple[int, int]:
    """The makespans of the first plan and of the improved one. Raises ValueError if it breaks a rule."""
    budget = Budget(seconds, time.monotonic)
    first = scheduled(problem)
    plan = improved(problem, first, SHORTEST, budget, seed=seed)
    if wrong := violations(problem, plan):
        raise ValueError(f"the plan breaks {len(wrong)} rules, such as {wrong[0]}")
    return makespan(first), makespan(plan)


def compared(name: str, seconds: float) -> Row:
    instance = read(name)
    first, ours = shortest(instance.problem, seconds)
    return Row(instance, seconds, first, ours, solved_alone(instance.problem, seconds, time.monotonic))


def main(arguments: Sequence[str]) -> None:
    asked = _asked(arguments)
    print("instance  operations  seconds   best  first   ours    gap  CP-SAT    gap", flush=True)
    for seconds in asked.seconds:
        rows = []
        for name in asked.only:
            rows.append(compared(name, seconds))
            print(_line(rows[-1]), flush=True)
        ours, alone = (mean(row.gap(found(row)) for row in rows) for found in (_ours, _alone))
        print(f"mean of {len(rows)} at {seconds:g} s: {ours:.1f} %, CP-SAT alone {alone:.1f} %", flush=True)


def _ours(row: Row) -> int:
    return row.ours


def _alone(row: Row) -> int | None:
    return row.alone


def _line(row: Row) -> str:
    one = row.instance
    return (
        f"{one.name:<8}  {len(one.problem.operations):>10}  {row.seconds:>7g}  {one.best:>5}  {row.first:>5}  "
        f"{row.ours:>5}  {row.gap(row.ours):>4.1f}%  {row.alone or '–':>6}  {row.gap(row.alone):>4.1f}%"
    )


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=_listed, default=names(), help="names, between commas")
    parser.add_argument("--seconds", type=lambda text: [float(one) for one in text.split(",")], default=[10, 60])
    parser.add_argument("--quick", action="store_true", help="one small instance of each kind, 2 s")
    asked = parser.parse_args(arguments)
    if asked.quick:
        asked.only, asked.seconds = QUICK, [2]
    return asked


def _listed(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if unknown := set(found) - set(names()):
        raise argparse.ArgumentTypeError(
            f"no such instance: {', '.join(sorted(unknown))}; there are {', '.join(names())}"
        )
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
