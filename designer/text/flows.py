"""Entries between brackets: put in and taken out. Everything answers splices of one text.

Where each item has its own line the new one gets one too; a comma after the last item stays the custom of the place.
"""

from __future__ import annotations

from dataclasses import dataclass

from designer.text.extents import above, line_end, line_start
from designer.text.splices import Splice
from designer.text.tree import Document, Entry, Node


@dataclass(frozen=True)
class Item:
    """An item on its way between brackets, and where it has its own line the comments above and behind it."""

    text: str
    above: tuple[str, ...] = ()
    behind: str = ""

    def lines(self, indent: str, comma: str, eol: str) -> str:
        own = f"{self.text}{comma}  {self.behind}" if self.behind else f"{self.text}{comma}"
        return "".join(f"{indent}{line}{eol}" for line in (*self.above, own))


def insert(document: Document, parent: Node, opening: int, at: int, item: Item) -> list[Splice]:
    """Put ``item`` before number ``at``; ``opening`` is where the bracket stands."""
    text = document.text
    if not parent.entries:
        return [_insert_only(text, opening + 1, parent.end - 1, item.text)]
    if not takes_lines(document, parent, at):
        first, end = parent.entries[0].start, _end(parent.entries[at - 1])
        return [Splice(end, end, f", {item.text}") if at else Splice(first, first, f"{item.text}, ")]
    if at == 0:
        return [_insert_first(document, parent, item)]
    before = parent.entries[at - 1]
    end, indent = _end(before), _indent(text, before)
    comma = _comma(text, end)
    line = line_end(text, end if comma is None else comma)
    missing = [] if comma is not None else [Splice(end, end, ",")]
    return [*missing, Splice(line, line, item.lines(indent, "," if comma is not None else "", document.eol))]


def takes_lines(document: Document, parent: Node, at: int) -> bool:
    """Has each item here its own line, so that a new one gets one too?"""
    text = document.text
    if not parent.entries:
        return False
    if at == 0:
        return _begins_line(text, parent.entries[0])
    before = parent.entries[at - 1]
    comma = _comma(text, _end(before))
    following = parent.entries[at].start if at < len(parent.entries) else parent.end - 1
    return _begins_line(text, before) and following >= line_end(text, _end(before) if comma is None else comma)


def item_of(document: Document, parent: Node, at: int) -> Item:
    """An item with its comments; without them where it shares its line with others."""
    text, entry = document.text, parent.entries[at]
    written = text[entry.start : entry.node.end] if entry.node.end > entry.node.start else ""
    comma = _comma(text, _end(entry))
    stop = _end(entry) if comma is None else comma + 1
    if not (_begins_line(text, entry) and _ends_line(text, stop)):
        return Item(written)
    over = text[above(text, entry, _lower(parent, at)) : line_start(text, entry.start)]
    return Item(written, tuple(map(str.strip, over.splitlines())), text[stop : line_end(text, stop)].strip())


def _indent(text: str, entry: Entry) -> str:
    return " " * (entry.start - line_start(text, entry.start))


def _insert_only(text: str, start: int, stop: int, item: str) -> Splice:
    if not text[start:stop].strip():
        return Splice(start, stop, item)
    return Splice(start, start, item if text[start].isspace() else item + " ")


def _insert_first(document: Document, parent: Node, item: Item) -> Splice:
    text, first = document.text, parent.entries[0]
    start = above(text, first, parent.start)
    return Splice(start, start, item.lines(_indent(text, first), ",", document.eol))


def remove(document: Document, parent: Node, at: int, *, keep_comments: bool = False) -> list[Splice]:
    text, entry = document.text, parent.entries[at]
    end = _end(entry)
    comma = _comma(text, end)
    stop = end if comma is None else comma + 1
    if _begins_line(text, entry) and _ends_line(text, stop) and not keep_comments:
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
