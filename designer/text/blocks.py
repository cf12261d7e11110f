"""Entries of indented collections: put in, taken out, given another value. Everything answers splices of one text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from designer.text.extents import (
    Extent,
    blank_above,
    blank_below,
    extent,
    floor_of,
    line_end,
    line_start,
    lines_end,
    shares_line,
)
from designer.text.splices import Splice
from designer.text.tree import Document, Entry, Node
from designer.text.writing import Written

_INDICATOR = re.compile(r"[ \t]*:")
_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]*)+")


def remove(document: Document, holder: Entry, at: int, *, whole_lines: bool = False) -> list[Splice]:
    """Take entry number ``at`` out of the collection that hangs on ``holder``.

    A file without a final line end stays without one when its last line goes, unless ``whole_lines``: a ``|`` text
    that is last then needs its line end.
    """
    parent = holder.node
    floor = holder.key_end
    found = extent(document, parent, at, floor)
    if len(parent.entries) == 1:
        return _emptied(document, holder, found)
    if found.shares_line:
        return [Splice(found.start, _next_word(document.text, found.stop), "")]
    start, stop = _with_blank_lines(document.text, found, floor_of(parent, at, floor), at, len(parent.entries))
    return [Splice(start, stop, "") if whole_lines else _without_last_line_end(document, start, stop)]


def _next_word(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _with_blank_lines(text: str, found: Extent, floor: int, at: int, count: int) -> tuple[int, int]:
    start, stop = blank_above(text, found.start, floor), blank_below(text, found.stop)
    if start < found.start and (stop > found.stop or at == count - 1):
        return start, found.stop
    return found.start, stop if at == 0 and stop < len(text) else found.stop


def _without_last_line_end(document: Document, start: int, stop: int) -> Splice:
    text = document.text
    if stop == len(text) and start and not text.endswith("\n"):
        start -= 2 if text.endswith("\r\n", 0, start) else 1
    return Splice(start, stop, "")


def _emptied(document: Document, holder: Entry, found: Extent) -> list[Splice]:
    parent = holder.node
    braces = "{}" if parent.kind == "map" else "[]"
    if found.shares_line or holder.column < 0:
        start = content_start(document, holder)
        lead = [] if found.shares_line else [Splice(found.start, line_start(document.text, start), "")]
        return [*lead, Splice(start, parent.end, braces)]
    after = after_indicator(document, holder)
    return [Splice(after, after, " " + braces), _without_last_line_end(document, found.start, found.stop)]


def after_indicator(document: Document, entry: Entry) -> int:
    """Behind the colon or dash, and behind an anchor on its line."""
    at = entry.key_end
    if isinstance(entry.key, str) and entry.column >= 0:
        colon = _INDICATOR.match(document.text, at)
        at = colon.end() if colon else at
    if entry.node.kind != "alias" and (entry.node.anchor or entry.node.tagged):
        properties = _PROPERTIES.match(document.text, entry.node.start)
        at = _before_blanks(document.text, properties.end()) if properties else at
    return at


def content_start(document: Document, entry: Entry) -> int:
    """Where a value begins, behind its anchor; where it would begin when there is none."""
    node = entry.node
    if node.kind == "alias" or node.tagged or not node.anchor:
        return node.start if node.end > node.start else after_indicator(document, entry)
    properties = _PROPERTIES.match(document.text, node.start)
    start = _next_word(document.text, properties.end()) if properties else node.start
    return start if start < node.end else after_indicator(document, entry)


def insert(document: Document, holder: Entry, at: int, lines: list[str], apart: int = 0) -> list[Splice]:
    """Put the lines of an entry, indented already, before entry number ``at`` of a collection that has some.

    ``apart`` is the least number of blank lines to set it off.
    """
    parent = holder.node
    eol = document.eol
    if at == 0:
        return [_insert_first(document, holder, lines, apart)]
    stop = extent(document, parent, at - 1, holder.key_end).stop
    keeps_blank_lines = document.text.endswith("\n", 0, parent.entries[at - 1].node.end)  # a text with |+
    blank = [""] * (0 if keeps_blank_lines else max(apart, _blank_lines(document, holder, at)))
    body = eol.join([*blank, *lines])
    if document.text.endswith("\n", 0, stop):
        return [Splice(stop, stop, body + eol)]
    return [*_close_text(document, parent), Splice(stop, stop, eol + body + (eol if _ends_in_text(lines) else ""))]


def _close_text(document: Document, node: Node) -> list[Splice]:
    """A ``|`` text that ended with the file, without a line end, must not get one now: it becomes ``|-``."""
    while node.entries:
        node = node.entries[-1].node
    header = document.text[node.start : line_end(document.text, node.start)]
    if node.style not in ("|", ">") or node.value.endswith("\n") or "-" in header.partition("#")[0]:
        return []
    return [Splice(node.start + 1, node.start + 1, "-")]


def _insert_first(document: Document, holder: Entry, lines: list[str], apart: int) -> Splice:
    first = holder.node.entries[0]
    body = document.eol.join(lines) + document.eol
    if shares_line(document.text, first):
        return Splice(first.start, first.start, body[first.column :] + " " * first.column)
    start = extent(document, holder.node, 0, holder.key_end).start
    blank = document.eol * max(apart, _blank_lines(document, holder, 0))
    return Splice(start, start, body + blank)


def _ends_in_text(lines: list[str]) -> bool:
    """A ``|`` text at the end of a file needs its line end."""
    return len(lines) > 1 and bool(re.search(r"[:-] \|$", "\n".join(lines[:-1]), re.M))


def _blank_lines(document: Document, holder: Entry, at: int) -> int:
    """How many blank lines set off an entry: as many as set off the ones around it."""
    entries = holder.node.entries
    if len(entries) == 1:
        return 0
    lower = min(max(at, 1), len(entries) - 1)
    found = extent(document, holder.node, lower, holder.key_end)
    floor = floor_of(holder.node, lower, holder.key_end)
    return document.text[blank_above(document.text, found.start, floor) : found.start].count("\n")


@dataclass(frozen=True)
class Slot:
    """Where a value stands: ``start`` to ``end`` on the line of its key, and its own lines ``below`` to ``stop``."""

    start: int
    end: int
    below: int
    stop: int


def slot(document: Document, entry: Entry) -> Slot:
    text, node = document.text, entry.node
    start = content_start(document, entry)
    if node.style in ("|", ">"):
        header = min(line_end(text, start), node.end)
        words = text[start:header].partition("#")[0].rstrip()
        return Slot(start, start + len(words), header, lines_end(text, node.end))
    if node.is_block and not shares_line(text, node.entries[0]):
        after = after_indicator(document, entry)
        last = extent(document, node, len(node.entries) - 1, entry.key_end).stop
        return Slot(after, after, line_end(text, after), last)
    end = max(start, node.end)
    stop = lines_end(text, end)
    return Slot(start, end, stop, stop)


def fill(document: Document, entry: Entry, written: Written) -> list[Splice]:
    """Write a value into the place of another."""
    place = slot(document, entry)
    text, eol = document.text, document.eol
    head = written.head
    start = place.start
    if head and not text[start - 1 : start].isspace() and entry.column >= 0:
        head = " " + head
    elif not head:
        start = max(after_indicator(document, entry), _before_blanks(text, start))
    body = "".join(line + eol for line in written.lines)
    return [Splice(start, place.end, head), *_below(document, place, body)]


def _before_blanks(text: str, at: int) -> int:
    while text[at - 1] in " \t":
        at -= 1
    return at


def _below(document: Document, place: Slot, body: str) -> list[Splice]:
    text, eol = document.text, document.eol
    if not text.endswith("\n", 0, place.below):  # the last line of the file, without its end
        return [Splice(place.below, place.below, eol + body.removesuffix(eol))] if body else []
    replaces_last_line = place.below < place.stop == len(text) and not text.endswith("\n")
    return [Splice(place.below, place.stop, body.removesuffix(eol) if replaces_last_line else body)]


def relative_lines(document: Document, parent: Node, found: Extent, at: int) -> list[str]:
    """The lines of an entry without their indentation, for another place."""
    text, column = document.text, parent.entries[at].column
    body = " " * column * found.shares_line + text[found.start : found.stop]
    lines = [line.removesuffix("\r") for line in body.removesuffix("\n").split("\n")]
    return [line[min(column, len(line) - len(line.lstrip(" "))) :] for line in lines]
