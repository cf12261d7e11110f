"""Which lines belong to an entry of an indented collection.

- Its own lines, to the end of its last line: a comment at the end of a line stays with the line.
- The comment lines directly above it, without a blank line between, that are indented no deeper than the entry itself.
  Not the comment that begins the file: that one belongs to the file.
- The comment lines below it that are indented deeper than it: they stand inside it.
- A comment between blank lines belongs to nobody and stays where it is.

Blank lines separate: an entry that is removed takes those above it along when blank lines (or the end of its
collection) follow too, so that two groups are neither glued together nor driven apart. A new entry is set off by as
many blank lines as its neighbours are.
"""

from __future__ import annotations

from dataclasses import dataclass

from designer.text.tree import BOM, Document, Entry, Node


@dataclass(frozen=True)
class Extent:
    """``start`` to ``stop``, whole lines; of the first entry of an item (``- type: x``) from its key on."""

    start: int
    stop: int
    shares_line: bool


def line_start(text: str, at: int) -> int:
    """The start of the line in which ``at`` stands, behind a byte order mark."""
    return text.rfind("\n", 0, at) + 1 or int(text.startswith(BOM))


def line_end(text: str, at: int) -> int:
    """Behind the end of the line in which ``at`` stands."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def lines_end(text: str, node_end: int) -> int:
    """Behind the last line of a value; one that keeps its last line ends includes them."""
    return node_end if node_end and text[node_end - 1] == "\n" else line_end(text, node_end)


def shares_line(text: str, entry: Entry) -> bool:
    """Does something (a dash) stand before it on its line?"""
    return bool(text[line_start(text, entry.start) : entry.start].strip(" \t"))


def extent(document: Document, parent: Node, at: int, floor: int) -> Extent:
    """The extent of entry number ``at``; ``floor`` is where the thing that holds the parent stands."""
    text, entry = document.text, parent.entries[at]
    stop = below(text, lines_end(text, max(entry.node.end, entry.key_end)), entry.column)
    if shares_line(text, entry):
        return Extent(entry.start, stop, True)
    return Extent(above(text, entry, floor_of(parent, at, floor)), stop, False)


def floor_of(parent: Node, at: int, floor: int) -> int:
    """Lines before this one belong to something else (a text may hold lines that look like comments)."""
    return max(parent.entries[at - 1].node.end, parent.entries[at - 1].key_end) if at else floor


def above(text: str, entry: Entry, floor: int) -> int:
    """The start of the comment lines directly above an entry."""
    first = at = line_start(text, entry.start)
    top = line_start(text, 0)
    while at > top:
        start = line_start(text, at - 1)
        if start < floor or not _is_comment(text[start:at], 0, entry.column):
            break
        at = start
    return first if at == top else at


def below(text: str, stop: int, column: int) -> int:
    """The end of the deeper comment lines under something."""
    at = stop
    while at < len(text):
        end = line_end(text, at)
        line = text[at:end]
        if _is_comment(line, column + 1, len(line)):
            stop = end
        elif line.strip():
            break
        at = end
    return stop


def _is_comment(line: str, least: int, most: int) -> bool:
    bare = line.lstrip(" \t")
    return bare.startswith("#") and least <= len(line) - len(bare) <= most


def blank_above(text: str, at: int, floor: int) -> int:
    """The start of the blank lines directly above a line start."""
    while at > floor:
        start = line_start(text, at - 1)
        if start < floor or text[start:at].strip() or at == start:
            break
        at = start
    return at


def blank_below(text: str, at: int) -> int:
    while at < len(text):
        end = line_end(text, at)
        if text[at:end].strip():
            break
        at = end
    return at
