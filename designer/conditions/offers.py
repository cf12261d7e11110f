"""What a person can choose in each place of a condition: names by their labels, values by the kind of the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from designer.conditions.model import Value
from engine.definition import AppDefinition, Form
from engine.errors import Message, message
from engine.expressions import Kind, Scope
from engine.expressions.kinds import attribute_kind, attribute_names
from engine.texts import say

SEPARATOR = " › "

_SYSTEM: Mapping[str, Message] = {
    "id": message("Number of the record"),
    "version": message("Version"),
    "state": message("State"),
    "state_since": message("In this state since"),
    "state_due": message("Due in this state"),
    "forecast_at": message("Expected end"),
    "owner": message("Responsible person"),
    "owner_role": message("Responsible role"),
    "created_at": message("Created at"),
    "created_by": message("Created by"),
    "updated_at": message("Changed at"),
    "updated_by": message("Changed by"),
    "deleted_at": message("Deleted at"),
    "parent": message("The record around it"),
}
_PARTS: Mapping[str, Mapping[str, Message]] = {
    "user": {
        "id": message("Number of the person"), "name": message("Name"), "login": message("Sign-in name"),
        "roles": message("Roles"), "groups": message("Groups"),
    },
    "state": {"final": message("is an end"), "aside": message("is an exception"), "label": message("Name")},
}  # fmt: skip
_ROOTS: Mapping[str, Message] = {
    "record": message("This record"),
    "user": message("The person who acts"),
    "old": message("Before the change"),
    "source": message("The record it is chosen for"),
}
_HIDDEN = frozenset({"id", "version", "deleted_at"})


@dataclass(frozen=True)
class Term:
    """Something a condition can speak of: its dotted name, what people call it, its kind, and under which heading."""

    path: str
    label: str
    kind: Kind
    heading: str


@dataclass(frozen=True)
class Entry:
    """How a value is given: ``select`` (options), ``number``, ``date``, ``text``, ``boolean``, ``path`` or ``days``."""

    input: str
    options: tuple[tuple[str, str], ...] = field(default=())


def terms(scope: Scope, language: str, *, depth: int = 2) -> list[Term]:
    """Everything a condition can begin with: fields, fields of linked records, who acts."""
    return [term for name in scope.known for term in _of_root(scope, name, language, depth)]


def term_of(path: str, scope: Scope, language: str) -> Term:
    """A dotted name as people read it; the name itself where the definition does not know it."""
    first, *rest = path.split(".")
    kind, labels = scope.kind(first), [_root_label(scope, first, language)]
    for name in rest:
        labels.append(part_label(kind, name, scope.definition, language) if kind else name)
        kind = attribute_kind(kind, name, scope.definition) if kind else None
    plain = labels[1:] if first == "record" and rest else labels
    return Term(path, SEPARATOR.join(plain), kind or Kind("any"), labels[0])


def kind_of(path: str, scope: Scope) -> Kind:
    return term_of(path, scope, "en").kind


def _of_root(scope: Scope, name: str, language: str, depth: int) -> Iterator[Term]:
    kind = scope.kind(name)
    if kind is None:
        return
    heading = _root_label(scope, name, language)
    if kind.name != "record":
        yield Term(name, heading, kind, heading)
    yield from _members(Term(name, "", kind, heading), scope.definition, language, depth)


def _members(of: Term, definition: AppDefinition, language: str, depth: int) -> Iterator[Term]:
    for name in attribute_names(of.kind, definition) if depth and of.kind.name in ("record", "user", "state") else ():
        kind = attribute_kind(of.kind, name, definition)
        if kind is None or name in _HIDDEN or (of.kind.name == "state" and name == "label"):
            continue
        label = part_label(of.kind, name, definition, language)
        term = Term(f"{of.path}.{name}", SEPARATOR.join(filter(None, (of.label, label))), kind, of.heading)
        yield term
        if kind.name == "state":
            yield from _members(term, definition, language, 1)
    yield from _linked(of, definition, language, depth)


def _linked(of: Term, definition: AppDefinition, language: str, depth: int) -> Iterator[Term]:
    """What stands in the records this one points to, under a heading of their own."""
    if depth < 2 or of.kind.name != "record":
        return
    for name in (*attribute_names(of.kind, definition), "parent"):
        kind = attribute_kind(of.kind, name, definition)
        if kind is not None and kind.name == "record":
            label = part_label(of.kind, name, definition, language)
            inner = Term(f"{of.path}.{name}", label, kind, SEPARATOR.join((of.heading, label)))
            yield from _members(inner, definition, language, depth - 1)


def _root_label(scope: Scope, name: str, language: str) -> str:
    return say(_ROOTS[name], language) if name in _ROOTS else name


def part_label(kind: Kind, name: str, definition: AppDefinition, language: str) -> str:
    """What people call a part of something of this kind."""
    form = definition.forms.get(kind.form or "") if kind.name == "record" else None
    if form is not None and name in form.fields:
        return form.fields[name].label_in(language)
    known = _SYSTEM if kind.name == "record" else _PARTS.get(kind.name, {})
    return say(known[name], language) if name in known else name


def entry_for(kind: Kind, operator: str, definition: AppDefinition, language: str) -> Entry:
    """How the value beside something of this kind is given."""
    if operator in ("within", "not_within"):
        return Entry("path")
    if kind.options is not None:
        return Entry("select", _options(kind, definition, language))
    if kind.name in ("date", "datetime"):
        return Entry("date")
    if kind.name == "number":
        return Entry("number")
    if kind.name == "boolean":
        return Entry("boolean")
    return Entry("path") if kind.name in ("record", "user", "records", "users") else Entry("text")


def _options(kind: Kind, definition: AppDefinition, language: str) -> tuple[tuple[str, str], ...]:
    """The options of a choice, the states of a form, or the roles, each with its label."""
    return tuple((name, option_label(kind, name, definition, language)) for name in kind.options or ())


def option_label(kind: Kind, name: str, definition: AppDefinition, language: str) -> str:
    if kind.of == "role":
        return definition.roles[name].label.text(language) if name in definition.roles else name
    form = definition.forms.get(kind.form or "")
    if kind.of == "state" and form is not None and form.workflow and name in form.workflow.states:
        return form.workflow.states[name].label.text(language)
    return _choice_label(kind, name, definition, language)


def _choice_label(kind: Kind, name: str, definition: AppDefinition, language: str) -> str:
    for form, of in kind.sources:
        options = getattr(_field(definition.forms.get(form), of), "options", None)
        if options and name in options:
            return str(options[name].title.text(language))
    return name


def _field(form: Form | None, name: str) -> object:
    found = form.fields.get(name) if form else None
    return getattr(found, "result", found)


def value_label(value: Value, kind: Kind, scope: Scope, language: str) -> str:
    """A value as people read it."""
    if value.kind == "path":
        return term_of(value.text, scope, language).label
    if value.kind == "today":
        return _today(value.text, language)
    if value.kind == "boolean":
        return say(message("yes") if value.text == "true" else message("no"), language)
    if value.kind == "text" and kind.options is not None:
        return option_label(kind, value.text, scope.definition, language)
    return f"“{value.text}”" if value.kind == "text" else value.text


def _today(text: str, language: str) -> str:
    if not text:
        return say(message("today"), language)
    count = int(text)
    if count > 0:
        return say(message("{count} days from today", count=count), language)
    return say(message("{count} days ago", count=-count), language)


