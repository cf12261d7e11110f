"""Figures worked out of others: a rate with its target, its past and the way it was worked out; before and after."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine import formats
from engine.application import Application
from engine.cards import BeforeAfterCard, Formula, FormulaCard, Part
from engine.columns import Columns
from engine.errors import Message, message
from engine.expressions import EvaluationFailed, names_for
from engine.fields.base import Field
from engine.publishing.history import versions
from engine.spans import Span, earlier, own_span
from engine.tallies import Measure, Tally, by_bound, in_groups, total
from engine.texts import say
from engine.web.pagecards import charts
from engine.web.pagecards.look import Look
from engine.web.pagecards.numbers import Goal, in_percent, said_before, said_now, way_of
from engine.web.pagecards.values import NONE, Group, during, groups_of, in_order, measured, shown_value

MOST_GROUPS = 500  # values of a group that are read; more are too many for rows of a card
SLICES = 10  # of each side of a day, at most

Tallies = Mapping[str, Tally]


@dataclass(frozen=True)
class Said:
    """One figure of a formula as it is read: what it is called, how much, and the list of its records."""

    label: str
    text: str
    url: str | None


@dataclass(frozen=True)
class Worked:
    """What a formula gave, and how: ``asked`` with the names of the figures, ``put_in`` with their numbers."""

    value: Decimal | None
    text: str
    asked: str
    put_in: str
    parts: tuple[Said, ...]


@dataclass(frozen=True)
class FormulaRow:
    label: str
    share: int
    worked: Worked
    good: bool | None


@dataclass(frozen=True)
class Then:
    """The same formula over another span, and how it changed."""

    said: Message | str
    worked: Worked
    way: str
    good: bool | None
    change: str


# --- figures ---------------------------------------------------------------------------------------------------------


def tallies_at(look: Look, part: Part, spans: Sequence[Span], group: bool) -> dict[tuple[int, Any], Tally]:
    """(place of the span, value of the group or None) → tally. ``spans`` follow each other without a gap."""
    there = look.of(part)
    measure = Measure(part.fold, part.field if part.fold != "count" else None)
    by = part.group if group else None
    date = there.field(part.date)
    there.field(by)
    measured(there, part)
    if date is not None:
        bounds = [*(span.first for span in spans), spans[-1].end]
        found = by_bound(there.asking, measure, date, bounds, look.reader.zone, by)
    else:
        found = {(place, value): tally for value, tally in _whenever(there, measure, by) for place in range(len(spans))}
    look.weigh(sum(tally.records for tally in found.values()))
    return found


def _whenever(there: Look, measure: Measure, by: str | None) -> list[tuple[Any, Tally]]:
    if by is None:
        return [(None, total(there.asking, [measure])[0])]
    return [(keys[0], tallies[0]) for keys, tallies in in_groups(there.asking, [measure], [by], MOST_GROUPS)]


def number_of(part: Part, tally: Tally | None) -> Decimal | None:
    """What the formula reads: durations in hours, the sum of nothing as 0."""
    value = tally.value if tally is not None else None
    if value is None:
        return Decimal(0) if part.fold in ("count", "sum", "distinct") else None
    if isinstance(value, dt.timedelta):
        return Decimal(value.days * 86400 + value.seconds) / 3600
    return Decimal(value)


def work_out(app: Application, look: Look, card: Formula, numbers: Mapping[str, Decimal | None]) -> Decimal | None:
    """The value of the formula; None where it has none, such as after a division by zero."""
    names = {**names_for(look.now, look.reader, None), **numbers}
    try:
        value = app.plans.compile(card.value).evaluate(names)
    except EvaluationFailed:
        return None
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def worked(look: Look, card: Formula, tallies: Mapping[str, Tally | None], narrowed: Mapping[str, Any]) -> Worked:
    """``narrowed``: the filters that find the records of each figure; None where no list can."""
    numbers = {name: number_of(part, tallies.get(name)) for name, part in card.figures.items()}
    value = work_out(look.app, look, card, numbers)
    said = {name: _said(look, name, part, tallies.get(name), narrowed[name]) for name, part in card.figures.items()}
    asked = with_names(card.value, {name: one.label for name, one in said.items()})
    put_in = with_names(card.value, {name: plain(number) for name, number in numbers.items()})
    return Worked(value, result_text(look, card, value), asked, put_in, tuple(said.values()))


def _said(look: Look, name: str, part: Part, tally: Tally | None, pairs: Any) -> Said:
    there = look.of(part)
    field = measured(there, part)
    tally = tally or Tally(part.fold)
    url = there.behind(*pairs) if pairs is not None and tally.records else None
    return Said(label_of(look, name, part), _text(look, field, part, tally.value), url)


def _text(look: Look, field: Field | None, part: Part, value: Any) -> str:
    """As the field shows it; durations in hours, as the formula reads them."""
    if isinstance(value, dt.timedelta):
        hours = Decimal(value.days * 86400 + value.seconds) / 3600
        return say(message("{hours} h", hours=plain(hours)), look.reader.language)
    return shown_value(field, value, part.fold, look.reader)


def label_of(look: Look, name: str, part: Part) -> str:
    return part.label.text(look.reader.language) if part.label else name.replace("_", " ")


_SIGNS = {"*": "×", "-": "−"}


def with_names(source: str, words: Mapping[str, str]) -> str:
    """The formula with other words for its names, as people write it."""
    named = re.sub(r"\b[a-z_][a-z0-9_]*\b", lambda found: words.get(found[0], found[0]), source)
    return re.sub(r" ([*-]) ", lambda found: f" {_SIGNS[found[1]]} ", " ".join(named.split()))


def plain(number: Decimal | None) -> str:
    """A number of a formula: at most four digits behind the point."""
    return NONE if number is None else formats.decimal(round(number, 4))


def result_text(look: Look, card: Formula, value: Decimal | None) -> str:
    if value is None:
        return NONE
    if card.format == "money":
        return formats.money(round(value, formats.precision(look.reader.currency)), look.reader.currency,
                             look.reader.language)  # fmt: skip
    if card.format == "percent":
        return formats.percent(round(value * 100, card.digits))
    return formats.decimal(round(value, card.digits))


# --- the card --------------------------------------------------------------------------------------------------------


def draw(look: Look, card: FormulaCard) -> Mapping[str, Any]:
    now = look.period(card.period)
    past = max(card.trend - 1, 1 if card.compare else 0)
    along = [earlier(now, count) for count in range(past, 0, -1)] + [now]
    found = {name: tallies_at(look, part, along, False) for name, part in card.figures.items()}
    points = [_at(look, card, found, along, place) for place in range(len(along))]
    dated = any(part.date for part in card.figures.values())
    drawn: dict[str, Any] = {
        "worked": points[-1], "goal": _goal(look, card, points[-1].value),
        "period": said_now(look, now) if dated else None,
    }  # fmt: skip
    if card.compare and dated:
        drawn["then"] = _then(look, card, said_before(look, along[-2]), points[-1], points[-2])
    if card.trend > 1:
        drawn |= _line(look, card, along[-card.trend :], points[-card.trend :])
    return {**drawn, **_rows(look, card, now)}


def _at(look: Look, card: Formula, found: Mapping[str, Any], along: Sequence[Span], place: int) -> Worked:
    tallies = {name: each.get((place, None)) for name, each in found.items()}
    return worked(look, card, tallies, {name: _days(look, part, along[place]) for name, part in card.figures.items()})


def _days(look: Look, part: Part, span: Span) -> tuple[tuple[str, str], ...]:
    date = look.of(part).field(part.date)
    return during(date, span) if date is not None else ()


def _then(look: Look, card: Formula, said: Message | str, now: Worked, then: Worked) -> Then:
    """How it changed: by how much of what it was; of percents by how many points."""
    if now.value is None or then.value is None:
        return Then(said, then, "same", None, NONE)
    way, good, change = way_of(card.better, now.value, then.value)
    if card.format == "percent" and change:
        points = formats.decimal(round(abs(now.value - then.value) * 100, card.digits))
        change = say(message("{points} points", points=points), look.reader.language)
    return Then(said, then, way, good, change)


def _goal(look: Look, card: FormulaCard, value: Decimal | None) -> Goal | None:
    if card.target is None or value is None:
        return None
    return in_percent(card.better, value, card.target, result_text(look, card, card.target))


def _line(look: Look, card: Formula, along: Sequence[Span], points: Sequence[Worked]) -> Mapping[str, Any]:
    """A small line; spans without a result are left out of it."""
    scale = charts.scale_over([float(one.value) for one in points if one.value is not None], False)
    cells = [(place, float(one.value), f"{span.label(look.reader)}: {one.text}")
             for place, (span, one) in enumerate(zip(along, points, strict=True)) if one.value is not None]  # fmt: skip
    line = charts.broken_line(scale, card.colour, cells, len(along))
    table = [(span.label(look.reader), one) for span, one in zip(along, points, strict=True)]
    return {"line": line, "table": table, "from": along[0].label(look.reader), "to": along[-1].label(look.reader)}


# --- by group --------------------------------------------------------------------------------------------------------


def _rows(look: Look, card: FormulaCard, now: Span) -> Mapping[str, Any]:
    """One row for each value of the groups; figures without a group are the same in all."""
    grouped = [(name, part) for name, part in card.figures.items() if part.group]
    if not grouped:
        return {}
    found = {name: tallies_at(look, part, [now], bool(part.group)) for name, part in card.figures.items()}
    values = list(dict.fromkeys(key[1] for name, _part in grouped for key in found[name]))
    first = grouped[0][1]
    there = look.of(first)
    field = there.field(first.group)
    assert field is not None
    groups = groups_of(there, field, in_order(field, values))
    each = [(one, _of_group(look, card, now, found, one)) for one in groups.values()]
    if not getattr(field, "options", None):
        each.sort(key=lambda row: (row[1].value is None, -(row[1].value or 0)))
    largest = max((abs(one.value) for _group, one in each if one.value is not None), default=Decimal(0))
    most = max(largest, card.target or Decimal(0))
    rows = [_row(card, group, one, most) for group, one in each[: card.limit]]
    return {"rows": rows, "corner": field.label_in(look.reader.language), "left_out": len(each) - len(rows),
            "heads": [label_of(look, name, part) for name, part in card.figures.items()]}  # fmt: skip


def _of_group(look: Look, card: FormulaCard, now: Span, found: Mapping[str, Any], group: Group) -> Worked:
    tallies, narrowed = {}, {}
    for name, part in card.figures.items():
        tallies[name] = found[name].get((0, group.value if part.group else None))
        own = _own_pairs(look, part, group) if part.group else ()
        narrowed[name] = (*own, *_days(look, part, now)) if own is not None else None
    return worked(look, card, tallies, narrowed)


def _own_pairs(look: Look, part: Part, group: Group) -> tuple[tuple[str, str], ...] | None:
    """The group as the filters of the figure's own form say it."""
    field = look.of(part).field(part.group)
    assert field is not None
    if group.value is None:
        return ((f"where.{field.name}.empty", "1"),)
    if all(each.name != "eq" for each in field.operators):
        return None
    return ((f"where.{field.name}.eq", field.text(group.value, look.reader)),)


def _row(card: FormulaCard, group: Group, one: Worked, most: Decimal) -> FormulaRow:
    share = int(one.value * 100 / most) if most and one.value is not None and one.value > 0 else 0
    good = None
    if card.target is not None and one.value is not None:
        good = one.value >= card.target if card.better == "more" else one.value <= card.target
    return FormulaRow(group.label, min(100, share), one, good)


# --- before and after a day ------------------------------------------------------------------------------------------


def before_after(look: Look, card: BeforeAfterCard) -> Mapping[str, Any]:
    day = _day_of(look, card)
    if day is None:
        return {"waiting": message("It was not published yet.")}
    passed = (look.today - day).days + 1
    if passed < 1:
        return {"waiting": message("The day is still to come: {day}", day=formats.date(day, look.reader.language))}
    length = min(card.days, passed)
    step = -(-length // SLICES)
    count = length // step
    along = _slices(day, step, count)
    sides = [own_span(day - dt.timedelta(days=count * step), day - dt.timedelta(days=1)),
             own_span(day, day + dt.timedelta(days=count * step - 1))]  # fmt: skip
    before, after = _along(look, card, sides)
    then = _then(look, card, sides[0].label(look.reader), after, before)
    points = _along(look, card, along)
    return {
        "day": formats.date(day, look.reader.language), "before": before, "after": after, "then": then,
        "before_label": sides[0].label(look.reader), "after_label": sides[1].label(look.reader),
        **_line(look, card, along, points), "marker": 50.0,
    }  # fmt: skip


def _day_of(look: Look, card: BeforeAfterCard) -> dt.date | None:
    if card.day is not None:
        return dt.date.fromisoformat(card.day)
    latest = next(iter(versions(look.conn, look.app.tables, 1)), None)
    return latest.at.astimezone(look.reader.zone).date() if latest is not None else None


def _slices(day: dt.date, step: int, count: int) -> list[Span]:
    starts = [day + dt.timedelta(days=step * place) for place in range(-count, count)]
    return [own_span(first, first + dt.timedelta(days=step - 1)) for first in starts]


def _along(look: Look, card: Formula, along: Sequence[Span]) -> list[Worked]:
    found = {name: tallies_at(look, part, along, False) for name, part in card.figures.items()}
    return [_at(look, card, found, along, place) for place in range(len(along))]


# --- to whom ---------------------------------------------------------------------------------------------------------


def needs(part: Part, columns: Columns) -> tuple[str | None, ...]:
    return part.field if part.fold != "count" else None, part.date, part.group
