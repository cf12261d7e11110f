"""Which overtime and which work outside are worth buying: tried on a copy of the problem, kept where they help.

Both are greedy and stop with the budget; what they hold by then is a whole plan. Overtime: all that is offered on the
bottleneck is opened, then as few of the first days as are enough are kept, then halves, quarters, … of the rest are
closed as long as that harms nobody (delta debugging, Zeller and Hildebrandt 2002, on intervals). Work outside:
candidates lie on the chains that bind late orders; of the most promising few the one that saves most harm for its price
goes first, and what was tried before is tried again only where it could still be the best (lazy greedy, Minoux 1978).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from .budget import Budget
from .chains import WAITS, last
from .measure import Goal, ends
from .measures import DAY, Extra, Leaving, Overtime, extended, leaves, left, offered, used, worked
from .repair import repaired
from .shapes import Operation, Order, Problem, Schedule

TRIES = 4  # candidates to leave that are tried before the best of them does, if it saves anything


@dataclass(frozen=True)
class Variant:
    """A plan, and what has to be bought for it on top of ``question``, the problem without measures. ``present``: the
    plan as it is now; a plan with measures shifts right from there, so that nobody begins earlier than told."""

    question: Problem
    present: Schedule
    schedule: Schedule
    extras: tuple[Extra, ...] = ()
    outside: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem:
        """The problem that the plan is a plan of."""
        return left(extended(self.question, self.extras), self.outside)

    @property
    def trimmed(self) -> Variant:
        """Without the overtime that nobody works in; the plan stays as it is."""
        return replace(self, extras=used(self.question, self.extras, self.schedule))

    @property
    def worked(self) -> tuple[Extra, ...]:
        """The overtime, whole, in which something is done."""
        return worked(self.question, self.extras, self.schedule)

    @property
    def repaired(self) -> Variant:
        return replace(self, schedule=repaired(self.problem, self.present))

    def with_extras(self, extras: Collection[Extra]) -> Variant:
        """The same sequence with other overtime."""
        return replace(self, extras=tuple(extras)).repaired

    def with_outside(self, operation: str) -> Variant:
        """The same sequence with one operation more outside."""
        return replace(self, outside=(*self.outside, operation)).repaired


@dataclass(frozen=True)
class Harm:
    """What an order does to the plan it is put into. Orders that were late before count for what is added to it alone:
    nothing is bought against lateness that this order did not bring. ``old``: the end of each order before."""

    goal: Goal
    old: Mapping[str, int]

    @classmethod
    def of(cls, problem: Problem, plan: Schedule, goal: Goal) -> Harm:
        return cls(goal, ends(problem, plan))

    def orders(self, problem: Problem, schedule: Schedule) -> dict[str, int]:
        """The harm to each order that has any: weighted minutes, and the weight of a promise that is broken."""
        found = {id: self._order(problem.orders[id], end) for id, end in ends(problem, schedule).items()}
        return {id: harm for id, harm in found.items() if harm}

    def total(self, variant: Variant) -> int:
        return sum(self.orders(variant.question, variant.schedule).values())

    def _order(self, order: Order, end: int) -> int:
        before = self.old.get(order.id, 0)
        late = max(0, end - max(order.due, before))
        broken = before <= order.promised < end
        return self.goal.tardiness * order.weight * late + self.goal.promise * broken


def longer(base: Variant, overtime: Overtime, harm: Harm, budget: Budget) -> Variant:
    """The least overtime that was found with which the harm is as small as with all that is offered; ``base`` where
    none helps."""
    hurt, pace = harm.orders(base.question, base.schedule), _Pace(budget)
    if not hurt or not pace.allows():
        return base
    machines = {base.schedule.assignments[id].machine for id in binding(base, hurt)}
    groups = {base.question.machines[id].group for id in machines}
    until = max(end for id, end in ends(base.question, base.schedule).items() if id in hurt)
    every = base.with_extras(offered(base.question, overtime, until, groups))
    if harm.total(every) >= harm.total(base):
        return base
    return _thinned(base, _shortest(base, every, harm, pace), harm, pace, machines)


def _shortest(base: Variant, every: Variant, harm: Harm, pace: _Pace) -> Variant:
    """The overtime of the first days only, as few as are enough: by bisection, for another day more never harms."""
    best, least = every, harm.total(every)
    days = sorted({start // DAY for _, start, _ in every.worked})
    low, high = 0, len(days) - 1
    while low < high and pace.allows():
        middle = (low + high) // 2
        tried = base.with_extras([extra for extra in every.worked if extra[1] // DAY <= days[middle]])
        if harm.total(tried) <= least:
            best, high = tried, middle
        else:
            low = middle + 1
    return best


def _thinned(base: Variant, every: Variant, harm: Harm, pace: _Pace, binding: Collection[str]) -> Variant:
    """What is left of the overtime when parts of it are closed, first that of machines which bind nobody, then the
    largest parts, as long as that harms nobody."""
    best, least = every, harm.total(every)
    likely = [extra for extra in every.worked if extra[0] in binding]
    others = [extra for extra in every.worked if extra[0] not in binding]
    parts = deque([*([others] if others else []), *_halves(likely)])
    while parts and pace.allows():
        part = parts.popleft()
        closed = set(part)
        rest = base.with_extras([extra for extra in best.worked if extra not in closed])
        if harm.total(rest) <= least:
            best = rest
        else:
            parts.extend(_halves(part))
    return best.trimmed


def _halves(part: list[Extra]) -> list[list[Extra]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]] if middle else []


def leaving(base: Variant, limits: Leaving, harm: Harm, budget: Budget) -> Variant:
    """The operations that were found to save harm outside, the cheapest for what they save first, within the limits;
    ``base`` where none does."""
    best, pace = base, _Pace(budget)
    known: dict[str, float] = {}
    while found := _one_more(best, limits, harm, pace, known):
        best = found
    return best


def _one_more(best: Variant, limits: Leaving, harm: Harm, pace: _Pace, known: dict[str, float]) -> Variant | None:
    """The best candidate of those tried; None where none is left that saves anything, or no time. ``known``: what each
    saved for its price when it was tried last."""
    found, most, before = None, 0.0, harm.total(best)
    for place, (bound, id) in enumerate(_candidates(best, limits, harm, known)):
        if bound <= most or (found and place >= TRIES) or not pace.allows():
            break
        tried = best.with_outside(id)
        known[id] = _per_price(best, id, before - harm.total(tried))
        if known[id] > most:
            found, most = tried, known[id]
    return found


def _candidates(variant: Variant, limits: Leaving, harm: Harm, known: Mapping[str, float]) -> list[tuple[float, str]]:
    """What may still leave, with the most it can save for its price, the best first: what it saved when it was tried,
    else all the harm that goes through it. What saved nothing is not tried again."""
    through = binding(variant, harm.orders(variant.question, variant.schedule))
    operations = variant.question.operations
    gone = [operations[id] for id in variant.outside]
    found = [
        (known.get(id, _per_price(variant, id, most)), id)
        for id, most in through.items()
        if may_leave(variant, operations[id]) and limits.allows([*gone, operations[id]])
    ]
    return sorted(((bound, id) for bound, id in found if bound > 0), reverse=True)


def may_leave(variant: Variant, operation: Operation) -> bool:
    """Whether an operation is in the house and could be done outside."""
    if operation.outside is None or operation.locked or operation.id in variant.outside:
        return False
    there = variant.schedule.assignments[operation.id].machine
    return there != operation.outside.machine and leaves(operation, operation.outside.machine)


def _per_price(variant: Variant, operation: str, saved: float) -> float:
    way = variant.question.operations[operation].outside
    return saved / max(1, way.price if way else 0)


@dataclass
class _Pace:
    """Whether there is time for one step more: as much as the longest took."""

    budget: Budget
    longest: float = 0.0
    before: float = -1.0

    def allows(self) -> bool:
        left = self.budget.left()
        if self.before >= 0:
            self.longest = max(self.longest, self.before - left)
        self.before = left
        return left > self.longest


def binding(variant: Variant, hurt: Mapping[str, int]) -> dict[str, int]:
    """The operations on the chains that bind harmed orders, with the harm that goes through each."""
    lines, operations = variant.schedule.assignments, variant.question.operations
    through: dict[str, int] = defaultdict(int)
    own: dict[str, list[str]] = defaultdict(list)
    for operation in operations.values():
        if operation.order in hurt:
            own[operation.order].append(operation.id)
    for order, ids in own.items():
        through[last(variant.schedule, ids)] += hurt[order]
    # A reason names one operation that is earlier: the chains are a forest, and each is walked once.
    for line in sorted(lines.values(), key=lambda line: (-line.start, -line.end)):
        if line.operation in through and line.reason.kind in WAITS and line.reason.of in lines:
            through[line.reason.of] += through[line.operation]
    return dict(through)
