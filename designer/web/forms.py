"""The form designer: the canvas of a form, the palette beside it, and the rights to a field in the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as Answer

from designer.forms import canvas_of, palette
from designer.forms.copies import snippet
from designer.forms.layout import shown_names
from designer.forms.rights import VERBS, rights_of
from designer.forms.steps import fields_data
from designer.naming import text_of
from designer.text import EditRefused
from designer.web.frame import draw, workspace
from designer.web.panels import EXTRA_TABS, asked_path, panel_context
from designer.workspace import Workspace, as_map
from engine.errors import Missing, message
from engine.web.render import render
from engine.yamlfile import Path

blueprint = Blueprint("forms", __name__)
_TO_A_FORM = ("link", "links", "lines")  # what asks for a form before it can be added


@dataclass(frozen=True)
class FormEntry:
    """A form in the list of all. ``rows``: it holds the rows of another form."""

    name: str
    label: str
    rows: bool


@blueprint.get("/<int:id>/form")
def first(id: int) -> Answer | str:
    draft = workspace(id)
    if not draft.reading.readable:
        return redirect(f"/designer/{id}/yaml", 303)
    known = _forms(draft)
    if not known:
        return _page(draft, "", None)
    return redirect(f"/designer/{id}/form/{quote(known[0].name)}", 303)


@blueprint.get("/<int:id>/form/<name>")
def form(id: int, name: str) -> Answer | str:
    draft = workspace(id)
    if not draft.reading.readable:
        return redirect(f"/designer/{id}/yaml", 303)
    chosen = asked_path()
    path: Path = chosen if chosen and draft.at(chosen) is not None else ("forms", name)
    return _page(draft, name, path)


def _page(draft: Workspace, name: str, path: Path | None) -> str:
    canvas = _canvas(draft, name) if name else None
    return draw(
        "form.html", draft, "form", name=name, canvas=canvas, forms=_forms(draft), path=path,
        shelves=palette(draft.registry, draft.language), asks=_TO_A_FORM, roles=_roles(draft), rows_of=_rows_of(draft),
        **panel_context(draft, path),
    )  # fmt: skip


def _canvas(draft: Workspace, name: str) -> Any:
    try:
        return canvas_of(draft, name)
    except EditRefused as refused:
        raise Missing(refused.reason) from None


@blueprint.get("/<int:id>/form/<name>/canvas")
def canvas(id: int, name: str) -> str:
    """The canvas alone, drawn again after every change."""
    draft = workspace(id)
    if not draft.reading.readable:
        raise Missing(message("The file has mistakes that have to be mended first, in the text."))
    return render("designer/canvas.html", layout="fragment.html", canvas=_canvas(draft, name), change=draft.change)


def _forms(draft: Workspace) -> list[FormEntry]:
    rows = _rows_of(draft)
    return [FormEntry(name, text_of(as_map(form).get("label"), draft.language) or name, name in rows)
            for name, form in draft.map_at(("forms",)).items()]  # fmt: skip


def _rows_of(draft: Workspace) -> dict[str, str]:
    """The forms that hold the rows of another one: name → the form they belong to."""
    return {str(as_map(one).get("form")): name for name, form in draft.map_at(("forms",)).items()
            for one in _fields(form).values() if as_map(one).get("type") == "lines"}  # fmt: skip


def _fields(form: Any) -> dict[str, Any]:
    return as_map(as_map(form).get("fields"))


def _roles(draft: Workspace) -> list[tuple[str, str]]:
    roles = draft.map_at(("roles",))
    return [(name, text_of(as_map(role).get("label"), draft.language) or name) for name, role in roles.items()]


@blueprint.get("/<int:id>/form/<name>/snippet")
def copy(id: int, name: str) -> Response:
    """The fields asked for as YAML, in reading order."""
    draft = workspace(id)
    wanted = set(request.args.get("fields", "").split(","))
    order = [*shown_names(draft, name), *fields_data(draft, name)]
    names = [one for one in dict.fromkeys(order) if one in wanted and one in fields_data(draft, name)]
    return Response(snippet(draft, name, names), mimetype="text/plain")


# --- a tab of the panel: who may see and change this field


def _is_field(draft: Workspace, path: Path) -> bool:
    return len(path) == 4 and path[0] == "forms" and path[2] == "fields"


EXTRA_TABS.append(("rights", message("Permissions").pattern, _is_field))


@blueprint.get("/<int:id>/rights-tab")
def rights(id: int) -> str:
    draft, path = workspace(id), asked_path() or ()
    if not _is_field(draft, path) or draft.at(path) is None:
        raise Missing(message("There is no such field any more."))
    form, field = str(path[1]), str(path[3])
    rows: dict[str, list[Any]] = {}
    for right in rights_of(draft, form, field):
        rows.setdefault(right.role, []).append(right)
    return render("designer/rights_tab.html", layout="fragment.html", rows=rows, form=form, field=field, verbs=VERBS)

