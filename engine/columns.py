"""What can stand as a column of a list: the form's fields, and what every record has beside them, as fields too.

Only what the actor may read is in here, so that a field that is hidden and one that does not exist are answered alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from engine.application import Application
from engine.definition import Form, Role
from engine.errors import message
from engine.fields.base import Field, Operator
from engine.fields.choice import ChoiceField, Option
from engine.fields.dates import DatetimeField
from engine.fields.number import IntegerField
from engine.fields.people import UserField
from engine.fields.visited import VISITS
from engine.formats import Reader
from engine.language import Label
from engine.people import Actor
from engine.permissions import may, readable_fields, row_filter
from engine.texts import say

UNSORTABLE_KINDS = frozenset({"links", "lines", "files", "json", "users"})
# Of a sensitive value only those who know it already may ask; sorting and comparing would spell it out.
SENSITIVE_OPERATORS = frozenset({"eq", "empty", "not_empty"})


class Columns(Mapping[str, Field]):
    """The readable columns of a form, by name. ``sometimes``: hidden on some records; ``sortable``: may order lists."""

    def __init__(self, fields: Mapping[str, Field], sometimes: frozenset[str], sortable: tuple[str, ...]) -> None:
        self._fields = fields
        self.sometimes = sometimes
        self.sortable = sortable
        self.filterable = tuple(name for name, field in fields.items() if operators_of(field))
        self.stored = frozenset(name for name, field in fields.items() if field.column_type() is not None)

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def operators_of(field: Field) -> tuple[Operator, ...]:
    """How lists may be filtered by it."""
    if not field.sensitive:
        return field.operators
    return tuple(each for each in field.operators if each.name in SENSITIVE_OPERATORS)


def columns_of(app: Application, actor: Actor, form: Form) -> Columns:
    """Worked out once per definition, form and set of rights."""
    key = ("columns", form.name, rights(actor))
    found: Columns | None = app.plans.kept.get(key)
    if found is None:
        found = app.plans.kept[key] = _columns(app, actor, form)
    return found


def rights(actor: Actor) -> Hashable:
    """Equal for actors who may read the same fields and forms; single records may still differ."""
    return actor.roles, actor.scopes, actor.system, actor.view_as


def _columns(app: Application, actor: Actor, form: Form) -> Columns:
    readable = readable_fields(app, actor, form)
    every = {
        **{name: field for name, field in form.fields.items() if field.kind != "lines"},
        **system_columns(form, app.definition.roles),
    }
    fields = {name: field for name, field in every.items() if readable.ever(name)}
    sometimes = frozenset(name for name in fields if not readable.always(name))
    sortable = tuple(name for name, field in fields.items() if _sortable(app, actor, field))
    return Columns(fields, sometimes, sortable)


def _sortable(app: Application, actor: Actor, field: Field) -> bool:
    if field.sensitive or not field.sortable or field.kind in UNSORTABLE_KINDS or field.column_type() is None:
        return False
    return field.kind != "link" or fully_readable(app, actor, app.definition.forms[field.form])  # type: ignore[attr-defined]


def fully_readable(app: Application, actor: Actor, form: Form) -> bool:
    """All its records: ordering by the titles of records that are hidden would tell them."""
    return may(app, actor, "read", form).allowed and row_filter(app, actor, "read", form) is None


# --- what every record has -------------------------------------------------------------------------------------------


def system_columns(form: Form, roles: Mapping[str, Role] | None = None) -> Mapping[str, Field]:
    """The columns beside the fields, as fields people can read, filter and sort by. ``roles``: what an owner may be
    beside a person."""
    return {field.name: field for field in _system(form, roles or {})}


def _system(form: Form, roles: Mapping[str, Role]) -> Iterator[Field]:
    workflow = form.workflow
    if workflow:
        options = {name: Option(name=name, label=one.label, colour=one.colour) for name, one in workflow.states.items()}
        yield StateField(name="state", label=_label("State"), options=options)
        yield DatetimeField(name="state_since", label=_label("In this state since"))
        yield DatetimeField(name="state_due", label=_label("Due"))
        yield DatetimeField(name="forecast_at", label=_label("Expected end"))
    if workflow or not form.parent_form:
        yield OwnerField(name="owner", label=_label("Owner"), labels={name: one.label for name, one in roles.items()})
    yield DatetimeField(name="created_at", label=_label("Created"))
    yield UserField(name="created_by", label=_label("Created by"))
    yield DatetimeField(name="updated_at", label=_label("Changed"))
    yield UserField(name="updated_by", label=_label("Changed by"))
    yield IntegerField(name="id", label=_label("ID"))


def _label(pattern: str) -> Label:
    return Label({language: say(message(pattern), language) for language in ("zh", "en")})


@dataclass(frozen=True, kw_only=True)
class StateField(ChoiceField):
    """The step of its life a record is in."""

    type = "state"
    writable = False
    operators = (*ChoiceField.operators, *VISITS)


@dataclass(frozen=True, kw_only=True)
class OwnerField(UserField):
    """Who is responsible: a person by their id, or everybody of a role by its name (``filling`` puts it there)."""

    labels: Mapping[str, Label]

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return self._role(value, reader) if isinstance(value, str) else super().format(value, reader, extra)

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return escape(self._role(value, reader)) if isinstance(value, str) else super().cell(value, reader, extra)

    def _role(self, role: str, reader: Reader) -> str:
        return self.labels[role].text(reader.language) if role in self.labels else role
