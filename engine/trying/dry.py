"""A dry run: what a rule would do for one record now, or after a change somebody might make. Nothing is done.

Everything is read on one connection that cannot write. What a rule does later is worked out as far as it can be known;
what another rule would do because of it is named and not followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from engine import rules, workflow
from engine.application import Application
from engine.definition import Rule
from engine.effects import CreateRecord, Effect, ForEach, Refuse, SetValues, TakeTransition, UpdateMatching
from engine.errors import Message, Missing, Refused, message
from engine.expressions import EvaluationFailed, View
from engine.passage import Walk
from engine.people import Actor
from engine.plans import RulePlan
from engine.program import inner_program
from engine.rules import Asking
from engine.sight import Row, Sight
from engine.texts import say
from engine.triggers import Button, Change, OnRecord
from engine.trying.ahead import Ahead, Found, Stage, due_of, pending_after, steps_ahead, waited
from engine.trying.deciding import plan_of
from engine.trying.eyes import HIDDEN, Eyes
from engine.trying.matching import matching
from engine.trying.naming import rule_named
from engine.trying.showing import Marks, Showing
from engine.trying.supposing import Becoming, Supposed, World, refusal_of, suppose
from engine.walking import stored

FAILED = "Failed"  # the kind of a step that cannot be worked out
MOST_INNER = 2  # how deep steps for each of many records are looked into


@dataclass(frozen=True)
class Trial:
    """What came out.

    ``matched``: whether the trigger would wake the rule; without a supposed change it is taken to have been woken, and
    only asked what can be asked of the record as it is. ``clauses``: {text, holds, values}; ``held`` is None where it
    depends on what the actor may not see. ``would_act``: both, and the rule is switched on. ``steps``: what it would
    do, also when it would not be woken. ``refusals``: why the supposed change itself would not be saved; ``failed``:
    why the rule cannot be worked out.
    """

    rule: str
    form: str | None
    record_id: int | None
    title: str
    in_force: bool
    enabled: bool
    shadow: bool
    paused: bool
    matched: bool
    clauses: tuple[Mapping[str, Any], ...]
    held: bool | None
    steps: tuple[Ahead, ...]
    refusals: tuple[Message, ...] = ()
    failed: Message | None = None

    @property
    def would_act(self) -> bool:
        ready = self.enabled and self.failed is None and not self.shadow and not self.paused and not self.refusals
        return ready and self.matched and bool(self.held) and bool(self.steps)

    def json(self, language: str) -> dict[str, Any]:
        """As the API and pages give it, with its messages in a language."""
        return {
            "rule": self.rule, "form": self.form, "record_id": self.record_id, "title": self.title,
            "in_force": self.in_force, "enabled": self.enabled, "shadow": self.shadow, "paused": self.paused,
            "matched": self.matched, "clauses": [dict(clause) for clause in self.clauses], "held": self.held,
            "would_act": self.would_act, "steps": [step.json(language) for step in self.steps],
            "refusals": [say(one, language) for one in self.refusals],
            "failed": say(self.failed, language) if self.failed else None,
        }  # fmt: skip


def dry_run(
    app: Application,
    actor: Actor,
    rule: Rule | str,
    form: str | None,
    record_id: int | None,
    *,
    change: Supposed | None = None,
    given: Mapping[str, Any] | None = None,
) -> Trial:
    """What the rule (its name, or a draft) would do for a record the actor may see; ``record_id`` None with a
    ``change``: for a new one. ``given``: names its trigger brings. Raises Missing, ExpressionRefused."""
    found = rule_named(app, rule)
    with app.database.read() as conn:
        return _Trying(app, conn, actor, found, given or {}).run(form, record_id, change)


@dataclass
class _Trying:
    app: Application
    conn: sa.Connection
    actor: Actor
    rule: Rule
    given: Mapping[str, Any]
    eyes: Eyes = field(init=False)

    def __post_init__(self) -> None:
        self.eyes = Eyes(self.app, self.actor)
        self.plan = plan_of(self.rule, self.app.registry)
        self.walk = Walk(self.app, self.conn, self.actor, self.app.clock(), Sight(self.app, self.conn, self.actor))

    def run(self, form: str | None, id: int | None, change: Supposed | None) -> Trial:
        if form is None:
            return self._work_out(None, None, True, ())
        if self.rule.form is not None and self.rule.form != form:
            raise Missing(message("The rule {rule} watches {form}.", rule=self.rule.name,
                                  form=self.app.plans.form(self.rule.form).form.label))  # fmt: skip
        becoming = self._becoming(form, id, change)
        view, old = self._views(becoming)
        matched = self._matches(becoming, view, old, change)
        return self._work_out(view, old, matched, becoming.refusals)

    # --- the record

    def _becoming(self, form: str, id: int | None, change: Supposed | None) -> Becoming:
        plan = self.app.plans.form(form)
        before = None if id is None else self._stored(form, id)
        if change is not None:
            return suppose(self.walk, plan, before, change)
        if before is None:
            raise Missing(message("Name a record, or a change that would create one."))
        return Becoming(plan, before, before)

    def _stored(self, form: str, id: int) -> Row:
        return stored(self.walk, self.app.plans.form(form), id)

    def _views(self, becoming: Becoming) -> tuple[View, View | None]:
        sight, form = self.walk.sight, becoming.plan.form
        before = becoming.before
        return sight.view(form, becoming.after), None if before is None else sight.view(form, before)

    def _matches(self, becoming: Becoming, view: View, old: View | None, change: Supposed | None) -> bool:
        trigger = self.rule.trigger
        if not isinstance(trigger, OnRecord):
            return True
        names = {**self.walk.sight.with_record(view, old=old), **self.given}

        def evaluate(source: str) -> Any:
            return self.app.plans.compile(source).evaluate(names)

        try:
            asked = self._assumed(trigger, becoming, evaluate) if change is None else self._made(becoming, evaluate)
            by_time = change is None and not trigger.wakes_on
            return by_time or (not asked.kinds.isdisjoint(trigger.wakes_on) and trigger.matches(asked))
        except EvaluationFailed:
            return False

    def _made(self, becoming: Becoming, evaluate: Any) -> Change:
        return Change(becoming.plan.form.name, becoming.kinds, becoming.before, becoming.after, becoming.changed,
                      evaluate, becoming.transition)  # fmt: skip

    def _assumed(self, trigger: OnRecord, becoming: Becoming, evaluate: Any) -> Change:
        """The change that would wake it, with the record as it is: what can be asked of the record is asked."""
        row = becoming.after
        before = dict(row)
        came_from, name = getattr(trigger, "from_", None), getattr(trigger, "field", None)
        if came_from is not None and name is not None:
            before[name] = evaluate(came_from)
        return Change(
            becoming.plan.form.name, frozenset(trigger.wakes_on), before, row, frozenset(becoming.plan.fields),
            evaluate, getattr(trigger, "transition", None), self.rule.name if isinstance(trigger, Button) else None,
        )  # fmt: skip

    # --- the decision

    def _work_out(self, view: View | None, old: View | None, matched: bool, refusals: tuple[Message, ...]) -> Trial:
        names = {**self.walk.sight.names, "record": view, "old": old, **self.given, "results": {}}
        asking = Asking(self.walk, view, names)
        views = {name: value for name, value in names.items() if isinstance(value, View)}
        failed: Message | None = None
        clauses: Sequence[Mapping[str, Any]] = ()
        steps: tuple[Ahead, ...] = ()
        held: bool | None = False
        try:
            decision = rules.woken(self.plan, asking)
            clauses = self.eyes.clauses(decision.trace["clauses"], views)
            held = self._held(decision.trace, views)
            steps = self._steps(view, names) if held else ()
        except Refused as broken:
            failed = broken.reason
            if not self.eyes.actor.boundless:
                failed = message("The rule cannot be worked out for this record.")
        return Trial(
            self.rule.name, view.form.name if view else None, view.id if view else None, self._title(view),
            self._in_force(), self.rule.enabled, self.rule.shadow, self._paused(), matched, tuple(clauses), held, steps,
            refusals, failed,
        )  # fmt: skip

    def _held(self, trace: Mapping[str, Any], views: Mapping[str, View]) -> bool | None:
        """None where a clause reads what the actor may not see: the answer would tell."""
        if self.plan.when is not None and self.eyes.on(self.plan.when.source, views) == HIDDEN:
            return None
        return bool(trace["held"])

    def _title(self, view: View | None) -> str:
        return (view.title or "") if view is not None else ""

    def _in_force(self) -> bool:
        live = self.app.plans.rule.get(self.rule.stable_id)
        return live is not None and live.rule == self.rule

    def _paused(self) -> bool:
        table = self.app.tables.rule_state
        found = self.conn.scalar(sa.select(table.c.paused_at).where(table.c.rule == self.rule.stable_id))
        return found is not None

    # --- the steps

    def _steps(self, view: View | None, names: Mapping[str, Any]) -> tuple[Ahead, ...]:
        asking = Showing(self.walk, view, names, eyes=self.eyes, marks=Marks())
        return _Steps(self, World(self.walk, self.rule.name)).lay_out(self.plan, (), Stage(asking), 0)


@dataclass
class _Steps:
    trying: _Trying
    world: World

    def lay_out(self, plan: RulePlan, inner: tuple[int, ...], stage: Stage, depth: int) -> tuple[Ahead, ...]:
        program = inner_program(plan.program, inner)
        found: list[Ahead] = []
        try:
            for one in steps_ahead(program, stage, self._going_on):
                number = program.steps.index(one.step)
                found.append(self._ahead(plan, (*inner, number), one, depth))
        except EvaluationFailed as failed:
            found.append(Ahead((), {}, FAILED, refusals=(self._in_short(failed.reason),)))
        return tuple(found)

    def _ahead(self, plan: RulePlan, place: tuple[int, ...], one: Found, depth: int) -> Ahead:
        effect = one.effect
        ahead = Ahead(
            one.step.path, self.trying.eyes.effect(rules.described(effect)), type(effect).__name__, one.stage.after,
            one.depends, one.only_if, one.masked,
        )  # fmt: skip
        if isinstance(effect, UpdateMatching):
            return replace(ahead, records=self._matching(one, effect))
        if isinstance(effect, ForEach):
            return self._for_each(plan, place, one, effect, ahead, depth)
        if isinstance(effect, Refuse):
            return replace(ahead, refusals=(refusal_of(effect),))
        if one.depends or one.masked or one.stage.after or one.only_if:
            return ahead  # worked out with values that stand for others: what it would meet cannot be known
        return self._done(effect, ahead)

    def _done(self, effect: Effect, ahead: Ahead) -> Ahead:
        """What it would meet if it were done now, after those before it."""
        if not isinstance(effect, SetValues | CreateRecord | TakeTransition):
            return ahead
        door = self._door(effect) if isinstance(effect, TakeTransition) else None
        becoming = self.world.do(effect)
        assert becoming is not None  # one of the three
        refusals = door[1] if door is not None and not door[0] else self._told(becoming)
        wakes = self.trying.app.plans.rules(becoming.plan.form.name, becoming.kinds)
        return replace(ahead, refusals=refusals, open=door[0] if door else None,
                       wakes=tuple(plan.rule.name for plan in wakes))  # fmt: skip

    def _told(self, becoming: Becoming) -> tuple[Message, ...]:
        """Refusals may say values; they are told in full to whoever may see everything."""
        reasons = becoming.refusals
        return tuple(self._in_short(one) for one in (reasons if self.trying.actor.boundless else reasons[:1]))

    def _in_short(self, reason: Message) -> Message:
        return reason if self.trying.actor.boundless else message("It would be refused.")

    def _door(self, effect: TakeTransition) -> tuple[bool, tuple[Message, ...]]:
        view = self.world.view(effect.form, effect.id)
        if view is None:
            return False, (message("The record is gone."),)
        walk = self.world.walk
        for door in workflow.doors(walk.app, walk.actor, effect.form, view):
            if door.transition.name == effect.transition:
                return door.open, tuple(self._obstacle(one, view) for one in door.obstacles)
        return False, (message("It does not lead out of the state the record is in."),)

    def _obstacle(self, obstacle: workflow.Obstacle, view: View) -> Message:
        if obstacle.clause and self.trying.eyes.on(obstacle.clause, {"record": view}) == HIDDEN:
            return message("A condition that you may not see does not hold.")
        return obstacle.message

    # --- many records

    def _matching(self, one: Found, effect: UpdateMatching) -> dict[str, Any]:
        trying = self.trying
        if one.depends:
            return {"form": effect.form, "count": None, "exact": False, "shown": []}
        found = matching(trying.walk, effect.form, effect.where, effect.names, trying.eyes)
        over = found["count"] is not None and found["count"] > effect.limit
        return {**found, "limit": effect.limit, "refused": over}

    def _for_each(
        self, plan: RulePlan, place: tuple[int, ...], one: Found, effect: ForEach, ahead: Ahead, depth: int
    ) -> Ahead:
        trying, asking = self.trying, one.stage.asking
        names = {**asking.names, "source": asking.view}
        found = matching(trying.walk, effect.form, effect.where, names, trying.eyes)
        if not found["shown"] or depth >= MOST_INNER:
            return replace(ahead, records=found)
        row = trying.walk.sight.load(effect.form, found["shown"][0]["id"])
        assert row is not None  # it was found a moment ago
        view = trying.walk.sight.view(trying.app.definition.forms[effect.form], row)
        inner = replace(asking, view=view, names={**names, "record": view, "old": view}, marks=Marks())
        return replace(ahead, records=found, inner=self.lay_out(plan, place, Stage(inner), depth + 1))

    # --- after a wait

    def _going_on(self, stage: Stage, found: Found, so_far: Sequence[Found]) -> Stage:
        """The record as the effects so far leave it, at the time waited for if that is known."""
        asking, effect = stage.asking, found.effect
        view = asking.view
        if view is not None and view.id is not None:
            view = self.world.view(view.form.name, view.id) or view
        names = {**asking.names, "record": view, "old": view}
        due = due_of(effect)
        if due is not None:
            zone = asking.names["reader"].zone
            names |= {"now": due.astimezone(zone), "today": due.astimezone(zone).date()}
        walk = replace(asking.walk, now=due or asking.walk.now)
        return Stage(replace(asking, walk=walk, view=view, names=names, pending=pending_after(stage, effect)),
                     (*stage.after, waited(effect)))  # fmt: skip
