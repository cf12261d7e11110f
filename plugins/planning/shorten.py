"""The shortest plan on one axis: a large-neighbourhood search whose neighbourhoods CP-SAT solves.

Shaw, "Using constraint programming and local search methods to solve vehicle routing problems", 1998, with the
neighbourhoods of `neighbourhoods.py`. Each worker is a thread with a solver of its own (CP-SAT lets go of the
interpreter while it solves); they share the best plan and what they learnt about sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from threading import Lock

from .axis import Axis, Timing
from .cp import Effort, Outcome, Stretch, solved
from .neighbourhoods import Kind, chosen, kinds
from .starts import active

# Deterministic time of one neighbourhood, about a tenth of a second. Measured at 10 s on ta41, la29 and mk10: with 0.3
# and more the search takes too few steps, with 0.02 the neighbourhoods become too small.
WORK = 0.05


@dataclass
class _Search:
    """What the workers share. ``left``: seconds that are left; ``steps``: neighbourhoods that may still be solved."""

    axis: Axis
    best: Timing
    left: Callable[[], float]
    steps: int
    kinds: list[Kind]
    lock: Lock = field(default_factory=Lock)
    proven: bool = False

    def goes_on(self) -> bool:
        with self.lock:
            self.steps -= 1
            return self.steps >= 0 and not self.proven

    def learn(self, kind: Kind, stretch: Stretch, outcome: Outcome) -> None:
        with self.lock:
            found = outcome.timing
            better = found is not None and found.span < self.best.span
            # An equal plan is taken too: it differs where the stretch was not critical, which opens other ways on.
            if found is not None and found.span <= self.best.span:
                self.best = found
            kind.learn(proven=outcome.proven, better=better, limit=len(self.axis.tasks))
            self.proven |= outcome.proven and len(stretch.freed) == len(self.axis.tasks)

    def work(self, seed: int) -> None:
        random = Random(seed)  # noqa: S311 – no secret
        while (left := self.left()) > 0.02 and self.goes_on():
            kind, timing = chosen(self.kinds, random), self.best
            stretch = kind.next(self.axis, timing, random)
            effort = Effort(WORK, left, random.randrange(1 << 30))
            self.learn(kind, stretch, solved(self.axis, timing, stretch, effort))


def _first(axis: Axis, random: Random) -> list[Timing]:
    """A few quick plans: a better beginning saves the search many steps."""
    return [active(axis, noise, random) for noise in (0, 0.1, 0.2, 0.3)]


def shortened(
    axis: Axis, timing: Timing, left: Callable[[], float], *, seed: int, workers: int, steps: int = 1 << 60
) -> Timing:
    """The shortest plan found until ``left`` says 0, ``steps`` neighbourhoods are solved, or it is proven that there is
    no shorter one. With one worker and a limit of steps it depends on the seed alone."""
    if not timing.order:
        return timing
    begun = min((timing, *_first(axis, Random(seed))), key=lambda one: one.span)  # noqa: S311 – no secret
    search = _Search(axis, begun, left, steps, kinds(axis))
    with ThreadPoolExecutor(workers) as threads:
        for done in [threads.submit(search.work, seed * 1000 + worker) for worker in range(workers)]:
            done.result()
    return search.best
