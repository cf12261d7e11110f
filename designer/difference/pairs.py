"""Which thing of the old collection is which of the new one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from designer.text.differing import longest_rising

ALIKE = 0.5  # how much of two items has to be the same for them to be one that was changed


@dataclass(frozen=True)
class Pairing:
    """Names or places: the same in ``both`` (old, new), those only in one, and of both the ones that stand elsewhere
    among the rest."""

    both: tuple[tuple[Any, Any], ...]
    added: tuple[Any, ...]
    removed: tuple[Any, ...]
    moved: tuple[tuple[Any, Any], ...]


def paired_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> Pairing:
    """By name; what has no counterpart of its name, by its stable identity."""
    both = {name: name for name in old if name in new}
    came = {identity: name for name in new if name not in old for identity in _identities(name, new[name])}
    for name in old:
        if name not in both and (found := came.get(_identity(name, old[name]))) and found not in both.values():
            both[name] = found
    return _pairing(both, list(old), list(new))


def _identity(name: str, thing: Any) -> str:
    return getattr(thing, "stable_id", name)


def _identities(name: str, thing: Any) -> Iterator[str]:
    if former := getattr(thing, "renamed_from", None):
        yield former
    if _identity(name, thing) != name:
        yield thing.stable_id


def paired_items(old: Sequence[Any], new: Sequence[Any]) -> Pairing:
    """Equal items first, then those with the same face, then, between these, the ones most alike."""
    both: dict[int, int] = {}
    for face in (repr, _face):
        _by_face(old, new, face, both)
    _by_likeness(old, new, both)
    return _pairing(both, list(range(len(old))), list(range(len(new))))


def _by_face(old: Sequence[Any], new: Sequence[Any], face: Any, both: dict[int, int]) -> None:
    """Items with the same face, in the order they stand in."""
    taken = set(both.values())
    left: dict[Hashable, list[int]] = {}
    for at, item in enumerate(new):
        if at not in taken:
            left.setdefault(face(item), []).append(at)
    for at, item in enumerate(old):
        if at not in both and (wanted := face(item)) is not None and left.get(wanted):
            both[at] = left[wanted].pop(0)


def _face(item: Any) -> tuple[str, str] | None:
    """What people know an item by: its heading."""
    label = getattr(item, "label", None) or getattr(item, "saved_as", None)
    return (type(item).__name__, repr(label)) if label else None


def _by_likeness(old: Sequence[Any], new: Sequence[Any], both: dict[int, int]) -> None:
    taken = set(both.values())
    scores = [
        (_likeness(old[one], new[other]), -abs(one - other), one, other)
        for one in range(len(old)) if one not in both
        for other in range(len(new)) if other not in taken and type(old[one]) is type(new[other])
    ]  # fmt: skip
    for score, _near, one, other in sorted(scores, reverse=True):
        if score >= ALIKE and one not in both and other not in taken:
            both[one] = other
            taken.add(other)


def _likeness(one: Any, other: Any) -> float:
    return SequenceMatcher(None, repr(one), repr(other), autojunk=False).ratio()


def _pairing(both: dict[Any, Any], old: list[Any], new: list[Any]) -> Pairing:
    came = {other: one for one, other in both.items()}
    shared = [name for name in new if name in came]
    places = {name: at for at, name in enumerate(old)}
    staying = longest_rising([places[came[name]] for name in shared])
    return Pairing(
        tuple((came[name], name) for name in shared),
        tuple(name for name in new if name not in came),
        tuple(name for name in old if name not in both),
        tuple((came[name], name) for at, name in enumerate(shared) if at not in staying),
    )
