"""A condition as data: groups of comparisons, each with something of the record on its left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ValueKind = Literal["text", "number", "boolean", "date", "today", "path", "formula"]


@dataclass(frozen=True)
class Value:
    """What something is compared with, as it would be typed.

    ``text``: any text; ``number``: its digits; ``boolean``: ``true`` or ``false``; ``date``: 2026-01-31; ``today``:
    days from today, such as ``+3`` or ``-1`` or nothing; ``path``: such as record.client.level; ``formula``: any
    other expression.
    """

    kind: ValueKind
    text: str = ""


@dataclass(frozen=True)
class Condition:
    """``left`` is a dotted name, ``operator`` a name of OPERATORS; how many values it takes, the operator says."""

    left: str
    operator: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Group:
    """``all`` of its parts hold, ``any`` of them does, or ``none``."""

    kind: Literal["all", "any", "none"]
    parts: tuple[Condition | Group, ...] = ()
