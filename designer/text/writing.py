"""Plain data → lines of YAML in the style of their neighbours.

The neighbours are the nodes that stand in the same place of similar things: for a new field's label the labels of the
fields beside it. They decide between brackets and indentation, and about quotes; where there are none, or only less
nested ones, what is small stands between brackets. What is new and would be longer than 120 columns is indented.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from designer.text.scalars import block_text, key_text, scalar_text
from designer.text.tree import Document, Node
from engine.yamlfile import Path

WIDTH = 120
_MOST_NEIGHBOURS = 40

Neighbours = Sequence[Node]


@dataclass(frozen=True)
class Written:
    """What stands on the line of the key or dash, and the whole lines below it."""

    head: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Writer:
    document: Document

    def value(self, value: Any, neighbours: Neighbours, column: int, used: int) -> Written:
        """A value below a key at ``column``, of whose line ``used`` columns are taken."""
        if isinstance(value, str) and (body := block_text(value)):
            indent = " " * (column + self.document.step)
            return Written(body[0], tuple(indent + line if line else "" for line in body[1:]))
        head = self.flow(value, neighbours, in_flow=False)
        if not _is_block(value, neighbours, used + 1 + len(head)):
            return Written(head)
        step = self.document.step if isinstance(value, dict) else self.document.dash_step
        return Written("", tuple(self.lines(value, neighbours, column + step)))

    def lines(self, value: dict[str, Any] | list[Any], neighbours: Neighbours, column: int) -> list[str]:
        """The lines of an indented collection."""
        found: list[str] = []
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found += self.entry(key, item, below(neighbours, key), column)
        return found

    def entry(self, key: str | int, value: Any, neighbours: Neighbours, column: int) -> list[str]:
        """The lines of one entry of an indented collection: ``key: value`` or ``- value``."""
        if isinstance(key, int):
            return self._item(value, neighbours, column)
        name = " " * column + key_text(key) + ":"
        written = self.value(value, neighbours, column, len(name))
        return [f"{name} {written.head}" if written.head else name, *written.lines]

    def _item(self, value: Any, neighbours: Neighbours, column: int) -> list[str]:
        dash = " " * column + "-"
        if isinstance(value, str):
            written = self.value(value, neighbours, column, len(dash))
            return [f"{dash} {written.head}", *written.lines]
        head = self.flow(value, neighbours, in_flow=False)
        if not _is_block(value, neighbours, len(dash) + 1 + len(head)):
            return [f"{dash} {head}"]
        lines = self.lines(value, neighbours, column + 2)
        return [dash + lines[0][column + 1 :], *lines[1:]]

    def flow(self, value: Any, neighbours: Neighbours, *, in_flow: bool = True) -> str:
        """A value on one line."""
        if isinstance(value, dict):
            items = [
                f"{key_text(key, flow=True)}: {self.flow(item, below(neighbours, key))}" for key, item in value.items()
            ]
            return self._bracketed("{", items, "}", neighbours)
        if isinstance(value, list):
            return self._bracketed("[", [self.flow(item, below(neighbours, 0)) for item in value], "]", neighbours)
        return scalar_text(value, flow=in_flow, quote=quote_of(neighbours) if isinstance(value, str) else "")

    def _bracketed(self, begin: str, items: list[str], end: str, neighbours: Neighbours) -> str:
        text = ", ".join(items)
        padded = any(self.document.text.startswith(begin + " ", node.start) for node in neighbours)
        return f"{begin} {text} {end}" if padded and text else begin + text + end


def below(neighbours: Neighbours, key: str | int) -> list[Node]:
    """What the neighbours have in the same place; what they have in any place when none has this one."""
    same = [found.node for node in neighbours if isinstance(key, str) and (found := node.child(key))]
    return same or [entry.node for node in neighbours[:_MOST_NEIGHBOURS] for entry in node.entries][:_MOST_NEIGHBOURS]


def neighbours_of(document: Document, path: Path) -> list[Node]:
    """The nodes a node at this path (which may not exist yet) should look like."""
    around = document.trail(path[:-1])[-1].entries if path else []
    beside = [entry.node for entry in around if entry.key != path[-1]]
    quoted = quote_of(beside)
    cousins = _cousins(document, path)
    texts = [node for node in beside if quoted and isinstance(node.value, str)]
    return texts or cousins or beside[:_MOST_NEIGHBOURS]


def usual_place(document: Document, parent: Path, key: str) -> str | None:
    """Behind which key of the parent a new one stands in things of the same kind: ``Insert(…, after=usual_place(…))``.

    None when nothing of the same kind has it, or has it first.
    """
    present = {entry.key for entry in document.find(parent).entries}
    others = document.find(parent[:-1]).entries if parent else []
    for keys in ([entry.key for entry in other.node.entries] for other in others if other.key != parent[-1]):
        if key in keys:
            before = [one for one in keys[: keys.index(key)] if one in present]
            return str(before[-1]) if before else None
    return None


def _cousins(document: Document, path: Path) -> list[Node]:
    """For ``(…, fields, note, label)`` the labels of the other fields; for a list what is in the other lists."""
    if len(path) < 2:
        return []
    trail = document.trail(path[:-2])
    if len(trail) < len(path) - 1:
        return []
    others = [entry.node for entry in trail[-1].entries if entry.key != path[-2]]
    if isinstance(path[-1], str):
        return [found.node for node in others if (found := node.child(path[-1]))][:_MOST_NEIGHBOURS]
    return []


def quote_of(neighbours: Neighbours) -> str:
    """The quote around every text of the neighbours; nothing when one of them stands without."""
    styles = {node.style for node in neighbours if node.kind == "scalar" and isinstance(node.value, str)}
    return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""


def _is_block(value: Any, neighbours: Neighbours, width: int) -> bool:
    if not value or not isinstance(value, (dict, list)):
        return False
    if width > WIDTH or _has_lines(value):
        return True
    kind = "map" if isinstance(value, dict) else "list"
    depth = _depth(value)
    same = [node.is_block for node in neighbours if node.kind == kind and node.entries and node.depth >= depth]
    return sum(same) * 2 > len(same) if same else depth > 2


def _has_lines(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return any(map(_has_lines, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and bool(block_text(value))


def _depth(value: Any) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)
