"""Portals: whether their role stands for something, and whether what they show is theirs to see."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks.names import known_fields
from engine.checks.review import Review
from engine.definition import Form, Grant
from engine.errors import message
from engine.language import ADMIN, Condition
from engine.portals import Portal, PortalForm
from engine.yamlfile import Path


def check_portals(review: Review) -> None:
    for name, portal in review.definition.portals.items():
        _portal(review, portal, ("portals", name))
    _outside_roles(review)
    _mails(review)
    _stories(review)


def _stories(review: Review) -> None:
    """Whoever stands for a record of a story has a role that stands for such records."""
    for name, scenario in review.definition.scenarios.items():
        for index, given in enumerate(scenario.given):
            for at, role in enumerate(given.stands):
                known = review.definition.roles.get(role)
                if known is not None and known.stands_for != given.create:
                    said = message("The role '{role}' does not stand for a '{form}'.", role=role, form=given.create)
                    review.error(("scenarios", name, "given", index, "stands", at), said)


def _mails(review: Review) -> None:
    """A mail with a link needs a portal that gives out links to the record, and says where it is."""
    for name, rule in review.definition.rules.items():
        for place, action, of in rule.steps():
            portal = review.definition.portals.get(getattr(action, "portal", None) or "")
            if portal is None:
                continue
            path: Path = ("rules", name, *place, "portal")
            if portal.links is None or portal.address is None:
                review.error(
                    path, message("'{portal}' gives out no links; say its `links` and `address`.", portal=portal.name)
                )
            elif of is None or portal.form(of) is None:
                review.error(path, message("'{portal}' does not show the records of this rule.", portal=portal.name))


def _outside(review: Review) -> frozenset[str]:
    return frozenset(name for name, role in review.definition.roles.items() if role.stands_for is not None)


def _portal(review: Review, portal: Portal, path: Path) -> None:
    role = review.definition.roles.get(portal.role)
    if portal.role == ADMIN or (role is not None and role.stands_for is None):
        said = message(
            "The role '{role}' is one of people inside; give it `stands_for`, or name another.", role=portal.role
        )
        review.error((*path, "role"), said)
    if portal.links is not None and portal.links.unit == "wd":
        review.error((*path, "links"), message("Links last for a fixed time, such as 14d; not for working days."))
    if portal.connection is not None and portal.address is None:
        said = message("Mails lead people to this site: say the `address` at which they reach it.")
        review.error((*path, "connection"), said)
    connection = review.definition.connections.get(portal.connection or "")
    if connection is not None and "mail" not in connection.serves:
        said = message("'{name}' is a connection of type {type}, which sends no mails.",
                       name=connection.name, type=connection.type)  # fmt: skip
        review.error((*path, "connection"), said)
    for invited in set(portal.invite) & _outside(review):
        review.error(
            (*path, "invite"), message("'{role}' is a role of people outside; they invite nobody.", role=invited)
        )
    seen: set[str] = set()
    for index, shown in enumerate(portal.forms):
        here: Path = (*path, "forms", index)
        if shown.form in seen:
            review.error((*here, "form"), message("'{form}' is in this portal already.", form=shown.form))
        seen.add(shown.form)
        form = review.form(shown.form)
        if form is not None and role is not None:
            _form(review, portal, shown, form, str(role.stands_for), here)


def _form(review: Review, portal: Portal, shown: PortalForm, form: Form, stands_for: str, path: Path) -> None:
    if form.parent_form:
        review.error((*path, "form"), message("Lines have no page of their own; show the form around them."))
        return
    grant = form.permissions.get(portal.role)
    if grant is None or (grant.read == Condition.NEVER and grant.create == Condition.NEVER):
        said = message("The role '{role}' may not see any '{form}'; grant it under `permissions`.",
                       role=portal.role, form=form.name)  # fmt: skip
        review.error((*path, "form"), said)
        return
    _via(review, shown, form, stands_for, path)
    for option, index, name in _named(shown):
        if name in form.fields and _hidden(grant, name):
            said = message("The role '{role}' may not see '{field}'.", role=portal.role, field=name)
            review.error((*path, option, index), said)
    for index, name in enumerate(shown.files):
        field = form.fields.get(name)
        if field is not None and field.kind != "files":
            review.error((*path, "files", index), message("'{field}' holds no files.", field=name))
    for option in ("card", "fields"):
        for index, name in enumerate(getattr(shown, option)):
            if name in known_fields(form) and name not in form.fields and name not in _SYSTEM_SHOWN:
                said = message("'{field}' is for people inside.", field=name)
                review.error((*path, option, index), said)
    if grant.read == Condition.ALWAYS and shown.form != stands_for:
        said = message("Everybody in this portal sees every '{form}'; usually the grant compares something with "
                       "user.stands_for.", form=form.name)  # fmt: skip
        review.warning((*path, "form"), said)


_SYSTEM_SHOWN = frozenset({"state", "state_due", "created_at", "updated_at"})


def _via(review: Review, shown: PortalForm, form: Form, stands_for: str, path: Path) -> None:
    links = [
        one.name for one in form.fields.values() if one.kind == "link" and getattr(one, "form", None) == stands_for
    ]
    if shown.via is not None:
        if shown.via in form.fields and shown.via not in links:
            said = message(
                "'{field}' is no link to '{form}', which the people stand for.", field=shown.via, form=stands_for
            )
            review.error((*path, "via"), said)
    elif len(links) > 1:
        said = message("'{form}' has several links to '{target}': {fields}. Say with `via` which one is meant.",
                       form=form.name, target=stands_for, fields=tuple(links))  # fmt: skip
        review.error((*path, "form"), said)


def _named(shown: PortalForm) -> Iterator[tuple[str, int, str]]:
    for option in ("card", "fields", "files"):
        for index, name in enumerate(getattr(shown, option)):
            yield option, index, str(name)


def _hidden(grant: Grant, name: str) -> bool:
    own = grant.fields.get(name)  # type: ignore[call-overload]
    return own is not None and own.read == Condition.NEVER


def _outside_roles(review: Review) -> None:
    """People of portals are invited; nobody is one of them by being tried out, designing, or being in charge."""
    outside = _outside(review)
    definition = review.definition
    for name, person in definition.demo_users.items():
        for index, role in enumerate(person.roles):
            if role in outside:
                said = message(
                    "'{role}' is a role of people outside, who are invited; nobody is made one here.", role=role
                )
                review.error(("demo_users", name, "roles", index), said)
    for name in sorted(outside):
        if definition.roles[name].second_factor:
            said = message(
                "'{role}' is a role of people outside; a second factor is asked of people inside only.", role=name
            )
            review.error(("roles", name, "second_factor"), said)
    for index, role in enumerate(definition.designers):
        if role in outside:
            review.error(
                ("designers", index), message("'{role}' is a role of people outside; they design nothing.", role=role)
            )
    for form in review.forms:
        for state in form.workflow.states.values() if form.workflow else ():
            if state.owner in outside:
                said = message(
                    "'{role}' is a role of people outside; somebody inside is responsible.", role=state.owner
                )
                review.error(("forms", form.name, "workflow", "states", state.name, "owner"), said)
