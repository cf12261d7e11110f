"""Every name that refers to something must be the name of something."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.actions import Action, CopyLines, CreateRecord, SetValues, TakeTransition, UpdateMatching
from engine.cards import Card, Figure, Part, Point
from engine.checks.review import Leaf, Review, unknown
from engine.definition import FilteredField, Form, Rule, Transition
from engine.errors import Message, message
from engine.fields.base import Field
from engine.fields.relations import LinkField
from engine.language import (
    ADMIN,
    RESERVED_FIELDS,
    RESERVED_FORMS,
    SYSTEM_FIELDS,
    CalendarName,
    ConnectionName,
    EntryName,
    FeedName,
    FieldName,
    FormName,
    Named,
    PageName,
    PortalName,
    PrintFormatName,
    RoleName,
    RuleName,
    SortKey,
    StateName,
    TransitionName,
    ViewName,
    WayName,
)
from engine.portals import PortalForm
from engine.prints import PaperPart
from engine.views import View
from engine.yamlfile import Path

OF_WORKFLOW = ("state", "state_since", "state_due", "forecast_at", "owner", "owner_role")


def check_names(review: Review) -> None:
    for leaf in review.leaves:
        if refer := _REFERENCES.get(leaf.hint):
            refer(review, leaf)
    for form in review.forms:
        _field_references(review, form)
    for name, rule in review.definition.rules.items():
        for path, action, of in rule.steps():
            _action_names(review, review.form(of), action, ("rules", name, *path))
    _identities(review)
    _reserved(review)


def known_fields(form: Form) -> tuple[str, ...]:
    """Fields and system fields, for places that may show both."""
    return (*form.fields, *(name for name in SYSTEM_FIELDS if form.workflow or name not in OF_WORKFLOW))


def expect_form(review: Review, path: Path, name: str, *, at_key: bool = False) -> bool:
    forms = review.definition.forms
    if name in forms:
        return True
    if not review.is_lost(name):
        review.error(path, unknown(message("There is no form '{name}'", name=name), name, forms), at_key=at_key)
    return False


def expect_field(
    review: Review, path: Path, form: Form | None, name: str, *, system: bool = False, at_key: bool = False
) -> Field | None:
    """The field, or None after saying that there is none."""
    if form is None or name in form.fields:
        return form.fields[name] if form else None
    known = known_fields(form) if system else tuple(form.fields)
    if name not in known and not review.is_lost(name):
        review.error(path, no_field(form, name, known), at_key=at_key)
    return None


def no_field(form: Form, name: str, known: Iterable[str]) -> Message:
    return unknown(message("'{form}' has no field '{name}'", form=form.name, name=name), name, known)


# --- one function per kind of name


def _form(review: Review, leaf: Leaf) -> None:
    expect_form(review, leaf.path, leaf.value, at_key=leaf.is_key)


def _role(review: Review, leaf: Leaf) -> None:
    if leaf.value not in review.definition.roles and leaf.value != ADMIN and not review.is_lost(leaf.value):
        said = unknown(
            message("There is no role '{name}'", name=leaf.value), leaf.value, (*review.definition.roles, ADMIN)
        )
        review.error(leaf.path, said, at_key=leaf.is_key)


def _rule(review: Review, leaf: Leaf) -> None:
    rules = review.definition.rules
    if leaf.value not in rules and not review.is_lost(leaf.value):
        said = unknown(message("There is no rule '{name}'", name=leaf.value), leaf.value, rules)
        review.error(leaf.path, said, at_key=leaf.is_key)


def _field(review: Review, leaf: Leaf) -> None:
    shown = isinstance(leaf.owner, (View, Card, Figure, FilteredField, Part, Point, PortalForm, PaperPart))
    expect_field(review, leaf.path, review.form(leaf.form), leaf.value, system=shown, at_key=leaf.is_key)


def _sort_key(review: Review, leaf: Leaf) -> None:
    form, name = review.form(leaf.form), leaf.value.removeprefix("-")
    field = expect_field(review, leaf.path, form, name, system=True)
    if field is not None and not field.sortable:
        said = message("The {type} field '{field}' cannot be sorted by.", type=field.type, field=name)
        review.error(leaf.path, said)


def _state(review: Review, leaf: Leaf) -> None:
    form = review.form(leaf.form)
    if form is None:
        return
    if form.workflow is None:
        if not review.is_lost("workflow"):
            review.error(leaf.path, message("The form '{form}' has no workflow.", form=form.name))
        return
    previous = isinstance(leaf.owner, Transition) and leaf.path[-1] == "to" and leaf.value == "previous"
    if not previous and leaf.value not in form.workflow.states and not review.is_lost(leaf.value):
        said = message("'{form}' has no state '{name}'", form=form.name, name=leaf.value)
        review.error(leaf.path, unknown(said, leaf.value, form.workflow.states))


def _transition(review: Review, leaf: Leaf) -> None:
    form = review.form(leaf.form)
    if form is None:
        return
    if form.workflow is None:
        review.error(leaf.path, message("The form '{form}' has no workflow.", form=form.name))
    elif leaf.value not in form.workflow.transitions and not review.is_lost(leaf.value):
        said = message("'{form}' has no transition '{name}'", form=form.name, name=leaf.value)
        review.error(leaf.path, unknown(said, leaf.value, form.workflow.transitions))


def _view(review: Review, leaf: Leaf) -> None:
    form = review.form(leaf.form)
    if form is not None and leaf.value not in form.views and not review.is_lost(leaf.value):
        said = message("'{form}' has no view '{name}'", form=form.name, name=leaf.value)
        review.error(leaf.path, unknown(said, leaf.value, form.views))


def _print(review: Review, leaf: Leaf) -> None:
    form = review.form(leaf.form)
    if form is not None and leaf.value not in form.prints and not review.is_lost(leaf.value):
        said = message("'{form}' has no paper format '{name}'", form=form.name, name=leaf.value)
        review.error(leaf.path, unknown(said, leaf.value, form.prints))


def _portal(review: Review, leaf: Leaf) -> None:
    portals = review.definition.portals
    if leaf.value not in portals and not review.is_lost(leaf.value):
        said = message("There is no portal '{name}'", name=leaf.value)
        review.error(leaf.path, unknown(said, leaf.value, portals))


def _entry(review: Review, leaf: Leaf) -> None:
    known = (*review.definition.forms, *review.definition.pages)
    if leaf.value not in known and not review.is_lost(leaf.value):
        said = unknown(message("There is no form or page '{name}'", name=leaf.value), leaf.value, known)
        review.error(leaf.path, said)


def _page(review: Review, leaf: Leaf) -> None:
    pages = review.definition.pages
    if leaf.value not in pages and not review.is_lost(leaf.value):
        review.error(leaf.path, unknown(message("There is no page '{name}'", name=leaf.value), leaf.value, pages))


def _connection(review: Review, leaf: Leaf) -> None:
    connections, name = review.definition.connections, leaf.value
    if name not in connections:
        if not review.is_lost(name):
            said = message("There is no connection '{name}'", name=name)
            review.error(leaf.path, unknown(said, name, connections), at_key=leaf.is_key)
        return
    wanted = getattr(leaf.owner, "type", None)
    if isinstance(leaf.owner, Action) and wanted in _KINDS and wanted not in connections[name].serves:
        fitting = [other.name for other in connections.values() if wanted in other.serves]
        said = message(
            "'{name}' is a connection of type {type}, which {action} cannot use",
            name=name, type=connections[name].type, action=wanted,
        )  # fmt: skip
        review.error(leaf.path, unknown(said, name, fitting))


def _feed(review: Review, leaf: Leaf) -> None:
    feeds = review.definition.feeds
    if leaf.value not in feeds and not review.is_lost(leaf.value):
        said = message("There is no feed '{name}'", name=leaf.value)
        review.error(leaf.path, unknown(said, leaf.value, feeds))


def _calendar(review: Review, leaf: Leaf) -> None:
    calendars = review.definition.calendars
    if leaf.value not in calendars and not review.is_lost(leaf.value):
        said = message("There is no calendar '{name}'", name=leaf.value)
        review.error(leaf.path, unknown(said, leaf.value, calendars))


def _way(review: Review, leaf: Leaf) -> None:
    ways = review.definition.reach.ways if review.definition.reach else {}
    if leaf.value not in ways and not review.is_lost(leaf.value):
        said = unknown(message("There is no way '{name}'", name=leaf.value), leaf.value, ways)
        review.error(leaf.path, said, at_key=leaf.is_key)


_KINDS = ("mail", "http", "call", "report")


def linked_form(review: Review, field: Field | None) -> Form | None:
    """The form a link, links or lines field leads to."""
    return review.form(getattr(field, "form", None)) if field is not None else None


_REFERENCES: Mapping[Any, Callable[[Review, Leaf], None]] = {
    FormName: _form,
    RoleName: _role,
    RuleName: _rule,
    FieldName: _field,
    SortKey: _sort_key,
    StateName: _state,
    TransitionName: _transition,
    CalendarName: _calendar,
    ConnectionName: _connection,
    FeedName: _feed,
    PageName: _page,
    ViewName: _view,
    PrintFormatName: _print,
    PortalName: _portal,
    EntryName: _entry,
    WayName: _way,
}


def _field_references(review: Review, form: Form) -> None:
    for field in form.fields.values():
        path = ("forms", form.name, "fields", field.name)
        reported = {getattr(field, "form", None)}  # a FormName of its own was looked at with all others
        for option, form_name, field_name in field.references(form, review.definition):
            at = (*path, option)
            if form_name in reported or expect_form(review, at, form_name):
                if field_name is not None:
                    expect_field(review, at, review.form(form_name), field_name)
            else:
                reported.add(form_name)
        for option, said in field.mistakes():
            review.error((*path, option), said)
        if isinstance(field, LinkField):
            for name in field.match:
                _found_by(review, (*path, "match", name), linked_form(review, field), name, field.make)


def _found_by(review: Review, path: Path, form: Form | None, name: str, make: bool) -> None:
    """What a record is found by is kept in a column of it; what it is made with can be written."""
    field = form.fields.get(name) if form else None
    if field is not None and (field.column_type() is None or (make and not field.writable)):
        review.error(path, message("A record cannot be found by '{field}'.", field=name), at_key=True)


# --- what rules write


def _action_names(review: Review, form: Form | None, action: Any, path: Path) -> None:
    if isinstance(action, SetValues):
        _written(review, (*path, "values"), form, action.values)
    elif isinstance(action, UpdateMatching):
        _written(review, (*path, "values"), review.form(action.form), action.values)
    elif isinstance(action, CreateRecord):
        _created(review, action, path)
    elif isinstance(action, TakeTransition) and action.of and form is not None:
        field = form.fields.get(action.of)
        if field is not None and field.kind not in ("link", "links"):
            review.error((*path, "of"), message("'{field}' is no link to another record.", field=action.of))


def _created(review: Review, action: CreateRecord, path: Path) -> None:
    form = review.form(action.form)
    _written(review, (*path, "values"), form, action.values)
    for place, name in enumerate(action.once):
        _found_by(review, (*path, "once", place), form, name, make=True)
        if name not in action.values:
            said = message("'{field}' is not among the values of the new record.", field=name)
            review.error((*path, "once", place), said)
    for name, copy in action.lines.items():
        here = (*path, "lines", name)
        field = form.fields.get(name) if form else None
        if field is not None and field.kind != "lines":
            review.error(here, message("'{field}' is no lines field.", field=name), at_key=True)
        elif field is not None:
            _written(review, (*here, "values"), linked_form(review, field), copy.values)


def _written(review: Review, path: Path, form: Form | None, names: Iterable[str]) -> None:
    for name in names:
        field = form.fields.get(name) if form else None
        if field is not None and not field.writable and field.category == "derived":
            said = message("'{field}' is worked out and cannot be set.", field=name)
            review.error((*path, name), said, at_key=True)


def copied_form(review: Review, rule: Rule, copy: CopyLines) -> Form | None:
    """The form of the lines that are copied."""
    form = review.form(rule.form)
    return linked_form(review, form.fields.get(copy.each)) if form else None


def is_role(review: Review, text: str) -> bool:
    """Whether a receiver of a notification is a role rather than an expression."""
    return text in review.definition.roles or text == ADMIN


# --- identity


def _identities(review: Review) -> None:
    definition = review.definition
    groups: list[tuple[Path, Mapping[str, Any]]] = [
        (("roles",), definition.roles),
        (("forms",), definition.forms),
        (("rules",), definition.rules),
        (("connections",), definition.connections),
        (("pages",), definition.pages),
        (("tasks",), definition.tasks),
        (("portals",), definition.portals),
        (("reach", "ways"), definition.reach.ways if definition.reach else {}),
    ]
    for form in review.forms:
        path = ("forms", form.name)
        groups += [((*path, "fields"), form.fields), ((*path, "views"), form.views), ((*path, "prints"), form.prints)]
        if form.workflow:
            groups.append(((*path, "workflow", "states"), form.workflow.states))
            groups.append(((*path, "workflow", "transitions"), form.workflow.transitions))
        for name, field in form.fields.items():
            if isinstance(options := getattr(field, "options", None), Mapping):
                groups.append(((*path, "fields", name, "options"), options))
    for place, things in groups:
        _identity(review, place, things)


def _identity(review: Review, path: Path, things: Mapping[str, Named]) -> None:
    seen: dict[str, str] = {}
    for name, thing in things.items():
        first = seen.setdefault(thing.stable_id, name)
        if first != name:
            said = message(
                "'{first}' and '{second}' have the same id '{id}'.", first=first, second=name, id=thing.stable_id
            )
            review.error((*path, name, "id"), said)
        if thing.renamed_from in things:
            said = message("'{name}' still exists; a former name is one that is gone.", name=thing.renamed_from)
            review.error((*path, name, "renamed_from"), said)


def _reserved(review: Review) -> None:
    for name in review.definition.forms:
        if name in RESERVED_FORMS:
            review.error(("forms", name), message("'{name}' is reserved; choose another name.", name=name), at_key=True)
    if ADMIN in review.definition.roles:
        said = message("The role '{name}' is built in: it may do everything; choose another name.", name=ADMIN)
        review.error(("roles", ADMIN), said, at_key=True)
    for form in review.forms:
        for name in form.fields:
            if name in RESERVED_FIELDS or keyword.iskeyword(name) or (name == "parent" and form.parent_form):
                said = message("'{name}' is reserved; choose another name.", name=name)
                review.error(("forms", form.name, "fields", name), said, at_key=True)
