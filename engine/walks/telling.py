"""What is said of a stuck record: how it got there, what it holds, and what stands in the way of every transition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.definition import Form
from engine.errors import Message, message
from engine.formats import Reader
from engine.people import Actor, system_actor
from engine.permissions import label_of_role
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Row, Sight
from engine.walks.found import Blocked, Step, Stuck
from engine.walks.ground import Ground, Record
from engine.workflow import Obstacle, doors

_WEIGHT = {"guard": 0, "deliverable": 1, "permission": 2, "role": 3, "field": 4, "reason": 5}


def describe(ground: Ground, record: Record, by: Actor | None, path: tuple[Step, ...]) -> Stuck:
    plan = ground.app.plans.form(record.form)
    state = ground.state(record)
    blocked = tuple(_blocked(ground, plan, record, step) for step in plan.leaving.get(state, ()))
    role = next((name for name in ground.definition.roles if by and name in by.roles), None)
    values = ground.seen(record, system_actor("walk"), lambda sight, row: _values(ground, plan.form, sight, row))
    return Stuck(record.form, state, role, path, values, blocked, _sentence(ground, plan, state, role, path, blocked))


def _sentence(
    ground: Ground, plan: FormPlan, state: str, role: str | None, path: tuple[Step, ...], blocked: tuple[Blocked, ...]
) -> Message:
    label = plan.states[state].label if state in plan.states else state
    reasons = tuple(one.sentence for one in blocked) or (message("no transition leaves it"),)
    if path:
        way = tuple(_said(ground, plan, step) for step in path)
        return message(
            "A record of {form} gets stuck in “{state}” after {way}: {reasons}",
            form=plan.form.label, state=label, way=way, reasons=reasons,
        )  # fmt: skip
    maker = message("a rule") if role is None else label_of_role(ground.definition, role)
    return message(
        "A record of {form} made by {maker} stays in “{state}” for ever: {reasons}",
        form=plan.form.label, state=label, maker=maker, reasons=reasons,
    )  # fmt: skip


def _said(ground: Ground, plan: FormPlan, step: Step) -> Message:
    label = plan.transitions[step.transition].transition.label
    if step.rule is not None:
        rule = ground.definition.rules.get(step.rule)
        who: Any = rule.label if rule and rule.label else step.rule
    else:
        who = label_of_role(ground.definition, step.role) if step.role else message("somebody")
    return message("“{step}” ({who})", step=label, who=who)


def _blocked(ground: Ground, plan: FormPlan, record: Record, step: TransitionPlan) -> Blocked:
    """Asked as whoever comes nearest to taking it."""
    name, label = step.transition.name, step.transition.label
    asked = (_obstacles(ground, plan, record, actor, name) for actor in ground.takers(step.transition))
    found = min(asked, key=_distance, default=())
    if not step.transition.roles:
        return Blocked(name, None, None, message("only rules take “{step}”, and none does", step=label))
    obstacle = next(iter(sorted(found, key=lambda one: _WEIGHT.get(one.kind, 9))), None)
    if obstacle is None:
        return Blocked(name, None, None, message("“{step}” is refused whatever is filled in", step=label))
    sentence = message("“{step}”: {reason}", step=label, reason=obstacle.message)
    return Blocked(name, obstacle.clause, obstacle.field, sentence)


def _distance(obstacles: tuple[Obstacle, ...]) -> int:
    return sum(20 if one.kind == "permission" else 1 for one in obstacles)


def _obstacles(ground: Ground, plan: FormPlan, record: Record, actor: Actor, transition: str) -> tuple[Obstacle, ...]:
    def look(sight: Sight, row: Row) -> tuple[Obstacle, ...]:
        view = sight.view(plan.form, row)
        there = {door.transition.name: door.obstacles for door in doors(ground.app, actor, plan.form, view)}
        return there.get(transition, ())

    return ground.seen(record, actor, look)


def _values(ground: Ground, form: Form, sight: Sight, row: Row) -> Mapping[str, str]:
    reader = Reader(ground.world.language, ground.definition.timezone, ground.definition.currency)
    return dict(_shown(form, sight, row, reader))


def _shown(form: Form, sight: Sight, row: Row, reader: Reader) -> Iterator[tuple[str, str]]:
    for name, field in form.fields.items():
        value = row.get(name)
        if value is None or value == () or field.kind in ("lines", "files"):
            continue
        extra = None
        if field.kind == "link":
            extra = {value: (sight.load(str(getattr(field, "form", "")), value) or {}).get("_title") or str(value)}
        elif field.kind == "user":
            extra = {value: (sight.user(value) or {}).get("name") or str(value)}
        yield name, field.format(value, reader, extra)
