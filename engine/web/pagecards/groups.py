"""Records in groups: bars, a ring, and a table of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.cards import BreakdownCard, Figure, TableCard
from engine.columns import Columns
from engine.errors import message
from engine.fields.base import Field
from engine.fields.operators import IN
from engine.queries import Filter
from engine.tallies import Asking, Measure, Tally, in_groups, total
from engine.texts import say
from engine.web.pagecards import charts
from engine.web.pagecards.look import Look
from engine.web.pagecards.values import (
    Group,
    groups_of,
    in_number,
    in_order,
    measure_of,
    measured,
    others,
    shown,
)

MOST_SLICES = 8
MOST_COLUMNS = 12
MOST_CELLS = 2000  # read for a table, the largest first


@dataclass(frozen=True)
class Bar:
    """One bar of a breakdown: ``share`` of the longest, ``part`` of all, in percent."""

    label: str
    text: str
    share: int
    part: int
    url: str | None
    colour: str


# --- bars and rings --------------------------------------------------------------------------------------------------


def breakdown(look: Look, card: BreakdownCard) -> Mapping[str, Any]:
    field, group = measured(look, card), look.field(card.group)
    assert group is not None
    limit = min(card.limit, MOST_SLICES) if card.shape == "ring" else card.limit
    found = _largest(look, measure_of(card), group, limit)
    if card.shape == "bars":
        found = [(_plainly(one, group), tally) for one, tally in found]
    longest = max((in_number(tally.value) for _group, tally in found), default=0.0)
    whole = sum(max(0.0, in_number(tally.value)) for _group, tally in found)
    bars = [_bar(look, field, one, tally, longest, whole) for one, tally in found]
    if card.shape == "ring":
        parts = [(in_number(tally.value), bar.colour, f"{bar.label}: {bar.text}", bar.url)
                 for bar, (_group, tally) in zip(bars, found, strict=True)]  # fmt: skip
        return {"bars": bars, "slices": charts.ring_of(parts)}
    return {"bars": bars}


def _plainly(one: Group, group: Field) -> Group:
    """Bars stand apart by themselves: only colours that mean something are shown."""
    own = one.colour if one.value in getattr(group, "options", {}) or one.value is None else "blue"
    return replace(one, colour=own)


def _largest(look: Look, measure: Measure, group: Field, limit: int) -> list[tuple[Group, Tally]]:
    """The largest groups in order, and the rest as one more. The rest is only asked for when there is one."""
    rows = in_groups(look.asking, [measure], [group.name], limit + 1)
    look.weigh(sum(tallies[0].records for _keys, tallies in rows))
    tallies = {keys[0]: each[0] for keys, each in rows[:limit]}
    values = in_order(group, list(tallies))
    groups = groups_of(look, group, values)
    found = [(groups[value], tallies[value]) for value in values]
    if len(rows) > limit:
        rest = total(look.asking, [measure])[0]
        for tally in tallies.values():
            rest = rest.without(tally)
        look.weigh(rest.records)
        found.append((others(look, group, values), rest))
    return found


def _bar(look: Look, field: Field | None, group: Group, tally: Tally, longest: float, whole: float) -> Bar:
    value = in_number(tally.value)
    share = int(value * 100 / longest) if longest and value > 0 else 0
    part = round(value * 100 / whole) if whole and value > 0 else 0
    url = look.behind(*group.pairs) if group.pairs is not None else None
    return Bar(group.label, shown(field, tally, look.reader), share, part, url, group.colour)


def breakdown_needs(card: BreakdownCard, columns: Columns) -> tuple[str | None, ...]:
    return card.group, card.field if card.fold != "count" else None


# --- a table of figures ----------------------------------------------------------------------------------------------

Cell = tuple[str, str | None]  # figure, address


@dataclass(frozen=True)
class TableRow:
    label: str
    url: str | None
    cells: tuple[Cell, ...]


def table(look: Look, card: TableCard) -> Mapping[str, Any]:
    rows = look.field(card.rows)
    assert rows is not None
    if card.columns is None:
        return _by_figures(look, card, rows)
    columns = look.field(card.columns)
    assert columns is not None
    return _by_columns(look, card, rows, columns)


def readable_figures(card: TableCard, columns: Columns) -> list[Figure]:
    return [one for one in card.figures if one.fold == "count" or _may_fold(str(one.field), columns)]


def _may_fold(name: str, columns: Columns) -> bool:
    return name in columns and name not in columns.sometimes and not columns[name].sensitive


def _by_figures(look: Look, card: TableCard, group: Field) -> Mapping[str, Any]:
    figures = readable_figures(card, look.columns)
    fields = [measured(look, one) for one in figures]
    measures = [measure_of(one) for one in figures]
    found = in_groups(look.asking, measures, [group.name], card.limit + 1)
    look.weigh(sum(tallies[0].records for _keys, tallies in found))
    shown_rows = {keys[0]: tallies for keys, tallies in found[: card.limit]}
    groups = groups_of(look, group, list(shown_rows))
    rows = []
    for value, tallies in shown_rows.items():
        url = _url(look, groups[value])
        cells = tuple((shown(field, tally, look.reader), url) for field, tally in zip(fields, tallies, strict=True))
        rows.append(TableRow(groups[value].label, url, cells))
    whole = total(look.asking, measures)
    foot = tuple((shown(field, tally, look.reader), look.behind()) for field, tally in zip(fields, whole, strict=True))
    heads = [_head(look, one, field) for one, field in zip(figures, fields, strict=True)]
    return {"corner": group.label_in(look.reader.language), "heads": heads, "rows": rows, "foot": foot,
            "foot_url": look.behind(), "left_out": len(found) > card.limit}  # fmt: skip


def _head(look: Look, figure: Figure, field: Field | None) -> str:
    if figure.label is not None:
        return figure.label.text(look.reader.language)
    if field is None:
        return say(message("Count"), look.reader.language)
    name = field.label_in(look.reader.language)
    return name if figure.fold == "sum" else f"{name} ({say(_FOLDS[figure.fold], look.reader.language)})"


_FOLDS = {"min": message("least"), "max": message("greatest"), "mean": message("mean")}


def _url(look: Look, *groups: Group) -> str | None:
    pairs = [pair for group in groups for pair in group.pairs or ()]
    return look.behind(*pairs) if all(group.pairs is not None for group in groups) else None


def _by_columns(look: Look, card: TableCard, rows: Field, columns: Field) -> Mapping[str, Any]:
    """The largest rows first; then one statement for their cells."""
    (figure,) = card.figures
    field, measure = measured(look, figure), measure_of(figure)
    found = in_groups(look.asking, [measure], [rows.name], card.limit + 1)
    look.weigh(sum(tallies[0].records for _keys, tallies in found))
    of_rows = {keys[0]: tallies[0] for keys, tallies in found[: card.limit]}
    cells = _cells(look, measure, rows, columns, list(of_rows)) if of_rows else {}
    across, more = across_of(columns, cells)
    row_groups, column_groups = groups_of(look, rows, list(of_rows)), groups_of(look, columns, across)
    drawn = [
        _cross_row(look, field, row_groups[value], tally, _of_row(value, across, column_groups, cells))
        for value, tally in of_rows.items()
    ]
    heads = [column_groups[each].label for each in across]
    return {"corner": f"{rows.label_in(look.reader.language)}", "rows": drawn, "foot": (),
            "heads": [*heads, say(message("All"), look.reader.language)],
            "left_out": len(found) > card.limit or more, "foot_url": look.behind()}  # fmt: skip


def _of_row(
    value: Any, across: Sequence[Any], groups: Mapping[Any, Group], cells: Mapping[Any, Tally]
) -> list[tuple[Group, Tally | None]]:
    return [(groups[each], cells.get((value, each))) for each in across]


def _cross_row(
    look: Look, field: Field | None, group: Group, whole: Tally, cells: Sequence[tuple[Group, Tally | None]]
) -> TableRow:
    url = _url(look, group)
    drawn = [_cell(look, field, tally, group, column) for column, tally in cells]
    return TableRow(group.label, url, (*drawn, (shown(field, whole, look.reader), url)))


def _cells(look: Look, measure: Measure, rows: Field, columns: Field, among: Sequence[Any]) -> dict[Any, Tally]:
    named = tuple(value for value in among if value is not None)
    query = look.query
    if None not in among:
        only = Filter(rows.name, IN, (), named)
        query = replace(query, filters=(*query.filters, only))
    asking = Asking(look.app, look.actor, query, look.conn)
    found = in_groups(asking, [measure], [rows.name, columns.name], MOST_CELLS)
    return {keys: tallies[0] for keys, tallies in found if keys[0] in among}


def across_of(columns: Field, cells: Mapping[Any, Tally]) -> tuple[list[Any], bool]:
    """The values of the columns, the largest of them where there are many; and whether something was left out."""
    sizes: dict[Any, float] = {}
    for (_row, value), tally in cells.items():
        sizes[value] = sizes.get(value, 0.0) + in_number(tally.value)
    largest = sorted(sizes, key=lambda value: -sizes[value])[:MOST_COLUMNS]
    return in_order(columns, largest), len(sizes) > MOST_COLUMNS or len(cells) >= MOST_CELLS


def _cell(look: Look, field: Field | None, tally: Tally | None, row: Group, column: Group) -> Cell:
    if tally is None:
        return "", None
    return shown(field, tally, look.reader), _url(look, row, column)


def table_needs(card: TableCard, columns: Columns) -> tuple[str | None, ...]:
    """A table without a figure the actor may read is none."""
    if not readable_figures(card, columns):
        return ("",)
    return card.rows, card.columns
