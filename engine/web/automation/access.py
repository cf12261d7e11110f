"""Who may look into the machine room: administrators all of it; whoever has the role a rule names as its ``owner``
may look at that rule and its runs, without what they may not read of the records, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from flask import g

from engine.definition import Rule
from engine.errors import Denied, Missing, message
from engine.permissions import may, readable_fields
from engine.plans import RulePlan
from engine.web.context import actor, api_wanted, application

V = TypeVar("V", bound=Callable[..., object])
NO_RULE = message("There is no such rule.")


def for_owners(view: V) -> V:
    """Open a view to the owners of rules too; it shows what they may see."""
    view.for_owners = True  # type: ignore[attr-defined]
    return view


def sees_all() -> bool:
    """Whether the reader is an administrator who is not looking as somebody else."""
    who = actor()
    return who.is_admin and who.view_as is None


def owns(rule: Rule) -> bool:
    return rule.owner is not None and rule.owner in actor().roles


def may_enter() -> bool:
    """Whether the side bar offers the room: depends on the definition and the roles alone."""
    rules = application().definition.rules.values()
    return not g.bearer and (sees_all() or any(owns(rule) for rule in rules))


def seen_rules() -> Mapping[str, RulePlan]:
    """The rules the reader may look at, by their stable ids, in the order of the file."""
    plans = application().plans.rule
    return plans if sees_all() else {key: plan for key, plan in plans.items() if owns(plan.rule)}


def demand_rule(rule: str) -> RulePlan:
    plan = seen_rules().get(rule)
    if plan is None:
        raise Missing(NO_RULE)
    return plan


def demand_entry(view: object) -> None:
    """Raises Denied for whoever may not use this view of the room."""
    open_to_owners = getattr(view, "for_owners", False)
    allowed = may_enter() if open_to_owners else sees_all() and (g.is_admin or api_wanted())
    if not allowed:
        raise Denied(message("Only administrators may do this."))


def may_read(form: str, field: str) -> bool:
    """Whether the reader may see this field on every record; what only some records show is not told here."""
    if sees_all():
        return True
    app, who = application(), actor()
    if form not in app.definition.forms:
        return False
    return may(app, who, "read", form).allowed and readable_fields(app, who, form).always(field)
