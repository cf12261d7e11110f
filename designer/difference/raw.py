"""Two definitions → what differs between them, place by place, without words.

Generic over the dataclasses: whatever option a type brings is compared because it is declared. What nobody wrote, and
load filled in, is no difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from designer.difference.pairs import Pairing, paired_items, paired_names
from engine.definition import AppDefinition, Form, Page, Transition
from engine.language import Condition, Duration, Label
from engine.schema import Key, keys_of
from engine.triggers import Trigger
from engine.yamlfile import Path

Kind = Literal["added", "removed", "changed", "renamed", "moved"]
IDENTITY = ("id", "renamed_from")
_WHOLE = (Label, Duration, Condition)  # dataclasses that are one value
# Who may do what is compared as what it comes to, see ``rights``.
RIGHTS: tuple[tuple[Any, str], ...] = (
    (Form, "permissions"), (Transition, "roles"), (Page, "roles"), (AppDefinition, "designers"),
    (Trigger, "roles"),
)  # fmt: skip


@dataclass(frozen=True)
class Raw:
    """One difference. ``was`` is the place in the old definition (in the new one's names), ``path`` that in the new;
    where there is none, the place it would have. ``owner`` holds the option ``key``; for an item of a list or
    mapping, ``key`` is that of the collection. ``is_item``: the values are an item, not the whole option."""

    kind: Kind
    was: Path
    path: Path
    before: Any
    after: Any
    owner: Any
    key: Key
    is_item: bool = False


@dataclass(frozen=True)
class Compared:
    """Of a choice whose type is another now, the options of the new type are compared.

    ``written`` tells whether one of the files says something at a place: (place in old, place in new) → bool;
    ``renamed`` the former name of what stands at a place in the old definition."""

    written: Callable[[Path, Path], bool]
    renamed: Callable[[Path], str | None]

    def things(self, old: Any, new: Any, was: Path, path: Path) -> Iterator[Raw]:
        """Two of the same class, or of two types of one choice."""
        if type(old) is not type(new):
            key = Key("type", "type", str, True, None, "", {})
            yield Raw("changed", (*was, "type"), (*path, "type"), old, new, new, key)
        for key in keys_of(type(new)):
            if key.attribute not in IDENTITY and not is_right(new, key):
                yield from self._option(old, new, key, (*was, key.name), (*path, key.name))

    def _option(self, old: Any, new: Any, key: Key, was: Path, path: Path) -> Iterator[Raw]:
        if self.written(was, path):
            yield from self._values(getattr(old, key.attribute, None), getattr(new, key.attribute), key, was, path, new)

    def _values(self, before: Any, after: Any, key: Key, was: Path, path: Path, owner: Any) -> Iterator[Raw]:
        mappings = isinstance(before, Mapping) and isinstance(after, Mapping)
        if mappings and not _is_plain(key.hint):
            yield from self._mapping(before, after, key, was, path, owner)
        elif is_thing(before) and is_thing(after):
            yield from self.things(before, after, was, path)
        elif _holds_things(key.hint) and before is not None and after is not None:
            yield from self._list(before, after, key, was, path, owner)
        elif not same(before, after):
            kind: Kind = "added" if before is None else "removed" if after is None else "changed"
            yield Raw(kind, was, path, before, after, owner, key)

    def _mapping(self, old: Any, new: Any, key: Key, was: Path, path: Path, owner: Any) -> Iterator[Raw]:
        pairing = paired_names(old, new)
        for one, other in pairing.both:
            here, there = (*was, one), (*path, other)
            before, after = old[one], new[other]
            if hasattr(after, "stable_id") and (one != other or self.renamed(here) is not None):
                former = self.renamed(here) or one
                yield Raw("renamed", here, there, former, other, after, key, True)
            if is_thing(before) and is_thing(after):
                yield from self.things(before, after, here, there)
            elif not same(before, after):
                yield Raw("changed", here, there, before, after, owner, key, True)
        yield from _left_over(pairing, old, new, key, was, path, owner)

    def _list(self, old: Any, new: Any, key: Key, was: Path, path: Path, owner: Any) -> Iterator[Raw]:
        pairing = paired_items(old, new)
        for one, other in pairing.both:
            yield from self.things(old[one], new[other], (*was, one), (*path, other))
        yield from _left_over(pairing, old, new, key, was, path, owner)


def _left_over(pairing: Pairing, old: Any, new: Any, key: Key, was: Path, path: Path, owner: Any) -> Iterator[Raw]:
    """What is new, gone, or stands elsewhere."""
    for name in pairing.added:
        yield Raw("added", was, (*path, name), None, new[name], owner, key, True)
    for name in pairing.removed:
        yield Raw("removed", (*was, name), path, old[name], None, owner, key, True)
    for one, other in pairing.moved:
        yield Raw("moved", (*was, one), (*path, other), old[one], new[other], owner, key, True)


def is_right(owner: Any, key: Key) -> bool:
    return any(isinstance(owner, cls) and key.attribute == name for cls, name in RIGHTS)


def is_thing(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, _WHOLE)


def _holds_things(hint: Any) -> bool:
    """A list of dataclasses."""
    if get_origin(hint) is not tuple:
        return False
    item = get_args(hint)[0]
    return dataclasses.is_dataclass(item) and item not in _WHOLE


def _is_plain(hint: Any) -> bool:
    """A mapping that is one value, such as JSON."""
    return get_origin(hint) is not Mapping


def same(one: Any, other: Any) -> bool:
    """Equal, in the same order, and of the same kinds: 1, 1.0 and true are three things."""
    return repr(one) == repr(other)
