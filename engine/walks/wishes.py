"""What would have to hold for a transition to be taken, and which input would make it hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from engine.errors import Invalid
from engine.expressions import Compiled, EvaluationFailed
from engine.people import Actor
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Row, Sight
from engine.walks.ground import Ground, Record
from engine.workflow import needed_deliverables

MOST = 400  # inputs that are thought through


@dataclass(frozen=True)
class Wish:
    """``clauses`` must hold, ``filled`` must not be empty; both of the record as it is then."""

    clauses: tuple[Compiled, ...] = ()
    filled: tuple[str, ...] = ()


def wish_of(ground: Ground, plan: FormPlan, step: TransitionPlan, record: Record) -> Wish:
    needed = needed_deliverables(plan, step, ground.row(record))
    return Wish(step.guard.clauses if step.guard else (), needed)


def reads(ground: Ground, plan: FormPlan, clauses: Iterable[Compiled]) -> dict[str, None]:
    """The fields of the record itself that decide, those behind computed ones included."""
    live = ground.app.plans.live_computed[plan.form.name]
    found: dict[str, None] = {}
    for clause in clauses:
        for path in clause.paths:
            if path[0] == "record" and len(path) > 1:
                found.update(dict.fromkeys(live[path[1]].fields if path[1] in live else (path[1],)))
    return {name: None for name in found if name in plan.fields}


def holding(clauses: Iterable[Compiled], names: Mapping[str, Any]) -> tuple[bool, ...]:
    """Which hold; what cannot be worked out does not."""
    return tuple(_holds(clause, names) for clause in clauses)


def _holds(clause: Compiled, names: Mapping[str, Any]) -> bool:
    try:
        return clause.holds(names)
    except EvaluationFailed:
        return False


def granted(ground: Ground, record: Record, actor: Actor, wish: Wish) -> bool:
    """Whether the wish is fulfilled."""
    plan = ground.app.plans.form(record.form)

    def look(sight: Sight, row: Row) -> bool:
        view = sight.view(plan.form, row)
        held = all(holding(wish.clauses, sight.with_record(view)))
        return held and not any(is_empty(view.read(name)) for name in wish.filled)

    return ground.seen(record, actor, look)


def is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, (tuple, dict)) and not value)


def answer(
    ground: Ground, record: Record, actor: Actor, wish: Wish, free: Iterable[str], asked: Iterable[str] = ()
) -> dict[str, Any] | None:
    """The first input for the free fields that fulfils the wish; ``asked`` ones must be filled too. None when none of
    those that are tried does."""
    plan = ground.app.plans.form(record.form)
    names = [name for name in free if name in plan.fields and plan.fields[name].writable]
    needed = frozenset((*wish.filled, *asked)) & set(names)
    relevant = reads(ground, plan, wish.clauses)
    beside = ground.seen(record, actor, lambda sight, row: _beside(plan, wish, sight, row))
    options = {
        name: ground.candidates(plan, plan.fields[name], actor, beside=beside)
        for name in names if name in relevant or name in needed
    }  # fmt: skip

    def look(sight: Sight, row: Row) -> dict[str, Any] | None:
        empty = {name for name in needed if is_empty(row.get(name))}
        choices = [_choices(options[name], name in empty, name in relevant) for name in options]
        for chosen in islice(product(*choices), MOST):
            values = {name: raw for name, raw in zip(options, chosen, strict=True) if raw is not _AS_IT_IS}
            if _fulfils(plan, wish, sight, row, values):
                return values
        return None

    return ground.seen(record, actor, look)


_AS_IT_IS = object()


def _choices(candidates: list[Any], empty: bool, relevant: bool) -> list[Any]:
    if empty:
        return candidates if relevant else candidates[:1]
    return [_AS_IT_IS, *candidates]


def _fulfils(plan: FormPlan, wish: Wish, sight: Sight, row: Row, values: Mapping[str, Any]) -> bool:
    """Supposing the record had these values; what is computed from them is worked out anew."""
    supposed = {name: value for name, value in row.items() if name not in plan.computed}
    reader = sight.names["reader"]
    try:
        supposed.update({name: plan.fields[name].parse(raw, reader) for name, raw in values.items()})
    except Invalid:
        return False
    return all(holding(wish.clauses, sight.with_record(sight.view(plan.form, supposed))))


def _beside(plan: FormPlan, wish: Wish, sight: Sight, row: Row) -> tuple[Any, ...]:
    """The values the clauses read now: often what a field must be equal to, or exceed."""
    names, found = sight.with_record(sight.view(plan.form, row)), []
    for clause in wish.clauses:
        try:
            found += [value for _path, value in clause.values_read(names)]
        except EvaluationFailed:
            continue
    return tuple(value for value in _plain(found))


def _plain(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, bool) or value is None:
            continue
        if hasattr(value, "isoformat"):
            yield value.isoformat()
        elif isinstance(value, (int, str)) or hasattr(value, "as_tuple"):
            yield value
