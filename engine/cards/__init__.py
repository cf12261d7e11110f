"""The cards of a page: figures (``figures``, ``formulas``), ways (``flows``), records (``records``), words
(``notes``)."""

from engine.cards.base import Card, FormCard
from engine.cards.figures import AgeingCard, BreakdownCard, Figure, NumberCard, TableCard, TrendCard
from engine.cards.flows import Baseline, CycleCard, DwellCard, Point, ProcessCard
from engine.cards.formulas import BeforeAfterCard, Formula, FormulaCard, Part
from engine.cards.notes import TextCard
from engine.cards.records import BoardCard, GanttCard, RecordsCard
from engine.registry import Registry

__all__ = [
    "AgeingCard", "Baseline", "BeforeAfterCard", "BoardCard", "BreakdownCard", "Card", "CycleCard", "DwellCard",
    "Figure", "FormCard", "Formula", "FormulaCard", "GanttCard", "NumberCard", "Part", "Point", "ProcessCard",
    "RecordsCard", "TableCard", "TextCard", "TrendCard", "register",
]  # fmt: skip


def register(registry: Registry) -> None:
    for card in (
        NumberCard, TrendCard, BreakdownCard, TableCard, FormulaCard, BeforeAfterCard, AgeingCard, CycleCard,
        DwellCard, ProcessCard, RecordsCard, BoardCard, GanttCard, TextCard,
    ):  # fmt: skip
        registry.card(card)
