"""Operations on the menu: groups of the side bar with forms and pages in them.

A file that says no menu has one all the same; the first operation writes it down.
"""

from __future__ import annotations

from typing import Any

from designer.forms.starters import text_in
from designer.forms.steps import Steps, languages, sibling_labels
from designer.naming import label_value, text_of
from designer.operations import Made, operation
from designer.text import EditRefused, Insert, Move, Remove, SetValue, edited
from designer.workspace import Workspace
from engine.errors import Message, message
from engine.yamlfile import Path

LAST = -1
MENU: Path = ("menu",)
NEW = message("New menu group").pattern


def menu_data(workspace: Workspace) -> list[dict[str, Any]]:
    """The groups as the file has them, else as the application fills them in."""
    found = workspace.at(MENU)
    if isinstance(found, list) and found:
        return [group if isinstance(group, dict) else {} for group in found]
    definition = workspace.definition
    if definition is None:
        return []
    label = workspace.at(("label",)) or definition.app
    return [{"label": label, "items": [str(name) for group in definition.menu for name in group.items]}]


def items_of(group: dict[str, Any]) -> list[Any]:
    found = group.get("items")
    return found if isinstance(found, list) else []


def outside(workspace: Workspace) -> list[str]:
    """Pages and forms that are in no group."""
    inside = [name for group in menu_data(workspace) for name in items_of(group)]
    definition = workspace.definition
    forms = [form.name for form in definition.forms.values() if not form.parent_form] if definition else []
    pages = list(definition.pages) if definition else []
    return [name for name in (*pages, *forms) if name not in inside]


class _Menu(Steps):
    """Steps on a menu that may not be written down yet: then the whole of it is written once."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.written = bool(workspace.at(MENU))
        if not self.written:
            self.data = {**self.data, "menu": menu_data(workspace)}

    def do(self, *edits: Any) -> None:
        if self.written:
            super().do(*edits)
            return
        for edit in edits:
            self.data = edited(self.data, edit)

    def made(self, label: Message, select: Path) -> Made:
        if self.written or not self.data["menu"]:
            return Made(self.edits, label, select)
        whole = Steps(self.workspace)
        whole.set(MENU, self.data["menu"])
        return Made(whole.edits, label, select)


def _items(group: int) -> Path:
    return ("menu", group, "items")


def _group(workspace: Workspace, group: int) -> dict[str, Any]:
    groups = menu_data(workspace)
    if not 0 <= group < len(groups):
        raise EditRefused(message("The menu has no group {number}.", number=group + 1))
    return groups[group]


def _called(workspace: Workspace, name: str) -> Any:
    definition = workspace.definition
    thing: Any = None
    if definition is not None:
        thing = definition.pages.get(name) or definition.forms.get(name)
    return (getattr(thing, "plural", None) or thing.label) if thing is not None else name


@operation("menu.group")
def add_group(workspace: Workspace, label: str = "", at: int = LAST) -> Made:
    """A new group, still empty: the side bar shows it once something is in it."""
    menu, there = _Menu(workspace), menu_data(workspace)
    place = len(there) if at == LAST else max(0, min(at, len(there)))
    texts = {workspace.language: label.strip()} if label.strip() else text_in(workspace, NEW)
    siblings = [group["label"] for group in there if "label" in group]
    written = label_value(texts, siblings or sibling_labels(workspace, MENU), languages(workspace))
    menu.do(Insert(MENU, place, {"label": written, "items": []}))
    return menu.made(message("{label} is added", label=text_of(written, workspace.language)), ("menu", place))


@operation("menu.add")
def add(workspace: Workspace, entry: str, group: int = 0, at: int = LAST) -> Made:
    """A form or page into a group; where it stands already, it is moved."""
    for number, one in enumerate(menu_data(workspace)):
        if entry in items_of(one):
            return move(workspace, number, items_of(one).index(entry), group, at)
    if entry not in outside(workspace):
        raise EditRefused(message("There is no form or page '{name}'", name=entry))
    menu = _Menu(workspace)
    items = items_of(_group(workspace, group))
    place = len(items) if at == LAST else max(0, min(at, len(items)))
    menu.do(Insert(_items(group), place, entry))
    return menu.made(message("{label} is in the menu", label=_called(workspace, entry)), (*_items(group), place))


@operation("menu.move")
def move(workspace: Workspace, group: int, item: int, to_group: int, at: int = LAST) -> Made:
    """Put an entry elsewhere; ``at`` counts in the result."""
    menu, name = _Menu(workspace), _item(workspace, group, item)
    room = len(items_of(_group(workspace, to_group))) - (group == to_group)
    place = room if at == LAST else max(0, min(at, room))
    if (group, item) != (to_group, place):
        menu.do(Move((*_items(group), item), _items(to_group), index=place))
    return menu.made(message("{label} is moved", label=_called(workspace, name)), (*_items(to_group), place))


def _item(workspace: Workspace, group: int, item: int) -> str:
    items = items_of(_group(workspace, group))
    if not 0 <= item < len(items):
        raise EditRefused(message("The group has no entry {number}.", number=item + 1))
    return str(items[item])


@operation("menu.remove")
def remove(workspace: Workspace, group: int, item: int) -> Made:
    """Take an entry out; the form or page itself stays."""
    menu, name = _Menu(workspace), _item(workspace, group, item)
    menu.do(Remove((*_items(group), item)))
    return menu.made(message("{label} is out of the menu", label=_called(workspace, name)), ("menu", group))


@operation("menu.group_move")
def move_group(workspace: Workspace, group: int, to: int) -> Made:
    """Put a whole group elsewhere; ``to`` counts in the result."""
    menu, data = _Menu(workspace), _group(workspace, group)
    place = max(0, min(to, len(menu_data(workspace)) - 1))
    if place != group:
        menu.do(Move(("menu", group), MENU, index=place))
    return menu.made(message("{label} is moved", label=text_of(data.get("label"), workspace.language)), ("menu", place))


@operation("menu.group_remove")
def remove_group(workspace: Workspace, group: int) -> Made:
    """Take a group out; what was in it can be put elsewhere."""
    menu, data = _Menu(workspace), _group(workspace, group)
    if len(menu_data(workspace)) == 1:
        raise EditRefused(message("A menu has at least one group."))
    menu.do(Remove(("menu", group)))
    return menu.made(message("{label} is removed", label=text_of(data.get("label"), workspace.language)), MENU)


@operation("menu.label")
def label(workspace: Workspace, group: int, text: str) -> Made:
    """Another heading, in the language of who works on it."""
    menu, data = _Menu(workspace), _group(workspace, group)
    before = data.get("label")
    known = languages(workspace)
    after = {**before, workspace.language: text} if isinstance(before, dict) else text
    if isinstance(before, str) and len(known) > 1 and before:
        after = {**dict.fromkeys(known, before), workspace.language: text}
    menu.do(SetValue(("menu", group, "label"), after))
    return menu.made(message("{label} is changed", label=text), ("menu", group))
