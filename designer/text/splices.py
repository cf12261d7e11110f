"""A change of a text as data: replace ``start`` to ``end`` by ``new``.

A tuple of splices is made in its order, each on the text the ones before it left, so an editor can follow them one
after the other, and the inverse is again such a tuple.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Splice(NamedTuple):
    start: int
    end: int
    new: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    for start, end, new in splices:
        text = text[:start] + new + text[end:]
    return text


def inverse(text: str, splices: Iterable[Splice]) -> tuple[Splice, ...]:
    """What undoes the splices on the text they leave."""
    back: list[Splice] = []
    for splice in splices:
        start, end, new = splice
        back.append(Splice(start, start + len(new), text[start:end]))
        text = spliced(text, (splice,))
    return tuple(reversed(back))


def in_order(splices: Iterable[Splice]) -> tuple[Splice, ...]:
    """Splices that all count in the same text → the last place first, so that none moves another.

    What is put in where something else is taken out stands before what replaces it; of two that are put in at the
    same place the first given stands first.
    """
    real = [splice for splice in splices if splice.start < splice.end or splice.new]
    found = [(splice.start, splice.end, -at, splice) for at, splice in enumerate(real)]
    return tuple(splice for *_, splice in sorted(found, reverse=True))
