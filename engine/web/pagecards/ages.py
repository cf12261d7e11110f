"""What is due and overdue, by how many days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from engine import formats
from engine.cards import AgeingCard
from engine.columns import Columns
from engine.errors import Message, message
from engine.fields.base import Field
from engine.fields.operators import midnight
from engine.tallies import Tally
from engine.texts import say
from engine.web.pagecards.groups import Cell, TableRow
from engine.web.pagecards.look import Look
from engine.web.pagecards.values import Group, groups_of, in_number, measure_of, measured, shown

MOST_CELLS = 20_000  # read for one card, the largest rows first
Range = tuple[dt.date | None, dt.date | None]  # first day, day after the last
Filters = tuple[tuple[str, str], ...]


def draw(look: Look, card: AgeingCard) -> Mapping[str, Any]:
    date, field, group = look.field(card.date), measured(look, card), look.field(card.group)
    assert date is not None
    ranges = ranges_of(look.today, card.edges)
    found = _tallies(look, card, date, group, ranges)
    look.weigh(sum(tally.records for tally in found.values()))
    of_rows: dict[Any, Tally] = {}
    for (_place, value), tally in found.items():
        of_rows[value] = of_rows[value] + tally if value in of_rows else tally
    largest = sorted(of_rows, key=lambda value: -in_number(of_rows[value].value))[: card.limit]
    groups = groups_of(look, group, largest) if group is not None else {}
    heads = [*_heads(card.edges), *([message("No date")] if any(place == len(ranges) for place, _ in found) else [])]
    behind = [*(_behind(date, one) for one in ranges), ((f"where.{date.name}.empty", "1"),)][: len(heads)]
    rows = [_row(look, field, groups[value], value, found, behind) for value in largest] if group is not None else []
    foot = _cells(look, field, (), [_whole(found, place) for place in range(len(heads))], behind)
    return {"rows": rows, "foot": foot, "heads": [say(head, look.reader.language) for head in (*heads, message("All"))],
            "corner": group.label_in(look.reader.language) if group is not None else "", "foot_url": look.behind(),
            "left_out": group is not None and len(of_rows) > len(largest),
            "bars": _bars(look, field, heads, found, foot)}  # fmt: skip


def ranges_of(today: dt.date, edges: Sequence[int]) -> list[Range]:
    """Not due, then by days overdue: up to each edge, and beyond the last."""
    ages = [0, *edges]
    ends = [today - dt.timedelta(days=age) for age in ages]
    return [(today, None), *((later, end) for end, later in pairwise(ends)), (None, ends[-1])]


def _heads(edges: Sequence[int]) -> list[Message]:
    lows = [1, *(edge + 1 for edge in edges)]
    spans = [message("{low}–{high} days", low=low, high=high) for low, high in zip(lows, edges, strict=False)]
    return [message("Not due"), *spans, message("over {days} days", days=edges[-1])]


def _tallies(
    look: Look, card: AgeingCard, date: Field, group: Field | None, ranges: Sequence[Range]
) -> dict[tuple[int, Any], Tally]:
    """(place of the range, value of the group or None) → tally, in one statement."""
    asking, measure = look.asking, measure_of(card)
    column = asking.table.c[date.name]
    ends = [(column >= _edge(date, low, look), place) for place, (low, _high) in enumerate(ranges) if low is not None]
    place = sa.case((column.is_(None), sa.literal_column(str(len(ranges)))),
                    *((holds, sa.literal_column(str(at))) for holds, at in ends),
                    else_=sa.literal_column(str(len(ranges) - 1)))  # fmt: skip
    keys = [place, *([asking.table.c[group.name]] if group is not None else [])]
    measures = measure.columns(asking.table)
    select = sa.select(*keys, *measures).where(*asking.clauses).group_by(*keys)
    rows = asking.conn.execute(select.order_by(measures[-1].desc().nulls_last()).limit(MOST_CELLS))
    return {(int(row[0]), row[1] if group is not None else None): measure.tally(tuple(row[len(keys) :]))
            for row in rows}  # fmt: skip


def _edge(date: Field, day: dt.date | None, look: Look) -> Any:
    assert day is not None
    return midnight(day, look.reader.zone) if date.kind == "datetime" else day


def _behind(date: Field, one: Range) -> Filters:
    time = "T00:00" if date.kind == "datetime" else ""
    low = ((f"where.{date.name}.gte", f"{one[0].isoformat()}{time}"),) if one[0] else ()
    return (*low, *(((f"where.{date.name}.before", f"{one[1].isoformat()}{time}"),) if one[1] else ()))


def _row(
    look: Look, field: Field | None, group: Group, value: Any, found: Mapping[Any, Tally], behind: Sequence[Filters]
) -> TableRow:
    tallies = [found.get((place, value)) for place in range(len(behind))]
    return TableRow(group.label, look.behind(*group.pairs) if group.pairs is not None else None,
                    _cells(look, field, group.pairs, tallies, behind))  # fmt: skip


def _cells(
    look: Look, field: Field | None, own: Filters | None, tallies: Sequence[Tally | None], behind: Sequence[Filters]
) -> tuple[Cell, ...]:
    """One cell for each range, and one for all of them."""
    cells: list[Cell] = []
    whole: Tally | None = None
    for tally, pairs in zip(tallies, behind, strict=True):
        if tally is None:
            cells.append(("", None))
            continue
        whole = whole + tally if whole is not None else tally
        cells.append((shown(field, tally, look.reader), look.behind(*own, *pairs) if own is not None else None))
    every = look.behind(*own) if own is not None else None
    return (*cells, (shown(field, whole, look.reader), every) if whole is not None else ("", None))


def _whole(found: Mapping[Any, Tally], place: int) -> Tally | None:
    parts = [tally for (at, _value), tally in found.items() if at == place]
    whole = parts[0] if parts else None
    for part in parts[1:]:
        whole = whole + part if whole is not None else part
    return whole


def _bars(
    look: Look, field: Field | None, heads: Sequence[Message], found: Mapping[Any, Tally], foot: Sequence[Cell]
) -> list[dict[str, Any]]:
    """How much stands in each range, as one bar each; later is warmer."""
    wholes = [_whole(found, place) for place in range(len(heads))]
    sizes = [max(0.0, in_number(whole.value)) if whole is not None else 0.0 for whole in wholes]
    most = max(sizes, default=0.0)
    named = [*(_COLOURS[min(at, len(_COLOURS) - 1)] for at in range(len(heads)))]
    return [{"label": say(head, look.reader.language), "text": cell[0] or formats.integer(0), "url": cell[1],
             "share": int(size * 100 / most) if most else 0, "colour": colour}
            for head, cell, size, colour in zip(heads, foot, sizes, named, strict=False)]  # fmt: skip


_COLOURS = ("green", "yellow", "orange", "pink", "red")


def needs(card: AgeingCard, columns: Columns) -> tuple[str | None, ...]:
    return card.date, card.field if card.fold != "count" else None, card.group
