"""What the tables of a definition depend on, as JSON: kept with the data, compared at the next start.

A *shape* is {"system": hash, "roles", "rules", "forms": {identity: {"name", "parent", "title", "search", "fields",
"states", "leave_with", "pace", "views", "was"}}}; a field is {"name", "kind", "type", "target", "value", "options",
"required", "sensitive", "was"}; roles, rules, states, views and options are {identity: name}, "leave_with" is {state:
[fields]}; "pace" is what the expected times of records depend on.
An identity is the stable id; "was" is the name it was renamed from, of the thing itself under "".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from engine.definition import AppDefinition, Form
from engine.fields.base import Field
from engine.fields.columns import Exact, Ids, Moment, Seconds, Tags
from engine.language import Named
from engine.storage.search import searched_fields
from engine.storage.tables import SYSTEM, link_target, linked_form, stands_apart

Shape = dict[str, Any]


def shape_of(definition: AppDefinition) -> Shape:
    forms = {form.stable_id: _form(form, definition) for form in definition.forms.values()}
    roles = {role.stable_id: role.name for role in definition.roles.values()}
    rules = {rule.stable_id: rule.name for rule in definition.rules.values()}
    return {"system": _system_hash(), "roles": roles, "rules": rules, "forms": forms}


def _form(form: Form, definition: AppDefinition) -> Shape:
    states = form.workflow.states if form.workflow else {}
    return {
        "name": form.name,
        "parent": form.parent_form,
        "title": form.title,
        "search": [field.stable_id for field in searched_fields(form)],
        "fields": {field.stable_id: field_shape(field) for field in form.fields.values()},
        "states": {state.stable_id: state.name for state in states.values()},
        "leave_with": {state.stable_id: _identities(form, state.leave_with) for state in states.values()},
        "pace": shape_of_pace(form, definition),
        "was": {"": form.renamed_from} | _former(states),
        "views": {view.stable_id: view.name for view in form.views.values()},
    }


def shape_of_pace(form: Form, definition: AppDefinition) -> list[Any]:
    """Empty where no state has an expected time and nothing is promised."""
    if form.workflow is None:
        return []
    states, promised = form.workflow.states.values(), form.workflow.promised
    timed = promised is not None or any(state.timed for state in states)
    held = [[_stable(form, promised), str(form.workflow.slack)]] if promised else []
    return held + [
        [state.stable_id, str(state.within or ""), state.aside, state.final, _calendar(definition, state.calendar),
         *([_stable(form, state.planned)] if state.planned else ())]
        for state in states if timed
    ]  # fmt: skip


def _stable(form: Form, name: str) -> str:
    return form.fields[name].stable_id if name in form.fields else name


def _calendar(definition: AppDefinition, name: str | None) -> str:
    """What of a calendar decides when something is due."""
    calendars = definition.calendars.values()
    found = next((one for one in calendars if (one.name == name if name else one.default)), None)
    if found is None:
        return ""
    days = (dict(found.shifts), found.holidays, found.closed, dict(found.open), found.timezone)
    return hashlib.sha256(repr(days).encode()).hexdigest()[:16]


def _identities(form: Form, names: Iterable[str]) -> list[str]:
    return sorted(form.fields[name].stable_id for name in names)


def _former(named: Mapping[str, Named]) -> dict[str, str | None]:
    return {one.stable_id: one.renamed_from for one in named.values() if one.renamed_from}


def field_shape(field: Field) -> Shape:
    kind = field.column_type()
    apart = stands_apart(field)
    options: Mapping[str, Named] = getattr(field, "options", None) or {}
    return {
        "name": field.name,
        "kind": field.kind,
        "type": write_type(kind) if kind is not None else "links" if apart else None,
        "target": _target(field),
        "value": _value(field),
        "options": {option.stable_id: option.name for option in options.values()},
        "required": field.required and field.writable,
        "sensitive": field.sensitive,
        "was": {"": field.renamed_from} | _former(options),
    }


def _value(field: Field) -> str | None:
    """How a stored derived field is worked out: when it changes, the values must be worked out again."""
    if field.type not in ("computed", "rollup") or field.column_type() is None:
        return None
    return repr([getattr(field, name, None) for name in ("value", "of", "via", "fold", "when")])


def _target(field: Field) -> str | None:
    """The form whose records the column or link table names."""
    return linked_form(field) or (link_target(field) if stands_apart(field) else None)


@cache
def _system_hash() -> str:
    """Changes when a new version of the engine brings other system tables."""
    parts = [str(part.compile(dialect=sqlite.dialect())) for table in SYSTEM.values() for part in _ddl(table)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]


def _ddl(table: sa.Table) -> Iterator[Any]:
    yield CreateTable(table)
    yield from (CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name)))


# --- column types as text --------------------------------------------------------------------------------------------

_PLAIN: Mapping[str, type[Any]] = {
    each.__name__: each
    for each in (
        sa.Text, sa.BigInteger, sa.Integer, sa.SmallInteger, sa.Boolean, sa.Date, sa.Time, sa.Float, sa.JSON,
        Moment, Seconds, Tags, Ids,
    )
}  # fmt: skip


def write_type(kind: Any) -> str:
    """``String(80)``, ``Exact(2)``, ``Date`` …"""
    if isinstance(kind, Exact):
        return f"Exact({kind.scale})"
    if isinstance(kind, sa.String) and not isinstance(kind, sa.Text) and kind.length:
        return f"String({kind.length})"
    return "Text" if isinstance(kind, sa.String) else type(kind).__name__


def read_type(text: str) -> Any:
    """The type ``write_type`` wrote; a plain text for one that is not known any more."""
    name, _, rest = text.partition("(")
    if name == "Exact":
        return Exact(int(rest.rstrip(")")))
    if name == "String":
        return sa.String(int(rest.rstrip(")")))
    return _PLAIN.get(name, sa.Text)()


# --- the same thing in two shapes ------------------------------------------------------------------------------------


def paired(
    old: Mapping[str, Any], new: Mapping[str, Named], name_of: Any, was: Mapping[str, str | None] = MappingProxyType({})
) -> list[tuple[str | None, str | None]]:
    """(old identity, new name): by stable id first, then by ``renamed_from``, then back again to what the old one
    ``was`` renamed from; None where there is no like."""
    by_identity = {named.stable_id: name for name, named in new.items()}
    found: dict[str, str] = {identity: by_identity[identity] for identity in old if identity in by_identity}
    by_old_name = {name_of(entry): identity for identity, entry in old.items() if identity not in found}
    taken = set(found.values())
    for name, named in new.items():
        identity = by_old_name.get(named.renamed_from) if named.renamed_from else None
        if name not in taken and identity is not None and identity not in found:
            found[identity] = name
            taken.add(name)
    for identity in [identity for identity in old if identity not in found]:
        former = was.get(identity) or ""
        former = by_identity.get(former, former)
        if former in new and former not in taken:
            found[identity] = former
            taken.add(former)
    gone: list[tuple[str | None, str | None]] = [(identity, None) for identity in old if identity not in found]
    fresh: list[tuple[str | None, str | None]] = [(None, name) for name in new if name not in taken]
    return [*found.items(), *gone, *fresh]
