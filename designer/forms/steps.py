"""Edits that build on each other: each sees what the ones before it left."""

from __future__ import annotations

from typing import Any

from designer.generic import inserted
from designer.naming import text_of
from designer.soundness import fresh_mistakes
from designer.text import Edit, EditRefused, Insert, Move, Remove, SetValue, edited
from designer.workspace import Workspace, step_into
from engine.errors import message
from engine.yamlfile import Path


class Steps:
    """The edits of one operation, and the data as it is after them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.data = workspace.data
        self.edits: list[Edit] = []

    def do(self, *edits: Edit) -> None:
        for edit in edits:
            self.data = edited(self.data, edit)
            self.edits.append(edit)

    def at(self, path: Path) -> Any:
        found = self.data
        for step in path:
            found = step_into(found, step)
        return found

    def set(self, path: Path, value: Any) -> None:
        """Give a key a value; a new one comes where things of its kind have it. None: it goes."""
        parent, key = path[:-1], path[-1]
        there = self.at(parent)
        if value is None:
            if isinstance(there, dict) and key in there:
                self.do(Remove(path))
        elif isinstance(there, dict) and key not in there and self.workspace.document.has(parent):
            self.do(self._placed(parent, str(key), value))
        elif there is None and parent:
            self.set(parent, {key: value})
        else:
            self.do(SetValue(path, value))

    def _placed(self, parent: Path, key: str, value: Any) -> Insert:
        """Where a person would look for it, as far as what it stands behind is still there."""
        edit = inserted(self.workspace, parent, key, value)
        if edit.after is not None and edit.after not in (self.at(parent) or {}):
            return Insert(parent, key, value)
        return edit

    def insert(self, parent: Path, index: int, value: Any) -> None:
        self.do(Insert(parent, index, value))

    def insert_key(self, parent: Path, key: str, value: Any, after: str | None = None) -> None:
        """``after`` None: at the end; "": in front."""
        index = 0 if after == "" else None
        self.do(Insert(parent, key, value, after=after or None, index=index))

    def remove(self, path: Path) -> None:
        self.do(Remove(path))

    def move(self, path: Path, parent: Path, index: int) -> None:
        self.do(Move(path, parent, index=index))


def refuse_mistakes(steps: Steps) -> None:
    """Raise EditRefused with the first mistake the steps would bring into the file."""
    for finding in fresh_mistakes(steps.workspace, steps.data):
        raise EditRefused(finding.message)


def form_data(workspace: Workspace, form: str) -> dict[str, Any]:
    """What the file says of a form. Raises EditRefused when there is none."""
    found = workspace.at(("forms", form))
    if not isinstance(found, dict):
        raise EditRefused(message("There is no form {name}.", name=form))
    return found


def fields_data(workspace: Workspace, form: str) -> dict[str, Any]:
    found = form_data(workspace, form).get("fields")
    return found if isinstance(found, dict) else {}


def field_data(workspace: Workspace, form: str, name: str) -> dict[str, Any]:
    """What the file says of a field. Raises EditRefused when there is none."""
    found = fields_data(workspace, form).get(name)
    if not isinstance(found, dict):
        raise EditRefused(message("{form} has no field {name}.", form=form, name=name), ("forms", form, "fields"))
    return found


def languages(workspace: Workspace) -> list[str]:
    """The languages of the application, the reader's own first."""
    found = workspace.at(("languages",))
    known = [one for one in found if isinstance(one, str)] if isinstance(found, list) else ["zh", "en"]
    return known or ["en"]


def sibling_labels(workspace: Workspace, path: Path) -> list[Any]:
    """The labels of the things that stand beside the one at a path."""
    around = workspace.at(path[:-1])
    others = around.items() if isinstance(around, dict) else enumerate(around or ())
    return [one["label"] for key, one in others if key != path[-1] and isinstance(one, dict) and "label" in one]


def path_of(form: str, name: str) -> Path:
    return ("forms", form, "fields", name)


def label_of(workspace: Workspace, form: str, name: str) -> str:
    """What people call a field, in the language of who works on the draft."""
    label = field_data(workspace, form, name).get("label")
    return text_of(label, workspace.language) or name.replace("_", " ").capitalize()
