"""The cards of a page: figures (``figures``), records (``records``), words (``notes``)."""

from engine.cards.base import Card, FormCard
from engine.cards.figures import BreakdownCard, Figure, NumberCard, TableCard, TrendCard
from engine.cards.notes import TextCard
from engine.cards.records import BoardCard, GanttCard, RecordsCard
from engine.registry import Registry

__all__ = [
    "BoardCard", "BreakdownCard", "Card", "Figure", "FormCard", "GanttCard", "NumberCard", "RecordsCard", "TableCard",
    "TextCard", "TrendCard", "register",
]  # fmt: skip


def register(registry: Registry) -> None:
    for card in (NumberCard, TrendCard, BreakdownCard, TableCard, RecordsCard, BoardCard, GanttCard, TextCard):
        registry.card(card)
