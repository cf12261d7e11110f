"""The span of time chosen above the cards, kept in the address: ``period=month&on=2026-11-01`` or
``period=own&from=2026-11-01&to=2026-11-15``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlencode

from engine.cards.figures import Unit
from engine.definition import Page
from engine.errors import Invalid, Message, Problem, message
from engine.formats import Reader
from engine.queries import unknown
from engine.spans import Span, earlier, own_span, span_of
from engine.texts import say

UNITS: tuple[str, ...] = get_args(Unit)
OWN = "own"
KEYS = ("period", "on", "from", "to")
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Period:
    """The chooser as it is drawn. ``back``, ``ahead`` and ``now`` are addresses; ``now`` None: it is the present."""

    label: str
    units: tuple[tuple[str, str, bool], ...]
    span: Span
    back: str
    ahead: str
    now: str | None

    @property
    def own(self) -> bool:
        return self.span.unit == OWN

    @property
    def last(self) -> dt.date:
        return self.span.end - dt.timedelta(days=1)


def read(page: Page, args: Mapping[str, str], today: dt.date) -> tuple[Span | None, Pairs]:
    """The chosen span and what the address says of it. Raises Invalid naming what is wrong."""
    if page.period is None:
        return None, ()
    unit = args.get("period") or page.period
    if unit == OWN:
        return _own(args, span_of(today, page.period))
    if unit not in UNITS:
        said = unknown("There is no period “{got}”; there is {known}.", unit, (*UNITS, OWN))
        raise Invalid(said, [Problem("period", said)])
    span = span_of(day_of(args["on"]) if args.get("on") else today, unit)
    pairs = tuple((key, args[key]) for key in ("period", "on") if args.get(key))
    return span, pairs


def _own(args: Mapping[str, str], usual: Span) -> tuple[Span, Pairs]:
    first = day_of(args["from"]) if args.get("from") else usual.first
    last = day_of(args["to"]) if args.get("to") else usual.end - dt.timedelta(days=1)
    if last < first:
        said = message("The last day is before the first.")
        raise Invalid(said, [Problem("to", said)])
    return own_span(first, last), (("period", OWN), ("from", first.isoformat()), ("to", last.isoformat()))


def day_of(text: str) -> dt.date:
    """A day as addresses write it; raises Invalid."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = dt.date.max
    if not 1900 <= day.year <= 2200:
        raise Invalid(message("Expected a day such as 2026-11-22; got “{got}”.", got=text[:20]))
    return day


def shown(
    page: Page, span: Span | None, others: Sequence[tuple[str, str]], today: dt.date, reader: Reader
) -> Period | None:
    """The chooser; ``others``: what the address says besides."""
    if span is None or page.period is None:
        return None
    units = tuple((unit, say(WORDS[unit], reader.language), unit == span.unit) for unit in (*UNITS, OWN))
    present = span_of(today, page.period)
    return Period(span.label(reader), units, span, _address(page, _pairs(earlier(span)), others),
                  _address(page, _pairs(earlier(span, -1)), others),
                  None if span == present else _address(page, (), others))  # fmt: skip


def said_for(page: Page, now: dt.datetime, timezone: str) -> Mapping[str, str]:
    """What the address says for the span before the present one."""
    if page.period is None:
        return {}
    today = now.astimezone(Reader(timezone=timezone).zone).date()
    return dict(_pairs(earlier(span_of(today, page.period))))


def _pairs(span: Span) -> Pairs:
    if span.unit != OWN:
        return (("period", span.unit), ("on", span.first.isoformat()))
    last = span.end - dt.timedelta(days=1)
    return (("period", OWN), ("from", span.first.isoformat()), ("to", last.isoformat()))


def _address(page: Page, pairs: Pairs, others: Sequence[tuple[str, str]]) -> str:
    every = [*pairs, *others]
    return f"/pages/{page.name}" + (f"?{urlencode(every)}" if every else "")


WORDS: Mapping[str, Message] = {
    "day": message("Day"), "week": message("Week"), "month": message("Month"), "quarter": message("Quarter"),
    "year": message("Year"), OWN: message("From … to"),
}  # fmt: skip
