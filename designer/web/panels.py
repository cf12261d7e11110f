"""The property panel of whatever is selected, as a fragment; and a page of its own for any place."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from designer.forms.palette import type_name
from designer.panel import Known, panel_of
from designer.panel.panels import snippet
from designer.places import thing_at
from designer.text import Document, EditRefused
from designer.text.writing import Writer
from designer.web.expressions import builder_of, is_condition
from designer.web.frame import draw, workspace
from designer.workspace import Workspace
from engine.errors import Invalid, message
from engine.texts import say
from engine.web.context import reader
from engine.web.render import render
from engine.yamlfile import Path

blueprint = Blueprint("panels", __name__)
MOST_USES = 50
UNITS = ("wd", "wh", "s", "m", "h", "d", "w")


def asked_path() -> Path | None:
    """The path of the query: a JSON list of names and numbers."""
    text = request.args.get("path")
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(step, (str, int)) for step in found):
        raise Invalid(message("The address names no place of the draft."))
    return tuple(found)


@blueprint.get("/<int:id>/panel")
def panel(id: int) -> str:
    draft, path = workspace(id), asked_path()
    return render("designer/panel/panel.html", layout="fragment.html", **panel_context(draft, path))


def panel_context(draft: Workspace, path: Path | None) -> dict[str, Any]:
    """What the panel's template needs; without a path, or where nothing stands any more, there is no panel."""
    try:
        found = panel_of(draft, path) if path is not None and draft.reading.readable else None
    except EditRefused:
        found = None
    return {
        "panel": found, "used": _used(draft, path) if found and path else (), "extra": _extra(draft, path),
        "go": f"/designer/{draft.change.id}/go", "languages": _languages(draft), "shown": _shown,
        "in_language": _in_language, "amount": _amount, "unit_of": _unit, "known_label": _known_label,
        "kind_of_value": lambda value: type(value).__name__, "say": lambda text: say(text, reader().language),
        "field_type": lambda at, name: type_name(name, draft.language) if at[2:] == ("fields", *at[3:4]) else "",
        "as_yaml": lambda at: snippet(draft, at), "is_condition": is_condition,
        "builder_of": lambda at, value: builder_of(draft, at, value),
    }  # fmt: skip


def _extra(draft: Workspace, path: Path | None) -> list[tuple[str, str, str]]:
    """Tabs other rooms fill: (name, label, address of the fragment)."""
    query = f"path={quote(json.dumps(path))}"
    return [(name, say(label, reader().language), f"/designer/{draft.change.id}/{name}-tab?{query}")
            for name, label, suits in EXTRA_TABS if path is not None and suits(draft, path)]  # fmt: skip


EXTRA_TABS: list[tuple[str, str, Any]] = []  # (name, English label, suits(draft, path)); rooms add theirs


def _used(draft: Workspace, path: Path) -> tuple[Any, ...]:
    thing = thing_at(draft, path)
    return tuple(use for use in draft.uses.of(thing) if not use.defines)[:MOST_USES] if thing else ()


def _languages(draft: Workspace) -> tuple[str, ...]:
    return tuple(draft.definition.languages) if draft.definition is not None else ("zh", "en")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return Writer(Document.read("")).flow(value, [], in_flow=False)
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _in_language(value: Any, language: str) -> str:
    """What a text says in one language; a plain string says it in all."""
    return str(value.get(language) or "") if isinstance(value, dict) else _shown(value)


def _unit(value: Any) -> str:
    return next((unit for unit in UNITS if str(value or "").endswith(unit)), "h")


def _amount(value: Any) -> str:
    return str(value).removesuffix(_unit(value)) if value else ""


def _known_label(known: tuple[Known, ...], name: Any) -> str:
    return next((one.label for one in known if one.name == name), str(name))


@blueprint.get("/<int:id>/at")
def at(id: int) -> str:
    """Any place of the draft with all its options, on a page of its own: what no canvas is for."""
    draft, path = workspace(id), asked_path() or ()
    return draw("at.html", draft, "settings", path=path, **panel_context(draft, path))


@blueprint.get("/<int:id>/go")
def go(id: int) -> Response:
    """From a place of the file to the screen that shows it."""
    draft, path = workspace(id), asked_path() or ()
    return redirect(f"/designer/{draft.change.id}{_screen(path)}", 303)


def _screen(path: Path) -> str:
    chosen = f"?path={quote(json.dumps(path))}"
    if path and path[0] == "calendars":
        return f"/calendars{chosen}"
    if len(path) >= 2 and path[0] in ("forms", "rules", "pages"):
        room = {"forms": "form", "rules": "rule", "pages": "page"}[str(path[0])]
        room = "flow" if len(path) > 2 and path[2] == "workflow" else room
        if not (room == "form" and len(path) > 2 and path[2] not in ("fields", "sections")):
            return f"/{room}/{path[1]}{chosen}"
    return f"/at{chosen}"
