"""The text of a definition → a tree of nodes that know where they stand.

``engine.yamlfile`` reads for meaning and refuses what hides something; this reads for editing. It accepts anchors,
aliases and merge keys (``<<`` is a key like any other), so that a file that holds them can be put right by an edit
elsewhere, and it parses with libyaml: a file of 500 lines in about 10 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

import yaml

from designer.text.refusals import EditRefused, Unreadable, missing
from engine.errors import Message, message
from engine.yamlfile import MAX_DEPTH, Path, dotted, plain_value, read_source

Event = Any  # the published types of events know no marks
BOM = "\ufeff"
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, eq=False)
class Node:
    """A value in the text: offsets (end exclusive), line from 1, column from 0.

    ``start`` stands before an anchor; ``end`` of an indented collection is the end of its last value, of a block text
    the end of its last line. ``style`` is ``""``, ``'``, ``"``, ``|``, ``>``, ``{``, ``[`` or ``block``.
    """

    kind: Literal["scalar", "map", "list", "alias"]
    start: int
    end: int
    line: int
    column: int
    style: str
    value: Any
    entries: list[Entry] = field(default_factory=list)
    anchor: str = ""
    tagged: bool = False

    @property
    def is_block(self) -> bool:
        return self.style == "block"

    @property
    def depth(self) -> int:
        """How many collections stand in each other at most."""
        return 0 if self.kind not in ("map", "list") else 1 + max((one.node.depth for one in self.entries), default=0)

    def child(self, key: str | int) -> Entry | None:
        if self.kind == "list":
            return self.entries[key] if isinstance(key, int) and 0 <= key < len(self.entries) else None
        return next((entry for entry in self.entries if entry.key == key), None)


@dataclass(slots=True, eq=False)
class Entry:
    """One key of a map or one item of a list; ``start`` is the key, the dash or, between brackets, the item."""

    key: str | int
    start: int
    key_end: int
    line: int
    column: int
    style: str
    node: Node


@dataclass(eq=False)
class Document:
    """A text and its tree. ``text`` holds every character of the file, a byte order mark too."""

    text: str
    root: Node
    anchors: dict[str, Node]
    aliases: list[Node]

    @staticmethod
    def read(text: str | bytes) -> Document:
        """Raises Unreadable for what is no UTF-8, no YAML, or says a key twice."""
        return _read(_decoded(text))

    @property
    def data(self) -> Any:
        return self.root.value

    @cached_property
    def eol(self) -> str:
        return "\r\n" if self.text.count("\r\n") * 2 > self.text.count("\n") else "\n"

    def find(self, path: Path) -> Node:
        """The node at a path. Raises EditRefused when there is none."""
        return self._walk(path)[-1].node

    def entry(self, path: Path) -> Entry:
        """The entry a node hangs on; the root's stands at the start of the text."""
        return self._walk(path)[-1]

    def has(self, path: Path) -> bool:
        node: Node | None = self.root
        for key in path:
            found = node.child(key) if node else None
            node = found.node if found else None
        return node is not None

    def trail(self, path: Path) -> list[Node]:
        """The nodes from the root to a path, as far as they exist."""
        nodes = [self.root]
        for key in path:
            if (found := nodes[-1].child(key)) is None:
                break
            nodes.append(found.node)
        return nodes

    def _walk(self, path: Path) -> list[Entry]:
        entries = [Entry("", 0, 0, 1, -1, "", self.root)]
        for depth, key in enumerate(path):
            node = entries[-1].node
            found = node.child(key)
            if found is None:
                raise EditRefused(_missing(node, path[:depth], key), path)
            entries.append(found)
        return entries

    def comments(self) -> list[tuple[int, int]]:
        """Where the comments stand: from ``#`` to the end of the line."""
        found: list[tuple[int, int]] = []
        before = 0
        for start, end in [*_leaves(self.text, self.root), (len(self.text), len(self.text))]:
            found += _comments_between(self.text, before, start)
            before = max(end, before)
        return found

    @cached_property
    def step(self) -> int:
        """By how many columns a map stands deeper than its key; 2 when the file does not tell."""
        return next((child.column - entry.column for entry, child in _nested(self.root) if child.kind == "map"), 2)

    @cached_property
    def dash_step(self) -> int:
        """By how many columns the dashes of a list stand deeper than its key."""
        return next((child.column - entry.column for entry, child in _nested(self.root) if child.kind == "list"), 2)


@lru_cache(maxsize=8)
def _read(text: str) -> Document:
    """The editor asks for the text it was given a moment ago. Nobody changes a document that was read."""
    try:
        return _Reader(text).document()
    except yaml.YAMLError as error:
        raise _syntax(text, error) from error


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        finding = read_source(text).findings[0]
        raise Unreadable(finding.message, finding.line, finding.column) from error


def _missing(node: Node, path: Path, key: str | int) -> Message:
    if node.kind == "alias":
        at = dotted(path)
        return message("{path} is the alias '*{name}'; edit it where '&{name}' stands.", path=at, name=node.anchor)
    merged = node.child("<<") if node.kind == "map" else None
    if merged and isinstance(merged.node.value, dict) and key in merged.node.value:
        name = merged.node.anchor
        return message("{key} comes from '<<: *{name}'; edit it where '&{name}' stands.", key=key, name=name)
    return missing(path, key)


def _leaves(text: str, node: Node) -> Iterator[tuple[int, int]]:
    for entry in node.entries:
        if isinstance(entry.key, str):
            yield entry.start, entry.key_end
        yield from _leaves(text, entry.node)
    if node.style in ("|", ">"):
        header = text.find("\n", node.start, node.end)  # may have a comment
        yield node.end if header < 0 else header, node.end
    elif node.kind in ("scalar", "alias"):
        yield node.start, node.end


def _comments_between(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while (at := text.find("#", start, end)) >= 0:
        stop = text.find("\n", at)
        start = len(text) if stop < 0 else stop
        yield at, start - (text[start - 1] == "\r")


def _nested(node: Node) -> Iterator[tuple[Entry, Node]]:
    """Indented collections below a key, with that key, outermost first."""
    if not node.is_block:
        return
    for entry in node.entries:
        if entry.node.is_block and node.kind == "map":
            yield entry, entry.node
    for entry in node.entries:
        yield from _nested(entry.node)


class _Reader:
    """Events of the YAML parser → nodes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.shift = 1 if text.startswith(BOM) else 0
        self.next: Callable[[], Event] = _PARSER(text[self.shift :]).get_event
        self.anchors: dict[str, Node] = {}
        self.aliases: list[Node] = []

    def document(self) -> Document:
        root = self._root()
        return Document(self.text, root, self.anchors, self.aliases)

    def _root(self) -> Node:
        self.next()  # stream start
        if type(self.next()) is yaml.StreamEndEvent:
            return Node("scalar", len(self.text), len(self.text), 1, 0, "", None)
        root = self._node(self.next(), 0)
        self.next()  # document end
        if type(event := self.next()) is not yaml.StreamEndEvent:
            raise _unreadable(event, message("A second document starts here; a file holds one definition."))
        return root

    def _node(self, event: Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _unreadable(event, message("Nested deeper than {limit} levels.", limit=MAX_DEPTH))
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._named(event, self._scalar(event))
        if kind is yaml.AliasEvent:
            return self._alias(event)
        node = self._map(event, depth) if kind is yaml.MappingStartEvent else self._list(event, depth)
        return self._named(event, node)

    def _named(self, event: Event, node: Node) -> Node:
        if event.anchor:
            node.anchor = event.anchor
            self.anchors[event.anchor] = node
        node.tagged = bool(event.tag)
        return node

    def _at(self, kind: Any, event: Event, style: str, value: Any) -> Node:
        start, shift = event.start_mark, self.shift
        return Node(kind, start.index + shift, event.end_mark.index + shift, start.line + 1, start.column, style, value)

    def _alias(self, event: Event) -> Node:
        node = self._at("alias", event, "", None)
        node.anchor = event.anchor
        if (target := self.anchors.get(event.anchor)) is None:
            raise _unreadable(event, message("'*{name}' is used before '&{name}' stands.", name=event.anchor))
        node.value = target.value
        self.aliases.append(node)
        return node

    def _scalar(self, event: Event) -> Node:
        style = event.style if event.style and event.style != ":" else ""
        value = event.value if style or not event.implicit[0] else plain_value(event.value)
        node = self._at("scalar", event, style, value)
        if style in ("|", ">"):
            node.end = self._end_of_block_text(node)
        return node

    def _end_of_block_text(self, node: Node) -> int:
        """Without the blank lines below, unless ``+`` says that they belong to the text."""
        body = self.text[node.start : node.end]
        header, _, _ = body.partition("\n")
        if "+" in header.partition("#")[0]:
            return node.end
        line_end = body.find("\n", len(body.rstrip()))
        end = len(body) if line_end < 0 else line_end
        return node.start + end - (body[end - 1 : end] == "\r")

    def _map(self, start: Event, depth: int) -> Node:
        node = self._at("map", start, "{" if start.flow_style else "block", {})
        while type(event := self.next()) is not yaml.MappingEndEvent:
            entry = self._entry(event, node, depth)
            node.entries.append(entry)
            node.value[entry.key] = entry.node.value
        return self._closed(node, event)

    def _entry(self, event: Event, parent: Node, depth: int) -> Entry:
        if type(event) is not yaml.ScalarEvent:
            raise _unreadable(event, message("A key must be a plain name, not a list, a mapping or an alias."))
        if event.value in parent.value:
            raise _unreadable(event, message("The key '{key}' stands here twice.", key=event.value))
        begin: Any = event.start_mark
        end: Any = event.end_mark
        start, stop = begin.index + self.shift, end.index + self.shift
        child = self._node(self.next(), depth + 1)
        return Entry(event.value, start, stop, begin.line + 1, begin.column, event.style or "", child)

    def _list(self, start: Event, depth: int) -> Node:
        node = self._at("list", start, "[" if start.flow_style else "block", [])
        at = self._after_properties(node.start) if node.is_block else 0
        while type(event := self.next()) is not yaml.SequenceEndEvent:
            child = self._node(event, depth + 1)
            dash = self._dash(at) if node.is_block else child.start
            entry = Entry(len(node.entries), dash, dash, child.line, child.column, "", child)
            if node.is_block:
                entry.key_end = dash + 1
                entry.column = dash - self.text.rfind("\n", 0, dash) - 1
                at = max(child.end, dash + 1)
            node.entries.append(entry)
            node.value.append(child.value)
        return self._closed(node, event)

    def _closed(self, node: Node, end: Event) -> Node:
        if node.is_block:
            node.column = node.entries[0].column
            node.end = max(node.entries[-1].node.end, node.entries[-1].key_end)
        else:
            node.end = end.end_mark.index + self.shift
        return node

    def _after_properties(self, at: int) -> int:
        while self.text[at] in "&!":
            while not self.text[at].isspace():
                at += 1
            at = self._dash(at, "-&!")
        return at

    def _dash(self, at: int, wanted: str = "-") -> int:
        """The next dash: between two items stand only blanks and comments."""
        while self.text[at] not in wanted:
            at = self.text.index("\n", at) if self.text[at] == "#" else at + 1
        return at


def _syntax(text: str, error: Any) -> Unreadable:
    """The engine says it better than the parser does."""
    for finding in read_source(text).findings:
        return Unreadable(finding.message, finding.line, finding.column)
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Unreadable(message("This is not valid YAML: {problem}.", problem=str(error)), line, column)


def _unreadable(event: Event, reason: Message) -> Unreadable:
    return Unreadable(reason, event.start_mark.line + 1, event.start_mark.column + 1)
