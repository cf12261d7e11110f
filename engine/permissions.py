"""Who may do what: one answer, with its reason, for pages, API, lists, exports, search and rules alike.

A person has the union of what their roles are granted. Most grants are constant, so what a set of roles may do is
worked out once and kept; only conditions are asked per record. Line forms follow the form around them: its grants, on
its record; ``fields`` grants may stand on the line form itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from engine.definition import AppDefinition, Form
from engine.errors import Denied, Message, message
from engine.expressions import View, names_for, to_sql
from engine.grants import GRANTED, NEVER, Way, Ways, around, rights_of
from engine.language import ADMIN, Condition, Label
from engine.people import Actor, Only

if TYPE_CHECKING:
    from engine.application import Application

Verb = Literal["create", "read", "update", "delete", "export", "import", "take"]
READING = frozenset({"read", "export"})


@dataclass(frozen=True)
class Verdict:
    """Yes or no, and why. Truth is ``allowed``."""

    allowed: bool
    reason: Message

    def __bool__(self) -> bool:
        return self.allowed

    def demand(self) -> None:
        """Raise Denied with the reason unless allowed."""
        if not self.allowed:
            raise Denied(self.reason)


class FieldSet:
    """Fields of a form: some always, some on some records only.

    What it says holds of records the actor may read. System fields such as ``state`` belong to every readable set.
    """

    __slots__ = ("_conditional", "_constant", "_user")

    def __init__(self, constant: frozenset[str], conditional: Mapping[str, Ways], user: Actor) -> None:
        self._constant = constant
        self._conditional = conditional
        self._user = user

    @property
    def constant(self) -> frozenset[str] | None:
        """The fields, when they are the same on every record; else None."""
        return None if self._conditional else self._constant

    def always(self, name: str) -> bool:
        """On every record."""
        return name in self._constant

    def ever(self, name: str) -> bool:
        """On some record at least."""
        return name in self._constant or name in self._conditional

    def has(self, name: str, view: View) -> bool:
        """On this record."""
        if name in self._constant:
            return True
        ways = self._conditional.get(name)
        return ways is not None and is_open(ways, view, self._user)

    def of(self, view: View) -> frozenset[str]:
        """The fields on this record."""
        if not self._conditional:
            return self._constant
        more = (name for name, ways in self._conditional.items() if is_open(ways, view, self._user))
        return self._constant.union(more)


# --- the questions ---------------------------------------------------------------------------------------------------


def may(app: Application, actor: Actor, verb: Verb, form: Form | str) -> Verdict:
    """Whether the actor may do this with some record of the form at least."""
    plan_form = app.plans.form(form).form
    refused = _barred(app, actor, verb, plan_form)
    if refused is not None:
        return refused
    if actor.boundless or rights_of(app, actor, plan_form).verbs.get(verb):
        return _yes(actor)
    return Verdict(False, _nobody_granted(app, verb, plan_form))


def may_record(app: Application, actor: Actor, verb: Verb, form: Form | str, view: View) -> Verdict:
    """Whether the actor may do this with one record."""
    general = may(app, actor, verb, form)
    if not general.allowed or actor.boundless:
        return general
    plan_form = app.plans.form(form).form
    if actor.only is not None and not _is_only(app, actor.only, plan_form, view):
        return Verdict(False, message(_NOT_THIS[verb], form=plan_form.label, title=""))
    if is_open(rights_of(app, actor, plan_form).verbs[verb], view, actor):
        return general
    return Verdict(False, message(_NOT_THIS[verb], form=plan_form.label, title=view.title or ""))


def readable_fields(app: Application, actor: Actor, form: Form | str) -> FieldSet:
    """The fields (system fields included) the actor may see on records they may read."""
    rights = rights_of(app, actor, app.plans.form(form).form)
    return FieldSet(rights.read_constant, rights.read_conditional, actor)


def updatable_fields(app: Application, actor: Actor, form: Form | str, *, creating: bool = False) -> FieldSet:
    """The fields the actor may set on a record they may read, or on one they create; never system or derived ones."""
    plan = app.plans.form(form)
    verb: Verb = "create" if creating else "update"
    if not may(app, actor, verb, plan.form).allowed:
        return FieldSet(frozenset(), {}, actor)
    rights = rights_of(app, actor, plan.form)
    ways = rights.create if creating else rights.update
    constant = frozenset(name for name, open_ways in ways.items() if () in open_ways)
    return FieldSet(constant, {name: found for name, found in ways.items() if found and name not in constant}, actor)


def row_filter(app: Application, actor: Actor, verb: Verb, form: Form | str) -> sa.ColumnElement[bool] | None:
    """The SQL condition on the form's table that lists, counts and exports add; None when every record is meant."""
    plan = app.plans.form(form)
    if _barred(app, actor, verb, plan.form) is not None:
        return sa.false()
    if actor.boundless:
        return None
    ways = rights_of(app, actor, plan.form).verbs.get(verb, NEVER)
    only = _only_in_sql(app, actor.only, plan.form) if actor.only is not None else None
    if () in ways:
        return only
    granted = sa.or_(sa.false(), *(_way_in_sql(app, actor, plan.form, way) for way in ways))
    return granted if only is None else sa.and_(granted, only)


def hidden(app: Application, actor: Actor, form: Form | str) -> bool:
    """Whether the actor may not even know of the form."""
    return not may(app, actor, "read", form).allowed


# --- asking a record -------------------------------------------------------------------------------------------------


def is_open(ways: Ways, view: View, actor: Actor) -> bool:
    """Whether one of the ways is open for this record."""
    return any(_way_is_open(way, view, actor) for way in ways)


def _way_is_open(way: Way, view: View, actor: Actor) -> bool:
    for compiled, levels in way:
        record: Any = view
        for _ in range(levels):
            record = None if record is None else record.read("parent")
        names = {**view.loader.names, "record": record}
        if names.get("user") is None or names["user"].id != actor.id:
            names = {**names, **names_for(names["now"], names["reader"], actor)}
        if not compiled.holds(names):
            return False
    return True


def _way_in_sql(app: Application, actor: Actor, form: Form, way: Way) -> sa.ColumnElement[bool]:
    parts = []
    for compiled, levels in way:
        chain = [form]
        for _ in range(levels):
            chain.append(app.definition.forms[str(chain[-1].parent_form)])
        clause = to_sql(compiled, chain[-1], app.tables, actor, app.clock)
        for inner, outer in zip(reversed(chain[:-1]), reversed(chain[1:]), strict=True):
            above = app.tables.form[outer.name]
            clause = app.tables.form[inner.name].c["_parent"].in_(sa.select(above.c.id).where(clause))
        parts.append(clause)
    return sa.and_(sa.true(), *parts)


# --- a link to one record --------------------------------------------------------------------------------------------

REACHED_BY_LINK = frozenset({"read", "update", "take"})


def _is_only(app: Application, only: Only, form: Form, view: View) -> bool:
    """Whether this is the record a link leads to, or a line of it; other forms are as they are granted."""
    outer, levels = around(app, form)
    if outer.name != only.form:
        return True
    record: Any = view
    for _ in range(levels):
        record = None if record is None else record.read("parent")
    return record is not None and record.id == only.id


def _only_in_sql(app: Application, only: Only, form: Form) -> sa.ColumnElement[bool] | None:
    outer, levels = around(app, form)
    if outer.name != only.form:
        return None
    chain = [form]
    for _ in range(levels):
        chain.append(app.definition.forms[str(chain[-1].parent_form)])
    clause: sa.ColumnElement[bool] = app.tables.form[outer.name].c.id == only.id
    for inner, above in zip(reversed(chain[:-1]), reversed(chain[1:]), strict=True):
        ids = app.tables.form[above.name].c.id
        clause = app.tables.form[inner.name].c["_parent"].in_(sa.select(ids).where(clause))
    return clause


# --- reasons ---------------------------------------------------------------------------------------------------------

_NOT_GRANTED = {
    "create": "Creating {form} is not granted to your roles. It is granted to: {roles}.",
    "read": "Seeing {form} is not granted to your roles. It is granted to: {roles}.",
    "update": "Changing {form} is not granted to your roles. It is granted to: {roles}.",
    "delete": "Deleting {form} is not granted to your roles. It is granted to: {roles}.",
    "export": "Exporting {form} is not granted to your roles. It is granted to: {roles}.",
    "import": "Importing {form} is not granted to your roles. It is granted to: {roles}.",
}
_NOT_THIS = {
    "create": "You may not create this {form}.",
    "read": "You may not see this {form}.",
    "update": "You may not change {form} {title}.",
    "delete": "You may not delete {form} {title}.",
    "export": "You may not export {form} {title}.",
    "import": "You may not import this {form}.",
    "take": "You may not see this {form}.",
}
_MAY = Verdict(True, message("Your roles allow it."))
_ADMIN = Verdict(True, message("Administrators may do everything."))
_SYSTEM = Verdict(True, message("The system itself acts."))


def _yes(actor: Actor) -> Verdict:
    return _SYSTEM if actor.system else _ADMIN if actor.is_admin else _MAY


def _barred(app: Application, actor: Actor, verb: Verb, form: Form) -> Verdict | None:
    """What no role can lift: looking as another role, and the scopes of a token."""
    if actor.view_as is not None and verb not in READING:
        role = label_of_role(app.definition, actor.view_as)
        return Verdict(False, message("You are looking as {role}; nothing can be changed.", role=role))
    if actor.only is not None and not actor.boundless:
        outer = around(app, form)[0].name
        if (
            outer in actor.only.closed
            or (verb not in REACHED_BY_LINK and verb != "create")
            or (verb == "create" and outer == form.name)
        ):
            return Verdict(False, message("A link to one record leads to nothing else."))
    if actor.scopes is None or in_scope(actor.scopes, verb, around(app, form)[0].name, form.name):
        return None
    return Verdict(
        False,
        message("This token does not reach as far as “{form}:{verb}”. It has: {scopes}.",
                form=form.name, verb=verb, scopes=", ".join(sorted(actor.scopes)) or "–"),
    )  # fmt: skip


def in_scope(scopes: frozenset[str], verb: str, *forms: str) -> bool:
    """``write`` reaches everything, ``read`` reading and exporting, ``<form>:<verb>`` just that."""
    if "write" in scopes or (verb in READING and "read" in scopes):
        return True
    return any(f"{form}:{verb}" in scopes for form in forms)


def _nobody_granted(app: Application, verb: Verb, form: Form) -> Message:
    outer, _levels = around(app, form)
    name = dict(GRANTED).get(verb, "read")
    roles = [
        label_of_role(app.definition, role)
        for role, grant in outer.permissions.items()
        if getattr(grant, name) != Condition.NEVER
    ]
    pattern = _NOT_GRANTED.get(verb, _NOT_GRANTED["read"])
    return message(pattern, form=form.label, roles=roles or [label_of_role(app.definition, "admin")])


def label_of_role(definition: AppDefinition, role: str) -> Label | Message:
    """What people call a role."""
    found = definition.roles.get(role)
    return found.label if found else message("Administrator") if role == ADMIN else Label({"": role})
