"""Pressing a button: a person wakes a rule on one record."""

from __future__ import annotations

from engine import performing, walking, writing
from engine.definition import Rule
from engine.errors import Denied, Missing, Refused, message
from engine.language import Label
from engine.passage import Passage, Walk
from engine.permissions import label_of_role
from engine.plans import FormPlan, RulePlan
from engine.rules import Decision
from engine.saying import clause_text
from engine.triggers import Button
from engine.walking import Saved


def press(walk: Walk, plan: FormPlan, id: int, rule: str, version: int | None) -> Saved:
    before = walking.stored(walk, plan, id)
    walking.refuse_stale(before, version)
    wanted, button = _button(walk, plan, rule)
    _refuse_stranger(walk, button)
    kinds = frozenset({"button"})
    decisions = walking.decide(walk, plan, [wanted], kinds, before, before, button=rule)
    _refuse_idle(walk, plan, wanted, decisions[0])
    passage = Passage(walk, plan, before, dict(before), kind="pressed")
    event_id = writing.append_event(passage, [decision.trace for decision in decisions])
    performing.perform(walk, decisions, event_id, walking.obey, form=plan.form.name, record_id=id)
    return walking.saved(passage, event_id)


def _button(walk: Walk, plan: FormPlan, name: str) -> tuple[RulePlan, Button]:
    for one in walk.app.plans.rules(plan.form.name, ["button"]):
        if one.rule.name == name and isinstance(one.rule.trigger, Button):
            return one, one.rule.trigger
    raise Missing(message("{form} has no button {name}.", form=plan.form.label, name=name))


def _refuse_stranger(walk: Walk, button: Button) -> None:
    actor = walk.actor
    if actor.boundless or not actor.roles.isdisjoint(button.roles):
        return
    roles = [label_of_role(walk.app.definition, role) for role in button.roles]
    raise Denied(message("“{button}” is for: {roles}.", button=button.label, roles=roles))


def _refuse_idle(walk: Walk, plan: FormPlan, wanted: RulePlan, decision: Decision) -> None:
    if decision.trace.get("held"):
        return
    needed: Label | str = clause_text(wanted.when, plan.form, walk.app.definition) if wanted.when else ""
    raise Refused(message("“{button}” does nothing now; needed: {needed}", button=_label(wanted.rule), needed=needed))


def _label(rule: Rule) -> Label:
    assert isinstance(rule.trigger, Button)  # _button found it
    return rule.trigger.label
