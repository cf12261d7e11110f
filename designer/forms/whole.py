"""Operations on whole forms."""

from __future__ import annotations

from typing import Any

from designer.forms.starters import text_in, title_texts
from designer.forms.steps import Steps, form_data, languages
from designer.naming import label_value, name_from, text_of, unique
from designer.operations import Breaks, Made, operation
from designer.text import EditRefused, Remove
from designer.workspace import Workspace
from engine import uses
from engine.errors import message
from engine.language import ADMIN, RESERVED_FORMS


@operation("form.add")
def add(
    workspace: Workspace, label: str, name: str = "", roles: tuple[str, ...] | None = None, icon: str = "",
) -> Made:  # fmt: skip
    """A form with a name field, which the roles given (all, when none are) may read and fill in, in the menu."""
    if not label.strip():
        raise EditRefused(message("A form needs a label that people can read."))
    steps, forms = Steps(workspace), workspace.map_at(("forms",))
    if not forms and workspace.at(("forms",)):
        raise EditRefused(message("The file has mistakes that have to be mended first, in the text."), ("forms",))
    name = _name(workspace, name, label, forms)
    siblings = [one["label"] for one in forms.values() if isinstance(one, dict) and "label" in one]
    known = languages(workspace)
    field = label_value(title_texts(workspace), siblings, known)
    form: dict[str, Any] = {"label": label_value({workspace.language: label.strip()}, siblings, known) or label.strip()}
    form |= {"icon": icon} if icon else {}
    form |= {"fields": {"name": {"type": "text", "label": field, "required": True}}}
    form |= {"views": {"all": _view(workspace, siblings)}}
    form |= {"permissions": _grants(workspace, roles)} if _grants(workspace, roles) else {}
    if forms:
        steps.insert_key(("forms",), name, form)
    else:
        steps.set(("forms",), {name: form})
    _into_menu(steps, name)
    return Made(steps.edits, message("The form {label} is added", label=label.strip()), ("forms", name))


def _name(workspace: Workspace, name: str, label: str, forms: dict[str, Any]) -> str:
    taken = {*forms, *workspace.map_at(("pages",)), *RESERVED_FORMS}
    if name and name in taken:
        raise EditRefused(message("The name {name} is taken; choose another.", name=name))
    return name or unique(name_from(label, "form"), taken)


def _view(workspace: Workspace, siblings: list[Any]) -> dict[str, Any]:
    label = label_value(text_in(workspace, message("All").pattern), siblings, languages(workspace))
    return {"type": "list", "label": label, "columns": ["name", "updated_at"]}


def _grants(workspace: Workspace, roles: tuple[str, ...] | None) -> dict[str, Any]:
    known = workspace.map_at(("roles",))
    chosen = list(known) if roles is None else [role for role in roles if role in known and role != ADMIN]
    return {role: {"create": True, "read": True, "update": True} for role in chosen}


def _into_menu(steps: Steps, name: str) -> None:
    """The last heading of the side bar gets it; without a menu of its own the side bar shows all forms."""
    menu = steps.at(("menu",))
    if isinstance(menu, list) and menu and isinstance(menu[-1], dict) and isinstance(menu[-1].get("items"), list):
        path = ("menu", len(menu) - 1, "items")
        steps.insert(path, len(menu[-1]["items"]), name)


@operation("form.remove")
def remove(workspace: Workspace, form: str, force: bool = False) -> Made:
    """Refused with the places that need it, unless forced; its menu entries go along."""
    data = form_data(workspace, form)
    found = _breaks(workspace, form)
    entries = [one.path for one in found if one.path[:1] == ("menu",)]
    needed = [one for one in found if one.path not in entries]
    label = text_of(data.get("label"), workspace.language) or form
    if needed and not force:
        reason = message("{labels} is still used in {count} places.", labels=label, count=len(needed))
        raise Breaks(reason, [(one.path, one.sentence) for one in needed])
    steps = Steps(workspace)
    steps.do(Remove(("forms", form), emptied=True))
    for path in sorted(entries, key=lambda path: [-step if isinstance(step, int) else 0 for step in path]):
        steps.do(Remove(path, emptied=True))
    return Made(steps.edits, message("The form {label} is removed", label=label), ())


def _breaks(workspace: Workspace, form: str) -> tuple[uses.Break, ...]:
    thing = uses.Thing("form", (form,))
    if workspace.definition is None or thing not in workspace.uses.things:
        return ()
    return uses.breaks(workspace.uses, thing)


