"""Cards of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.cards.base import Card
from engine.language import Label, option


@dataclass(frozen=True, kw_only=True)
class TextCard(Card):
    """A heading or a notice."""

    type: ClassVar[str] = "text"
    icon: ClassVar[str] = "typography"
    text: Label | None = option("What stands below the heading; an empty line begins another paragraph.", None)
    tone: Literal["plain", "info", "success", "warning", "danger"] = option("How it is said.", "plain")
