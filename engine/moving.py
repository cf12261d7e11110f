"""Taking a transition: the only way a record's state ever changes."""

from __future__ import annotations

import datetime as dt

from engine import stays
from engine.computing import take_out_stale
from engine.errors import Denied, Invalid, Message, Problem, Refused, message
from engine.forecasts import expect, hold_against
from engine.passage import Passage
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Row
from engine.workflow import Obstacle, owner_of, target_of, what_is_missing, who_may


def find_transition(plan: FormPlan, name: str, row: Row) -> TransitionPlan:
    """The transition, if it leaves the state the record is in; raises Refused otherwise."""
    step = plan.transitions.get(name)
    if step is None:
        raise Invalid(message("{form} has no step {name}.", form=plan.form.label, name=name))
    state = row.get("state")
    if state not in step.transition.from_:
        raise Refused(_wrong_state(plan, step, row))
    return step


def _wrong_state(plan: FormPlan, step: TransitionPlan, row: Row) -> Message:
    here = plan.states.get(row.get("state") or "")
    return message(
        "“{step}” cannot be taken: {form} {title} is in the state “{state}”; it is taken from: {states}.",
        step=step.transition.label, form=plan.form.label, title=row.get("_title") or "",
        state=here.label if here else row.get("state") or "",
        states=[plan.states[name].label for name in step.transition.from_ if name in plan.states],
    )  # fmt: skip


def refuse_stranger(passage: Passage, step: TransitionPlan) -> None:
    """Whoever may not take it is told so before anything about the record: raises Denied."""
    walk = passage.walk
    view = walk.sight.view(passage.plan.form, passage.before or passage.row)
    for obstacle in who_may(walk.app, walk.actor, passage.plan, step, view):
        raise Denied(_at(step, obstacle.message))


def refuse_obstacles(passage: Passage) -> None:
    """Everything the record lacks for the transition, as it would be with the input; raises Refused, or Invalid when
    only fields are missing that taking it asks for."""
    step = passage.transition
    if step is None:
        return
    waivers = passage.walk.app.waivers.of(passage.plan.form.name)
    found = list(what_is_missing(passage.walk.actor, passage.plan, step, passage.view(), waivers))
    if step.transition.reason == "required" and not passage.reason:
        found.append(Obstacle("reason", message("A reason is required."), field="reason", asked=True))
    broken = passage.broken()
    found = [obstacle for obstacle in found if obstacle.field not in broken]
    if not found:
        return
    problems = [Problem(obstacle.field or "", obstacle.message) for obstacle in found]
    if all(
        obstacle.kind in ("field", "reason") or (obstacle.kind == "deliverable" and obstacle.asked)
        for obstacle in found
    ):
        passage.problems.extend(problems)
        return
    raise Refused(_at(step, *(obstacle.message for obstacle in found)), problems)


def _at(step: TransitionPlan, *reasons: Message) -> Message:
    return message("“{step}” cannot be taken: {reasons}", step=step.transition.label, reasons=tuple(reasons))


def enter_target(passage: Passage) -> None:
    """Put the record into the state the transition leads to; what is worked out from the state is stale then."""
    step, row = passage.transition, passage.row
    if step is None:
        return
    target = target_of(step, row)
    if target is None:
        raise Refused(_at(step, message("There is no previous state to go back to.")))
    left = row["state"]
    aside = passage.plan.states[target].aside if target in passage.plan.states else False
    if aside and not _is_aside(passage.plan, left):
        row["_previous"] = left
    elif not aside:
        row["_previous"] = None
    row["state"] = target
    take_out_stale(passage)


def _is_aside(plan: FormPlan, state: str) -> bool:
    return state in plan.states and plan.states[state].aside


def settle_state(passage: Passage) -> None:
    """Since when, until when, and who is responsible; the owner follows the fields it is worked out from."""
    plan, row, before = passage.plan, passage.row, passage.before
    state = row.get("state")
    if state is None or state not in plan.states:
        if passage.owner is not None:
            row["owner"], row["owner_role"] = passage.owner
        return
    entered = before is None or before.get("state") != state or passage.transition is not None
    if entered:
        row["state_since"] = passage.walk.now
    if entered or state in plan.deadlines or plan.planned:
        expect(plan, row, lambda: passage.names(passage.view()), _left(passage))
    else:
        hold_against(plan, row)
    if passage.owner is not None:
        row["owner"], row["owner_role"] = passage.owner
    elif entered or _owner_touched(passage, state):
        row["owner"], row["owner_role"] = owner_of(plan, state, passage.names(passage.view()))


def _left(passage: Passage) -> dt.timedelta | None:
    """What is left of the state's time, if it stood still while the record was aside."""
    plan, before, row = passage.plan, passage.before, passage.row
    if before is None or plan.states[row["state"]].within is None:
        return None
    back = before["state"] in plan.pausing
    again = passage.transition is None and bool(plan.pausing)
    return stays.left_of(passage.walk, plan, row) if back or again else None


def _owner_touched(passage: Passage, state: str) -> bool:
    watched = passage.plan.owners.get(state)
    if watched is None or not watched.needs.touched(passage.changed()):
        return False
    return not stays.is_reassigned(passage.walk, passage.plan, passage.row["id"])
