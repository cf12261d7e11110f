"""A rush order beside a plan: what it does without measures, and what could be done about it. Nothing is written.

Everything happens on a copy of the problem with the order in it. An alternative is a whole plan with its price; who
takes one writes the differences (`sealing.changes`) and what it buys (`measured` is the problem it is a plan of).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

from . import chains
from .budget import Budget
from .buying import Harm, Variant, leaving, longer, may_leave
from .checked import violations
from .measure import Goal, Score, changeovers, cost, ends, impacts, late_orders, moved_promises, score
from .measures import Measures, Overtime, extended, leaves, left, minutes, offered, premium, with_order
from .repair import fitted, inserted, repaired
from .sealing import changes
from .search import improved
from .shapes import Alternative, Impact, Locked, Operation, Order, Problem, Schedule

# Why an operation, or an order, is not earlier: what somebody asks who looks at a red list.
why, why_order = chains.why, chains.why_order


@dataclass(frozen=True, slots=True)
class Delayed:
    """One line of the red list: an order that the rush order makes later. ``key``: the customer has to agree."""

    impact: Impact
    customer: str
    key: bool


@dataclass(frozen=True)
class RedList:
    """What a rush order does if nothing is done about it. ``end``: of the rush order itself; ``delayed``: in order of
    pain; ``schedule``: the plan in which it is so."""

    order: str
    end: int
    delayed: tuple[Delayed, ...]
    schedule: Schedule


Told = Callable[[RedList | Alternative], None]


def _untold(_found: RedList | Alternative) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class _Question:
    """``problem`` and ``plan`` as they are; ``whole`` is the problem with the rush order in it."""

    problem: Problem
    plan: Schedule
    whole: Problem
    rush: Order
    measures: Measures
    goal: Goal
    seed: int
    workers: int
    base: Variant
    harm: Harm


def red_list(problem: Problem, plan: Schedule, rush: Order, operations: Collection[Operation]) -> RedList:
    """The orders that become later if the rush order is put in by its priority and everything behind it shifts right in
    its old sequence. In order of pain: promises broken to key customers first, then by penalty, weight and days."""
    whole = with_order(problem, rush, operations)
    return _red_list(whole, plan, rush, inserted(whole, plan))


def _red_list(whole: Problem, plan: Schedule, rush: Order, schedule: Schedule) -> RedList:
    found = [_delayed(whole, one) for one in impacts(whole, plan, schedule) if one.new_end > one.old_end]
    found.sort(key=lambda one: _pain(whole.orders[one.impact.order], one.impact), reverse=True)
    return RedList(rush.id, ends(whole, schedule)[rush.id], tuple(found), schedule)


def _delayed(whole: Problem, impact: Impact) -> Delayed:
    order = whole.orders[impact.order]
    return Delayed(impact, order.customer, order.key)


def _pain(order: Order, impact: Impact) -> tuple[bool, int, int, int, str]:
    late = impact.late > 0
    return late and order.key, impact.penalty, order.weight * impact.late, impact.new_end - impact.old_end, order.id


def alternatives(
    problem: Problem,
    plan: Schedule,
    rush: Order,
    operations: Collection[Operation],
    measures: Measures,
    budget: Budget,
    seed: int = 0,
    *,
    goal: Goal = Goal(),  # noqa: B008 - a frozen value
    workers: int = 2,
    told: Told = _untold,
) -> tuple[Alternative, ...]:
    """The answers to a rush order, always these in this order: ``no_measures``, ``nobody_hurt``, ``extend_shifts``,
    ``outsource``, ``resequence``. ``told`` hears the red list at once and each alternative as soon as it is there.

    None is worse than ``no_measures``: by the harm to others and the rush order's lateness where something is bought,
    by ``goal`` where orders are put into another sequence. One that cannot be has ``why_not`` and the plan without
    measures. ValueError as for `repair.inserted`.
    """
    question = _asked(problem, plan, rush, operations, measures, seed, goal=goal, workers=workers)
    told(_red_list(question.whole, plan, rush, question.base.schedule))
    found: list[Alternative] = []
    for name, answer, share in _ANSWERS:
        found.append(_told_apart(_shown(question, name, _in_time(answer, question, budget, share)), found))
        told(found[-1])
    return tuple(found)


def _asked(
    problem: Problem,
    plan: Schedule,
    rush: Order,
    operations: Collection[Operation],
    measures: Measures,
    seed: int,
    *,
    goal: Goal,
    workers: int,
) -> _Question:
    whole, goal = with_order(problem, rush, operations), replace(goal, before=plan)
    base = Variant(whole, plan, inserted(whole, plan))
    harm = Harm.of(problem, plan, goal)
    return _Question(problem, plan, whole, rush, measures, goal, seed, workers, base, harm)


Answer = Variant | str  # a plan, or the key of the reason why there is none


def _in_time(
    answer: Callable[[_Question, Budget], Answer], question: _Question, budget: Budget, share: float
) -> Answer:
    """The answer within its share of the time that is left; those without a share take next to none."""
    return answer(question, budget.part(share)) if not share or budget.left() > 0 else "no_time"


def _no_measures(question: _Question, _budget: Budget) -> Answer:
    return question.base


def _nobody_hurt(question: _Question, _budget: Budget) -> Answer:
    return _rearranged(question.base, question.plan, ())


def _extend_shifts(question: _Question, budget: Budget) -> Answer:
    if not question.measures.overtime:
        return "no_overtime"
    return longer(question.base, question.measures.overtime, question.harm, budget)


def _outsource(question: _Question, budget: Budget) -> Answer:
    leavers = [one for one in question.whole.operations.values() if may_leave(question.base, one)]
    if not any(question.measures.outside.allows([one]) for one in leavers):
        return "no_outside"
    return leaving(question.base, question.measures.outside, question.harm, budget)


def _resequence(question: _Question, budget: Budget) -> Answer:
    """The orders that may be moved give way, those of key customers and all others stay."""
    free = {order.id for order in question.problem.orders.values() if order.movable and not order.key}
    if not free:
        return "no_movable"
    start = _best_start(question, [question.base, *_valid([_shifted(question.base, question.plan, free)])])
    return _searched(question, start, free | {question.rush.id}, budget)


_ANSWERS: Sequence[tuple[str, Callable[[_Question, Budget], Answer], float]] = (
    # name, how it is found, share of the time that is left
    ("no_measures", _no_measures, 0.0),
    ("nobody_hurt", _nobody_hurt, 0.0),
    ("extend_shifts", _extend_shifts, 0.35),
    ("outsource", _outsource, 0.45),
    ("resequence", _resequence, 1.0),
)
NAMES = tuple(name for name, _answer, _share in _ANSWERS)


def mixed(
    problem: Problem,
    plan: Schedule,
    rush: Order,
    operations: Collection[Operation],
    *,
    may_move: Collection[str],
    overtime: Overtime,
    outside: Collection[str],
    budget: Budget,
    seed: int = 0,
    goal: Goal = Goal(),  # noqa: B008 - a frozen value
    workers: int = 2,
) -> Alternative:
    """One alternative by hand: these orders may move, this overtime may be used, these operations leave the house. All
    others keep their dates, but for what has to wait for an operation that leaves. Whoever lets an order move lets its
    promise go: only lateness by its weight counts for it. ValueError for an operation that may not leave."""
    goal = replace(goal, promise=0)
    question = _asked(problem, plan, rush, operations, Measures(overtime), seed, goal=goal, workers=workers)
    free = {*may_move, rush.id}
    until = max(end for id, end in ends(question.whole, question.base.schedule).items() if id in free)
    bought = replace(question.base, extras=offered(problem, overtime, until), outside=tuple(outside))
    own = {operation.id for operation in operations}
    settled = repaired(_without(bought.problem, own), plan)
    made = _valid([_rearranged(bought, settled, free), _shifted(bought, settled, free)])
    starts = [one for one in made if _holds(one, settled, free)]
    start = _best_start(question, [_rearranged(bought, settled, ()), *starts])
    return _shown(question, "mixed", _searched(question, start, free, budget))


def measured(problem: Problem, rush: Order, operations: Iterable[Operation], alternative: Alternative) -> Problem:
    """The problem that an alternative is a plan of: with the rush order, the overtime bought, and what leaves."""
    return left(extended(with_order(problem, rush, operations), alternative.added), alternative.outside)


def _rearranged(variant: Variant, plan: Schedule, free: Collection[str]) -> Variant:
    """The free orders taken out of the plan and put, with the rush order, into its gaps by priority; others stay."""
    operations = variant.question.operations
    kept = {id: line for id, line in plan.assignments.items() if operations[id].order not in free}
    # Where the one before is gone, the changeover from it is too.
    rest = repaired(_without(variant.problem, operations.keys() - kept.keys()), Schedule(kept)) if free else plan
    return replace(variant, schedule=fitted(variant.problem, rest))


def _valid(found: Iterable[Variant]) -> list[Variant]:
    """Around what counts as locked no changeover is demanded: where one would be missing, the plan is no start."""
    return [one for one in found if not violations(one.problem, one.schedule)]


def _shifted(variant: Variant, plan: Schedule, free: Collection[str]) -> Variant:
    """The rush order put in by its priority where only free orders give way: the others count as locked for it."""
    held = {
        id: replace(operation, locked=Locked(line.machine, line.start, line.end))
        for id, operation in variant.problem.operations.items()
        if operation.order not in free and (line := plan.assignments.get(id)) and not operation.locked
    }
    locked = replace(variant.problem, operations={**variant.problem.operations, **held})
    return replace(variant, schedule=repaired(variant.problem, inserted(locked, plan)))


def _holds(variant: Variant, plan: Schedule, free: Collection[str]) -> bool:
    """Whether no order that may not move ends later than in the plan."""
    new = ends(variant.question, variant.schedule)
    return all(new[id] <= end for id, end in ends(variant.question, plan).items() if id not in free)


def _best_start(question: _Question, found: Sequence[Variant]) -> Variant:
    return reduce(partial(_better, question), found)


def _without(problem: Problem, operations: Collection[str]) -> Problem:
    rest = {id: operation for id, operation in problem.operations.items() if id not in operations}
    return replace(problem, operations=rest)


def _searched(question: _Question, start: Variant, free: Collection[str], budget: Budget) -> Variant:
    """What the search makes of a plan in its time, if that is better."""
    found = improved(
        start.problem, start.schedule, question.goal, budget, seed=question.seed, workers=question.workers, free=free
    )
    return _better(question, start, replace(start, schedule=found)).trimmed


def _better(question: _Question, one: Variant, other: Variant) -> Variant:
    """The better of two by the goal, overtime included where money counts; the first where they are equal."""
    return other if _score(question, other) < _score(question, one) else one


def _score(question: _Question, variant: Variant) -> Score:
    found = score(variant.problem, variant.schedule, question.goal)
    money = question.goal.cost * premium(question.whole, question.measures.overtime, variant.trimmed.extras)
    return replace(found, value=found.value + money)


def _shown(question: _Question, name: str, answer: Answer) -> Alternative:
    if isinstance(answer, str):
        return replace(_shown(question, name, question.base), why_not=answer)
    problem, plan, schedule = answer.problem, question.plan, answer.schedule
    above = premium(question.whole, question.measures.overtime, answer.extras)
    return Alternative(
        name,
        schedule,
        impacts(problem, plan, schedule),
        cost(problem, schedule) + above - cost(question.problem, plan),
        minutes(answer.extras),
        tuple(sorted(_outside(question.whole, schedule) - _outside(question.whole, plan))),
        answer.extras,
        changeovers(problem, schedule),
        len(late_orders(problem, schedule)),
        len(moved_promises(problem, plan, schedule)),
    )


def _outside(whole: Problem, plan: Schedule) -> set[str]:
    return {id for id, line in plan.assignments.items() if leaves(whole.operations[id], line.machine)}


def _told_apart(one: Alternative, others: Iterable[Alternative]) -> Alternative:
    """An alternative that says which earlier one it equals."""
    equal = (other.name for other in others if _equal(one, other))
    return replace(one, same_as=next(equal, ""))


def _equal(one: Alternative, other: Alternative) -> bool:
    same = (one.added, one.outside) == (other.added, other.outside)
    return same and not any(change.moves for change in changes(one.schedule, other.schedule))
