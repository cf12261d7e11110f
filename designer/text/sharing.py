"""Values that stand in several places by an anchor and its aliases are not edited by path: one edit would change the
others unseen, or leave an alias without its anchor."""

from __future__ import annotations

from collections.abc import Iterator

from designer.text.edits import Edit, Insert, Move, Remove, RenameKey, ReplaceText, SetValue
from designer.text.refusals import EditRefused
from designer.text.tree import Document, Node
from engine.errors import message
from engine.yamlfile import Path, dotted


def refuse_shared(document: Document, edit: Edit) -> None:
    """Raises EditRefused naming the anchor."""
    if not document.anchors:
        return
    inside = [edit.parent] if isinstance(edit, (Insert, Move)) else []
    inside += [edit.path] if isinstance(edit, ReplaceText) else []
    for path in inside:
        _refuse_alias(document.trail(path), path)
        _refuse_anchor(document, document.trail(path), path)
    if isinstance(edit, (SetValue, Remove, Move, RenameKey, ReplaceText)) and edit.path:
        above = document.trail(edit.path)[: len(edit.path)]
        _refuse_alias(above, edit.path)
        _refuse_anchor(document, above, edit.path)
    if isinstance(edit, (SetValue, Remove, Move)) and document.has(edit.path):
        _refuse_loss(document, document.find(edit.path), edit.path)
    if isinstance(edit, Move):
        _refuse_move(document, document.find(edit.path), edit.path)


def whole_paths(document: Document) -> frozenset[Path]:
    """The paths of the aliases: what is behind them is replaced as a whole."""
    return frozenset(_alias_paths(document.root, ())) if document.aliases else frozenset()


def _alias_paths(node: Node, path: Path) -> Iterator[Path]:
    if node.kind == "alias":
        yield path
    for entry in node.entries:
        yield from _alias_paths(entry.node, (*path, entry.key))


def _refuse_alias(trail: list[Node], path: Path) -> None:
    for node in trail:
        if node.kind == "alias":
            raise EditRefused(
                message("{path} stands below the alias '*{name}'; edit it where '&{name}' stands.",
                        path=dotted(path), name=node.anchor),
                path,
            )  # fmt: skip


def _refuse_anchor(document: Document, trail: list[Node], path: Path) -> None:
    for node in trail:
        _refuse_loss(document, node, path, own=True)


def _refuse_move(document: Document, node: Node, path: Path) -> None:
    """An alias must stay below its anchor."""
    for alias in document.aliases:
        target = document.anchors[alias.anchor]
        if node.start <= alias.start < node.end and not node.start <= target.start < node.end:
            raise EditRefused(
                message("{path} holds the alias '*{name}', which must stay below '&{name}' in line {line}.",
                        path=dotted(path), name=alias.anchor, line=target.line),
                path,
            )  # fmt: skip


def _refuse_loss(document: Document, node: Node, path: Path, *, own: bool = False) -> None:
    """An anchor in a node must not have aliases outside; ``own``: only the node's own anchor counts."""
    for alias in document.aliases:
        target = document.anchors[alias.anchor]
        held = target is node if own else node.start <= target.start < node.end
        if held and not node.start <= alias.start < node.end:
            raise EditRefused(
                message("{path} is shared by '&{name}': the alias in line {line} shows the same.",
                        path=dotted(path), name=alias.anchor, line=alias.line),
                path,
            )  # fmt: skip
