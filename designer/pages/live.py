"""The cards of a draft drawn with the records there are: what can be drawn now, and why the rest cannot yet."""

from __future__ import annotations

from typing import Any

from engine.cards import Card
from engine.cardviews import parts_of
from engine.checks.review import leaves_in
from engine.definition import AppDefinition, Form
from engine.errors import Message, message
from engine.expressions import Scope, check_expression
from engine.language import SYSTEM_FIELDS, Expression, FieldName, SortKey, StateName, ViewName
from engine.registry import Registry


def why_not_yet(card: Card, live: AppDefinition, registry: Registry) -> Message | None:
    """What a card names that is not in force yet; None where it can be drawn."""
    return next((why for part in parts_of(card) if (why := _part_not_yet(part, live, registry)) is not None), None)


def _part_not_yet(part: Any, live: AppDefinition, registry: Registry) -> Message | None:
    form = live.forms.get(part.form)
    if form is None:
        return message("The form is new: figures stand here once the draft is published.")
    for leaf in leaves_in(live, part):
        reason = _reason(leaf.hint, leaf.value, form, live, registry)
        if reason is not None:
            return reason
    return None


def _reason(hint: Any, value: Any, form: Form, live: AppDefinition, registry: Registry) -> Message | None:
    if hint in (FieldName, SortKey) and not _has_field(form, str(value).removeprefix("-")):
        return message("The field {name} is new: figures stand here once the draft is published.", name=str(value))
    if hint is StateName and (form.workflow is None or value not in form.workflow.states):
        return message("The state {name} is new: figures stand here once the draft is published.", name=str(value))
    if hint is ViewName and value not in form.views:
        return message("The view {name} is new: it is shown here once the draft is published.", name=str(value))
    if hint is Expression and check_expression(str(value), Scope(live, form), registry):
        return message("The condition names something new: figures stand here once the draft is published.")
    return None


def _has_field(form: Form, name: str) -> bool:
    return name in form.fields or name in SYSTEM_FIELDS
