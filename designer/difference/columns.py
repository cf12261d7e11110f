"""Two texts side by side: rows of two columns, what is equal folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

CONTEXT = 3
LONGEST = 600  # rows of one answer
Mark = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True)
class Row:
    """One line of both texts; numbers count from 1, None on a side that has no such line."""

    mark: Mark
    old_number: int | None
    old: str
    new_number: int | None
    new: str


@dataclass(frozen=True)
class Fold:
    """``count`` rows that are not shown. ``rest``: because it would be too much, not because they are equal."""

    count: int
    rest: bool = False


def side_by_side(old_text: str, new_text: str, context: int = CONTEXT, longest: int = LONGEST) -> list[Row | Fold]:
    """Rows in order with ``context`` equal lines around each difference; at most ``longest`` of them."""
    rows = list(_rows(old_text.splitlines(), new_text.splitlines()))
    near = _near(rows, context)
    found: list[Row | Fold] = []
    for at, row in enumerate(rows):
        if len(found) >= longest:
            return [*found, Fold(len(rows) - at, True)]
        if at in near:
            found.append(row)
        elif found and isinstance(found[-1], Fold):
            found[-1] = Fold(found[-1].count + 1)
        else:
            found.append(Fold(1))
    return found if near else []


def _rows(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    for tag, start, stop, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        size = max(stop - start, last - first)
        for at in range(size):
            one, other = (start + at if start + at < stop else None), (first + at if first + at < last else None)
            yield _row(tag == "equal", one, other, old, new)


def _row(equal: bool, one: int | None, other: int | None, old: Sequence[str], new: Sequence[str]) -> Row:
    mark: Mark = "same" if equal else "added" if one is None else "removed" if other is None else "changed"
    return Row(
        mark,
        None if one is None else one + 1,
        "" if one is None else old[one],
        None if other is None else other + 1,
        "" if other is None else new[other],
    )


def _near(rows: Sequence[Row], context: int) -> set[int]:
    """The rows within reach of a difference."""
    return {
        near
        for at, row in enumerate(rows) if row.mark != "same"
        for near in range(max(at - context, 0), min(at + context + 1, len(rows)))
    }  # fmt: skip
