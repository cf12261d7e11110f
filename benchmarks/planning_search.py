"""How far weighted tardiness falls within a budget in a generated factory: ``python benchmarks/planning_search.py``.

The factory is that of planning_factory.py with more work than it has time for, so that there is lateness to remove.
Every plan is checked.
"""

from __future__ import annotations

import argparse
import sys
import time

import planning_factory

from plugins.planning.budget import Budget
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.measure import Goal, score
from plugins.planning.search import improved
from plugins.planning.shapes import Problem, Schedule

FACTORIES = ((300, 15), (1_000, 40), (3_000, 80))


def after(problem: Problem, plan: Schedule, seconds: float) -> tuple[int, float]:
    """The weighted hours late of the improved plan, and the seconds it took. Exits where it breaks a rule."""
    began = time.monotonic()
    found = improved(problem, plan, Goal(), Budget(seconds, time.monotonic))
    taken = time.monotonic() - began
    if wrong := violations(problem, found):
        sys.exit(f"the plan breaks {len(wrong)} rules, such as {wrong[0]}")
    return score(problem, found, Goal()).tardiness // 60, taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utilisation", type=float, default=1.1, help="of the busiest group")
    parser.add_argument(
        "--seconds", type=lambda text: [float(one) for one in text.split(",")], default=[2.0, 5.0, 10.0]
    )
    asked = parser.parse_args()
    planning_factory.UTILISATION = asked.utilisation
    for orders, machines in FACTORIES:
        problem = planning_factory.factory(orders, machines, seed=1)
        plan = scheduled(problem)
        first = score(problem, plan, Goal()).tardiness // 60
        print(f"{orders}/{machines}: {first} weighted hours late at first", flush=True)
        for seconds in asked.seconds:
            hours, taken = after(problem, plan, seconds)
            print(
                f"  {seconds:g} s: {hours} ({100 * hours / max(1, first) - 100:.1f} %), took {taken:.2f} s", flush=True
            )


if __name__ == "__main__":
    main()
