"""Another type for a field: what fits the new one stays."""

from __future__ import annotations

from typing import Any

from designer.forms.starters import missing_options, starter
from designer.forms.steps import Steps, field_data, label_of, path_of
from designer.operations import Made, operation
from designer.text import SetValue
from designer.workspace import Workspace
from engine.errors import message
from engine.schema import keys_of


@operation("type.change")
def change(workspace: Workspace, form: str, field: str, type: str, of: str = "") -> Made:
    """``of``: the form a link or lines point to."""
    data = field_data(workspace, form, field)
    needed = starter(workspace, form, type, of or str(data.get("form", "")))
    kept = _fitting(workspace, data, type)
    lacking = missing_options(workspace, type, kept)
    value = {**kept, **{key: option for key, option in needed.items() if key in lacking}}
    steps = Steps(workspace)
    if value != data:
        steps.do(SetValue(path_of(form, field), value))
    label = message("{label} is of another type now", label=label_of(workspace, form, field))
    return Made(steps.edits, label, path_of(form, field))


def _fitting(workspace: Workspace, data: dict[str, Any], type_: str) -> dict[str, Any]:
    """The options the new type knows as well. A default of another kind of value does not fit."""
    new: Any = workspace.registry.fields[type_]
    old: Any = workspace.registry.fields.get(str(data.get("type")))
    known = {key.name for key in keys_of(new)}
    alike = old is not None and old.kind == new.kind
    if not alike:
        known -= {"default", "default_expression", "min", "max"}
    if not new.writable:
        known -= {"required", "required_when", "readonly", "readonly_when", "default", "default_expression"}
    return {"type": type_, **{key: value for key, value in data.items() if key != "type" and key in known}}
