"""Cards about the way of records through their states: how long, where it waits, which paths are taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.cards.base import FormCard
from engine.cards.figures import Unit
from engine.cards.formulas import DAY_PATTERN
from engine.language import Duration, FieldName, StateName, option


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point in the life of a record: a state it came to, or a date it has."""

    state: StateName | None = option(
        "A state: where the time begins its first visit counts, where it ends its last.", None
    )
    field: FieldName | None = option("A date of the record.", None)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The time a figure is compared with."""

    start: str = option("Its first day, such as 2025-01-01.", alias="from", pattern=DAY_PATTERN)
    until: str = option("Its last day.", pattern=DAY_PATTERN)


@dataclass(frozen=True, kw_only=True)
class CycleCard(FormCard):
    """The time records take from one point to another: mean, median and what nine of ten stay below."""

    type: ClassVar[str] = "cycle"
    icon: ClassVar[str] = "hourglass"
    start: Point = option("Where the time begins.", alias="from")
    to: Point = option("Where it ends; records that came there in the period count.")
    period: Unit = option("How long a period is.", "month")
    compare: bool = option("Whether the period before stands beside it.", False)
    baseline: Baseline | None = option("The time the mean is compared with, as a compression in percent.", None)
    target: Duration | None = option("The mean that is wanted at most.", None)
    trend: int = option("A small line over so many periods, the present one included.", 0, minimum=0, maximum=36)
    group: FieldName | None = option("One row for each value of this field.", None)
    limit: int = option("How many rows; those with the most records come first.", 12, minimum=1, maximum=50)


@dataclass(frozen=True, kw_only=True)
class DwellCard(FormCard):
    """Where time is lost: how long records stay in each state, too long ones, hand-overs and returns."""

    type: ClassVar[str] = "dwell"
    icon: ClassVar[str] = "stopwatch"
    period: Unit = option("How long a period is; visits that ended in it count.", "month")
    bars: Literal["sum", "mean", "p90"] = option("What the bars show; nine of ten visits stay below p90.", "sum")


@dataclass(frozen=True, kw_only=True)
class ProcessCard(FormCard):
    """The paths records really take from state to state, drawn as a map."""

    type: ClassVar[str] = "process"
    icon: ClassVar[str] = "sitemap"
    period: Unit = option("How long a period is; steps taken in it count.", "quarter")
