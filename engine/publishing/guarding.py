"""What only administrators may publish: rights, and systems outside.

Definitions are compared, not texts. What could give somebody more than before is guarded; whatever this does not know
is not, so a new way to give rights belongs in here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.actions import Branch, TakeTransition
from engine.definition import AppDefinition, Form, Rule, Transition, Workflow
from engine.errors import Denied, Message, message
from engine.language import Label
from engine.people import Actor
from engine.publishing.depending import leaning, telling

OUTSIDE = frozenset({"mail", "http", "call", "script", "print", "report"})  # actions that leave the process or run code
WAKES = frozenset({"webhook", "mail"})  # triggers others pull from outside


def guards(old: AppDefinition, new: AppDefinition) -> tuple[Message, ...]:
    """What the change touches that is guarded, each as a few words; empty: designers may publish it."""
    return tuple(said for part in _PARTS for said in part(old, new))


def refuse_others(actor: Actor, running: AppDefinition, guarded: tuple[Message, ...]) -> None:
    """Raises Denied for whoever may not publish this."""
    if actor.boundless:
        return
    if not may_design(actor, running):
        raise Denied(message("Only administrators and designers may publish."))
    if guarded:
        raise Denied(message("Only administrators may publish this: it changes {what}.", what=guarded))


def may_design(actor: Actor, running: AppDefinition) -> bool:
    """Whether somebody may work on drafts at all."""
    if actor.boundless:
        return True
    return actor.view_as is None and actor.scopes is None and not actor.roles.isdisjoint(running.designers)


# --- the parts of a definition ---------------------------------------------------------------------------------------


def _whole(old: AppDefinition, new: AppDefinition) -> Iterator[Message]:
    if _names(old.roles) != _names(new.roles):
        yield message("the roles")
    if set(old.designers) != set(new.designers):
        yield message("who may design")
    if old.connections != new.connections:
        yield message("the systems outside")
    if old.portals != new.portals:
        yield message("what people outside see")
    if old.reach != new.reach:
        yield message("how people are reached outside")
    if old.demo_users != new.demo_users:
        yield message("the people to try it as")


def _names(roles: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """What roles are called may be changed by anybody; which there are and whom they stand for, may not."""
    return {name: (role.stable_id, role.stands_for) for name, role in roles.items()}


def _forms(old: AppDefinition, new: AppDefinition) -> Iterator[Message]:
    before = {form.stable_id: form for form in old.forms.values()}
    for form in new.forms.values():
        former = before.get(form.stable_id)
        if _grants(former) != _grants(form):
            yield message("the permissions of {form}", form=form.label)
        yield from _shown(former, form)
        yield from _transitions(former, form)


def _grants(form: Form | None) -> Any:
    """By stable ids, so that a rename is no change of rights."""
    if form is None:
        return {}
    ids = {str(field.name): field.stable_id for field in form.fields.values()}
    return {
        role: (replace(grant, fields={}), {ids.get(name, name): each for name, each in grant.fields.items()})
        for role, grant in form.permissions.items()
    }


def _shown(former: Form | None, form: Form) -> Iterator[Message]:
    """A field that was masked and is not any more, or is gone and may live on under another name."""
    masked = {field.stable_id for field in form.fields.values() if field.sensitive}
    for field in former.fields.values() if former else ():
        if field.sensitive and field.stable_id not in masked:
            yield message("who sees {field} of {form}", field=field.label or field.name, form=form.label)


def _transitions(former: Form | None, form: Form) -> Iterator[Message]:
    """More people may take a step than before; a form that is new has nothing to protect yet."""
    if former is None or former.workflow is None or form.workflow is None:
        return
    before = {each.stable_id: each for each in former.workflow.transitions.values()}
    for transition in form.workflow.transitions.values():
        known = before.get(transition.stable_id)
        wider = known is None or set(transition.roles) - set(known.roles)
        if transition.roles and (wider or _ways(form.workflow, transition) - _ways(former.workflow, known)):
            yield message("who may take {transition} of {form}", transition=transition.label, form=form.label)


def _ways(workflow: Workflow, transition: Transition | None) -> set[tuple[str, str]]:
    """From where to where it leads, by stable ids, so that a rename of a state is no change."""
    if transition is None:
        return set()
    ids = {state.name: state.stable_id for state in workflow.states.values()}
    return {(ids.get(name, name), ids.get(transition.to, transition.to)) for name in transition.from_}


def _rules(old: AppDefinition, new: AppDefinition) -> Iterator[Message]:
    before = {rule.stable_id: rule for rule in old.rules.values()}
    for rule in new.rules.values():
        former = before.get(rule.stable_id)
        if rule != former and (_reaches_out(rule) or (former is not None and _reaches_out(former))):
            yield message("the rule {rule}, which reaches outside or runs a script", rule=_called(rule))
        elif former is not None and set(_pressers(rule)) - set(_pressers(former)):
            yield message("who may press {rule}", rule=_called(rule))
        yield from _taken(old, former, new, rule)


def _taken(old: AppDefinition, former: Rule | None, new: AppDefinition, rule: Rule) -> Iterator[Message]:
    """Steps that are for some roles, taken for whoever wakes the rule: rules are not asked for theirs."""
    before = _takes(old, former) if former is not None and _wakes(former) == _wakes(rule) else {}
    known = {(form.stable_id, one.stable_id) for form in old.forms.values() if form.workflow
             for one in form.workflow.transitions.values()}  # fmt: skip
    for step, (form, transition) in _takes(new, rule).items():
        if transition.roles and step in known and step not in before:
            yield message("who may take {transition} of {form}", transition=transition.label, form=form.label)


def _wakes(rule: Rule) -> Any:
    """When it acts at all, and on which way of its branches."""
    return rule.enabled, rule.trigger, rule.when, [
        action.when for _place, action, _form in rule.steps() if isinstance(action, Branch)
    ]  # fmt: skip


def _takes(definition: AppDefinition, rule: Rule) -> Mapping[tuple[str, str], tuple[Form, Transition]]:
    """The steps it takes, by the stable ids of form and transition."""
    found = {}
    for _place, action, name in rule.steps():
        if isinstance(action, TakeTransition) and name is not None:
            form = definition.forms[name]
            if action.of is not None:
                form = definition.forms[str(getattr(form.fields[action.of], "form", name))]
            transition = form.workflow.transitions.get(action.transition) if form.workflow else None
            if transition is not None:
                found[form.stable_id, transition.stable_id] = (form, transition)
    return found


def _reaches_out(rule: Rule) -> bool:
    return rule.trigger.type in WAKES or any(action.type in OUTSIDE for _place, action, _form in rule.steps())


def _pressers(rule: Rule) -> tuple[str, ...]:
    return tuple(getattr(rule.trigger, "roles", ()))


def _called(rule: Rule) -> Label | str:
    return rule.label or rule.name


def _pages(old: AppDefinition, new: AppDefinition) -> Iterator[Message]:
    before = {page.stable_id: page for page in old.pages.values()}
    for page in new.pages.values():
        former = before.get(page.stable_id)
        if former is not None and former.roles and (not page.roles or set(page.roles) - set(former.roles)):
            yield message("who may open {page}", page=page.label)


_PARTS: tuple[Callable[[AppDefinition, AppDefinition], Iterator[Message]], ...] = (
    _whole, _forms, _rules, _pages, leaning, telling,
)  # fmt: skip
