"""Rules decide: which of them a change wakes, whether their condition holds, what they want. Nothing is done here.

All rules that one change wakes look at the record as that change left it; what they want is performed afterwards, in
the order of the file. A rule that cannot be worked out refuses the change: it must not vanish in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.definition import Rule
from engine.effects import CreateRecord, Effect, Notify, Refuse, SetValues, TakeTransition, UpdateMatching
from engine.errors import AppmillError, Refused, message
from engine.expressions import EvaluationFailed, View, fill_all, plain
from engine.formats import Reader
from engine.language import Label, Template
from engine.passage import Walk
from engine.plans import RulePlan
from engine.triggers import Change


@dataclass(frozen=True)
class Decision:
    """What one rule answered: its effects when its condition held, and the trace people can look at."""

    rule: Rule
    effects: tuple[Effect, ...]
    trace: Mapping[str, Any]


@dataclass(frozen=True)
class Asking:
    """What triggers, conditions and actions may ask about one change; the Context of ``actions``."""

    walk: Walk
    change: Change
    view: View
    names: Mapping[str, Any] = field(default_factory=dict)

    @property
    def form(self) -> str:
        return self.change.form

    @property
    def id(self) -> int:
        return int(self.view.row["id"])

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.walk.app.definition.roles)

    def run(self, source: str, **more: Any) -> Any:
        return self.walk.app.plans.compile(source).run({**self.names, **more})

    def evaluate(self, source: str, **more: Any) -> Any:
        return plain(self.run(source, **more))

    def ids_of(self, source: str) -> tuple[int, ...]:
        value = self.evaluate(source)
        many = value if isinstance(value, tuple) else (value,)
        return tuple(id for id in many if isinstance(id, int) and not isinstance(id, bool))

    def linked(self, name: str) -> Sequence[tuple[str, int]]:
        value = self.view.read(name)
        views = value if isinstance(value, tuple) else (value,)
        return [(view.form.name, view.id) for view in views if isinstance(view, View) and view.id is not None]

    def lines(self, name: str) -> Sequence[Any]:
        found = self.view.read(name)
        return found if isinstance(found, tuple) else ()

    def fill(self, template: Template) -> Mapping[str, str]:
        definition = self.walk.app.definition
        reader = Reader(definition.languages[0], definition.timezone, definition.currency)
        return fill_all(template, self.names, self.walk.app.registry, reader)


# --- deciding --------------------------------------------------------------------------------------------------------


def decide(walk: Walk, plans: Sequence[RulePlan], change: Change, view: View, old: View | None) -> list[Decision]:
    """One decision per rule the change may wake, in the order of the file."""
    asking = Asking(walk, change, view, {**walk.sight.names, "record": view, "old": old})
    return [_decide(plan, asking) for plan in plans]


def _decide(plan: RulePlan, asking: Asking) -> Decision:
    try:
        if not plan.rule.trigger.matches(asking.change):
            return Decision(plan.rule, (), {"rule": plan.rule.stable_id, "matched": False})
        clauses = _clauses(plan, asking)
        held = all(clause["holds"] for clause in clauses)
        wanted = tuple(effect for action in plan.rule.actions for effect in action.effects(asking)) if held else ()
    except EvaluationFailed as failed:
        raise broken(plan.rule, failed) from failed
    trace = {
        "rule": plan.rule.stable_id,
        "matched": True,
        "held": held,
        "clauses": clauses,
        "effects": [described(effect) for effect in wanted],
    }
    return Decision(plan.rule, wanted, trace)


def _clauses(plan: RulePlan, asking: Asking) -> list[dict[str, Any]]:
    """The condition clause by clause, up to the first that does not hold: the rest may rely on it."""
    if plan.when is None:
        return []
    found: list[dict[str, Any]] = []
    for clause in plan.when.clauses:
        holds = clause.holds(asking.names)
        values = {path: in_trace(value) for path, value in clause.values_read(asking.names)}
        found.append({"text": clause.source, "holds": holds, "values": values})
        if not holds:
            break
    return found


def name_of(rule: Rule) -> Label:
    """What people call the rule."""
    return rule.label or Label({"": rule.name.replace("_", " ").capitalize()})


def broken(rule: Rule, failed: AppmillError) -> Refused:
    return Refused(
        message("The rule “{rule}” cannot be worked out: {reason}. Nothing was saved; tell an administrator.",
                rule=name_of(rule), reason=failed.reason)
    )  # fmt: skip


# --- the trace -------------------------------------------------------------------------------------------------------


def in_trace(value: Any) -> Any:
    """A value in the JSON of a trace."""
    value = plain(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, tuple | list | frozenset):
        return [in_trace(one) for one in value]
    if isinstance(value, dict):
        return {str(key): in_trace(one) for key, one in value.items()}
    return str(value)


def described(effect: Effect) -> dict[str, Any]:
    """An effect in the JSON of a trace."""
    if isinstance(effect, SetValues):
        return {"set": effect.form, "id": effect.id, "values": in_trace(dict(effect.values))}
    if isinstance(effect, CreateRecord):
        return {"create": effect.form, "values": in_trace(dict(effect.values))}
    if isinstance(effect, UpdateMatching):
        return {"update": effect.form, "where": effect.where, "values": dict(effect.values)}
    if isinstance(effect, TakeTransition):
        return {"take": effect.transition, "form": effect.form, "id": effect.id, "reason": effect.reason}
    if isinstance(effect, Refuse):
        return {"refuse": dict(effect.texts)}
    if isinstance(effect, Notify):
        return {"notify": sorted(effect.roles), "users": sorted(effect.users), "message": dict(effect.texts)}
    return {"effect": type(effect).__name__}
