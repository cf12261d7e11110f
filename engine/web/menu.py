"""The side bar and the commands of the palette: worked out once for each definition, set of roles and language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import g, request
from markupsafe import Markup

from engine.application import Application
from engine.cardviews import may_open
from engine.definition import AppDefinition, Form
from engine.people import Actor
from engine.permissions import may
from engine.texts import say


@dataclass(frozen=True)
class Entry:
    """One place to go to. ``name`` is what marks it as the present one."""

    name: str
    label: str
    icon: str
    address: str


@dataclass(frozen=True)
class Group:
    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Menu:
    """What one set of roles is shown: groups of the side bar and the forms it may create records of."""

    groups: tuple[Group, ...]
    creatable: tuple[Entry, ...]
    tools: tuple[Entry, ...] = ()
    approvals: bool = False  # some rule has records approved


def menu_of(app: Application, actor: Actor) -> Menu:
    """The menu of this actor; kept, because it depends on the definition, the roles and the language alone."""
    kept, key = app.plans.kept, _key("menu", actor)
    found: Menu | None = kept.get(key)
    if found is None:
        groups = tuple(group for group in _groups(app, actor) if group.entries)
        found = kept[key] = Menu(
            groups, tuple(_creatable(app, actor)), tuple(_tools(app, actor)), bool(app.plans.approving)
        )  # fmt: skip
    return found


def _key(what: str, actor: Actor) -> tuple[object, ...]:
    return what, actor.roles, actor.scopes, actor.view_as, actor.system, actor.language


def _groups(app: Application, actor: Actor) -> Iterator[Group]:
    definition = app.definition
    if not definition.menu:
        names = (*definition.pages, *(name for name, form in definition.forms.items() if not form.parent_form))
        yield Group("", tuple(_entries(app, actor, names)))
    for group in definition.menu:
        yield Group(group.label.text(actor.language), tuple(_entries(app, actor, group.items)))


def _entries(app: Application, actor: Actor, names: tuple[str, ...]) -> Iterator[Entry]:
    definition = app.definition
    for name in names:
        if name in definition.pages:
            if may_open(definition.pages[name], actor):
                page = definition.pages[name]
                yield Entry(f"pages/{name}", page.label.text(actor.language), page.icon, f"/pages/{name}")
        elif may(app, actor, "read", definition.forms[name]).allowed:
            yield _form_entry(definition.forms[name], actor.language, f"/{name}")


def _tools(app: Application, actor: Actor) -> Iterator[Entry]:
    for address, label, icon, shown in app.registry.places:
        if shown(app, actor):
            yield Entry(address.strip("/"), say(label, actor.language), icon, address)


def _form_entry(form: Form, language: str, address: str) -> Entry:
    return Entry(form.name, (form.plural or form.label).text(language), form.icon, address)


def _creatable(app: Application, actor: Actor) -> Iterator[Entry]:
    for form in menu_forms(app.definition):
        if not form.parent_form and may(app, actor, "create", form).allowed:
            yield Entry(form.name, form.label.text(actor.language), form.icon, f"/{form.name}/new")


def menu_forms(definition: AppDefinition) -> list[Form]:
    """Forms in the order of the side bar, the ones that are not in it last."""
    order = [name for group in definition.menu for name in group.items if name in definition.forms]
    rest = [name for name in definition.forms if name not in order]
    return [definition.forms[name] for name in (*order, *rest)]


def place() -> str:
    """Which entry of the side bar the present page belongs to."""
    parts = request.path.strip("/").split("/", 2)
    return "/".join(parts[:2]) if parts[0] in ("pages", "admin") else parts[0]


def shell_menu() -> Menu:
    """The menu of the present reader; for the page frame."""
    return menu_of(g.application, g.actor)


def sidebar(template: Any) -> Markup:
    """The drawn side bar with the present place marked. ``template`` has a macro ``sidebar(menu)``."""
    kept, key = g.application.plans.kept, _key("side bar", g.actor)
    drawn = kept.get(key)
    if drawn is None:
        drawn = kept[key] = str(template.module.sidebar(shell_menu()))
    mark = f'data-place="{place()}"'
    return Markup(drawn.replace(mark, f'{mark} aria-current="page"', 1))  # noqa: S704 - drawn by our own macro
