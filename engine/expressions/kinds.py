"""What kind of value a part of an expression has, as far as the definition tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.errors import Message, message
from engine.expressions.view import (
    DATE_ATTRIBUTES,
    STATE_ATTRIBUTES,
    TIME_ATTRIBUTES,
    USER_ATTRIBUTES,
    target_of,
)
from engine.language import ADMIN, SYSTEM_FIELDS

Seen = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Kind:
    """``name``: text number boolean date datetime time duration record records user users state list json none any.

    ``form`` names the form of a record or records; ``options`` are the only texts it can be, ``of`` what they are
    (state, role, choice), ``sources`` the (form, field) each of which has them; ``parts`` the keys of a group such as
    an address.
    """

    name: str
    form: str | None = None
    options: tuple[str, ...] | None = None
    of: str = ""
    parts: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = field(default=(), compare=False)


ANY = Kind("any")
NONE = Kind("none")
TEXT = Kind("text")
NUMBER = Kind("number")
BOOLEAN = Kind("boolean")
DATE = Kind("date")
MOMENT = Kind("datetime")
USER = Kind("user")
LIST = Kind("list")

_SYSTEM: Mapping[str, Kind] = {
    "id": NUMBER, "version": NUMBER, "state_since": MOMENT, "state_due": MOMENT, "forecast_at": MOMENT, "owner": USER,
    "created_at": MOMENT, "created_by": USER, "updated_at": MOMENT, "updated_by": USER, "deleted_at": MOMENT,
}  # fmt: skip
_OF_WORKFLOW = frozenset({"state", "state_since", "state_due", "forecast_at"})
_OF_FIELD = {"link": "record", "links": "records", "lines": "records", "files": "list", "choices": "list"}

_WORDS = {
    "text": message("a text"),
    "number": message("a number"),
    "boolean": message("yes or no"),
    "date": message("a date"),
    "datetime": message("a date and time"),
    "time": message("a time"),
    "duration": message("a duration"),
    "record": message("a record"),
    "records": message("a list of records"),
    "user": message("a user"),
    "users": message("a list of users"),
    "state": message("a state"),
    "list": message("a list"),
    "json": message("a group"),
    "none": message("nothing"),
}
_VALUE = message("a value")


def word(kind: Kind) -> Message:
    return _WORDS.get(kind.name, _VALUE)


@dataclass(frozen=True)
class Scope:
    """What an expression may name: ``names`` maps a name to the Form of its record, or to the name of a kind.

    ``record`` is a record of ``form`` where ``names`` does not say otherwise, ``user`` is always there.
    """

    definition: Any
    form: Any = None
    names: Mapping[str, Any] = field(default_factory=dict)

    def kind(self, name: str) -> Kind | None:
        given = self.names.get(name)
        if given is None and name == "record" and self.form is not None:
            given = self.form
        if given is None:
            return USER if name == "user" else None
        return Kind(given) if isinstance(given, str) else Kind("record", given.name)

    @property
    def known(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(("record",) if self.form is not None else ()), *self.names, "user")))


def attribute_kind(kind: Kind, name: str, definition: Any) -> Kind | None:
    """The kind of ``thing.name``; None if there is no such part."""
    if kind.name in ("any", "none"):
        return ANY
    if kind.name == "record":
        form = definition.forms.get(kind.form)
        return ANY if form is None else member_kind(form, name, definition)
    if kind.name == "json" and not kind.parts:
        return ANY
    return _parts(kind, definition).get(name)


def attribute_names(kind: Kind, definition: Any) -> tuple[str, ...]:
    if kind.name == "record":
        form = definition.forms[kind.form]
        return (*form.fields, *(name for name in SYSTEM_FIELDS if form.workflow or name not in _OF_WORKFLOW))
    return tuple(_parts(kind, definition))


def _parts(kind: Kind, definition: Any) -> Mapping[str, Kind]:
    if kind.name == "user":
        roles = Kind("list", options=role_names(definition), of="role")
        return dict(zip(USER_ATTRIBUTES, (NUMBER, TEXT, TEXT, roles, LIST, NUMBER), strict=True))
    if kind.name == "state":
        return dict(zip(STATE_ATTRIBUTES, (BOOLEAN, BOOLEAN, TEXT), strict=True))
    if kind.name == "date":
        return dict.fromkeys(DATE_ATTRIBUTES, NUMBER)
    if kind.name == "datetime":
        return dict.fromkeys((*DATE_ATTRIBUTES, *TIME_ATTRIBUTES), NUMBER)
    if kind.name == "time":
        return dict.fromkeys(TIME_ATTRIBUTES, NUMBER)
    return dict.fromkeys(kind.parts, TEXT)


def role_names(definition: Any) -> tuple[str, ...]:
    return (*definition.roles, ADMIN)


def member_kind(form: Any, name: str, definition: Any, seen: Seen = frozenset()) -> Kind | None:
    """The kind of a field or system field of a form; None if there is none."""
    if name in form.fields:
        return field_kind(form, form.fields[name], definition, seen)
    if name == "parent" and form.parent_form:
        return Kind("record", form.parent_form)
    if name in _OF_WORKFLOW and not form.workflow:
        return None
    if name == "state":
        return Kind("state", form.name, tuple(form.workflow.states), "state")
    if name == "owner_role":
        return Kind("text", options=role_names(definition), of="role")
    return _SYSTEM.get(name)


def field_kind(form: Any, field: Any, definition: Any, seen: Seen = frozenset()) -> Kind:
    """What expressions see of a field; derived fields are followed to what they show.

    Of a definition that was not checked yet, too: what leads nowhere, or round in a circle, can be anything. ``seen``
    are the derived fields, as (form, field), on the way here.
    """
    derived = _DERIVED.get(field.type)
    if derived:
        here = (form.name, field.name)
        return ANY if here in seen else derived(form, field, definition, seen | {here})
    name = _OF_FIELD.get(field.kind, field.kind)
    if name in ("record", "records"):
        return Kind(name, target_of(form, field, definition))
    if field.type == "role":
        return Kind("text", options=role_names(definition), of="role")
    if name == "text" and getattr(field, "multiple", False):
        name = "list"  # several of a few options
    source = ((form.name, field.name),)
    return Kind(name, options=_options(field), of="choice", parts=tuple(getattr(field, "parts", ())), sources=source)


def _options(field: Any) -> tuple[str, ...] | None:
    options = getattr(field, "options", None)
    return tuple(options) if isinstance(options, Mapping) else None


def _computed(form: Any, field: Any, definition: Any, seen: Seen) -> Kind:
    result = getattr(field, "result", None)
    found = ANY if result is None else field_kind(form, result, definition, seen)
    return replace(found, sources=((form.name, field.name),)) if found.sources else found


def _lookup(form: Any, field: Any, definition: Any, seen: Seen) -> Kind:
    via = form.fields.get(field.via)
    way = field_kind(form, via, definition, seen) if via is not None else ANY
    target = definition.forms.get(way.form) if way.name in ("record", "records") else None
    return (member_kind(target, field.field, definition, seen) if target is not None else None) or ANY


def _rollup(form: Any, field: Any, definition: Any, seen: Seen) -> Kind:
    if field.fold == "count":
        return NUMBER
    name, _, member = field.of.partition(".")
    of = definition.forms.get(name)
    return (member_kind(of, member, definition, seen) if of is not None else None) or ANY


_DERIVED = {"computed": _computed, "lookup": _lookup, "rollup": _rollup}

_TEXTS = frozenset({"text", "state"})
_DAYS = frozenset({"date", "datetime"})
_SAME = (_TEXTS, _DAYS, frozenset({"record", "number"}), frozenset({"user", "number"}), frozenset({"list", "users"}))


def comparable(left: Kind, right: Kind) -> bool:
    """Whether `==` between them can ever be more than always false."""
    if {"any", "none"} & {left.name, right.name}:
        return True
    if left.name == right.name:
        return left.name != "record" or left.form == right.form
    return any({left.name, right.name} <= group for group in _SAME)


_ORDERED = ("number", "text", "state", "boolean", "date", "datetime", "time", "duration", "any", "none")


def orderable(left: Kind, right: Kind) -> bool:
    return left.name in _ORDERED and right.name in _ORDERED and comparable(left, right)


def result_of(sign: str, left: Kind, right: Kind) -> Kind | None:
    """The kind of an arithmetic result; None if the two do not go together."""
    names = (left.name, right.name)
    if names == ("number", "number"):
        return NUMBER
    if {"any", "none"} & set(names):
        return ANY
    if sign == "+" and set(names) <= _TEXTS:
        return TEXT
    if sign in "+-" and left.name in (*_DAYS, "duration") and right.name == "duration":
        return Kind(left.name)
    if sign == "+" and left.name == "duration" and right.name in _DAYS:
        return Kind(right.name)
    if sign == "-" and set(names) <= _DAYS:
        return NUMBER if names == ("date", "date") else Kind("duration")
    if sign == "*" and set(names) == {"duration", "number"}:
        return Kind("duration")
    return None


def joined(kinds: Iterable[Kind]) -> Kind:
    """The kind of one of several: the common one, or any."""
    given = [kind for kind in kinds if kind.name != "none"]
    known = set(given)
    if len(known) == 1:
        return replace(given[0], sources=tuple(dict.fromkeys(source for kind in given for source in kind.sources)))
    names = {kind.name for kind in known}
    return Kind(names.pop()) if len(names) == 1 and not names & {"record", "records"} else ANY
