"""One edit and a text → the splices that make it: the wanted way first, then ways that also say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from designer.text import blocks, flows
from designer.text.edits import (
    Edit,
    Insert,
    Move,
    Remove,
    RenameKey,
    ReplaceText,
    SetValue,
    inserted,
    move_steps,
    position,
    removal_path,
    replaced,
)
from designer.text.extents import extent
from designer.text.refusals import EditRefused
from designer.text.scalars import key_text
from designer.text.splices import Splice
from designer.text.tree import Document, Entry, Node
from designer.text.writing import Writer, Written, neighbours_of
from engine.errors import message
from engine.yamlfile import Path, dotted


@dataclass(frozen=True)
class Fragment:
    """The text of an entry on its way to another place: its lines without indentation, and for between brackets.

    ``commented``: its lines hold comments; ``apart``: comments that can also stay where it was.
    """

    lines: tuple[str, ...]
    item: flows.Item
    commented: bool
    apart: bool = False


@dataclass(frozen=True)
class Step:
    """An edit one reading of the text can follow (no move: that is two), and the text it brings along."""

    edit: Edit
    fragment: Fragment | None = None
    keep_comments: bool = False


def ways(document: Document, step: Step) -> Iterator[list[Splice]]:
    edit = step.edit
    if isinstance(edit, SetValue):
        yield from _set(document, edit.path, edit.value)
    elif isinstance(edit, Insert):
        yield from _insert(document, edit, step.fragment)
    elif isinstance(edit, Remove):
        path = removal_path(document.data, edit)
        yield _remove(document, path, keep_comments=step.keep_comments)
        yield _remove(document, path, keep_comments=step.keep_comments, whole_lines=True)
    elif isinstance(edit, RenameKey):
        yield _rename(document, edit)
    elif isinstance(edit, ReplaceText):
        yield from _replace(document, edit)


def move_at_once(document: Document, edit: Move, fragment: Fragment) -> Iterator[list[Splice]]:
    """Out of one place and into another of the same text, where neither changes where the other is."""
    _, insertion = move_steps(document.data, edit)
    target, key = document.find(edit.parent), edit.path[-1]
    at = position(target.value, insertion)
    if edit.parent == edit.path[:-1]:
        left = [entry for entry in target.entries if entry.key != key]
        at = position({entry.key: None for entry in left}, insertion)
        at += at > target.entries.index(document.entry(edit.path))
    placed = replace(insertion, parent=edit.parent, before=None, after=None, index=at)
    if isinstance(key, int):
        placed = replace(placed, key=at)
    keep = keeps_comments(document, edit.parent, at, fragment)
    for way in _insert(document, placed, fragment):
        yield [*_remove(document, edit.path, keep_comments=keep), *way]
        yield [*_remove(document, edit.path, keep_comments=keep, whole_lines=True), *way]


def keeps_comments(document: Document, parent: Path, at: int, fragment: Fragment) -> bool:
    """Do the comments of an item stay, because between these brackets no line can take them?"""
    node = document.find(parent)
    flow = not node.is_block and (bool(node.entries) or in_flow(document, parent))
    return fragment.apart and (not fragment.item.text or (flow and not flows.takes_lines(document, node, at)))


def in_flow(document: Document, path: Path) -> bool:
    """Does the node at a path stand between brackets of something around it?"""
    return any(node.style in ("{", "[") for node in document.trail(path)[: len(path)])


def _set(document: Document, path: Path, value: Any) -> Iterator[list[Splice]]:
    entry, writer = document.entry(path), Writer(document)
    node = entry.node
    similar = [node] if node.entries or isinstance(node.value, str) else neighbours_of(document, path)
    if not path:
        yield _whole(document, value)
    elif in_flow(document, path):
        yield _set_in_flow(document, entry, writer.flow(value, similar))
    else:
        yield blocks.fill(document, entry, _written(writer, entry, value, similar))
        yield blocks.fill(document, entry, Written(writer.flow(value, similar)))


def _written(writer: Writer, entry: Entry, value: Any, similar: list[Node]) -> Written:
    if isinstance(entry.key, str):
        return writer.value(value, similar, entry.column, entry.key_end - entry.start + 1 + entry.column)
    first, *lines = writer.entry(entry.key, value, similar, entry.column)
    return Written(first[entry.column + 2 :], tuple(lines))


def _set_in_flow(document: Document, entry: Entry, text: str) -> list[Splice]:
    start = blocks.content_start(document, entry)
    if entry.node.start == entry.node.end and isinstance(entry.key, str):
        colon = ":" if document.text[start - 1] != ":" else ""
        return [Splice(start, start, f"{colon} {text}")]
    return [Splice(start, max(start, entry.node.end), text)]


def _whole(document: Document, value: Any) -> list[Splice]:
    """Everything but the comments around it."""
    if not isinstance(value, (dict, list)):
        raise EditRefused(message("The file holds a map of sections; it cannot be one value."))
    lines = Writer(document).lines(value, [], 0) or ["{}" if isinstance(value, dict) else "[]"]
    return _into_file(document, lines)


def _appended(document: Document, lines: list[str]) -> list[Splice]:
    text, eol = document.text, document.eol
    body = eol.join(lines)
    end = len(text)
    start = "" if text.endswith("\n") or not text.strip("\ufeff") else eol
    return [Splice(end, end, start + body + eol)]


def _insert(document: Document, edit: Insert, fragment: Fragment | None) -> Iterator[list[Splice]]:
    holder = document.entry(edit.parent)
    parent = holder.node
    at = position(parent.value, edit)
    key = at if isinstance(edit.key, int) else edit.key
    similar = neighbours_of(document, (*edit.parent, key))
    if parent.is_block:
        yield from _insert_block(document, holder, at, Step(edit, fragment), similar)
    elif parent.entries or in_flow(document, edit.parent):
        yield _insert_flow(document, holder, at, Step(edit, fragment), similar)
    else:
        yield from _insert_into_nothing(document, edit, holder, fragment)


def _insert_block(
    document: Document, holder: Entry, at: int, step: Step, similar: list[Node]
) -> Iterator[list[Splice]]:
    edit, column = step.edit, holder.node.column
    assert isinstance(edit, Insert)
    if step.fragment and step.fragment.lines:
        yield blocks.insert(document, holder, at, _indented(step.fragment.lines, column))
    if not (step.fragment and step.fragment.commented):
        lines = Writer(document).entry(edit.key, edit.value, similar, column)
        section = not edit.parent and isinstance(edit.value, (dict, list)) and len(lines) > 1
        yield blocks.insert(document, holder, at, lines, apart=int(section))


def _indented(lines: tuple[str, ...], column: int) -> list[str]:
    return [" " * column + line if line else "" for line in lines]


def _insert_flow(document: Document, holder: Entry, at: int, step: Step, similar: list[Node]) -> list[Splice]:
    edit, fragment = step.edit, step.fragment
    assert isinstance(edit, Insert)
    if fragment and fragment.commented and not fragment.item.text:
        raise EditRefused(
            message("What holds comments cannot go between the brackets of {path}.", path=dotted(edit.parent)),
            edit.parent,
        )
    value = Writer(document).flow(edit.value, similar)
    item = value if isinstance(edit.key, int) else f"{key_text(edit.key, flow=True)}: {value}"
    if holder.node.kind == "scalar":  # nothing stands there yet
        return _set_in_flow(document, holder, f"[{item}]" if isinstance(edit.key, int) else f"{{{item}}}")
    if _is_pair(document, holder):
        value = Writer(document).flow(inserted(holder.node.value, edit), [])
        return _set_in_flow(document, holder, value)
    opening = blocks.content_start(document, holder)
    moved = fragment.item if fragment and _safe_in_flow(fragment.item.text, item) else flows.Item(item)
    return flows.insert(document, holder.node, opening, at, moved)


def _is_pair(document: Document, holder: Entry) -> bool:
    """``[a: 1]``: a map of one key without brackets of its own."""
    return document.text[blocks.content_start(document, holder)] not in "{["


def _safe_in_flow(inline: str, written: str) -> bool:
    """Brackets and quotes may hold what would end a plain text between brackets."""
    return bool(inline) and (inline == written or inline[-1] in "]}\"'" or "," not in inline)


def _insert_into_nothing(
    document: Document, edit: Insert, holder: Entry, fragment: Fragment | None
) -> Iterator[list[Splice]]:
    value = [edit.value] if isinstance(edit.key, int) else {edit.key: edit.value}
    if fragment and fragment.lines:
        step = document.dash_step if isinstance(edit.key, int) else document.step
        column = holder.column + (step if isinstance(holder.key, str) else 2) if edit.parent else 0
        lines = _indented(fragment.lines, column)
        if not edit.parent:
            yield _into_file(document, lines)
        else:
            yield blocks.fill(document, holder, Written("", tuple(lines)))
        if fragment.commented:
            return
    if edit.parent:
        yield from _set(document, edit.parent, value)
    else:
        yield _into_file(document, Writer(document).lines(value, [], 0))


def _into_file(document: Document, lines: list[str]) -> list[Splice]:
    root = document.root
    if root.start == root.end:
        return _appended(document, lines)
    return [Splice(root.start, root.end, document.eol.join(lines))]


def _remove(document: Document, path: Path, *, keep_comments: bool = False, whole_lines: bool = False) -> list[Splice]:
    holder, entry = document.entry(path[:-1]), document.entry(path)
    at = holder.node.entries.index(entry)
    if holder.node.is_block:
        return blocks.remove(document, holder, at, whole_lines=whole_lines)
    if _is_pair(document, holder):
        return _set_in_flow(document, holder, "{}")
    return flows.remove(document, holder.node, at, keep_comments=keep_comments)


def _rename(document: Document, edit: RenameKey) -> list[Splice]:
    entry = document.entry(edit.path)
    text = key_text(edit.new, flow=in_flow(document, edit.path), quote=entry.style)
    return [Splice(entry.start, entry.key_end, text)]


def _replace(document: Document, edit: ReplaceText) -> Iterator[list[Splice]]:
    entry = document.entry(edit.path)
    value = entry.node.value
    if "\n" not in edit.text and (start := _place_in_text(document, entry.node, edit)) is not None:
        yield [Splice(start, start + edit.end - edit.start, edit.text)]
    yield from _set(document, edit.path, replaced(value, edit))


def _place_in_text(document: Document, node: Node, edit: ReplaceText) -> int | None:
    """Where a part of a value stands in the text: the same occurrence, when there are as many in both."""
    raw, value = document.text[node.start : node.end], node.value
    old = value[edit.start : edit.end]
    if not old or "\n" in old or raw.count(old) != value.count(old):
        return _place_by_offset(raw, node, edit.start)
    at = -1
    for _ in range(value.count(old, 0, edit.start) + 1):
        at = raw.find(old, at + 1 if at < 0 else at + len(old))
    return node.start + at


def _place_by_offset(raw: str, node: Node, start: int) -> int | None:
    quote = node.style in ("'", '"')
    exact = raw[quote : len(raw) - quote] == node.value
    return node.start + quote + start if exact else None


def fragment_of(document: Document, path: Path) -> Fragment:
    """The text of an entry, to be put elsewhere."""
    holder, entry = document.entry(path[:-1]), document.entry(path)
    parent = holder.node
    at = parent.entries.index(entry)
    if not parent.is_block:
        return _fragment_in_flow(document, parent, at)
    found = extent(document, parent, at, holder.key_end)
    commented = _holds_comments(document, found.start, found.stop)
    lines = tuple(blocks.relative_lines(document, parent, found, at))
    start = entry.start if isinstance(entry.key, str) else entry.node.start
    empty = commented or len(lines) > 1 or entry.node.is_block or entry.node.start == entry.node.end
    return Fragment(lines, flows.Item("" if empty else document.text[start : entry.node.end]), commented)


def _fragment_in_flow(document: Document, parent: Node, at: int) -> Fragment:
    item, entry = flows.item_of(document, parent, at), parent.entries[at]
    if "\n" in item.text or not item.text:
        return Fragment((), flows.Item(""), _holds_comments(document, entry.start, entry.node.end), apart=True)
    own = f"- {item.text}" if parent.kind == "list" else item.text
    lines = (*item.above, f"{own}  {item.behind}" if item.behind else own)
    return Fragment(lines, item, len(lines) > 1 or bool(item.behind), apart=True)


def _holds_comments(document: Document, start: int, stop: int) -> bool:
    return "#" in document.text[start:stop] and any(start <= at < stop for at, _ in document.comments())
