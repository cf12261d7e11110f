"""Two pieces of plain data → the edits that lead from one to the other, as small as they can be.

What is named keeps its identity through a rename: an entry with ``id: note`` is the one that was called ``note``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from designer.text.edits import Edit, Insert, Move, Remove, RenameKey, SetValue
from engine.yamlfile import Path

_ID = re.compile(r"[a-z][a-z0-9_]{0,62}")


def differences(old: Any, new: Any, path: Path = (), whole: frozenset[Path] = frozenset()) -> list[Edit]:
    """Edits to be made one after the other; what stands at a path of ``whole`` is replaced as a whole."""
    return list(_Differences(whole).between(old, new, path))


def same(one: Any, other: Any) -> bool:
    """Equal, in the same order and of the same kinds (1, 1.0 and true are three things)."""
    return bool(one == other) and repr(one) == repr(other)


def identity(key: str, value: Any) -> str:
    """What stays when something named is renamed: its ``id``, else its name."""
    found = value.get("id") if isinstance(value, Mapping) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else key


def renames(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Old key → new key of what was renamed."""
    gone = {identity(key, value): key for key, value in old.items() if key not in new}
    came = {_former(key, value): key for key, value in new.items() if key not in old}
    return {key: came[same_one] for same_one, key in gone.items() if same_one in came}


def _former(key: str, value: Any) -> str:
    found = value.get("renamed_from") if isinstance(value, Mapping) else None
    return found if isinstance(found, str) and identity(key, value) == key else identity(key, value)


@dataclass(frozen=True)
class _Differences:
    whole: frozenset[Path]

    def between(self, old: Any, new: Any, path: Path) -> Iterator[Edit]:
        if same(old, new):
            return
        if path in self.whole:
            yield SetValue(path, new)
        elif old and new and isinstance(old, dict) and isinstance(new, dict):
            yield from self._maps(old, new, path)
        elif old and new and isinstance(old, list) and isinstance(new, list):
            yield from self._lists(old, new, path)
        else:
            yield SetValue(path, new)

    def _maps(self, old: dict[str, Any], new: dict[str, Any], path: Path) -> Iterator[Edit]:
        renamed = renames(old, new)
        yield from (RenameKey((*path, key), name) for key, name in renamed.items())
        old = {renamed.get(key, key): value for key, value in old.items()}
        for key in new:
            if key in old:
                yield from self.between(old[key], new[key], (*path, key))
        yield from _ordered(list(old), list(new), path)
        before: str | None = None
        for key in new:
            if key not in old:
                yield Insert(path, key, new[key], after=before, index=0 if before is None else None)
            before = key
        yield from (Remove((*path, key)) for key in old if key not in new)

    def _lists(self, old: list[Any], new: list[Any], path: Path) -> Iterator[Edit]:
        before, after = [repr(item) for item in old], [repr(item) for item in new]
        if len(set(before)) == len(before) and sorted(before) == sorted(after):
            yield from _sorted(before, after, path)
            return
        if len(old) == len(new) == 1:
            yield from self.between(old[0], new[0], (*path, 0))
            return
        matcher = SequenceMatcher(None, before, after, autojunk=False)
        for tag, start, stop, first, last in reversed(matcher.get_opcodes()):
            if tag != "equal":
                yield from self._stretch(old[start:stop], new[first:last], start, path)

    def _stretch(self, old: list[Any], new: list[Any], start: int, path: Path) -> Iterator[Edit]:
        """Items that were replaced: pairs are edited, the rest is put in or taken out, from the end."""
        shared = min(len(old), len(new))
        for at in range(len(new) - 1, shared - 1, -1):
            yield Insert(path, start + shared, new[at])
        for at in range(len(old) - 1, shared - 1, -1):
            yield Remove((*path, start + at))
        for at in range(shared):
            yield from self.between(old[at], new[at], (*path, start + at))


def _ordered(old: list[str], new: list[str], path: Path) -> Iterator[Edit]:
    """Move as few keys as possible so that those in both stand as in the new map."""
    shared = [key for key in new if key in set(old)]
    staying = longest_rising([old.index(key) for key in shared])
    before: str | None = None
    for at, key in enumerate(shared):
        if at not in staying:
            yield Move((*path, key), path, after=before, index=0 if before is None else None)
        before = key


def longest_rising(numbers: list[int]) -> set[int]:
    """The places of a longest rising subsequence of different numbers."""
    tops: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for at, number in enumerate(numbers):
        length = bisect_left(tops, number)
        back.append(ends[length - 1] if length else -1)
        tops[length:] = [*([number]), *tops[length + 1 :]]
        ends[length:] = [at, *ends[length + 1 :]]
    found, at = set(), ends[-1] if ends else -1
    while at >= 0:
        found.add(at)
        at = back[at]
    return found


def _sorted(before: list[str], after: list[str], path: Path) -> Iterator[Edit]:
    """The same items in another order."""
    staying = longest_rising([before.index(item) for item in after])
    current = list(before)
    for at, item in enumerate(after):
        if at in staying:
            continue
        current.remove(item)
        place = 0 if at == 0 else current.index(after[at - 1]) + 1
        yield Move((*path, before.index(item)), path, index=place)
        current.insert(place, item)
        before = list(current)
