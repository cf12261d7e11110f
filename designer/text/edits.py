"""The edits of a definition as data, and what each does to plain data.

Paths name a place before the edit. Edits never change the data they are given: what they touch is copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from designer.text.refusals import EditRefused, missing, where
from engine.errors import message
from engine.yamlfile import Path, dotted

Key = str | int


@dataclass(frozen=True)
class SetValue:
    """Give a place a value. A map of which only a part differs is edited where it differs; a key that is missing in
    its map is added at the end."""

    path: Path
    value: Any


@dataclass(frozen=True)
class Insert:
    """Add a key to a map, or an item to a list (``key`` is then its index in the result; -1 is the end).

    In a map it comes before or after a named key, at ``index``, or at the end. ``()`` is the whole file.
    """

    parent: Path
    key: Key
    value: Any
    before: str | None = None
    after: str | None = None
    index: int | None = None


@dataclass(frozen=True)
class Remove:
    """Take an entry out. The last one leaves ``{}`` or ``[]``, or with ``emptied`` takes what it empties along."""

    path: Path
    emptied: bool = False


@dataclass(frozen=True)
class Move:
    """Put an entry elsewhere, with its comments. ``index`` counts in the result; without a position: the end."""

    path: Path
    parent: Path
    before: str | None = None
    after: str | None = None
    index: int | None = None


@dataclass(frozen=True)
class RenameKey:
    path: Path
    new: str


@dataclass(frozen=True)
class ReplaceText:
    """Replace a part of a text; ``start`` and ``end`` count in the value, not in the file."""

    path: Path
    start: int
    end: int
    text: str


Edit = SetValue | Insert | Remove | Move | RenameKey | ReplaceText


def edited(data: Any, edit: Edit) -> Any:
    """What an edit makes of plain data. Raises EditRefused when there is no such place."""
    if isinstance(edit, SetValue):
        return _set(data, edit)
    if isinstance(edit, Insert):
        return _at(data, edit.parent, lambda parent: inserted(parent, edit))
    if isinstance(edit, Remove):
        return _removed(data, edit)
    if isinstance(edit, Move):
        removal, insertion = move_steps(data, edit)
        return edited(edited(data, removal), insertion)
    if isinstance(edit, RenameKey) and edit.path:
        return _at(data, edit.path[:-1], lambda parent: _renamed(parent, edit))
    if isinstance(edit, ReplaceText):
        return _at(data, edit.path, lambda text: replaced(text, edit))
    raise EditRefused(message("{path} has no name.", path=where(())), edit.path)


def look(data: Any, path: Path) -> Any:
    """What stands at a path. Raises EditRefused when nothing does."""
    for depth, key in enumerate(path):
        if not _has(data, key):
            raise EditRefused(missing(path[:depth], key), path)
        data = data[key]
    return data


def _has(data: Any, key: Key) -> bool:
    if isinstance(data, dict):
        return key in data
    return isinstance(data, list) and isinstance(key, int) and 0 <= key < len(data)


def _at(data: Any, path: Path, change: Callable[[Any], Any], depth: int = 0) -> Any:
    if depth == len(path):
        return change(data)
    key = path[depth]
    if not _has(data, key):
        raise EditRefused(missing(path[:depth], key), path)
    copy = data.copy()
    copy[key] = _at(data[key], path, change, depth + 1)
    return copy


def _set(data: Any, edit: SetValue) -> Any:
    if edit.path and is_new_key(data, edit.path):
        return edited(data, Insert(edit.path[:-1], edit.path[-1], edit.value))
    return _at(data, edit.path, lambda _: edit.value)


def is_new_key(data: Any, path: Path) -> bool:
    """Is the place itself missing in a map (or in an empty value) that is there?"""
    parent = look(data, path[:-1])
    return isinstance(path[-1], str) and (parent is None or (isinstance(parent, dict) and path[-1] not in parent))


def inserted(parent: Any, edit: Insert) -> Any:
    if isinstance(edit.key, int):
        items = _list_of(parent, edit)
        at = position(parent, edit)
        return [*items[:at], edit.value, *items[at:]]
    entries = list((parent or {}).items()) if isinstance(parent, dict) or parent is None else None
    if entries is None:
        raise EditRefused(message("{path} is no map; it takes no key.", path=where(edit.parent)), edit.parent)
    if any(key == edit.key for key, _ in entries):
        raise EditRefused(message("{key} is already in {path}.", key=edit.key, path=where(edit.parent)), edit.parent)
    entries.insert(position(parent, edit), (edit.key, edit.value))
    return dict(entries)


def _list_of(parent: Any, edit: Insert) -> list[Any]:
    if parent is not None and not isinstance(parent, list):
        raise EditRefused(message("{path} is no list; it takes no item.", path=where(edit.parent)), edit.parent)
    return parent or []


def position(parent: Any, edit: Insert) -> int:
    """At which place among its new siblings an entry is put."""
    size = len(parent or ())
    if isinstance(edit.key, int):
        return size if edit.key < 0 else min(edit.key, size)
    if edit.index is not None:
        return size if edit.index < 0 else min(edit.index, size)
    beside = edit.before if edit.before is not None else edit.after
    if beside is None:
        return size
    keys = list(parent or ())
    if beside not in keys:
        raise EditRefused(missing(edit.parent, beside), edit.parent)
    return keys.index(beside) + (edit.before is None)


def _removed(data: Any, edit: Remove) -> Any:
    look(data, edit.path)
    path = removal_path(data, edit)
    key = path[-1]
    return _at(data, path[:-1], lambda parent: _without(parent, key))


def removal_path(data: Any, edit: Remove) -> Path:
    """What is really taken out: with ``emptied`` the outermost thing that would be empty."""
    path = edit.path
    if not path:
        raise EditRefused(message("The whole file cannot be removed."), path)
    while edit.emptied and len(path) > 1 and len(look(data, path[:-1])) == 1:
        path = path[:-1]
    return path


def _without(parent: Any, key: Key) -> Any:
    if isinstance(parent, dict):
        return {name: value for name, value in parent.items() if name != key}
    return [value for at, value in enumerate(parent) if at != key]


def move_steps(data: Any, edit: Move) -> tuple[Remove, Insert]:
    """A move is a removal and an insertion; the second one's path is right after the first."""
    value = look(data, edit.path)
    if not edit.path or edit.parent[: len(edit.path)] == edit.path:
        raise EditRefused(message("{path} cannot be moved into itself.", path=where(edit.path)), edit.path)
    target, key = look(data, edit.parent), edit.path[-1]
    if isinstance(target, (dict, list)) and isinstance(target, dict) != isinstance(key, str):
        raise EditRefused(
            message("{path} cannot go to {parent}: one has a name, the other takes none (or the reverse).",
                    path=dotted(edit.path), parent=dotted(edit.parent)),
            edit.path,
        )  # fmt: skip
    parent = _after_removal(edit.parent, edit.path)
    if isinstance(key, int):
        return Remove(edit.path), Insert(parent, -1 if edit.index is None else edit.index, value)
    return Remove(edit.path), Insert(parent, key, value, edit.before, edit.after, edit.index)


def _after_removal(path: Path, removed: Path) -> Path:
    """Where a path leads once an item of a list before it is gone."""
    at, last = len(removed) - 1, removed[-1]
    key = path[at] if len(path) > at else None
    if isinstance(key, int) and isinstance(last, int) and path[:at] == removed[:at] and key > last:
        return (*path[:at], key - 1, *path[at + 1 :])
    return path


def _renamed(parent: Any, edit: RenameKey) -> Any:
    key = edit.path[-1]
    if not isinstance(parent, dict):
        raise EditRefused(message("{path} has no name.", path=dotted(edit.path)), edit.path)
    look(parent, (key,))
    if edit.new != key and edit.new in parent:
        raise EditRefused(message("{key} is already in {path}.", key=edit.new, path=where(edit.path[:-1])), edit.path)
    return {edit.new if name == key else name: value for name, value in parent.items()}


def replaced(text: Any, edit: ReplaceText) -> str:
    if not isinstance(text, str):
        raise EditRefused(message("{path} is no text.", path=dotted(edit.path)), edit.path)
    if not 0 <= edit.start <= edit.end <= len(text):
        raise EditRefused(
            message("{path} has {size} characters; {start} to {end} is no part of it.",
                    path=dotted(edit.path), size=len(text), start=edit.start, end=edit.end),
            edit.path,
        )  # fmt: skip
    return text[: edit.start] + edit.text + text[edit.end :]
