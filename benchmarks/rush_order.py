"""A rush order in generated factories: how long until its red list, and until all alternatives.

    python benchmarks/rush_order.py [--quick] [--seed 1]

Every size runs in a process of its own, whose peak of memory (VmHWM) counts. The budget that is given for the
alternatives has to be kept within 10 %. ``--quick``: the first size only. Exits with 1 when a figure is not as it has
to be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import planning_factory

from plugins.planning.budget import Budget
from plugins.planning.checked import violations
from plugins.planning.constructive import scheduled
from plugins.planning.measures import Leaving, Measures, Overtime
from plugins.planning.promise import promised
from plugins.planning.rush import RedList, alternatives, measured
from plugins.planning.shapes import Alternative, Operation, Order, Problem, Schedule
from plugins.planning.spread import spreads

HERE = Path(__file__).resolve().parent
MEGABYTES = 500
# orders, machines: seconds to the red list, seconds to all alternatives, seconds given to them
SIZES = {(300, 15): (1.0, 3.0, 2.5), (1_000, 40): (2.0, 10.0, 9.0), (3_000, 80): (5.0, 30.0, 27.0)}
MEASURES = Measures(
    Overtime(frozenset(planning_factory.GROUPS), after=120, closed=480), Leaving(most=5, each={"outside": 5})
)


def asked(orders: int, machines: int, seed: int) -> tuple[Problem, Schedule, Order, list[Operation]]:
    """A factory with its plan, and a rush order apart from it."""
    problem = planning_factory.factory(orders, machines, seed)
    whole = planning_factory.rush(problem, seed)
    (rush,) = (order for id, order in whole.orders.items() if id not in problem.orders)
    return problem, scheduled(problem), rush, [one for one in whole.operations.values() if one.order == rush.id]


def run(orders: int, machines: int, seed: int) -> bool:
    red_goal, all_goal, seconds = SIZES[orders, machines]
    problem, plan, rush, operations = asked(orders, machines, seed)
    print(
        f"\n{orders} orders, {machines} machines, {len(problem.operations)} operations; load {os.getloadavg()[0]:.1f}"
    )
    heard: list[tuple[float, RedList | Alternative]] = []
    began = time.monotonic()
    budget = Budget(seconds, time.monotonic)
    found = alternatives(
        problem,
        plan,
        rush,
        operations,
        MEASURES,
        budget,
        seed,
        told=lambda one: heard.append((time.monotonic() - began, one)),
    )
    took = time.monotonic() - began
    peak = megabytes()
    for after, one in heard:
        print(f"  {after:6.2f} s  {told(problem, one)}")
    promise(problem, plan, rush, operations, seed)
    wrong = [one.name for one in found if violations(measured(problem, rush, operations, one), one.schedule)]
    return judged(
        {
            f"red list after {heard[0][0]:.2f} s, goal {red_goal:g}": heard[0][0] < red_goal,
            f"all after {took:.2f} s, goal {all_goal:g}": took < all_goal,
            f"budget of {seconds:g} s used to {100 * took / seconds:.0f} %, at most 110": took <= 1.1 * seconds,
            f"peak {peak:.0f} MB, goal {MEGABYTES}": peak < MEGABYTES,
            f"plans against the rules: {wrong or 'none'}": not wrong,
        }
    )


def told(problem: Problem, one: RedList | Alternative) -> str:
    if isinstance(one, RedList):
        late = sum(delayed.impact.late > 0 for delayed in one.delayed)
        return f"red list: ready {day(problem, one.end)}, {len(one.delayed)} orders later, {late} of them late"
    harmed = sum(impact.new_end > impact.old_end for impact in one.impacts)
    return (
        f"{one.name:14} {harmed:4} later, {one.late_orders:4} late, {one.moved_promises:3} promises moved, "
        f"{one.overtime / 60:6.1f} h overtime, {len(one.outside)} outside, {one.cost / 100:9.2f}, "
        f"{one.changeovers} changeovers{' = ' + one.same_as if one.same_as else ''} {one.why_not}"
    )


def promise(problem: Problem, plan: Schedule, rush: Order, operations: list[Operation], seed: int) -> None:
    dice = Random(seed)
    known = spreads(("all", dice.lognormvariate(0.05, 0.25)) for _ in range(500))
    began = time.monotonic()
    made = promised(problem, plan, rush, operations, lambda _: known.of("all"), seed=seed)
    print(
        f"  promise in {time.monotonic() - began:.2f} s: ready {day(problem, made.end)}, p50 {day(problem, made.likely)}, "
        f"p80 {day(problem, made.safe)}; {len(made.reasons)} reasons, the root: {made.reasons[-1].reason.kind}"
    )


def day(problem: Problem, minute: int) -> str:
    return f"in {(minute - problem.now) / 1440:.2f} days"


def megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def judged(figures: dict[str, bool]) -> bool:
    for text, good in figures.items():
        print(f"  {'ok ' if good else 'NOT'} {text}")
    return all(figures.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        return not run(*options.size, options.seed)
    sizes = list(SIZES)[: 1 if options.quick else None]
    return max(apart(size, options.seed) for size in sizes)


def apart(size: tuple[int, int], seed: int) -> int:
    """One size in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--seed", str(seed), "--size", *map(str, size)]
    paths = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": paths}).returncode


if __name__ == "__main__":
    sys.exit(main())
