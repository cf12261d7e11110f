"""The tiles of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.language import Colour, Expression, FieldName, FormName, Label, SortKey, option
from engine.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Card:
    """One tile of a page."""

    type: ClassVar[str]
    label: Label = option("The heading.")
    form: FormName = option("The form whose records it shows.")
    where: Expression | None = option("Only records for which this holds.", None)
    width: int = option("Twelfths of the page's width.", 3, minimum=1, maximum=12)


@dataclass(frozen=True, kw_only=True)
class NumberCard(Card):
    """One figure over the records: how many, or the sum, least, greatest or mean of a field."""

    type: ClassVar[str] = "number"
    fold: Literal["count", "sum", "min", "max", "mean"] = option("How the records are folded into one figure.", "count")
    field: FieldName | None = option("The field that is folded.", None)
    colour: Colour = option("The colour of the figure.", "blue")


@dataclass(frozen=True, kw_only=True)
class BreakdownCard(Card):
    """Bars: the records counted or summed by state, choice or link."""

    type: ClassVar[str] = "breakdown"
    group: FieldName = option("What makes the bars.")
    fold: Literal["count", "sum"] = option("How each group is folded.", "count")
    field: FieldName | None = option("The field that is summed.", None)


@dataclass(frozen=True, kw_only=True)
class RecordsCard(Card):
    """The first records of a list."""

    type: ClassVar[str] = "records"
    columns: tuple[FieldName, ...] = option("The columns.", minItems=1)
    sort: tuple[SortKey, ...] = option("Sort order.", ())
    limit: int = option("How many.", 8, minimum=1, maximum=50)


def register(registry: Registry) -> None:
    for card in (NumberCard, BreakdownCard, RecordsCard):
        registry.card(card)
