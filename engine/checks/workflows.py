"""Whether a record can live: every state reached and left, every transition taken by someone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.actions import TakeTransition
from engine.checks.names import linked_form
from engine.checks.review import Review
from engine.checks.shapes import expect, is_stored_day
from engine.definition import Form, Transition, Workflow
from engine.errors import message
from engine.language import ADMIN, Condition
from engine.yamlfile import Path


def check_workflows(review: Review) -> None:
    taken = taken_by_rules(review)
    for form in review.forms:
        if form.workflow:
            _states(review, form, form.workflow)
            _dates(review, form, form.workflow)
            for transition in form.workflow.transitions.values():
                _transition(review, form, form.workflow, transition, taken)


def taken_by_rules(review: Review) -> frozenset[tuple[str, str]]:
    """(form, transition) of every transition some rule takes."""
    found = set()
    for rule in review.rules:
        for _path, action, of in rule.steps():
            found |= {(of or "", str(name)) for name in action.transitions()}
            if isinstance(action, TakeTransition):
                form = review.form(of)
                if action.of and form:
                    form = linked_form(review, form.fields.get(action.of))
                found.add((form.name if form else "", str(action.transition)))
    return frozenset(found)


def steps(workflow: Workflow) -> Mapping[str, frozenset[str]]:
    """State → the states one move away; 'previous' leads back to where the aside state was entered from."""
    into: dict[str, set[str]] = {name: set() for name in workflow.states}
    for transition in workflow.transitions.values():
        into.setdefault(transition.to, set()).update(transition.from_)
    out: dict[str, set[str]] = {name: set() for name in workflow.states}
    for transition in workflow.transitions.values():
        for start in transition.from_:
            out.setdefault(start, set()).update(into.get(start, ()) if transition.to == "previous" else {transition.to})
    return {name: frozenset(ends & workflow.states.keys()) for name, ends in out.items()}


def reached(starts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Everything some number of moves away from the starts, and the starts."""
    found = set(starts)
    waiting = list(found)
    while waiting:
        for end in edges.get(waiting.pop(), ()):
            if end not in found:
                found.add(end)
                waiting.append(end)
    return frozenset(found)


def backwards(edges: Mapping[str, Iterable[str]]) -> Mapping[str, frozenset[str]]:
    turned: dict[str, set[str]] = {}
    for start, ends in edges.items():
        for end in ends:
            turned.setdefault(end, set()).add(start)
    return {name: frozenset(starts) for name, starts in turned.items()}


def _states(review: Review, form: Form, workflow: Workflow) -> None:
    path = ("forms", form.name, "workflow", "states")
    if review.is_lost(*_named(workflow)):
        return  # the picture has holes: what is missing in it is reported already
    edges = steps(workflow)
    alive = reached([workflow.initial], edges)
    ends = [name for name, state in workflow.states.items() if state.final]
    ending = reached(ends, backwards(edges))
    for name, state in workflow.states.items():
        at = (*path, name)
        if name not in alive and workflow.initial in workflow.states:
            said = message("No record can get into the state '{state}': no transition leads there.", state=name)
            review.error(at, said, at_key=True)
        leaves = any(name in transition.from_ for transition in workflow.transitions.values())
        if state.final and leaves:
            said = message("The state '{state}' is final, yet a transition leaves it.", state=name)
            review.warning(at, said, at_key=True)
        elif not state.final and not leaves:
            said = message("No transition leaves the state '{state}'; let one leave it, or make it final.", state=name)
            review.error(at, said, at_key=True)
        elif ends and name in alive and name not in ending:
            said = message("From the state '{state}' no final state can be reached.", state=name)
            review.warning(at, said, at_key=True)
        _owner(review, form, name, at)


def _dates(review: Review, form: Form, workflow: Workflow) -> None:
    if workflow.promised is not None:
        path = ("forms", form.name, "workflow", "promised")
        expect(review, path, form, workflow.promised, is_stored_day, message("a date that is stored"))
    for name, state in workflow.states.items():
        if state.planned is not None:
            at = ("forms", form.name, "workflow", "states", name, "planned")
            expect(review, at, form, state.planned, is_stored_day, message("a date that is stored"))


def _named(workflow: Workflow) -> tuple[str, ...]:
    return (*workflow.states, *workflow.transitions, "states", "transitions", workflow.initial)


def _owner(review: Review, form: Form, name: str, at: Path) -> None:
    assert form.workflow is not None  # called for its states
    owner = form.workflow.states[name].owner
    if owner is None or owner == ADMIN or owner not in review.definition.roles or form.parent_form:
        return
    if not may_read(form, owner):
        said = message(
            "The role '{role}' owns the state '{state}' but may not read the record.", role=owner, state=name
        )
        review.error((*at, "owner"), said)


def may_read(form: Form, role: str) -> bool:
    grant = form.permissions.get(role)  # type: ignore[call-overload]
    return role == ADMIN or (grant is not None and grant.read != Condition.NEVER)


def _transition(
    review: Review, form: Form, workflow: Workflow, transition: Transition, taken: frozenset[tuple[str, str]]
) -> None:
    path = ("forms", form.name, "workflow", "transitions", transition.name)
    by_rule = (form.name, transition.name) in taken
    if not transition.roles and not by_rule:
        said = message("Nobody may take '{name}': give it roles, or let a rule take it.", name=transition.name)
        review.error(path, said, at_key=True)
    known = [role for role in transition.roles if role in review.definition.roles or role == ADMIN]
    if known and not by_rule and not any(may_read(form, role) for role in known):
        said = message("Nobody can take '{name}': none of its roles may read the record.", name=transition.name)
        review.error((*path, "roles"), said)
    if transition.to == "previous":
        for index, start in enumerate(transition.from_):
            state = workflow.states.get(start)
            if state is not None and not state.aside:
                said = message(
                    "'previous' only leads out of a state with 'aside: true', and '{state}' has none.", state=start
                )
                review.error((*path, "from", index), said)
