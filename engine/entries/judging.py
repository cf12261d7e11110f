"""An entry was made over a record that may have changed since: what can be kept of both, and what clashes.

What adds up is added, whoever came first. Of everything else a change of one side alone is kept, and the same change by
both is no clash. A record that has moved on to another state was another record to whoever looked at it: then only
what adds up goes through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Made:
    """What the record was like when the entry was made. ``base`` holds the values shown then, of the fields that were
    filled in; one that is not in it was empty, or never seen. Without a version nothing was: a code was scanned."""

    version: int | None
    state: str | None
    base: Mapping[str, Any]


@dataclass(frozen=True)
class Clash:
    """A field both changed differently."""

    field: str
    base: Any
    yours: Any
    theirs: Any


@dataclass(frozen=True)
class Judgement:
    """``values``: what the fields become, sums worked out; without those that clash. ``moved``: it stands in another
    state. ``merged``: somebody else changed it, and both changes are kept."""

    values: Mapping[str, Any]
    clashes: tuple[Clash, ...]
    moved: bool
    merged: bool

    @property
    def goes_through(self) -> bool:
        return not self.clashes and not self.moved


def judge(
    made: Made, typed: Mapping[str, Any], adding: Collection[str], row: Mapping[str, Any], *, step: bool = False
) -> Judgement:
    """``typed`` and ``row`` hold parsed values; those of ``adding`` are added: numbers as sums, files behind files.
    ``step``: a step is taken with it, which is from one state to another."""
    values: dict[str, Any] = {}
    clashes: list[Clash] = []
    changed = None if made.version is None else row.get("version") != made.version
    for name, value in typed.items():
        stored = row.get(name)
        if name in adding:
            values[name] = added(stored, value)
        elif changed is False or _is_kept(made, name, value, stored):
            values[name] = value
        else:
            clashes.append(Clash(name, made.base.get(name), value, stored))
    looked_at = step or any(name not in adding for name in typed)
    moved = looked_at and made.state is not None and row.get("state") != made.state
    return Judgement(values, tuple(clashes), moved, bool(changed) and not clashes and not moved)


def added(stored: Any, value: Any) -> Any:
    """The sum; nothing counts as nothing."""
    if value in (None, ()):
        return stored
    if stored is None:
        return value
    return stored + value


def _is_kept(made: Made, name: str, value: Any, stored: Any) -> bool:
    """Whether nobody else wanted something else with the field."""
    return stored == value or made.base.get(name) == stored
