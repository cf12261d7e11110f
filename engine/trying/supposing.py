"""A change that is only supposed: the walk up to the moment before it would be written, on a connection that reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine import moving, walking
from engine.effects import CreateRecord, Effect, Refuse, SetValues, TakeTransition
from engine.errors import AppmillError, Message, message
from engine.expressions import View
from engine.intake import Given, read_input, read_values
from engine.language import Label
from engine.offering import offer
from engine.passage import Passage, Walk
from engine.plans import FormPlan
from engine.sight import NEW, Row
from engine.trying import figures

Kind = Literal["saved", "deleted"]


@dataclass(frozen=True)
class Supposed:
    """A change somebody might make: values as they would be typed, and the transition taken with them."""

    values: Mapping[str, Any] = field(default_factory=dict)
    transition: str | None = None
    reason: str | None = None
    kind: Kind = "saved"


@dataclass(frozen=True)
class Becoming:
    """What a record would be. ``refusals``: why the change would not be saved."""

    plan: FormPlan
    before: Row | None
    after: Row
    changed: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    transition: str | None = None
    refusals: tuple[Message, ...] = ()


def suppose(walk: Walk, plan: FormPlan, before: Row | None, supposed: Supposed) -> Becoming:
    """What a person's change would make of the record, with everything the walk would refuse."""
    if supposed.kind == "deleted":
        after = {**(before or {}), "deleted_at": walk.now}
        return Becoming(plan, before, after, kinds=frozenset({"deleted"}))
    step = plan.transitions.get(supposed.transition or "")
    offered = offer(walk.app, walk.actor, plan, creating=before is None, asked=step.asked if step else frozenset())
    given = read_input(plan, supposed.values, offered, walk.actor.reader(walk.app.definition))
    return become(walk, plan, before, given, supposed.transition, supposed.reason)


def become(
    walk: Walk, plan: FormPlan, before: Row | None, given: Given, transition: str | None = None,
    reason: str | None = None,
) -> Becoming:  # fmt: skip
    kept = dict(before) if before is not None else None
    try:
        passage = (
            walking.creating(walk, plan, given)
            if before is None
            else walking.changing(walk, plan, before, given, transition, reason)
        )
    except AppmillError as refused:
        return Becoming(plan, kept, dict(before or plan.blank), refusals=said(refused))
    refusals: tuple[Message, ...] = ()
    try:
        walking.settle(passage, numbers=False)
    except AppmillError as refused:
        refusals = said(refused)
        _as_far_as_it_goes(passage)
    moving.settle_state(passage)
    return Becoming(
        plan, kept, _row(passage), passage.changed(), walking.kinds_of(passage),
        passage.transition.transition.name if passage.transition else None, refusals,
    )  # fmt: skip


def _as_far_as_it_goes(passage: Passage) -> None:
    """What would be refused is shown all the same: in the state it would have entered."""
    step, before = passage.transition, passage.before
    if step is not None and before is not None and passage.row.get("state") == before.get("state"):
        passage.row["state"] = step.transition.to


def _row(passage: Passage) -> Row:
    """The record with its lines, and with the figures over them as they would be; whoever looks sees it so."""
    if passage.creating:
        passage.row["id"] = NEW
    row = dict(passage.seen())
    sight, plan = passage.walk.sight, passage.plan
    names = figures.names(passage.walk.app, plan.form.name)
    touched = False
    for name in names.rollups:
        rollup: Any = plan.fields[name]
        if rollup.over_lines(plan.form) and rollup.via in passage.lines:
            row[name] = figures.over_lines(sight, rollup, passage.lines[rollup.via])
            touched = True
    if touched:
        row = {name: value for name, value in row.items() if name not in names.fed}
    for name, rows in passage.lines.items():
        sight.remember_lines(plan.lines[name].plan.form.name, row["id"], rows)
    sight.remember(plan.form.name, {name: value for name, value in row.items() if name not in plan.lines})
    return row


def said(refused: AppmillError) -> tuple[Message, ...]:
    return tuple(problem.message for problem in refused.problems) or (refused.reason,)


# --- what a rule would do, one effect after the other ----------------------------------------------------------------


class World:
    """The records as effects would leave them, one after the other; for the eyes of one trial only."""

    def __init__(self, walk: Walk, rule: str) -> None:
        actor = walk.actor.for_rule(rule)
        self.walk = replace(walk, actor=actor, sight=walk.sight.apart(actor))

    def do(self, effect: Effect) -> Becoming | None:
        """What the effect would make of its record; None for effects that are not about one."""
        try:
            return self._do(effect)
        except AppmillError as refused:
            return Becoming(self.walk.app.plans.form(effect.form), None, {}, refusals=said(refused))  # type: ignore[attr-defined]

    def _do(self, effect: Effect) -> Becoming | None:
        app, walk = self.walk.app, self.walk
        if isinstance(effect, SetValues | CreateRecord):
            plan = app.plans.form(effect.form)
            given = read_values(plan, effect.values, walk.sight.names["reader"])
            before = walking.stored(walk, plan, effect.id) if isinstance(effect, SetValues) else None
            return self._kept(become(walk, plan, before, given))
        if isinstance(effect, TakeTransition):
            plan = app.plans.form(effect.form)
            before = walking.stored(walk, plan, effect.id)
            return self._kept(become(walk, plan, before, Given(), effect.transition, effect.reason))
        return None

    def _kept(self, becoming: Becoming) -> Becoming:
        if becoming.refusals and becoming.before is not None:
            self.walk.sight.remember(becoming.plan.form.name, becoming.before)
        return becoming

    def view(self, form: str, id: int) -> View | None:
        row = self.walk.sight.load(form, id)
        return None if row is None else self.walk.sight.view(self.walk.app.definition.forms[form], row)


def refusal_of(effect: Refuse) -> Message:
    return message("{text}", text=Label(effect.texts))
