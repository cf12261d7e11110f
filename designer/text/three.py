"""Three-way merge of plain data: what one side changed is taken, what both changed differently is a conflict.

Maps are merged by key, and what was renamed by its stable id; lists by their items, in order. What both sides put into
a list at the same place is all kept: theirs first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from designer.text.differing import renames, same
from designer.text.weaving import Stretch, stretches
from engine.yamlfile import Path

Kind = Literal["changed", "removed by me", "removed by them", "renamed", "ordered", "taken"]


class Absent:
    """Stands for what is not there."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


class Three(NamedTuple):
    """The same thing in three places; for paths and for values."""

    base: Any
    mine: Any
    theirs: Any

    def below(self, base: Any, mine: Any, theirs: Any) -> Three:
        return Three((*self.base, base), (*self.mine, mine), (*self.theirs, theirs))


@dataclass(frozen=True)
class Clash:
    """Something that both changed: its paths and its values, ABSENT where it is not there."""

    kind: Kind
    paths: Three
    values: Three


@dataclass
class ThreeWay:
    """``choices`` says whose value is taken where both changed something, by its path in theirs."""

    choices: Mapping[Path, Literal["mine", "theirs"]] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)

    def merged(self, values: Three, paths: Three = Three((), (), ())) -> Any:  # noqa: B008 - a tuple
        base, mine, theirs = values
        if same(mine, theirs) or same(base, mine):
            return theirs
        if same(base, theirs):
            return mine
        kinds = {type(value) for value in values if value is not ABSENT}
        if kinds == {dict}:
            return self._map(Three(base if base is not ABSENT else {}, mine, theirs), paths)
        if kinds == {list} and base is not ABSENT:
            return self._list(values, paths)
        return self._clash("changed", paths, values)

    def _clash(self, kind: Kind, paths: Three, values: Three) -> Any:
        choice = self.choices.get(paths.theirs)
        if choice is None or kind == "taken":
            self.clashes.append(Clash(kind, paths, values))
        return values.mine if choice == "mine" else values.theirs

    def _map(self, values: Three, paths: Three) -> dict[str, Any]:
        base, mine, theirs = values
        my_names, their_names = _names(base, mine), _names(base, theirs)
        found: dict[str, Any] = {}
        now: dict[str, str] = {}  # my name or their name → the name in the result
        for key in base:
            trio = Three(key, my_names.get(key), their_names.get(key))
            entry = self._entry(trio, values, paths)
            if entry:
                name, found[name] = entry
                now |= {one: name for one in trio[1:] if one}
        added = [key for key in mine if key not in my_names.values()]
        came = [key for key in theirs if key not in their_names.values()]
        for key in dict.fromkeys([*came, *added]):
            found[key] = self._added(key, found, values, paths, (key in added, key in came))
        order = self._order(values, paths, now, set(found))
        return {key: found[key] for key in order}

    def _entry(self, names: Three, values: Three, paths: Three) -> tuple[str, Any] | None:
        """One entry of the base: gone, or its name and value now."""
        key, mine, theirs = names
        here = paths.below(key, mine or key, theirs or key)
        each = Three(
            values.base[key],
            values.mine[mine] if mine else ABSENT,
            values.theirs[theirs] if theirs else ABSENT,
        )
        if mine is None or theirs is None:
            return self._removed(names, each, here)
        name = mine if theirs == key else theirs
        if key not in (mine, theirs) and mine != theirs:
            name = self._clash("renamed", here, names)
        return name, self.merged(each, here)

    def _removed(self, names: Three, each: Three, here: Three) -> tuple[str, Any] | None:
        """Removed by one side: gone, unless the other one changed it."""
        left = each.theirs if each.mine is ABSENT else each.mine
        name = names.theirs or names.mine
        if left is ABSENT or (same(left, each.base) and name == names.base):
            return None
        kept = self._clash("removed by me" if each.mine is ABSENT else "removed by them", here, each)
        return None if kept is ABSENT else (name, kept)

    def _added(self, key: str, found: dict[str, Any], values: Three, paths: Three, by: tuple[bool, bool]) -> Any:
        each = Three(ABSENT, *(side[key] if is_new else ABSENT for side, is_new in zip(values[1:], by, strict=True)))
        if key in found:
            return self._clash("taken", paths.below(key, key, key), Three(ABSENT, values.mine.get(key), found[key]))
        return self.merged(each, paths.below(key, key, key)) if all(by) else each.mine if by[0] else each.theirs

    def _order(self, values: Three, paths: Three, now: dict[str, str], found: set[str]) -> list[str]:
        """Their order, unless only I changed it; what the other one added stands behind what it stood behind."""
        base, mine, theirs = (_unique([now.get(key, key) for key in side], found) for side in values)
        shared = set(base) & set(mine) & set(theirs)
        orders = Three(*([key for key in side if key in shared] for side in (base, mine, theirs)))
        if orders.base == orders.theirs:
            return _with_others(mine, theirs)
        if orders.mine in (orders.base, orders.theirs):
            return _with_others(theirs, mine)
        mine_first = self._clash("ordered", paths, orders) is orders.mine
        return _with_others(mine, theirs) if mine_first else _with_others(theirs, mine)

    def _list(self, values: Three, paths: Three) -> list[Any]:
        found: list[Any] = []
        written = [[repr(item) for item in side] for side in values]
        for stretch in stretches(*written):
            found += self._stretch(stretch, values, paths)
        no_doubles = all(len(set(side)) == len(side) for side in written)
        return list({repr(item): item for item in reversed(found)}.values())[::-1] if no_doubles else found

    def _stretch(self, stretch: Stretch, values: Three, paths: Three) -> list[Any]:
        base, mine, theirs = values.base[stretch.base], values.mine[stretch.mine], values.theirs[stretch.theirs]
        if not (stretch.by_me and stretch.by_them) or same(mine, theirs):
            return list(mine if stretch.by_me else theirs)
        if not base:
            return [*theirs, *(item for item in mine if not any(same(item, other) for other in theirs))]
        if len(base) == len(mine) == len(theirs):
            starts = (stretch.base.start, stretch.mine.start, stretch.theirs.start)
            return [
                self.merged(Three(*each), paths.below(*(start + at for start in starts)))
                for at, each in enumerate(zip(base, mine, theirs, strict=True))
            ]
        return list(self._clash("changed", paths, Three(base, mine, theirs)))


def _names(base: dict[str, Any], side: dict[str, Any]) -> dict[str, str]:
    """Key in the base → key in a side, of what is still there."""
    renamed = renames(base, side)
    return {key: renamed.get(key, key) for key in base if key in side or key in renamed}


def _unique(keys: list[str], wanted: set[str]) -> list[str]:
    return [key for key in dict.fromkeys(keys) if key in wanted]


def _with_others(order: list[str], others: list[str]) -> list[str]:
    """``order``, and each of the others behind the one it stood behind."""
    found = list(order)
    for before, key in _pairs(others):
        if key not in found:
            found.insert(found.index(before) + 1 if before in found else 0, key)
    return found


def _pairs(keys: list[str]) -> Iterator[tuple[str | None, str]]:
    yield from zip([None, *keys], keys, strict=False)
