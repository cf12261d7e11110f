"""An old and a new definition beside each other: the old one also in the new one's names, so that a rename is one
difference and not one for every place the name stands in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from engine.definition import AppDefinition
from engine.load import Loaded, examine_source
from engine.registry import Registry
from engine.uses import Thing, Uses, index_of
from engine.uses.rename import KeyEdit
from engine.uses.today import edits_since, rewritten
from engine.yamlfile import Path, Source, Span

LINES = 14  # of a snippet


@dataclass(frozen=True)
class Sides:
    """``old`` and ``new`` as they were read; places in the old one are said in the new one's names."""

    old: Loaded
    new: Loaded
    registry: Registry

    @cached_property
    def old_uses(self) -> Uses:
        return index_of(self.old, self.registry)

    @cached_property
    def new_uses(self) -> Uses:
        return index_of(self.new, self.registry)

    @cached_property
    def before(self) -> AppDefinition:
        """The old definition in the new one's names; as it is where nothing was renamed or it makes no sense then."""
        return self._renamed[0]

    @cached_property
    def _renamed(self) -> tuple[AppDefinition, Mapping[Path, str]]:
        edits = edits_since(self.old_uses, self.new.definition)
        keys = {edit.path: edit.name for edit in edits if isinstance(edit, KeyEdit)}
        if not keys:
            return self.old.definition, {}
        source = replace(self.old.source, data=rewritten(self.old.source.data, edits))
        found, _findings = examine_source(source, self.registry, self.old.definition.hash)
        return (self.old.definition, {}) if found is None else (found, keys)

    @cached_property
    def _former(self) -> Mapping[Path, Path]:
        """Place in the new names → place in the old file."""
        names = self._renamed[1]
        return {_in_new_names(path, names): path for path in self.old.source.values} if names else {}

    def former(self, was: Path) -> Path:
        """Where something of the old definition stands in the old file."""
        for length in range(len(was), 0, -1):
            if found := self._former.get(was[:length]):
                return (*found, *was[length:])
        return was

    def former_name(self, was: Path) -> str | None:
        """What the thing at a place was called, if it was called something else."""
        name = self.former(was)[-1] if was else None
        return str(name) if was and name != was[-1] else None

    def written(self, was: Path, path: Path) -> bool:
        return path in self.new.source.values or self.former(was) in self.old.source.values

    # --- where things stand

    def line_before(self, was: Path) -> int | None:
        return _line(self.old.source, self.former(was))

    def line_after(self, path: Path) -> int | None:
        return _line(self.new.source, path)

    def snippet_before(self, was: Path) -> str:
        return snippet(self.old.source, self.former(was))

    def snippet_after(self, path: Path) -> str:
        return snippet(self.new.source, path)

    def thing_before(self, was: Path) -> Thing | None:
        return _thing(self._old_things, self.former(was))

    def thing_after(self, path: Path) -> Thing | None:
        return _thing(self._new_things, path)

    @cached_property
    def _old_things(self) -> Mapping[Path, Thing]:
        return {defined.path: thing for thing, defined in self.old_uses.things.items()}

    @cached_property
    def _new_things(self) -> Mapping[Path, Thing]:
        return {defined.path: thing for thing, defined in self.new_uses.things.items()}


def _in_new_names(path: Path, names: Mapping[Path, str]) -> Path:
    return tuple(names.get(path[: at + 1], step) for at, step in enumerate(path))


def _thing(things: Mapping[Path, Thing], path: Path) -> Thing | None:
    """The innermost thing with a name around a place."""
    found = (things.get(path[:length]) for length in range(len(path), 0, -1))
    return next((thing for thing in found if thing is not None), None)


def _line(source: Source, path: Path) -> int | None:
    span = source.keys.get(path) or source.values.get(path)
    return span.line if span and path else None


def snippet(source: Source, path: Path) -> str:
    """What the file says at a place, its key included, moved to the left margin; the first lines of much."""
    value, key = source.values.get(path), source.keys.get(path)
    if value is None or not path:
        return ""
    start = key or value
    return _shortened(_dedented(source.text, start, max(value.end, start.end)))


def _dedented(text: str, start: Span, end: int) -> list[str]:
    first, *rest = text[start.start : end].splitlines() or [""]
    margin = start.column - 1
    return [first, *(line[margin:] if not line[:margin].strip() else line.lstrip() for line in rest)]


def _shortened(lines: list[str]) -> str:
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines if len(lines) <= LINES else [*lines[: LINES - 1], "…"])
