"""Rules decide: which of them a change wakes, whether their condition holds, what they want. Nothing is done here.

All rules that one change wakes look at the record as that change left it; what they want is performed afterwards, in
the order of the file. A rule that cannot be worked out refuses the change: it must not vanish in silence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from engine.definition import Rule
from engine.effects import (
    Approve,
    Ask,
    CreateRecord,
    Effect,
    ForEach,
    Notify,
    Outside,
    Reassign,
    Refuse,
    SetValues,
    TakeTransition,
    UpdateMatching,
    Wait,
)
from engine.errors import AppmillError, Refused, message
from engine.expressions import EvaluationFailed, View, fill_all, plain
from engine.formats import Reader
from engine.language import ADMIN, Duration, Label, Template
from engine.passage import Walk
from engine.people import addresses_of, people_with_roles
from engine.plans import RulePlan
from engine.program import Stretch, unfold
from engine.timing.counting import times_of
from engine.triggers import Change, OnRecord


@dataclass(frozen=True)
class Decision:
    """What one rule answered: its effects when its condition held, and the trace people can look at."""

    rule: Rule
    stretch: Stretch
    trace: Mapping[str, Any]
    key: str = ""  # what makes its runs the same, where the rule says so

    @property
    def effects(self) -> tuple[Effect, ...]:
        return tuple(wanted.effect for wanted in self.stretch.wanted)


NOTHING_WANTED = Stretch((), None)


@dataclass(frozen=True)
class Asking:
    """What conditions and actions may ask; the Context of ``actions``. ``view``: the record, where there is one."""

    walk: Walk
    view: View | None
    names: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule | None = None  # whose calendar counts

    @property
    def form(self) -> str:
        return str(self._record.form.name)

    @property
    def id(self) -> int:
        return int(self._record.row["id"])

    @property
    def place(self) -> tuple[str, int]:
        return ("_app", 0) if self.view is None else (self.form, self.id)

    @property
    def _record(self) -> View:
        if self.view is None:
            raise EvaluationFailed(message("no record woke the rule"))
        return self.view

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
        value = self._record.read(name)
        views = value if isinstance(value, tuple) else (value,)
        return [(view.form.name, view.id) for view in views if isinstance(view, View) and view.id is not None]

    def lines(self, name: str) -> Sequence[Any]:
        found = self._record.read(name)
        return found if isinstance(found, tuple) else ()

    def several(self, source: str) -> Sequence[Any]:
        found = self.run(source)
        if found is not None and not isinstance(found, tuple | list):
            raise EvaluationFailed(message("{source} gives no lines and no records", source=source))
        return found or ()

    def holds(self, source: str) -> bool:
        return bool(self.run(source))

    def moment(self, source: str) -> dt.datetime | None:
        value, zone = self.evaluate(source), ZoneInfo(self.walk.app.definition.timezone)
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, dt.time(), zone)
        if value is not None and not isinstance(value, dt.datetime):
            raise EvaluationFailed(message("{source} is no date and no moment", source=source))
        return value if value is None else value.astimezone(dt.UTC)

    def later(self, length: Duration) -> dt.datetime:
        app = self.walk.app
        times = times_of(app, self.rule) if self.rule else app.plans.times
        return times.after(self.walk.now, length)

    def receivers(self, named: Sequence[str]) -> list[dict[str, str]]:
        app, roles = self.walk.app, frozenset(named) & (self.roles | {ADMIN})
        found = [self.evaluate(source) for source in named if source not in roles]
        several = [each for value in found for each in (value if isinstance(value, tuple) else (value,))]
        people = people_with_roles(self.walk.conn, app.tables, roles) if roles else set()
        people |= {each for each in several if type(each) is int}
        reached = [{"name": "", "address": each, "language": ""} for each in several if isinstance(each, str) and each]
        return addresses_of(self.walk.conn, app.tables, people) + reached

    def json(self, source: str) -> Any:
        return in_trace(self.evaluate(source))

    def fill(self, template: Template, **more: Any) -> Mapping[str, str]:
        definition = self.walk.app.definition
        reader = Reader(definition.languages[0], definition.timezone, definition.currency)
        return fill_all(template, {**self.names, **more}, self.walk.app.registry, reader)


# --- deciding --------------------------------------------------------------------------------------------------------


def decide(walk: Walk, plans: Sequence[RulePlan], change: Change, view: View, old: View | None) -> list[Decision]:
    """One decision per rule the change may wake, in the order of the file."""
    asking = Asking(walk, view, {**walk.sight.names, "record": view, "old": old, "results": {}})
    return [_decide(plan, change, asking) for plan in plans]


def _decide(plan: RulePlan, change: Change, asking: Asking) -> Decision:
    trigger = plan.rule.trigger
    try:
        if not isinstance(trigger, OnRecord) or not trigger.matches(change):
            return Decision(plan.rule, NOTHING_WANTED, {"rule": plan.rule.stable_id, "matched": False})
    except EvaluationFailed as failed:
        raise broken(plan.rule, failed) from failed
    return woken(plan, asking)


def woken(plan: RulePlan, asking: Asking) -> Decision:
    """What a rule that was woken decides: whether its condition holds, and what it wants up to the first wait."""
    try:
        clauses = _clauses(plan, asking)
        held = all(clause["holds"] for clause in clauses)
        stretch = unfold(plan.program, 0, replace(asking, rule=plan.rule)) if held else NOTHING_WANTED
        key = str(asking.evaluate(plan.rule.key)) if held and plan.rule.key else ""
    except EvaluationFailed as failed:
        raise broken(plan.rule, failed) from failed
    trace = {
        "rule": plan.rule.stable_id,
        "matched": True,
        "held": held,
        "clauses": clauses,
        "effects": [described(wanted.effect) for wanted in stretch.wanted],
    }
    return Decision(plan.rule, stretch, trace, key)


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


def of_run(stretch: Stretch, trace: Mapping[str, Any]) -> dict[str, Any]:
    """What a run keeps of how it began: the rule's trace, the ``steps`` it came by, and ``of`` which step each effect
    is. Stretches after a wait are appended to its ``later``."""
    return {**trace, "steps": list(stretch.walked), "of": [wanted.step for wanted in stretch.wanted]}


def of_stretch(stretch: Stretch, now: dt.datetime) -> dict[str, Any]:
    """What a run keeps of a stretch after a wait."""
    return of_run(stretch, {"at": now.isoformat(), "effects": [described(each.effect) for each in stretch.wanted]})


def in_trace(value: Any) -> Any:
    """A value in the JSON of a trace."""
    value = plain(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, frozenset):
        return sorted(in_trace(one) for one in value)  # the same in every process
    if isinstance(value, tuple | list):
        return [in_trace(one) for one in value]
    if isinstance(value, dict):
        return {str(key): in_trace(one) for key, one in value.items()}
    return str(value)


def described(effect: Effect) -> dict[str, Any]:
    """An effect in the JSON of a trace."""
    if isinstance(effect, SetValues):
        return {"set": effect.form, "id": effect.id, "values": in_trace(dict(effect.values))}
    if isinstance(effect, CreateRecord):
        once = {"once": list(effect.once)} if effect.once else {}
        return {"create": effect.form, "values": in_trace(dict(effect.values)), **once}
    if isinstance(effect, UpdateMatching):
        return {"update": effect.form, "where": effect.where, "values": dict(effect.values)}
    if isinstance(effect, TakeTransition):
        return {"take": effect.transition, "form": effect.form, "id": effect.id, "reason": effect.reason}
    if isinstance(effect, Reassign):
        users = [] if effect.user is None else [effect.user]
        return {"reassign": effect.role, "users": users, "form": effect.form, "id": effect.id, "reason": effect.reason}
    if isinstance(effect, Refuse):
        return {"refuse": dict(effect.texts)}
    if isinstance(effect, Notify):
        return {"notify": sorted(effect.roles), "users": sorted(effect.users), "message": dict(effect.texts)}
    if isinstance(effect, Outside):
        return {effect.kind: effect.connection or "", "data": in_trace(dict(effect.data))}
    if isinstance(effect, Wait):
        return {"wait": effect.due.isoformat() if effect.due else None, "holds": effect.holds}
    if isinstance(effect, Ask):
        return {
            "ask": sorted(effect.roles), "users": sorted(effect.users), "message": dict(effect.texts),
            "answers": {one.name: dict(one.label) for one in effect.choices}, "needs": effect.needs,
            "due": effect.due.isoformat() if effect.due else None,
        }  # fmt: skip
    if isinstance(effect, Approve):
        return {
            "approve": sorted(effect.roles), "users": sorted(effect.users), "message": dict(effect.texts),
            "label": dict(effect.label),
            "steps": [
                {"label": dict(one.label), "skipped": one.skipped, "roles": sorted(one.roles),
                 "users": sorted(one.users), "needs": list(one.needs)}
                for one in effect.steps
            ],
        }  # fmt: skip
    if isinstance(effect, ForEach):
        return {"for_each": effect.form, "where": effect.where}
    return {"effect": type(effect).__name__}
