"""Who may do what: the roles, and for one form at a time a table of roles and what each may do with its records."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request

from designer.panel import Input
from designer.panel.known import label_of
from designer.panel.panels import inputs_of
from designer.slots import Slot
from designer.web.frame import draw, workspace
from designer.web.panels import panel_context
from designer.workspace import Workspace
from engine.definition import AppDefinition, Form, Grant
from engine.language import RoleName
from engine.web.render import render

blueprint = Blueprint("roles", __name__)


@dataclass(frozen=True)
class Right:
    """A role's row: one input for each thing that may be done, and how many fields have rights of their own."""

    role: str
    label: str
    inputs: tuple[Input, ...]
    fields: int


@blueprint.get("/<int:id>/roles")
def show(id: int) -> str:
    draft = workspace(id)
    return draw("roles.html", draft, "roles", **_context(draft))


@blueprint.get("/<int:id>/roles/table")
def table(id: int) -> str:
    draft = workspace(id)
    return render("designer/roles_table.html", layout="fragment.html", change=draft.change, **_context(draft))


def _context(draft: Workspace) -> dict[str, object]:
    definition = draft.definition
    forms = [form for form in definition.forms.values() if not form.parent_form] if definition else []
    asked = request.args.get("form", "")
    chosen = next((form for form in forms if form.name == asked), forms[0] if forms else None)
    rows = _rows(draft, definition, chosen) if definition and chosen else []
    return {"forms": forms, "form": chosen, "rows": rows, **panel_context(draft, None)}


def _rows(draft: Workspace, definition: AppDefinition, form: Form) -> list[Right]:
    return [
        Right(name, label_of(role, name, draft.language), _inputs(draft, form, name), _fields(form, name))
        for name, role in definition.roles.items()
    ]


def _inputs(draft: Workspace, form: Form, role: str) -> tuple[Input, ...]:
    slot = Slot(("forms", form.name, "permissions", role), Grant, cls=Grant)
    return tuple(one for one in inputs_of(draft, slot) if one.kind == "condition")


def _fields(form: Form, role: str) -> int:
    grant = form.permissions.get(RoleName(role))
    return len(grant.fields) if grant else 0
