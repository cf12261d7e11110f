"""What a story leaves unsaid: a field that must be filled, and that the story does not speak of, gets something
plausible. A field that becomes required does not turn every story into another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.definition import AppDefinition, Form
from engine.errors import Invalid
from engine.fields.base import Field
from engine.formats import Reader

# What people type, from which each field takes the first it can read.
TYPED = ("1", "text", "A", "2026-03-02", "09:00", "2026-03-02 09:00", "1h", "a@example.com", "13800000000",
         "https://example.com", "#336699", "{}")  # fmt: skip
NAMED = ("link", "links", "user", "files", "lines")  # whom and what they name is for the story to say


def with_unsaid(definition: AppDefinition, form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """Raw values, completed; also those of lines that are given."""
    reader = Reader(definition.languages[0], definition.timezone, definition.currency)
    return {**dict(_plausible(form, values, reader)), **{name: _lines(definition, form, name, value)
                                                         for name, value in values.items()}}  # fmt: skip


def _plausible(form: Form, values: Mapping[str, Any], reader: Reader) -> Iterator[tuple[str, Any]]:
    for name, field in form.fields.items():
        if name not in values and _is_asked_for(field):
            found = something(field, reader)
            if found is not None:
                yield name, found


def _is_asked_for(field: Field) -> bool:
    filled = field.default is not None or field.default_expression is not None
    return field.required and field.writable and not filled and field.kind not in NAMED


def something(field: Field, reader: Reader) -> Any:
    """Anything the field can read, None where nothing common fits."""
    options = list(getattr(field, "options", None) or ())
    for typed in (*options, *([name] for name in options), *TYPED):
        try:
            if field.parse(typed, reader) is not None:
                return typed
        except Invalid:
            continue
    return None


def _lines(definition: AppDefinition, form: Form, name: str, value: Any) -> Any:
    field = form.fields.get(name)
    if field is None or field.kind != "lines" or not isinstance(value, list):
        return value
    inner = definition.forms[str(getattr(field, "form", ""))]
    return [with_unsaid(definition, inner, row) for row in value]
