"""What a migration asks people before it is done, and what they answered.

A question is about data that is there now: how many records it concerns, the first of them, and what may be done with
them. Nothing is chosen for people where something would be lost; what loses nothing has a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Message
from engine.yamlfile import Path


@dataclass(frozen=True)
class Choice:
    """One thing that may be done. ``takes``: nothing, or what has to be said beside it: a ``value`` of the field (as
    it would be typed) or one of ``options`` (name → label)."""

    name: str
    label: Message
    takes: str = ""  # "", "value", "option"
    options: Mapping[str, Any] | None = None  # option or state name → Label
    loses: bool = False  # takes something away from people (it is kept in an archive)


@dataclass(frozen=True)
class Affected:
    """One record a question is about, as an example."""

    id: int
    title: str
    value: str = ""


@dataclass(frozen=True)
class MigrationQuestion:
    """``id`` is stable, such as ``required ticket.answer``; ``about`` the place in the new file (empty when it is gone
    from it); ``count`` how many records it concerns, ``rows`` the first ten. ``default``: the choice that is taken
    unless another is, None where somebody must choose."""

    id: str
    about: Path
    message: Message
    count: int
    rows: tuple[Affected, ...]
    choices: tuple[Choice, ...]
    default: str | None = None


@dataclass(frozen=True)
class Decision:
    """What was answered to a question: the choice, and what it takes."""

    choice: str
    value: str = ""

    def as_data(self) -> dict[str, str]:
        return {"choice": self.choice, "value": self.value}

    @staticmethod
    def from_data(data: Mapping[str, str]) -> Decision:
        return Decision(data["choice"], data.get("value", ""))


Decisions = Mapping[str, Decision]  # by the id of the question
