"""Cards that fold records into figures."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from engine.cards.base import FormCard
from engine.language import Colour, FieldName, Label, option

Fold = Literal["count", "sum", "min", "max", "mean"]
Unit = Literal["day", "week", "month", "quarter", "year"]


@dataclass(frozen=True, kw_only=True)
class NumberCard(FormCard):
    """One figure over the records, beside its target and the period before."""

    type: ClassVar[str] = "number"
    icon: ClassVar[str] = "number"
    fold: Fold = option("How the records are folded into one figure.", "count")
    field: FieldName | None = option("The field that is folded.", None)
    date: FieldName | None = option("Only records whose date is in the present period count.", None)
    period: Unit = option("How long a period is; it needs a date.", "month")
    compare: bool = option("Whether the period before stands beside it; it needs a date.", False)
    target: Decimal | None = option("The figure that is wanted.", None)
    better: Literal["more", "less"] = option("Whether more is better or less.", "more")
    colour: Colour = option("The colour of the figure.", "blue")


@dataclass(frozen=True, kw_only=True)
class TrendCard(FormCard):
    """A figure for each day, week or month."""

    type: ClassVar[str] = "trend"
    icon: ClassVar[str] = "trending-up"
    date: FieldName = option("The date or moment that says when.")
    by: Unit = option("One point for each of these.", "month")
    last: int = option("How many of them, the present one included.", 12, minimum=1, maximum=92)
    ahead: int = option("How many that are still to come.", 0, minimum=0, maximum=92)
    cumulative: bool = option("Each point holds everything from the first one on.", False)
    fold: Fold = option("How the records of each are folded.", "count")
    field: FieldName | None = option("The field that is folded.", None)
    group: FieldName | None = option("One line for each value of this field.", None)
    shape: Literal["line", "bars"] = option("How it is drawn.", "line")
    colour: Colour = option("The colour of the line or the bars.", "blue")


@dataclass(frozen=True, kw_only=True)
class BreakdownCard(FormCard):
    """The records counted or summed by state, choice or link, as bars or as a ring."""

    type: ClassVar[str] = "breakdown"
    icon: ClassVar[str] = "chart-bar"
    group: FieldName = option("What makes the bars.")
    fold: Literal["count", "sum"] = option("How each group is folded.", "count")
    field: FieldName | None = option("The field that is summed.", None)
    shape: Literal["bars", "ring"] = option("How it is drawn.", "bars")
    limit: int = option("How many groups; what is left stands together as others.", 12, minimum=2, maximum=30)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of a table."""

    label: Label | None = option("The heading. Default: the field's own.", None)
    fold: Fold = option("How the records are folded.", "count")
    field: FieldName | None = option("The field that is folded.", None)


@dataclass(frozen=True, kw_only=True)
class TableCard(FormCard):
    """Figures in rows by one field, and in columns by another."""

    type: ClassVar[str] = "table"
    icon: ClassVar[str] = "table"
    rows: FieldName = option("What makes the rows.")
    columns: FieldName | None = option("What makes the columns, for a single figure.", None)
    figures: tuple[Figure, ...] = option("The figures. Default: how many.", (Figure(),), minItems=1, maxItems=6)
    limit: int = option("How many rows; the largest come first.", 12, minimum=1, maximum=50)


@dataclass(frozen=True, kw_only=True)
class AgeingCard(FormCard):
    """What is due and overdue, by how many days, in one row or by group."""

    type: ClassVar[str] = "ageing"
    icon: ClassVar[str] = "calendar-stats"
    date: FieldName = option("The date that is past or still to come.")
    fold: Literal["count", "sum"] = option("How the records of each cell are folded.", "count")
    field: FieldName | None = option("The field that is summed.", None)
    group: FieldName | None = option("One row for each value of this field.", None)
    edges: tuple[int, ...] = option(
        "The last day of each span overdue but the last.", (30, 60, 90), minItems=1, maxItems=8
    )
    limit: int = option("How many rows; the largest come first.", 12, minimum=1, maximum=50)
