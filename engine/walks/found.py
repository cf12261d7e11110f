"""What a walk finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import Message


@dataclass(frozen=True)
class Step:
    """A transition that was taken, and by whom: one of its roles, or a rule."""

    transition: str
    role: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Blocked:
    """A transition that leaves the state and cannot be taken: ``clause`` is the part of its guard that does not hold,
    ``field`` what would have to be filled."""

    transition: str
    clause: str | None
    field: str | None
    sentence: Message


@dataclass(frozen=True)
class Stuck:
    """A record nobody can help. ``by``: the role that created it, None for a rule or an import; ``path``: the shortest
    way into ``state``; ``values``: the fields of the record there, as people read them; empty ones are left out."""

    form: str
    state: str
    by: str | None
    path: tuple[Step, ...]
    values: Mapping[str, str]
    blocked: tuple[Blocked, ...]
    sentence: Message
