"""The ways to look at the records of a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.language import Expression, FieldName, Label, Named, SortKey, option
from engine.registry import Registry


@dataclass(frozen=True, kw_only=True)
class View(Named):
    """A way to look at the records of a form."""

    type: ClassVar[str]
    icon: ClassVar[str] = "list"
    label: Label | None = option("The name of the view.", None)
    where: Expression | None = option("Only records for which this holds.", None)


@dataclass(frozen=True, kw_only=True)
class ListView(View):
    """A table of records."""

    type: ClassVar[str] = "list"
    columns: tuple[FieldName, ...] = option(
        "The columns, in order; system columns such as state and owner may stand here too.", minItems=1
    )
    sort: tuple[SortKey, ...] = option("Sort order; '-' in front of a field for descending.", ())
    card: tuple[FieldName, ...] = option(
        "What a phone shows of a record: title, subtitle, figure. Default: the first three columns.", ()
    )
    totals: tuple[FieldName, ...] = option("Columns to sum up over the filtered records.", ())


@dataclass(frozen=True, kw_only=True)
class KanbanView(View):
    """Cards in columns by state or choice; dragging a card takes the transition."""

    type: ClassVar[str] = "kanban"
    icon: ClassVar[str] = "layout-kanban"
    group: FieldName = option("The state or choice field that makes the columns.")
    card: tuple[FieldName, ...] = option("What a card shows.", minItems=1)
    sort: tuple[SortKey, ...] = option("Order inside a column.", ())


@dataclass(frozen=True, kw_only=True)
class CalendarView(View):
    """Records on the days of a month."""

    type: ClassVar[str] = "calendar"
    icon: ClassVar[str] = "calendar"
    date: FieldName = option("The date or datetime field.")
    card: tuple[FieldName, ...] = option("What an entry shows. Default: the title.", ())


@dataclass(frozen=True, kw_only=True)
class GanttView(View):
    """Records as bars on a time line."""

    type: ClassVar[str] = "gantt"
    icon: ClassVar[str] = "chart-bar"
    start: FieldName = option("Where the bar begins.")
    end: FieldName = option("Where the bar ends.")
    group: FieldName | None = option("Rows are grouped by this field.", None)


@dataclass(frozen=True, kw_only=True)
class TreeView(View):
    """Records under their parents."""

    type: ClassVar[str] = "tree"
    icon: ClassVar[str] = "hierarchy"
    parent: FieldName = option("The link field to the same form that names the parent.")
    columns: tuple[FieldName, ...] = option("The columns beside the title.", ())


@dataclass(frozen=True, kw_only=True)
class WaitsFor:
    """Something a record waits for."""

    label: Label = option("What it waits for, such as Material.")
    when: Expression = option("It waits for it while this holds.")


@dataclass(frozen=True, kw_only=True)
class TowerView(View):
    """Every open record on one screen: step, time, forecast, what it waits for and how much it is at risk."""

    type: ClassVar[str] = "tower"
    icon: ClassVar[str] = "activity"
    where: Expression | None = option(
        "Only records for which this holds. Default: those in no final state.", Expression("not record.state.final")
    )
    columns: tuple[FieldName, ...] = option("What is shown of a record. Default: its title.", ())
    groups: tuple[FieldName, ...] = option(
        "What records can be grouped and filtered by, beside state and risk: choices, links, owner.", ()
    )
    waits: tuple[WaitsFor, ...] = option(
        "What a record may wait for, the weightiest first; open questions, missing deliverables and closed guards are "
        "known without.",
        (),
    )


def register(registry: Registry) -> None:
    for view in (ListView, KanbanView, CalendarView, GanttView, TreeView, TowerView):
        registry.view(view)
