"""A figure for each day, week or month, as a line or as bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.cards import TrendCard
from engine.columns import Columns
from engine.fields.base import Field
from engine.spans import Span, place_in, short_label, spans
from engine.tallies import Tally, by_day
from engine.web.pagecards import charts
from engine.web.pagecards.look import Look
from engine.web.pagecards.values import (
    Group,
    during,
    groups_of,
    in_number,
    in_order,
    measure_of,
    measured,
    others,
    shown,
    shown_value,
)

MOST_LINES = 6
LABELS = 12  # under the axis
PHONE_LABELS = 4
OF_NOTHING = ("count", "sum")  # drawn as 0 where there is no record; the least, greatest and mean of nothing are not


@dataclass(frozen=True)
class Row:
    """The same as a row of a table: the span and what stands in it, one figure per series."""

    label: str
    cells: tuple[tuple[str, str | None], ...]


def draw(look: Look, card: TrendCard) -> Mapping[str, Any]:
    field, date, group = measured(look, card), look.field(card.date), look.field(card.group)
    assert date is not None
    along = spans(look.upto, card.by, card.last, card.ahead)
    found = _tallies(look, card, date, group, along)
    if not found and group is not None:
        return {"empty": True}
    series = _series(look, group, found) if group is not None else [(None, found.get(None, {}))]
    drawn = [_cells(look, card, field, date, along, one, tallies) for one, tallies in series]
    return _chart(look, card, field, along, series, drawn)


Tallies = dict[int, Tally]  # place of the span → what is in it


def _tallies(
    look: Look, card: TrendCard, date: Field, group: Field | None, along: Sequence[Span]
) -> dict[Any, Tallies]:
    window = Span(card.by, along[0].first, along[-1].end)
    found: dict[Any, Tallies] = {}
    measure = measure_of(card)
    by = group.name if group else None
    for day, value, tally in by_day(look.asking, measure, date, window, look.reader.zone, by):
        of_value, place = found.setdefault(value, {}), place_in(along, day)
        of_value[place] = of_value[place] + tally if place in of_value else tally
        look.weigh(tally.records)
    return found


def _series(look: Look, group: Field, found: dict[Any, Tallies]) -> list[tuple[Group | None, Tallies]]:
    """The largest groups, each a series; the rest together."""
    sizes = {value: sum(in_number(one.value) for one in tallies.values()) for value, tallies in found.items()}
    largest = sorted(found, key=lambda value: -sizes[value])
    most = MOST_LINES if len(found) <= MOST_LINES else MOST_LINES - 1
    named = in_order(group, largest[:most])
    groups = groups_of(look, group, named)
    series: list[tuple[Group | None, Tallies]] = [(groups[value], found[value]) for value in named]
    if len(largest) > most:
        rest: Tallies = {}
        for value in largest[most:]:
            for place, tally in found[value].items():
                rest[place] = rest[place] + tally if place in rest else tally
        series.append((others(look, group, named), rest))
    return series


Cells = list[tuple[float | None, str, str, str | None]]  # value, label of the span, figure, address


def _cells(
    look: Look, card: TrendCard, field: Field | None, date: Field, along: Sequence[Span], group: Group | None,
    tallies: Tallies,
) -> Cells:  # fmt: skip
    nothing = so_far = Tally(card.fold)
    found = []
    for place, span in enumerate(along):
        tally, behind = tallies.get(place, nothing), span
        if card.cumulative:
            tally = so_far = so_far + tally
            behind = Span("own", along[0].first, span.end)
        url = _behind(look, group, date, behind) if tally.records else None
        found.append((_height(tally), span.label(look.reader), shown(field, tally, look.reader), url))
    return found


def _height(tally: Tally) -> float | None:
    """Where its point stands; None leaves a gap."""
    return None if tally.value is None and tally.fold not in OF_NOTHING else in_number(tally.value)


def _behind(look: Look, group: Group | None, date: Field, span: Span) -> str | None:
    if group is None:
        return look.behind(*during(date, span))
    return look.behind(*group.pairs, *during(date, span)) if group.pairs is not None else None


def _chart(
    look: Look, card: TrendCard, field: Field | None, along: Sequence[Span],
    series: Sequence[tuple[Group | None, Tallies]], drawn: Sequence[Cells],
) -> Mapping[str, Any]:  # fmt: skip
    whole = field is None or (field.type == "integer" and card.fold != "mean")
    scale = charts.scale_over([cell[0] for cells in drawn for cell in cells if cell[0] is not None], whole)
    named = [(group.label if group else "", group.colour if group else card.colour) for group, _tallies in series]
    shapes = [
        (label, colour, [(value, _title(label, span, text), url) for value, span, text, url in cells])
        for (label, colour), cells in zip(named, drawn, strict=True)
    ]
    make = charts.lines_of if card.shape == "line" else charts.bars_of
    rows = [
        Row(span.label(look.reader), tuple((cells[place][2], cells[place][3]) for cells in drawn))
        for place, span in enumerate(along)
    ]
    return {
        "series": make(scale, shapes),
        "lines": [(scale.y(line), _on_axis(field, line, look)) for line in scale.lines],
        "zero": scale.y(0.0),
        "marks": _marks(look, along),
        "heads": [label for label, _colour in named],
        "rows": rows,
        "empty": not any(tallies for _group, tallies in series),
    }


def _marks(look: Look, along: Sequence[Span]) -> list[tuple[str, bool]]:
    """What stands under each point, and whether there is room for it on a phone."""
    stands, on_phones = charts.every(len(along), LABELS), charts.every(len(along), PHONE_LABELS)
    found, before = [], None
    for place, span in enumerate(along):
        found.append((short_label(span, before, look.reader) if stands(place) else "", on_phones(place)))
        before = span if stands(place) else before
    return found


def _title(label: str, span: str, text: str) -> str:
    return f"{label} · {span}: {text}" if label else f"{span}: {text}"


def _on_axis(field: Field | None, line: float, look: Look) -> str:
    """A round figure; durations and money as the field shows them, but short."""
    if field is not None and field.kind == "duration":
        return shown_value(field, dt.timedelta(seconds=line), "sum", look.reader)
    return short_figure(line, look.reader.language)


def short_figure(value: float, language: str) -> str:
    """1.5万, 20k, 3M: what fits beside an axis."""
    steps = ((1e8, "亿"), (1e4, "万")) if language == "zh" else ((1e9, "B"), (1e6, "M"), (1e3, "k"))
    for size, word in steps:
        if abs(value) >= size:
            return f"{value / size:g}{word}"
    return f"{value:g}"


def needs(card: TrendCard, columns: Columns) -> tuple[str | None, ...]:
    return card.field if card.fold != "count" else None, card.date, card.group
