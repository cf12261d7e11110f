"""Entries between brackets: put in and taken out. Everything answers splices of one text.

Where each item has its own line the new one gets one too; a comma after the last item stays the custom of the place.
"""

from __future__ import annotations

from designer.text.extents import above, line_end, line_start
from designer.text.splices import Splice
from designer.text.tree import Document, Entry, Node


def insert(document: Document, parent: Node, opening: int, at: int, item: str) -> list[Splice]:
    """Put ``item`` before number ``at``; ``opening`` is where the bracket stands."""
    text = document.text
    if not parent.entries:
        return [_insert_only(text, opening + 1, parent.end - 1, item)]
    if at == 0:
        return [_insert_first(document, parent, item)]
    before = parent.entries[at - 1]
    end = _end(before)
    comma = _comma(text, end)
    line = line_end(text, end if comma is None else comma)
    if not _begins_line(text, before) or _upper(parent, at) < line:
        return [Splice(end, end, f", {item}")]
    indent = " " * (before.start - line_start(text, before.start))
    tail = "," if comma is not None else ""
    missing = [] if comma is not None else [Splice(end, end, ",")]
    return [*missing, Splice(line, line, f"{indent}{item}{tail}{document.eol}")]


def _upper(parent: Node, at: int) -> int:
    return parent.entries[at].start if at < len(parent.entries) else parent.end - 1


def _insert_only(text: str, start: int, stop: int, item: str) -> Splice:
    if not text[start:stop].strip():
        return Splice(start, stop, item)
    return Splice(start, start, item if text[start].isspace() else item + " ")


def _insert_first(document: Document, parent: Node, item: str) -> Splice:
    text, first = document.text, parent.entries[0]
    if not _begins_line(text, first):
        return Splice(first.start, first.start, f"{item}, ")
    start = above(text, first, parent.start)
    indent = " " * (first.start - line_start(text, first.start))
    return Splice(start, start, f"{indent}{item},{document.eol}")


def remove(document: Document, parent: Node, at: int) -> list[Splice]:
    text, entry = document.text, parent.entries[at]
    end = _end(entry)
    comma = _comma(text, end)
    stop = end if comma is None else comma + 1
    if _begins_line(text, entry) and _ends_line(text, stop):
        return [Splice(above(text, entry, _lower(parent, at)), line_end(text, stop), "")]
    if at + 1 < len(parent.entries):
        following = parent.entries[at + 1].start
        return [Splice(entry.start, following if _plain_gap(text[end:following]) else stop, "")]
    if at and _plain_gap(text[_end(parent.entries[at - 1]) : entry.start]):
        return [Splice(_end(parent.entries[at - 1]), end, "")]
    opening = _before_blanks(text, entry.start)
    if len(parent.entries) == 1 and text[opening - 1] in "[{" and not text[stop : parent.end - 1].strip(" "):
        return [Splice(opening, parent.end - 1, "")]  # with the padding of its brackets
    return [Splice(entry.start, stop, "")]


def _lower(parent: Node, at: int) -> int:
    return _end(parent.entries[at - 1]) if at else parent.start


def _before_blanks(text: str, at: int) -> int:
    while text[at - 1] == " ":
        at -= 1
    return at


def _end(entry: Entry) -> int:
    return max(entry.node.end, entry.key_end)


def _plain_gap(between: str) -> bool:
    return "\n" not in between and "#" not in between


def _comma(text: str, at: int) -> int | None:
    """The comma behind an item: between them stand only blanks and comments."""
    while at < len(text) and (text[at].isspace() or text[at] == "#"):
        at = line_end(text, at) if text[at] == "#" else at + 1
    return at if text[at : at + 1] == "," else None


def _begins_line(text: str, entry: Entry) -> bool:
    return not text[line_start(text, entry.start) : entry.start].strip()


def _ends_line(text: str, at: int) -> bool:
    rest = text[at : line_end(text, at)].strip()
    return not rest or rest.startswith("#")
