"""What a rule decides at an event of the past: the same functions the walk asks, over the record as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import rules
from engine.definition import Rule
from engine.errors import Refused
from engine.expressions import View, compile_expression
from engine.passage import Walk
from engine.plans import RulePlan
from engine.program import program_of
from engine.registry import Registry
from engine.rules import Decision
from engine.storage.events import Event
from engine.triggers import Button, Change, OnRecord
from engine.trying.past import NOTHING, WRITES, Was, as_left
from engine.trying.remembering import Past, of_event

NONE: frozenset[str] = frozenset()
_KINDS: Mapping[str, frozenset[str]] = {
    "created": frozenset({"created", "entered"}),
    "updated": frozenset({"updated"}),
    "taken": frozenset({"taken", "left", "entered"}),
    "deleted": frozenset({"deleted"}),
    "pressed": frozenset({"button"}),
}


@dataclass(frozen=True)
class Moment:
    """An event with its record before and after it."""

    event: Event
    before: Was
    after: Was
    changed: frozenset[str]
    kinds: frozenset[str]


def plan_of(rule: Rule, registry: Registry) -> RulePlan:
    """The plan of a rule that need not be in the definition. Raises ExpressionRefused."""
    when = compile_expression(rule.when, registry) if rule.when else None
    return RulePlan(rule, when, -1, program_of(rule.actions))


def kinds_of(event: Event, changed: frozenset[str]) -> frozenset[str]:
    """Every kind of change the event was at once; an adopted record wakes nobody."""
    found = _KINDS.get(event.kind, NONE)
    if event.kind == "created" and event.to_state is None:
        return frozenset({"created"})
    if event.kind == "taken" and changed - {"state"}:
        return found | {"updated"}
    return found


def moments(past: Past, form: str, events: Sequence[Event], current: Was, stays: Sequence[Any]) -> Iterator[Moment]:
    """The events of one record, newest first, each undone once; ``current``: the record after the first of them.
    The next batch of the same record goes on with ``before`` of the last."""
    undoing = past.undoing(form)
    for event in events:
        after = current
        changed = undoing.changed(event) if event.kind in WRITES else NONE
        if event.kind in WRITES:
            current = past.before(after, event, stays)
        yield Moment(event, current, after, changed, kinds_of(event, changed))


def wakes(rule: Rule, moment: Moment, form: str) -> bool:
    """Whether the trigger is asked about it at all."""
    trigger = rule.trigger
    if not isinstance(trigger, OnRecord) or trigger.form != form or moment.kinds.isdisjoint(trigger.wakes_on):
        return False
    if isinstance(trigger, Button):
        return any(one.get("rule") == rule.stable_id for one in moment.event.trace or ())
    return True


@dataclass(frozen=True)
class Asked:
    """What a rule is asked at a moment, and the records its names stand for."""

    walk: Walk
    view: View
    old: View | None
    change: Change

    @property
    def views(self) -> dict[str, View | None]:
        return {"record": self.view, "old": self.old}


def asked(past: Past, moment: Moment) -> Asked:
    """Stand at the moment and look: everything is as the event left it."""
    event, app = moment.event, past.app
    actor = of_event(past, event)
    after = as_left(moment.after, event)
    past.stand(event, actor, after)
    form = app.definition.forms[event.form]
    row = past.seen(event.form, event.record_id, after)
    before = None if moment.before.row is None else past.seen(event.form, event.record_id, moment.before)
    past.remember(event.form, row)
    view, old = past.view(form, row), None if before is None else past.view(form, before)
    names = past.with_record(view, old=old)
    change = Change(
        form=event.form, kinds=moment.kinds, before=before, after=row,
        changed=NONE if event.kind in ("deleted", "pressed") else moment.changed,
        evaluate=lambda source: app.plans.compile(source).evaluate(names), transition=_transition(past, event),
    )  # fmt: skip
    return Asked(Walk(app, past.conn, actor, event.at, past), view, old, change)


def decided(past: Past, plans: Sequence[RulePlan], moment: Moment) -> list[Decision | Refused]:
    """What each of the rules decided then; Refused where one could not be worked out. ``past.doubts`` tells afterwards
    what was read and is not known. The record must have been there."""
    asking = asked(past, moment)
    return [_one(asking, plan) for plan in plans]


def _one(asking: Asked, plan: RulePlan) -> Decision | Refused:
    try:
        return rules.decide(asking.walk, [plan], asking.change, asking.view, asking.old)[0]
    except Refused as broken:
        return broken


def _transition(past: Past, event: Event) -> str | None:
    if event.transition is None:
        return None
    kept, key = past.app.plans.kept, ("transitions by id", event.form)
    known: Mapping[str, str] | None = kept.get(key)
    if known is None:
        known = kept[key] = _by_stable_id(past, event.form)
    return known.get(event.transition, event.transition)


def _by_stable_id(past: Past, form: str) -> dict[str, str]:
    workflow = past.app.definition.forms[form].workflow
    return {one.stable_id: name for name, one in workflow.transitions.items()} if workflow else dict(NOTHING)
