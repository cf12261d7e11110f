"""Which role may see and change which field, where it differs from the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from designer.forms.steps import Steps, field_data, form_data, label_of, path_of, refuse_mistakes
from designer.naming import text_of
from designer.operations import Made, operation
from designer.text import EditRefused, Remove
from designer.workspace import Workspace, as_map
from engine.errors import message

VERBS: tuple[Literal["read", "update"], ...] = ("read", "update")


@dataclass(frozen=True)
class Right:
    """One cell of the matrix. ``record``: what the role may do with the record; ``own``: what the file says of this
    field, None when it says nothing; each yes, no or a condition."""

    role: str
    label: str
    verb: str
    record: bool | str
    own: bool | str | None


def rights_of(workspace: Workspace, form: str, field: str) -> list[Right]:
    """Every role with what it may do with a field, row by row."""
    grants = as_map(form_data(workspace, form).get("permissions"))
    return [
        _right(role, text_of(as_map(data).get("label"), workspace.language) or role, verb, as_map(grants.get(role)),
               field)
        for role, data in workspace.map_at(("roles",)).items()
        for verb in VERBS
    ]  # fmt: skip


def _right(role: str, label: str, verb: str, grant: dict[str, Any], field: str) -> Right:
    own = as_map(as_map(grant.get("fields")).get(field)).get(verb)
    return Right(role, label, verb, grant.get(verb, False), own)


@operation("field.grant")
def grant(workspace: Workspace, form: str, field: str, role: str, verb: str, value: bool | str | None) -> Made:
    """What a role may do with one field: yes, no, a condition, or None for the same as with the record."""
    field_data(workspace, form, field)
    if role not in workspace.map_at(("roles",)) or verb not in VERBS:
        raise EditRefused(message("There is no role {name}", name=role))
    path = ("forms", form, "permissions", role, "fields", field, verb)
    steps = Steps(workspace)
    if value is not None:
        steps.set(path, value)
    elif workspace.document.has(path):
        steps.do(Remove(path, emptied=True))
    refuse_mistakes(steps)
    said = message("The rights to {label} are changed", label=label_of(workspace, form, field))
    return Made(steps.edits, said, path_of(form, field))
