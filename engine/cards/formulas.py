"""Cards that work a figure out of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from engine.cards.base import Card
from engine.cards.figures import Fold, Unit
from engine.language import Colour, Expression, FieldName, FormName, Label, option

DAY_PATTERN = r"^\d{4}-\d{2}-\d{2}$"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One figure of a formula. Durations count in hours, the sum of nothing is 0."""

    label: Label | None = option("What it is called. Default: its name.", None)
    form: FormName = option("The form whose records it counts.")
    where: Expression | None = option("Only records for which this holds.", None)
    fold: Fold = option("How the records are folded into one figure.", "count")
    field: FieldName | None = option("The field that is folded.", None, of="form")
    date: FieldName | None = option(
        "Only records whose date is in the period count. Default: all, whenever they are from.", None, of="form"
    )
    group: FieldName | None = option(
        "What tells the rows of the formula apart. A figure without it counts the same in every row.", None, of="form"
    )


@dataclass(frozen=True, kw_only=True)
class Formula(Card):
    """Figures by name, and what is worked out of them."""

    figures: Mapping[str, Part] = option("The figures, by the name the formula reads them under.", minProperties=1)
    value: Expression = option("The formula over the names of the figures; a division by zero is empty.")
    format: Literal["number", "percent", "money"] = option(
        "How the result is shown; percent shows 0.5 as 50%.", "number"
    )
    digits: int = option("How many digits stand behind the point.", 1, minimum=0, maximum=4)
    better: Literal["more", "less"] = option("Whether more is better or less.", "more")
    colour: Colour = option("The colour of the figure.", "blue")


@dataclass(frozen=True, kw_only=True)
class FormulaCard(Formula):
    """A rate or another figure worked out of several, in one or by group."""

    type: ClassVar[str] = "formula"
    icon: ClassVar[str] = "math-function"
    period: Unit = option("How long a period is, for the figures that have a date.", "month")
    compare: bool = option("Whether the period before stands beside it.", False)
    target: Decimal | None = option("The result that is wanted, such as 0.95 for 95%.", None)
    trend: int = option("A small line over so many periods, the present one included.", 0, minimum=0, maximum=36)
    limit: int = option("How many rows; the rest is said to be left out.", 12, minimum=1, maximum=50)


@dataclass(frozen=True, kw_only=True)
class BeforeAfterCard(Formula):
    """A formula over equal spans of time before and after a day, with the change."""

    type: ClassVar[str] = "before_after"
    icon: ClassVar[str] = "switch-horizontal"
    day: str | None = option(
        "The first day after, such as 2026-03-01. Default: when the application was last published.",
        None,
        pattern=DAY_PATTERN,
    )
    days: int = option("How many days before and after; fewer where fewer have passed.", 28, minimum=1, maximum=366)
