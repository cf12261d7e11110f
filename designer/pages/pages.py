"""Operations on whole pages and on their filters."""

from __future__ import annotations

import copy
from typing import Any

from designer.forms.starters import text_in
from designer.forms.steps import Steps, languages, sibling_labels
from designer.naming import label_value, name_from, text_of, unique
from designer.operations import Made, operation
from designer.pages.cards import page_data
from designer.pages.menu import items_of, menu_data
from designer.text import EditRefused, Move
from designer.workspace import Workspace
from engine.checks.cards import filter_sort
from engine.errors import message
from engine.yamlfile import Path

NEW = message("New page").pattern


@operation("page.add")
def add(workspace: Workspace, label: str = "") -> Made:
    """A new page, still without cards; where the file has a menu, at the end of its first group."""
    steps = Steps(workspace)
    texts = {workspace.language: label.strip()} if label.strip() else text_in(workspace, NEW)
    name = _free(workspace, label.strip() or text_of(texts, "en"))
    written = label_value(texts, sibling_labels(workspace, ("pages", name)), languages(workspace))
    _enter(steps, name, {"label": written, "cards": []})
    return Made(steps.edits, message("{label} is added", label=text_of(written, workspace.language)), ("pages", name))


def _free(workspace: Workspace, text: str) -> str:
    taken = {*workspace.map_at(("pages",)), *workspace.map_at(("forms",))}
    return unique(name_from(text, "page"), taken)


def _enter(steps: Steps, name: str, data: dict[str, Any], after: str | None = None) -> None:
    if steps.at(("pages",)):
        steps.insert_key(("pages",), name, data, after)
    else:
        steps.set(("pages",), {name: data})
    menu = steps.at(("menu",))
    if isinstance(menu, list) and menu and isinstance(menu[0], dict) and isinstance(menu[0].get("items"), list):
        steps.insert(("menu", 0, "items"), len(menu[0]["items"]), name)


@operation("page.duplicate")
def duplicate(workspace: Workspace, page: str) -> Made:
    """The same page once more, behind it."""
    data, steps = copy.deepcopy(page_data(workspace, page)), Steps(workspace)
    data.pop("id", None)
    name = _free(workspace, page)
    _enter(steps, name, data, page)
    called = text_of(data.get("label"), workspace.language)
    return Made(steps.edits, message("{label} is added", label=called), ("pages", name))


@operation("page.move")
def move(workspace: Workspace, page: str, to: int) -> Made:
    """Put a page at another place among the pages; ``to`` counts in the result."""
    data, steps = page_data(workspace, page), Steps(workspace)
    names = list(workspace.map_at(("pages",)))
    others = [name for name in names if name != page]
    place = max(0, min(to, len(others)))
    path: Path = ("pages", page)
    if names.index(page) != place:
        before = others[place] if place < len(others) else None
        steps.do(Move(path, ("pages",), before=before, after=None if before else others[-1]))
    return Made(steps.edits, message("{label} is moved", label=text_of(data.get("label"), workspace.language)), path)


@operation("page.remove")
def remove(workspace: Workspace, page: str) -> Made:
    """Take a page out, and out of the menu."""
    data, steps = page_data(workspace, page), Steps(workspace)
    for at, group in enumerate(menu_data(workspace) if workspace.at(("menu",)) else ()):
        for place, name in reversed(list(enumerate(items_of(group)))):
            if name == page:
                steps.remove(("menu", at, "items", place))
    last = len(workspace.map_at(("pages",))) == 1
    steps.remove(("pages",) if last else ("pages", page))
    called = text_of(data.get("label"), workspace.language)
    return Made(steps.edits, message("{label} is removed", label=called), None)


# --- filters ---------------------------------------------------------------------------------------------------------


@operation("filter.add")
def add_filter(workspace: Workspace, page: str, form: str, field: str) -> Made:
    """A choice above the cards: a field of a form, and the fields of the page's other forms that mean the same."""
    data, steps = page_data(workspace, page), Steps(workspace)
    definition = workspace.loaded.definition
    if form not in definition.forms or not (sort := filter_sort(definition.forms[form], field)):
        pattern = "Pages are filtered by dates, the state, choices, links and people, not by '{field}'."
        raise EditRefused(message(pattern, field=field))
    fields = [{"form": form, "field": field}]
    forms = dict.fromkeys(card.get("form") for card in data.get("cards") or () if isinstance(card, dict))
    for other in forms:
        there = definition.forms.get(str(other))
        if there is not None and other != form and field in there.fields and filter_sort(there, field) == sort:
            fields.append({"form": str(other), "field": field})
    path: Path = ("pages", page, "filters")
    place = len(data.get("filters") or ())
    if steps.at(path) is None:
        steps.set(path, [{"fields": fields}])
    else:
        steps.insert(path, place, {"fields": fields})
    called = definition.forms[form].fields[field].title if field in definition.forms[form].fields else field
    return Made(steps.edits, message("The filter {label} is added", label=called), (*path, place))
