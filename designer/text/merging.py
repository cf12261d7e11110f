"""Two people edited the same text: one text with both edits, or what they disagree about, with both values and lines.

The lines are merged first, so that every remark and blank line of both survives. Where lines overlap, or where merged
lines would not say what both meant (a rename here, a new use there), the merge is one of meaning: their text, with my
edits spliced in. What the result says is compared with the merge of the data in either case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from designer.text.differing import same
from designer.text.edits import SetValue
from designer.text.refusals import Unreadable, where
from designer.text.splicing import apply
from designer.text.three import ABSENT, Clash, Three, ThreeWay
from designer.text.tree import Document
from designer.text.weaving import stretches
from engine.errors import Message, message
from engine.yamlfile import Path


@dataclass(frozen=True)
class Side:
    """What a text says about a place: the value (None and ``there`` false when it has none) and the line, from 1."""

    value: Any
    line: int
    there: bool = True


@dataclass(frozen=True)
class Conflict:
    """A place both changed. ``reason`` is the sentence; ``base``, ``mine`` and ``theirs`` are what stands there."""

    path: Path
    reason: Message
    base: Side
    mine: Side
    theirs: Side


@dataclass(frozen=True)
class Merged:
    """``text`` is None when there are conflicts. ``lost`` are remarks of mine the merged text has no place for."""

    text: str | None
    conflicts: tuple[Conflict, ...] = ()
    lost: tuple[str, ...] = ()


def merge(base: str, mine: str, theirs: str, choices: Mapping[Path, Literal["mine", "theirs"]] | None = None) -> Merged:
    """Merge two edits of one text; ``theirs`` (the file as it is now) is the ground. Raises Unreadable.

    ``choices`` settles conflicts of an earlier answer: their paths, and whose value is taken.
    """
    if mine in (base, theirs):
        return Merged(theirs)
    if theirs == base:
        return Merged(mine)
    documents = Three(Document.read(base), Document.read(mine), Document.read(theirs))
    three = ThreeWay(choices or {})
    wanted = three.merged(Three(*(document.data for document in documents)))
    if three.clashes:
        return Merged(None, tuple(_conflict(clash, documents) for clash in three.clashes))
    text = _by_lines(base, mine, theirs, wanted) or apply(documents.theirs, [SetValue((), wanted)]).text
    return Merged(text, lost=_lost(documents, text))


def _by_lines(base: str, mine: str, theirs: str, wanted: Any) -> str | None:
    """The merged lines, when no line was changed by both and they say what is wanted."""
    sides = Three(*(text.splitlines(keepends=True) for text in (base, mine, theirs)))
    found: list[str] = []
    for stretch in stretches(*sides):
        my_lines, their_lines = sides.mine[stretch.mine], sides.theirs[stretch.theirs]
        if stretch.by_me and stretch.by_them and my_lines != their_lines:
            return None
        found += my_lines if stretch.by_me else their_lines
    text = "".join(found)
    try:
        return text if same(Document.read(text).data, wanted) else None
    except Unreadable:
        return None


def _lost(documents: Three, text: str) -> tuple[str, ...]:
    kept = {*_remarks(Document.read(text)), *_remarks(documents.base)}
    return tuple(remark for remark in _remarks(documents.mine) if remark not in kept)


def _remarks(document: Document) -> list[str]:
    return [document.text[start:end].rstrip() for start, end in document.comments()]


def _conflict(clash: Clash, documents: Three) -> Conflict:
    sides = Three(*map(_side, documents, clash.paths, clash.values))
    return Conflict(clash.paths.theirs, _reason(clash, sides), *sides)


def _side(document: Document, path: Path, value: Any) -> Side:
    """Where a value stands; where it would stand when it is not there."""
    there = value is not ABSENT and document.has(path)
    while not document.has(path):
        path = path[:-1]
    return Side(value if there else None, document.entry(path).line, there)


def _reason(clash: Clash, sides: Three) -> Message:
    mine, theirs = sides.mine, sides.theirs
    lines: dict[str, Any] = {"path": where(clash.paths.theirs), "line": mine.line, "other": theirs.line}
    if clash.kind == "removed by me":
        return message("{path} was removed here and changed in the file (line {other}).", **lines)
    if clash.kind == "removed by them":
        return message("{path} was changed here (line {line}) and removed in the file.", **lines)
    if clash.kind == "ordered":
        return message("{path} has one order here (line {line}) and another in the file (line {other}).", **lines)
    if clash.kind == "taken":
        return message("{path} is a new name for two things: here (line {line}), in the file (line {other}).", **lines)
    values = {"mine": _shown(mine), "theirs": _shown(theirs)}
    if clash.kind == "renamed":
        return message(
            "{path} was renamed twice: {mine} here (line {line}), {theirs} in the file (line {other}).",
            **(lines | values | {"path": where(clash.paths.base)}),
        )
    return message(
        "{path} was changed twice: {mine} here (line {line}), {theirs} in the file (line {other}).", **lines, **values
    )


def _shown(side: Side) -> str:
    text = repr(side.value) if not isinstance(side.value, str) else side.value
    return text if len(text) <= 80 else text[:79] + "…"
