"""One figure, its target and the period before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.cards import NumberCard
from engine.columns import Columns
from engine.errors import Message, message
from engine.fetching import count
from engine.fields.base import Field
from engine.formats import Reader, integer
from engine.spans import Span, earlier
from engine.tallies import Measure, Tally, by_day, total
from engine.web.pagecards.look import Look
from engine.web.pagecards.values import during, in_number, measure_of, measured, shown, shown_value

MOST_COUNTED = 100_000


@dataclass(frozen=True)
class Against:
    """What a figure stands beside: the period before. ``way``: up, down or same; ``good``: whether that is wanted."""

    said: Message | str
    text: str
    url: str | None
    way: str
    good: bool | None
    change: str


@dataclass(frozen=True)
class Goal:
    """How much of the target is reached, in percent, at most 100 for the bar."""

    text: str
    percent: int
    share: int
    reached: bool


def draw(look: Look, card: NumberCard) -> Mapping[str, Any]:
    field = measured(look, card)
    if card.date is None:
        return _plain(look, card, field)
    return _in_period(look, card, field)


def _plain(look: Look, card: NumberCard, field: Field | None) -> Mapping[str, Any]:
    if field is None:
        found = count(look.app, look.actor, look.query, look.conn, MOST_COUNTED)
        text = f"{integer(MOST_COUNTED)}+" if found > MOST_COUNTED else integer(found)
        return {"figure": text, "url": look.behind(), "goal": _goal(card, None, found, look.reader)}
    (tally,) = total(look.asking, [measure_of(card)])
    look.weigh(tally.records)
    text = shown(field, tally, look.reader)
    return {"figure": text, "url": look.behind(), "goal": _goal(card, field, tally.value, look.reader)}


def _in_period(look: Look, card: NumberCard, field: Field | None) -> Mapping[str, Any]:
    date = look.field(card.date)
    assert date is not None
    now = look.period(card.period)
    before = earlier(now)
    window = Span(now.unit, before.first if card.compare else now.first, now.end)
    present, past = _tallies(look, measure_of(card), date, window, now)
    look.weigh(present.records + past.records)
    url = look.behind(*during(date, now))
    found: dict[str, Any] = {"figure": shown(field, present, look.reader), "url": url, "period": said_now(look, now)}
    if card.compare:
        against = _against(card, present, past)
        found["against"] = Against(said_before(look, before), shown(field, past, look.reader),
                                   look.behind(*during(date, before)), *against)  # fmt: skip
    return {**found, "goal": _goal(card, field, present.value, look.reader)}


def _tallies(look: Look, measure: Measure, date: Field, window: Span, now: Span) -> tuple[Tally, Tally]:
    present = past = Tally(measure.fold)
    for day, _group, tally in by_day(look.asking, measure, date, window, look.reader.zone):
        if day >= now.first:
            present += tally
        else:
            past += tally
    return present, past


def _against(card: NumberCard, present: Tally, past: Tally) -> tuple[str, bool | None, str]:
    way, good, change = way_of(card.better, in_number(present.value), in_number(past.value))
    return way, good, "" if _is_day(present.value) else change


def way_of(better: str, now: Any, then: Any) -> tuple[str, bool | None, str]:
    """Up, down or the same; whether that is wanted; and by how much of what was."""
    way = "same" if now == then else "up" if now > then else "down"
    good = None if way == "same" else (way == "up") == (better == "more")
    return way, good, f"{abs(now - then) * 100 / abs(then):.0f}%" if then else ""


def _is_day(value: Any) -> bool:
    return hasattr(value, "year")


def _goal(card: NumberCard, field: Field | None, value: Any, reader: Reader) -> Goal | None:
    if card.target is None or _is_day(value):
        return None
    return in_percent(card.better, in_number(value), card.target, _target(field, card.target, card.fold, reader))


def in_percent(better: str, value: Any, target: Decimal, text: str) -> Goal:
    now, wanted = float(value), float(target)
    percent = math.floor(now * 100 / wanted + 1e-9) if wanted else 100 if now else 0
    reached = now >= wanted if better == "more" else now <= wanted
    return Goal(text, percent, max(0, min(100, percent)), reached)


def _target(field: Field | None, target: Decimal, fold: str, reader: Reader) -> str:
    if field is None or field.kind == "duration":
        return integer(int(target)) if target == int(target) else str(target)
    return shown_value(
        field, int(target) if field.type == "integer" and target == int(target) else target, fold, reader
    )


def said_now(look: Look, span: Span) -> Message | str:
    present = span.unit in PRESENT and span.first <= look.today < span.end
    return PRESENT[span.unit] if present else span.label(look.reader)


def said_before(look: Look, span: Span) -> Message | str:
    present = span.unit in PAST and earlier(span, -1).first <= look.today < earlier(span, -1).end
    return PAST[span.unit] if present else span.label(look.reader)


PRESENT: Mapping[str, Message] = {
    "day": message("Today"),
    "week": message("This week"),
    "month": message("This month"),
    "quarter": message("This quarter"),
    "year": message("This year"),
}
PAST: Mapping[str, Message] = {
    "day": message("yesterday"),
    "week": message("last week"),
    "month": message("last month"),
    "quarter": message("last quarter"),
    "year": message("last year"),
}


def needs(card: NumberCard, columns: Columns) -> tuple[str | None, ...]:
    return card.field if card.fold != "count" else None, card.date
