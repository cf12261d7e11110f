"""Nobody acted without permission: what each person did is what the roles they have allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.errors import message
from engine.grants import NEVER, rights_of
from engine.invariants.looking import ANOTHER_DEFINITION, NO_TEXT, Broken, Looking
from engine.invariants.stories import Story, by_stable_id
from engine.people import Actor, load_people
from engine.permissions import updatable_fields
from engine.plans import FormPlan
from engine.triggers import Button

PERSONS = ("user", "token")
VERBS = {"created": "create", "updated": "update", "deleted": "delete", "restored": "delete", "adopted": "import"}
CONDITION = "the right depends on the record as it was then"
ROLES_CHANGED = "the roles of the person were changed since"


@dataclass
class Rights:
    """Who may what, looked up once for each kind of act of each person."""

    looking: Looking
    actors: Mapping[int, Actor]
    moved: frozenset[int]  # people whose roles were changed
    regrouped: bool  # some group's roles were changed
    _kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, looking: Looking) -> Rights:
        tables, conn = looking.app.tables, looking.conn
        ids = list(conn.scalars(sa.select(tables.user.c.id)))
        found = load_people(conn, tables, ids)
        actors = {
            id: Actor(id, one["login"], one["name"], one["roles"], one["groups"], portal=one["portal"],
                      stands_for=one["stands_for"])
            for id, one in found.items()
        }  # fmt: skip
        event = tables.event
        query = sa.select(event.c.record_id).where(event.c.form == "_user", event.c.kind == "user.changed")
        groups = sa.select(event.c.id).where(event.c.form == "_group").limit(1)
        return cls(looking, actors, frozenset(conn.scalars(query)), conn.execute(groups).first() is not None)

    def acted(self, story: Story) -> Iterator[Broken]:
        """Every event of a person: the step's roles, the grants on the form, the fields that were changed."""
        for event in story.events:
            if event.actor_kind not in PERSONS or event.kind == "answered":
                continue
            said = self._judge(story.plan, event)
            if said is not None:
                yield Broken(said, story.plan.form.name, story.id, event.id)

    def _judge(self, plan: FormPlan, event: Any) -> Any:
        actor = self.actors.get(event.actor_id)
        if actor is None:
            return message("A person did it whom there is not: {who}.", who=str(event.actor_id))
        if actor.is_admin:
            return None
        said = self._act(plan, event, actor)
        if said is None and event.kind in ("created", "updated", "taken"):
            said = self._fields(plan, event, actor)
        if said is not None and (actor.id in self.moved or (self.regrouped and actor.groups)):
            self.looking.unsure(ROLES_CHANGED)
            return None
        return said

    def _act(self, plan: FormPlan, event: Any, actor: Actor) -> Any:
        key = (plan.form.name, event.kind, event.transition, event.rule, actor.id, event.definition)
        if key not in self._kept:
            self._kept[key] = self._ask(plan, event, actor)
        found = self._kept[key]
        if isinstance(found, str):
            self.looking.unsure(found)
            return None
        return found

    def _ask(self, plan: FormPlan, event: Any, actor: Actor) -> Any:
        """A sentence that says no, a text that says why it cannot be told, or None."""
        plans = self.looking.plans(event.definition)
        if plans is None:
            return NO_TEXT
        form = plans.definition.forms.get(plan.form.name)
        if form is None:
            return ANOTHER_DEFINITION
        if event.kind == "taken":
            return _step(form, event, actor)
        if event.kind == "pressed":
            return _button(plans.definition, form.name, actor)
        if event.kind in VERBS and plans is self.looking.app.plans:
            return self._verb(form, VERBS[event.kind], actor)
        return ANOTHER_DEFINITION if event.kind in VERBS else None

    def _verb(self, form: Any, verb: str, actor: Actor) -> Any:
        ways = rights_of(self.looking.app, actor, form).verbs.get(verb, NEVER)
        if ways:
            return None if () in ways else CONDITION
        return message("{who} may not do this with any {form}: {verb}.", who=actor.name, form=form.label, verb=verb)

    def _fields(self, plan: FormPlan, event: Any, actor: Actor) -> Any:
        """Fields a person set though no role of theirs may; what is filled in by itself is nobody's act."""
        if event.definition != self.looking.app.definition.hash:
            return None
        closed = self._closed(plan, event, actor)
        wrong = sorted(closed[key] for key in event.changes or () if key in closed)
        if not wrong:
            return None
        return message("{who} changed {fields}, which none of their roles may.", who=actor.name, fields=tuple(wrong))

    def _closed(self, plan: FormPlan, event: Any, actor: Actor) -> Mapping[str, str]:
        key = (plan.form.name, event.kind == "created", event.transition, actor.id)
        if key not in self._kept:
            open_ = updatable_fields(self.looking.app, actor, plan.form, creating=event.kind == "created")
            step = next(
                (one for one in plan.transitions.values() if one.transition.stable_id == event.transition), None
            )
            by_itself = {*plan.constants, *plan.defaults, *(one.name for one in plan.series), *plan.visible_when}
            self._kept[key] = {
                id: one.name for id, one in by_stable_id(plan).items()
                if one.writable and not open_.ever(one.name) and one.name not in by_itself
                and not (step is not None and one.name in step.asked)
            }  # fmt: skip
        found: Mapping[str, str] = self._kept[key]
        return found


def _step(form: Any, event: Any, actor: Actor) -> Any:
    workflow = form.workflow
    step = (
        next((one for one in workflow.transitions.values() if one.stable_id == event.transition), None)
        if workflow
        else None
    )
    if step is None:
        return ANOTHER_DEFINITION
    if actor.roles.isdisjoint(step.roles):
        return message("{who} took “{step}”, which is for: {roles}.", who=actor.name, step=step.label,
                       roles=tuple(step.roles))  # fmt: skip
    return None


def _button(definition: Any, form: str, actor: Actor) -> Any:
    buttons = [
        rule.trigger for rule in definition.rules.values() if isinstance(rule.trigger, Button) and rule.form == form
    ]
    if any(not actor.roles.isdisjoint(one.roles) for one in buttons):
        return None
    return message("{who} pressed a button that is for others.", who=actor.name)


def answers(looking: Looking) -> Iterator[Broken]:
    """Whoever answered was asked."""
    asked, event = looking.app.tables.asked, looking.app.tables.event
    query = sa.select(event.c.id, event.c.form, event.c.record_id, event.c.actor_id, event.c.trace)
    known = {tuple(row) for row in looking.rows(sa.select(asked.c.question_id, asked.c.user_id))}
    for row in looking.rows(query.where(event.c.kind == "answered")):
        if ((row.trace or {}).get("question"), row.actor_id) not in known:
            yield Broken(message("Somebody answered who was not asked."), row.form, row.record_id, row.id)
