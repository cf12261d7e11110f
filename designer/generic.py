"""Operations on any place of a definition: what the property panel, the text view and every canvas have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args, get_origin

from designer.blank import blank
from designer.naming import name_for
from designer.operations import Breaks, Made, operation
from designer.panel.known import form_around
from designer.places import place_of, thing_at
from designer.slots import slot_at
from designer.text import (
    Document,
    Edit,
    EditRefused,
    Insert,
    Move,
    Remove,
    RenameKey,
    ReplaceText,
    SetValue,
    usual_place,
)
from designer.workspace import Workspace
from engine import uses
from engine.errors import message
from engine.language import RESERVED_FIELDS
from engine.schema import is_choice, keys_of, kinds_of
from engine.yamlfile import Path, dotted


@operation("set")
def set_value(workspace: Workspace, path: Path, value: Any) -> Made:
    """Give a place a value; a new key comes where things of its kind have it."""
    label = message("{place} is changed", place=place_of(workspace, path))
    if workspace.at(path[:-1]) is None and len(path) > 1:
        return Made([_made(workspace, path, value)], label, path)
    new = isinstance(path[-1], str) and path[-1] not in (workspace.at(path[:-1]) or {})
    edit: Edit = inserted(workspace, path[:-1], str(path[-1]), value) if new else SetValue(path, value)
    return Made([edit], label, path)


def inserted(workspace: Workspace, parent: Path, key: str, value: Any) -> Insert:
    """A new key where a person would look for it: where things of its kind have it, else as the reference lists it."""
    after = usual_place(workspace.document, parent, key) or _listed_before(workspace, parent, key)
    return Insert(parent, key, value, after=after, index=None if after else _first(workspace, parent, key))


def _listed_before(workspace: Workspace, parent: Path, key: str) -> str | None:
    """The last key that is there of those that come before a new one."""
    order, there = _order(workspace, parent), workspace.map_at(parent)
    before = order[: order.index(key)] if key in order else []
    return next((name for name in reversed(before) if name in there), None)


def _first(workspace: Workspace, parent: Path, key: str) -> int | None:
    """A key that is listed, and of which nothing listed before is there, comes first; any other last."""
    return 0 if key in _order(workspace, parent) and workspace.at(parent) else None


def _order(workspace: Workspace, parent: Path) -> list[str]:
    slot = slot_at(workspace.data, parent, workspace.registry)
    return ["type", *(key.name for key in slot.keys)] if slot else []


def _made(workspace: Workspace, path: Path, value: Any) -> Edit:
    """A value in maps that are not there yet: the outermost missing one is written with all inside."""
    here = path
    while len(here) > 1 and workspace.at(here[:-1]) is None:
        value, here = {here[-1]: value}, here[:-1]
    return inserted(workspace, here[:-1], str(here[-1]), value)


@operation("unset")
def unset(workspace: Workspace, path: Path) -> Made:
    """Leave an option unsaid; what was never said stays so."""
    label = message("{place} is left to its default", place=place_of(workspace, path))
    return Made([Remove(path)] if workspace.document.has(path) else [], label, path[:-1])


@operation("insert")
def insert(
    workspace: Workspace, parent: Path, key: str | int, value: Any, before: str | None = None, after: str | None = None,
    index: int | None = None,
) -> Made:  # fmt: skip
    """Add an entry to a map or an item to a list (key -1: at its end)."""
    at = len(workspace.at(parent) or ()) if key == -1 else key
    where = (*parent, at)
    edit: Edit = Insert(parent, key, value, before, after, index)
    if workspace.at(parent) is None and parent:
        edit = _made(workspace, parent, {key: value} if isinstance(key, str) else [value])
    return Made([edit], message("{place} is added", place=dotted(where)), where)


@operation("remove")
def remove(workspace: Workspace, path: Path, force: bool = False) -> Made:
    """Take something out; refused, with the places that need it, unless forced."""
    if not force:
        refuse_needed(workspace, path)
    label = message("{place} is removed", place=place_of(workspace, path))
    return Made([Remove(path)], label, path[:-1])


def refuse_needed(workspace: Workspace, path: Path) -> None:
    """Raise Breaks when something of the file needs what stands at a path."""
    thing = thing_at(workspace, path)
    found = uses.breaks(workspace.uses, thing) if thing else ()
    if found:
        reason = message("{place} is still used in {count} places.", place=place_of(workspace, path), count=len(found))
        raise Breaks(reason, [(one.path, one.sentence) for one in found])


@operation("move")
def move(
    workspace: Workspace, path: Path, parent: Path, before: str | None = None, after: str | None = None,
    index: int | None = None,
) -> Made:  # fmt: skip
    """Put an entry elsewhere, with its comments."""
    label = message("{place} is moved", place=place_of(workspace, path))
    last = index if isinstance(path[-1], int) and index is not None else path[-1]
    return Made([Move(path, parent, before, after, index)], label, (*parent, last))


@operation("rename")
def rename(workspace: Workspace, path: Path, new: str) -> Made:
    """Another name, written wherever the old one stands; what is stored follows by the identity it keeps."""
    thing, label = thing_at(workspace, path), message("{old} is now called {new}", old=str(path[-1]), new=new)
    if new == path[-1]:
        return Made([], label, path)
    if thing is None:
        return Made([RenameKey(path, new)], label, (*path[:-1], new))
    renaming = uses.rename(workspace.uses, thing, new)
    if renaming.refused:
        raise EditRefused(renaming.refused[0].message, path)
    needed = [edit for edit in renaming.edits if not (isinstance(edit, uses.NewKey) and workspace.is_new(path))]
    edits = sorted(needed, key=lambda edit: -_position(workspace, edit))
    return Made([_as_edit(edit) for edit in edits], label, (*path[:-1], new))


def _position(workspace: Workspace, edit: uses.Edit) -> int:
    """Where an edit of a renaming is made: from the file's end to its start, none moves the place of another."""
    if isinstance(edit, uses.KeyEdit):
        return workspace.source.key_at(edit.path).start
    return workspace.source.value_at(edit.path).start + (edit.start if isinstance(edit, uses.TextEdit) else 0)


def _as_edit(edit: uses.Edit) -> Edit:
    if isinstance(edit, uses.KeyEdit):
        return RenameKey(edit.path, edit.name)
    if isinstance(edit, uses.TextEdit):
        return ReplaceText(edit.path, edit.start, edit.end, edit.text)
    return Insert(edit.path, edit.name, edit.value)


@operation("yaml")
def yaml(workspace: Workspace, path: Path, text: str) -> Made:
    """Give a place what a piece of YAML says; only what differs is rewritten."""
    label = message("{place} is changed in its text", place=place_of(workspace, path))
    return Made([SetValue(path, Document.read(text).data)], label, path)


@operation("typed")
def typed(workspace: Workspace, path: Path, text: str) -> Made:
    """Give a place where anything may stand what somebody typed: a number, true or false, a list or map as YAML, else
    a text."""
    return set_value(workspace, path, _meant(text))


def _meant(text: str) -> Any:
    if text.strip()[:1] in ("[", "{"):
        return Document.read(text).data
    if text in ("true", "false"):
        return text == "true"
    number = re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d{1,9})?", text)  # 007 and the number of a phone stay as typed
    return (Decimal(text) if number[2] else int(text)) if number else text


@operation("thing.add")
def add_thing(
    workspace: Workspace, parent: Path, label: str = "", kind: str | None = None, name: str | None = None
) -> Made:
    """One more thing in a list or map, with what it must have. In a map its name comes from its label."""
    slot, there = slot_at(workspace.data, parent, workspace.registry), workspace.at(parent) or {}
    if slot is None or get_origin(slot.hint) not in (tuple, Mapping):
        raise EditRefused(message("{path} takes no further things.", path=dotted(parent)), parent)
    hint = get_args(slot.hint)[-1] if get_origin(slot.hint) is Mapping else get_args(slot.hint)[0]
    key: str | int = -1
    if get_origin(slot.hint) is Mapping:
        key = name or name_for(label, {*there, *RESERVED_FIELDS}, str(parent[-1]).rstrip("s") if parent else "thing")
    value = blank(workspace, hint, form=form_around(workspace, parent), kind=kind, label=label)
    made = insert(workspace, parent, key, value)
    said = message("{label} is added to {place}", label=label or str(key), place=place_of(workspace, parent))
    return Made(made.edits, said, made.select)


@operation("kind.set")
def set_kind(workspace: Workspace, path: Path, kind: str) -> Made:
    """Another type for a thing; the options both types have stay."""
    slot, there = slot_at(workspace.data, path, workspace.registry), workspace.at(path)
    if slot is None or not is_choice(slot.base or slot.hint):
        raise EditRefused(message("{path} has no type.", path=dotted(path)), path)
    base = slot.base or slot.hint
    if kind not in kinds_of(base, workspace.registry):
        raise EditRefused(message("There is no type {kind} here.", kind=kind), path)
    fresh = blank(workspace, base, form=form_around(workspace, path), kind=kind)
    allowed = {key.name for key in keys_of(kinds_of(base, workspace.registry)[kind])}
    kept = {key: value for key, value in (there or {}).items() if key in allowed}
    label = message("{place} is now of the type {kind}", place=place_of(workspace, path), kind=kind)
    if there is None:
        return Made([_made(workspace, path, fresh)], label, path)
    return Made([SetValue(path, {"type": kind, **kept, **{key: fresh[key] for key in fresh if key not in kept}})],
                label, path)  # fmt: skip


@operation("thing.begin")
def begin_thing(workspace: Workspace, path: Path) -> Made:
    """Set up an option that is a thing of its own, with what it must have."""
    slot = slot_at(workspace.data, path, workspace.registry)
    if slot is None or workspace.at(path) is not None:
        raise EditRefused(message("{path} cannot be set up.", path=dotted(path)), path)
    value = blank(workspace, slot.base or slot.cls or slot.hint, form=form_around(workspace, path))
    return Made([_made(workspace, path, value)], message("{place} is set up", place=dotted(path)), path)
