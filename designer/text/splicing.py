"""Edits and a text → the text with the edits made, and every other byte as it was.

Each edit is planned on a tree of the text, made, and read again: what then stands there must be exactly what the same
edit makes of plain data. A text that says anything else is never handed out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from designer.text.differing import differences, same
from designer.text.edits import Edit, Insert, Move, SetValue, edited, is_new_key, look, move_steps
from designer.text.planning import Step, fragment_of, move_at_once, ways
from designer.text.refusals import SpliceFailed, Unreadable, where
from designer.text.scalars import plain_data
from designer.text.sharing import refuse_shared, whole_paths
from designer.text.splices import Splice, in_order, inverse, spliced
from designer.text.tree import Document
from engine.errors import message


@dataclass(frozen=True)
class Applied:
    """The new text; the splices that lead to it and, in ``inverse``, back to the same bytes. ``document`` is the new
    text read, ready for the next edit."""

    text: str
    splices: tuple[Splice, ...]
    inverse: tuple[Splice, ...]
    document: Document = field(repr=False, compare=False)


def apply(text: str | Document, edits: Iterable[Edit]) -> Applied:
    """Make edits one after the other; each path counts in what the ones before it left.

    Raises EditRefused (nothing is changed then): no such place, a name that is taken, something shared by an alias.
    """
    document = text if isinstance(text, Document) else Document.read(text)
    began, splices = document.text, []
    for edit in edits:
        document, made = _make(document, _plain(edit))
        splices += made
    return Applied(document.text, tuple(splices), inverse(began, splices), document)


def _plain(edit: Edit) -> Edit:
    """The value as it will read when it was written."""
    if isinstance(edit, SetValue):
        return replace(edit, value=plain_data(edit.value, edit.path))
    if isinstance(edit, Insert):
        return replace(edit, value=plain_data(edit.value, (*edit.parent, edit.key)))
    return edit


def _make(document: Document, edit: Edit) -> tuple[Document, list[Splice]]:
    if not isinstance(edit, (Insert, SetValue)):
        document.entry(edit.path)
    wanted = edited(document.data, edit)
    made: list[Splice] = []
    if same(wanted, document.data):
        return document, made
    for part in _parts(document, edit):
        refuse_shared(document, part)
        document, splices = _move(document, part) if isinstance(part, Move) else _follow(document, Step(part))
        made += splices
    if not same(document.data, wanted):
        raise _failed(edit)
    return document, made


def _parts(document: Document, edit: Edit) -> list[Edit]:
    """The edits of single entries an edit consists of."""
    if not isinstance(edit, SetValue):
        return [edit]
    data = document.data
    if edit.path and is_new_key(data, edit.path):
        return [Insert(edit.path[:-1], edit.path[-1], edit.value)]
    return differences(look(data, edit.path), edit.value, edit.path, whole_paths(document))


def _move(document: Document, edit: Move) -> tuple[Document, list[Splice]]:
    fragment = fragment_of(document, edit.path)
    wanted = edited(document.data, edit)
    if at_once := _first_right(document, move_at_once(document, edit, fragment), wanted):
        return at_once
    removal, insertion = move_steps(document.data, edit)
    document, removed = _follow(document, Step(removal, keep_comments=fragment.apart))
    document, inserted = _follow(document, Step(insertion, fragment))
    return document, [*removed, *inserted]


def _follow(document: Document, step: Step) -> tuple[Document, list[Splice]]:
    if found := _first_right(document, ways(document, step), edited(document.data, step.edit)):
        return found
    raise _failed(step.edit)


def _first_right(document: Document, ways: Iterable[list[Splice]], wanted: Any) -> tuple[Document, list[Splice]] | None:
    """The first of several ways after which the text says what it should."""
    for way in ways:
        splices = in_order(way)
        try:
            after = Document.read(spliced(document.text, splices))
        except Unreadable:
            continue
        if same(after.data, wanted):
            return after, list(splices)
    return None


def _failed(edit: Edit) -> SpliceFailed:
    path = edit.parent if isinstance(edit, Insert) else edit.path
    return SpliceFailed(
        message("The edit at {path} could not be written so that the file says what it should.", path=where(path)),
        path,
    )
