"""What would not load or not work any more if a thing were deleted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from engine.errors import Message, message
from engine.schema import keys_of
from engine.uses.index import Use, Uses
from engine.uses.things import Thing
from engine.uses.where import place as place_in_words
from engine.yamlfile import Path


@dataclass(frozen=True)
class Break:
    """A place that needs what is deleted: where it stands, and why, for people.

    ``start`` and ``end`` as in ``Use``. ``by``: the thing whose name stands there, the deleted one or one inside it;
    None where what is left would be too little.
    """

    path: Path
    start: int
    end: int
    by: Thing | None
    sentence: Message
    sure: bool = True


def breaks(uses: Uses, thing: Thing) -> tuple[Break, ...]:
    """Everything that breaks without the thing, in the order of the file. KeyError for what the file does not define."""
    path = uses.things[thing].path
    found = [*_uses(uses, path), *_too_little(uses, path)]
    return tuple(sorted(found, key=lambda one: (uses.source.value_at(one.path).start, one.start)))


def _uses(uses: Uses, gone: Path) -> Iterator[Break]:
    """Whatever names the thing or something inside it, from outside."""
    seen: set[tuple[Path, int]] = set()
    for inner in (thing for thing, defined in uses.things.items() if _is_in(defined.path, gone)):
        for use in uses.of(inner):
            if not _is_in(use.path, gone) and (use.path, use.start) not in seen:
                seen.add((use.path, use.start))
                yield _break(use, inner)


def _is_in(path: Path, around: Path) -> bool:
    return path[: len(around)] == around


def _break(use: Use, thing: Thing) -> Break:
    return Break(use.path, use.start, use.end, thing, use.sentence, use.sure)


def _too_little(uses: Uses, gone: Path) -> Iterator[Break]:
    """The last of what must not be empty."""
    around = gone[:-1]
    value, least = _limited(uses.definition, around)
    if isinstance(value, Mapping) and least and len(value) <= least:
        said = message("{place} needs at least {least}.", place=place_in_words(uses.definition, around), least=least)
        yield Break(around, 0, 0, None, said)


def _limited(thing: Any, path: Path) -> tuple[Any, int]:
    """What stands at a path, and how many entries it must have."""
    value, least = thing, 0
    for step in path:
        if dataclasses.is_dataclass(value):
            key = next((key for key in keys_of(type(value)) if key.name == step), None)
            if key is None:
                return None, 0
            least = key.limits.get("minProperties", 0) if get_origin(key.hint) is Mapping else 0
            value = getattr(value, key.attribute)
        else:
            value = value[step] if not isinstance(value, Mapping) else value.get(step)
    return value, least
