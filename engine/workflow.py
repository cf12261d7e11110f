"""Why can it move, why can it not: every transition out of a record's state, with all that stands in its way.

The walk asks the same question when a transition is taken, so a button and a refusal never disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.definition import Form, Transition
from engine.errors import Message, message
from engine.expressions import Compiled, EvaluationFailed, View
from engine.people import Actor
from engine.permissions import label_of_role, may_record
from engine.plans import PREVIOUS, FormPlan, TransitionPlan
from engine.saying import clause_text, values_text
from engine.storage.waivers import NONE, FormWaivers

if TYPE_CHECKING:
    from engine.application import Application


@dataclass(frozen=True)
class Obstacle:
    """One thing that keeps a transition closed.

    ``field``: the field to fill; ``clause`` and ``value``: the part of the guard that does not hold, and what it read.
    ``asked``: taking the transition itself asks for what is missing, so its button may be pressed.
    """

    kind: Literal["permission", "role", "state", "guard", "field", "deliverable", "reason"]
    message: Message
    field: str | None = None
    clause: str | None = None
    value: str | None = None
    asked: bool = False


@dataclass(frozen=True)
class Door:
    """A transition out of the present state. ``open``: it can be taken, once what it asks for is filled in."""

    transition: Transition
    open: bool
    obstacles: tuple[Obstacle, ...]


def doors(app: Application, actor: Actor, form: Form | str, view: View) -> tuple[Door, ...]:
    """Every transition out of the record's state, in the order of the definition. Rules' own ones stand with them."""
    plan = app.plans.form(form)
    waivers = app.waivers.of(plan.form.name)
    found = []
    for step in plan.leaving.get(view.row.get("state") or "", ()):
        obstacles = (*who_may(app, actor, plan, step, view), *what_is_missing(actor, plan, step, view, waivers))
        found.append(Door(step.transition, all(obstacle.asked for obstacle in obstacles), obstacles))
    return tuple(found)


def who_may(app: Application, actor: Actor, plan: FormPlan, step: TransitionPlan, view: View) -> Iterator[Obstacle]:
    """What keeps this actor from it, whatever the record holds."""
    verdict = may_record(app, actor, "take", plan.form, view)
    if not verdict.allowed:
        yield Obstacle("permission", verdict.reason)
    if actor.system:
        return
    roles = step.transition.roles
    if not roles:
        yield Obstacle("role", message("Only rules take this step."))
    elif not actor.is_admin and actor.roles.isdisjoint(roles):
        labels = [label_of_role(app.definition, role) for role in roles]
        yield Obstacle("role", message("This step is for: {roles}.", roles=labels))


def what_is_missing(
    actor: Actor, plan: FormPlan, step: TransitionPlan, view: View, waivers: FormWaivers = NONE
) -> Iterator[Obstacle]:
    """What the record lacks, asked of the record as it is or is becoming. A record that was there before a deliverable
    was wanted may be let go without it."""
    yield from _guard(plan, step, view)
    state, id = view.row.get("state") or "", view.row.get("id")
    wanted = needed_deliverables(plan, step, view.row)
    deliverables = tuple(name for name in wanted if not waivers.lets_go(state, name, id))
    for name in dict.fromkeys((*deliverables, *(() if actor.system else step.transition.ask))):
        if name in plan.fields and _is_missing(view, name):
            yield _missing(plan, step, name, name in deliverables)


def needed_deliverables(plan: FormPlan, step: TransitionPlan, row: Mapping[str, Any]) -> tuple[str, ...]:
    """What the state must leave behind: only on the way forward, not when stepping aside or back."""
    here = row.get("state") or ""
    target = target_of(step, row) if step.transition.deliverables else None
    if target is None or here not in plan.states or target not in plan.states or plan.states[target].aside:
        return ()
    forward = plan.states[here].aside or plan.order[target] > plan.order[here]
    return tuple(plan.states[here].leave_with) if forward else ()


def target_of(step: TransitionPlan, row: Mapping[str, Any]) -> str | None:
    """The state it enters; None when it goes back to a previous state and there is none."""
    to = step.transition.to
    return row.get("_previous") if to == PREVIOUS else to


def _is_missing(view: View, name: str) -> bool:
    value = view.read(name)
    return value is None or value == "" or (isinstance(value, (tuple, dict)) and not value)


def _missing(plan: FormPlan, step: TransitionPlan, name: str, deliverable: bool) -> Obstacle:
    label, asked = plan.fields[name].title, name in step.asked
    if deliverable:
        said = message("{label} must be there before the state is left.", label=label)
        return Obstacle("deliverable", said, field=name, asked=asked)
    return Obstacle("field", message("{label} must be filled.", label=label), field=name, asked=True)


# --- the guard, clause by clause -------------------------------------------------------------------------------------


def _guard(plan: FormPlan, step: TransitionPlan, view: View) -> Iterator[Obstacle]:
    if step.guard is None:
        return
    names = {**view.loader.names, "record": view}
    for clause in step.guard.clauses:
        try:
            if not clause.holds(names):
                yield _closed(plan, step, clause, view, names)
        except EvaluationFailed as failed:
            yield Obstacle("guard", failed.reason, clause=clause.source)


def _closed(plan: FormPlan, step: TransitionPlan, clause: Compiled, view: View, names: Mapping[str, Any]) -> Obstacle:
    needed = clause_text(clause, plan.form, view.loader.definition)
    now = values_text(clause, names, plan.form, view.loader)
    field = _cure(plan, clause)
    because = step.transition.because
    if because is not None:
        said = message("{because} ({now}; needed: {needed})", because=because, now=now, needed=needed)
    else:
        said = message("{now}; needed: {needed}", now=now, needed=needed)
    asked = any(path[1] in step.asked for path in clause.paths if path[0] == "record" and len(path) > 1)
    return Obstacle("guard", said, field=field, clause=clause.source, value=str(now), asked=asked)


def _cure(plan: FormPlan, clause: Compiled) -> str | None:
    """The first field of the record itself that the clause reads: where the cure begins."""
    own = (path[1] for path in clause.paths if path[0] == "record" and len(path) > 1)
    return next((name for name in own if name in plan.fields), None)


# --- the state a record enters ---------------------------------------------------------------------------------------


def owner_of(plan: FormPlan, state: str, names: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Who is responsible in a state: (user id, None), or (None, role) when no user is given."""
    watched = plan.owners.get(state)
    if watched is not None:
        try:
            user = watched.compiled.evaluate(names)
        except EvaluationFailed:
            user = None
        if isinstance(user, int):
            return user, None
    return None, plan.states[state].owner
