"""Cards that show records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cards.base import Card, FormCard
from engine.language import FieldName, FormName, SortKey, ViewName, option


@dataclass(frozen=True, kw_only=True)
class RecordsCard(FormCard):
    """The first records of a list."""

    type: ClassVar[str] = "records"
    icon: ClassVar[str] = "list"
    columns: tuple[FieldName, ...] = option("The columns.", minItems=1)
    sort: tuple[SortKey, ...] = option("Sort order.", ())
    limit: int = option("How many.", 8, minimum=1, maximum=50)


@dataclass(frozen=True, kw_only=True)
class BoardCard(Card):
    """The first cards of each column of a kanban view."""

    type: ClassVar[str] = "board"
    icon: ClassVar[str] = "layout-kanban"
    form: FormName = option("The form whose records it shows.")
    view: ViewName = option("The kanban view.")
    limit: int = option("How many cards of a column.", 3, minimum=1, maximum=10)


@dataclass(frozen=True, kw_only=True)
class GanttCard(Card):
    """The bars of a gantt view that touch the next weeks."""

    type: ClassVar[str] = "gantt"
    icon: ClassVar[str] = "timeline"
    form: FormName = option("The form whose records it shows.")
    view: ViewName = option("The gantt view.")
    weeks: int = option("How many weeks, last week being the first.", 6, minimum=2, maximum=26)
    limit: int = option("How many bars at most.", 40, minimum=1, maximum=200)
