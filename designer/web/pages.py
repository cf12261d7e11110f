"""The page builder and the menu editor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect
from markupsafe import Markup
from werkzeug.wrappers import Response

from designer.naming import text_of
from designer.pages.cards import USUAL_WIDTH, cards_data
from designer.pages.live import why_not_yet
from designer.pages.menu import items_of, menu_data, outside
from designer.pages.starters import words_of
from designer.web.frame import draw, workspace
from designer.web.panels import asked_path, panel_context
from designer.workspace import Workspace
from engine.cards import Card
from engine.cardviews import parts_of
from engine.checks.cards import filter_sort
from engine.columns import system_columns
from engine.definition import Page
from engine.errors import AppmillError, Message, message
from engine.expressions import EvaluationFailed, NotInSql
from engine.schema import first_line
from engine.web.context import actor, application, reader
from engine.web.pagecards import Look, kept_figures, shown_to
from engine.web.pages import body_of
from engine.web.render import render
from engine.yamlfile import Path

blueprint = Blueprint("pages", __name__)
LONGEST = 0.8  # seconds a canvas takes for the figures of its cards
NOT_FOR_YOU = message("Your roles may not see these figures; who may will see them here.")
TOO_SLOW = message("These figures take their time; they are shown on the page itself.")
CANNOT = message("These figures cannot be worked out: see what the check says.")


@dataclass(frozen=True)
class Tile:
    """A card on the canvas: what stands in it, or why nothing does yet. ``card`` None: the draft's card is broken."""

    place: int
    path: Path
    label: str
    kind: str
    width: int
    form: str
    card: Card | None
    body: Markup | None
    reason: Message | None
    problems: int


@dataclass(frozen=True)
class Kind:
    """A card of the palette."""

    name: str
    label: str
    icon: str
    doc: str


# --- the builder -----------------------------------------------------------------------------------------------------


@blueprint.get("/<int:id>/page")
def first(id: int) -> Any:
    """The first page, or a canvas that asks for one."""
    draft = workspace(id)
    names = list(draft.map_at(("pages",)))
    if names:
        return redirect(f"/designer/{id}/page/{names[0]}", 303)
    return draw("pages/none.html", draft, "page", page=None, pages=(), **panel_context(draft, None))


@blueprint.get("/<int:id>/page/<name>")
def show(id: int, name: str) -> str | Response:
    draft = workspace(id)
    if draft.at(("pages", name)) is None:
        return redirect(f"/designer/{id}/page", 303)
    path = asked_path() or ("pages", name)
    context = panel_context(draft, path)
    return draw(
        "pages/builder.html", draft, "page", kinds=palette(draft), selected=path, **_canvas(draft, name), **context
    )


@blueprint.get("/<int:id>/page/<name>/canvas")
def canvas(id: int, name: str) -> str:
    draft = workspace(id)
    return render("designer/pages/canvas.html", layout="fragment.html", change=draft.change, **_canvas(draft, name))


@blueprint.get("/<int:id>/page/<name>/list")
def listed(id: int, name: str) -> str:
    """The list of pages at the left."""
    draft = workspace(id)
    return render("designer/pages/list.html", layout="fragment.html", change=draft.change, **_pages(draft, name))


def _canvas(draft: Workspace, name: str) -> dict[str, Any]:
    with application().database.read() as conn:
        tiles = list(_tiles(conn, draft, name))
    return {**_pages(draft, name), "tiles": tiles, "filters": list(_filters(draft, name)),
            "offered": list(_offered(draft, name)), "undrawn": draft.definition is None}  # fmt: skip


def _pages(draft: Workspace, name: str) -> dict[str, Any]:
    pages = draft.map_at(("pages",))
    found = [(one, text_of(_of(data, "label"), draft.language) or one, _of(data, "icon") or "layout-dashboard")
             for one, data in pages.items()]  # fmt: skip
    title = next((label for one, label, _icon in found if one == name), name)
    return {"pages": found, "page": name, "page_label": title}


def _of(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None


def palette(draft: Workspace) -> list[Kind]:
    return [
        Kind(name, words_of(cls), getattr(cls, "icon", "layout-dashboard"), first_line(cls))
        for name, cls in draft.registry.cards.items()
    ]


def _tiles(conn: sa.Connection, draft: Workspace, name: str) -> Iterator[Tile]:
    page = draft.definition.pages.get(name) if draft.definition is not None else None
    data, end = cards_data(draft, name), time.monotonic() + LONGEST
    whole = page is not None and len(page.cards) == len(data)
    for place, one in enumerate(data):
        card = page.cards[place] if page is not None and whole else None
        path = ("pages", name, "cards", place)
        body, reason = _body(conn, draft, page, place, time.monotonic() < end) if card is not None else (None, CANNOT)
        kind = str(_of(one, "type") or "")
        label = text_of(_of(one, "label"), draft.language) or kind
        width = _of(one, "width")
        yield Tile(place, path, label, kind, width if isinstance(width, int) and 1 <= width <= 12 else USUAL_WIDTH,
                   str(_of(one, "form") or ""), card, body, reason, _problems(draft, path))  # fmt: skip


def _problems(draft: Workspace, path: Path) -> int:
    return sum(finding.severity == "error" for finding in draft.findings_at(path))


def _body(
    conn: sa.Connection, draft: Workspace, page: Page | None, place: int, in_time: bool
) -> tuple[Markup | None, Message | None]:
    """The card with the records there are, for who works on the draft; or why it is not drawn."""
    app, who = application(), actor()
    assert page is not None
    card = page.cards[place]
    if _problems(draft, ("pages", page.name, "cards", place)):
        return None, CANNOT
    reason = why_not_yet(card, app.definition, app.registry)
    if reason is not None:
        return None, reason
    if not shown_to(app, who, card):
        return None, NOT_FOR_YOU
    if not in_time:
        return None, TOO_SLOW
    look = Look(app, who, reader(), conn, page.name, card)
    try:
        drawn = kept_figures(look, ("draft", card), lambda: body_of(look))
    except (AppmillError, NotInSql, EvaluationFailed):
        return None, CANNOT
    return Markup(drawn), None  # noqa: S704 - rendered by a template


# --- filters of the page ---------------------------------------------------------------------------------------------


def _filters(draft: Workspace, name: str) -> Iterator[tuple[Path, str]]:
    """(where it stands, what it is called)."""
    page = draft.definition.pages.get(name) if draft.definition is not None else None
    for place, one in enumerate(page.filters if page is not None else ()):
        first = one.fields[0]
        label = one.label.text(draft.language) if one.label else _field_label(draft, first.form, first.field)
        yield ("pages", name, "filters", place), label


def _field_label(draft: Workspace, form: str, field: str) -> str:
    there = draft.loaded.definition.forms.get(form)
    if there is None:
        return field
    found = there.fields.get(field) or system_columns(there).get(field)
    return found.label_in(draft.language) if found is not None else field


def _offered(draft: Workspace, name: str) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """(form, label, fields) of the forms the page shows, with what they may be filtered by."""
    if draft.definition is None:
        return
    page = draft.definition.pages.get(name)
    forms = dict.fromkeys(str(part.form) for card in (page.cards if page else ()) for part in parts_of(card))
    taken = {(each.form, each.field) for one in _page_filters(draft, name) for each in one.fields}
    for form_name in forms:
        form = draft.definition.forms.get(form_name)
        if form is None:
            continue
        fields = [field for field in (*form.fields, "state", "owner", "created_at")
                  if filter_sort(form, field) and (form_name, field) not in taken
                  and (field in form.fields or field in system_columns(form))]  # fmt: skip
        label = (form.plural or form.label).text(draft.language)
        yield form_name, label, [(field, _field_label(draft, form_name, field)) for field in fields]


def _page_filters(draft: Workspace, name: str) -> tuple[Any, ...]:
    page = draft.definition.pages.get(name) if draft.definition is not None else None
    return page.filters if page is not None else ()


# --- the menu --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    name: str
    label: str
    icon: str


@blueprint.get("/<int:id>/menu")
def menu(id: int) -> str:
    draft, path = workspace(id), asked_path()
    return draw("pages/menu.html", draft, "page", **_pages(draft, ""), **_menu(draft), **panel_context(draft, path))


@blueprint.get("/<int:id>/menu/canvas")
def menu_canvas(id: int) -> str:
    draft = workspace(id)
    return render("designer/pages/menu_canvas.html", layout="fragment.html", change=draft.change, **_menu(draft))


def _menu(draft: Workspace) -> dict[str, Any]:
    groups = [
        (text_of(_of(group, "label"), draft.language), [_entry(draft, str(name)) for name in items_of(group)])
        for group in menu_data(draft)
    ]
    return {"groups": groups, "rest": [_entry(draft, name) for name in outside(draft)],
            "unwritten": not draft.at(("menu",))}  # fmt: skip


def _entry(draft: Workspace, name: str) -> Entry:
    definition = draft.definition
    thing: Any = None
    if definition is not None:
        thing = definition.pages.get(name) or definition.forms.get(name)
    if thing is None:
        return Entry(name, name, "alert-triangle")
    label = getattr(thing, "plural", None) or thing.label
    return Entry(name, label.text(draft.language), thing.icon)
