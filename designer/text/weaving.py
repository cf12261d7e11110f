"""Three sequences, two of them made from the first → the stretches in which they agree and differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple


class Stretch(NamedTuple):
    """Slices of the three sequences that belong together; a side that did not change it has the base's."""

    base: slice
    mine: slice
    theirs: slice
    by_me: bool
    by_them: bool


class _Change(NamedTuple):
    start: int
    stop: int
    grows: int
    mine: bool


def stretches(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> Iterator[Stretch]:
    """From the start to the end; changes of both sides in the same place are one stretch."""
    at, my_shift, their_shift = 0, 0, 0
    for group in _groups(sorted([*_changes(base, mine, True), *_changes(base, theirs, False)])):
        start, stop = min(change.start for change in group), max(change.stop for change in group)
        my_growth = sum(change.grows for change in group if change.mine)
        their_growth = sum(change.grows for change in group if not change.mine)
        yield _stretch(at, start, (my_shift, my_shift), (their_shift, their_shift), [])
        mine_by, theirs_by = (my_shift, my_shift + my_growth), (their_shift, their_shift + their_growth)
        yield _stretch(start, stop, mine_by, theirs_by, group)
        at, my_shift, their_shift = stop, mine_by[1], theirs_by[1]
    yield _stretch(at, len(base), (my_shift, my_shift), (their_shift, their_shift), [])


def _stretch(start: int, stop: int, mine: tuple[int, int], theirs: tuple[int, int], group: list[_Change]) -> Stretch:
    return Stretch(
        slice(start, stop),
        slice(start + mine[0], stop + mine[1]),
        slice(start + theirs[0], stop + theirs[1]),
        any(change.mine for change in group),
        any(not change.mine for change in group),
    )


def _changes(base: Sequence[str], side: Sequence[str], mine: bool) -> Iterator[_Change]:
    for tag, start, stop, first, last in SequenceMatcher(None, base, side, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _Change(start, stop, (last - first) - (stop - start), mine)


def _groups(changes: list[_Change]) -> Iterator[list[_Change]]:
    group: list[_Change] = []
    for change in changes:
        if group and not _meets(group, change):
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _meets(group: list[_Change], change: _Change) -> bool:
    """Do they overlap, or put something in at the same place?"""
    stop = max(one.stop for one in group)
    return change.start < stop or any(one.start == one.stop == change.start == change.stop for one in group)
