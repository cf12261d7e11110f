"""Operations on several fields at once."""

from __future__ import annotations

from typing import Any

from designer.forms.layout import LAST, Layout
from designer.forms.removal import remove_fields
from designer.forms.steps import Steps, field_data, label_of, path_of, refuse_mistakes
from designer.operations import Made, operation
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.schema import keys_of


@operation("fields.move")
def move(workspace: Workspace, form: str, fields: tuple[str, ...], section: int, at: int = LAST) -> Made:
    """Together to a section, in the order given; ``at`` counts among the fields that are not moved."""
    steps = Steps(workspace)
    layout = Layout(steps, form)
    for offset, name in enumerate(fields):
        field_data(workspace, form, name)
        layout.move(name, section, at + offset if at < LAST else LAST)
    if section < 0:
        refuse_mistakes(steps)
    said = message("{labels} are moved", labels=_labels(workspace, form, fields))
    return Made(steps.edits, said, path_of(form, fields[0]) if fields else None)


@operation("fields.remove")
def remove(workspace: Workspace, form: str, fields: tuple[str, ...], force: bool = False) -> Made:
    labels = _labels(workspace, form, fields)
    edits = remove_fields(workspace, form, fields, force)
    return Made(edits, message("{labels} are removed", labels=labels), ("forms", form))


@operation("fields.set")
def set_option(workspace: Workspace, form: str, fields: tuple[str, ...], option: str, value: Any) -> Made:
    """One option of all of them, such as ``required``; None leaves it to its default."""
    steps = Steps(workspace)
    for name in fields:
        known = workspace.registry.fields.get(str(field_data(workspace, form, name).get("type", "")))
        if known is None or option not in {key.name for key in keys_of(known)}:
            label = label_of(workspace, form, name)
            raise EditRefused(message("{label} has no option {option}.", label=label, option=option))
        steps.set((*path_of(form, name), option), value)
    refuse_mistakes(steps)
    said = message("{labels} are changed", labels=_labels(workspace, form, fields))
    return Made(steps.edits, said, path_of(form, fields[0]) if fields else None)


def _labels(workspace: Workspace, form: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label_of(workspace, form, name) for name in fields)
