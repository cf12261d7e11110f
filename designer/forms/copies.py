"""Fields carried from one form to another as a piece of YAML."""

from __future__ import annotations

from typing import Any

from designer.forms.fields import put_new
from designer.forms.layout import LAST, Layout
from designer.forms.steps import Steps, field_data, path_of
from designer.naming import unique
from designer.operations import Made, operation
from designer.text import Document, EditRefused, Insert, apply
from designer.workspace import Workspace
from engine.errors import message
from engine.language import RESERVED_FIELDS

LARGEST = 100_000
_OWN = ("id", "renamed_from")


def snippet(workspace: Workspace, form: str, names: list[str]) -> str:
    """The fields as YAML: what is copied, and can be pasted into any form or text."""
    edits = [Insert((), name, field_data(workspace, form, name)) for name in names]
    return apply("", edits).text


@operation("fields.paste")
def paste(workspace: Workspace, form: str, yaml: str, section: int = 0, at: int = LAST) -> Made:
    """Fields from a piece of YAML; a name that is taken gets a number."""
    found = _read(workspace, yaml)
    steps = Steps(workspace)
    layout = Layout(steps, form)
    names: list[str] = []
    for offset, (name, data) in enumerate(found.items()):
        new = unique(name, {*layout.fields, *RESERVED_FIELDS})
        own = {key: value for key, value in data.items() if key not in _OWN}
        put_new(layout, new, own, section, at + offset if at < LAST else LAST)
        names.append(new)
    label = message("{count} fields are pasted", count=len(names))
    return Made(steps.edits, label, path_of(form, names[0]))


def _read(workspace: Workspace, yaml: str) -> dict[str, Any]:
    if len(yaml) > LARGEST:
        raise EditRefused(message("That is too much to paste at once."))
    found = Document.read(yaml).data
    if not isinstance(found, dict) or not found or not all(map(_is_field, found.values())):
        raise EditRefused(message("What was copied is no fields; copy fields of a form first."))
    if len(set(map(str, found))) != len(found) or not all(isinstance(name, str) for name in found):
        raise EditRefused(message("What was copied is no fields; copy fields of a form first."))
    return found


def _is_field(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("type"), str)
