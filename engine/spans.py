"""Days, weeks, months, quarters and years of the calendar, one after the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from engine.formats import MONTHS, Reader, date


@dataclass(frozen=True)
class Span:
    """``end`` is the first day after it."""

    unit: str
    first: dt.date
    end: dt.date

    def label(self, reader: Reader) -> str:
        """As a heading names it: 22 Nov, week of 16 Nov, Nov 2026, Q4 2026, 2026."""
        return _own(self, reader.language) if self.unit == "own" else _LABELS[self.unit](self.first, reader.language)


def span_of(day: dt.date, unit: str, moved: int = 0) -> Span:
    """The span of this unit the day is in, or the one ``moved`` after it."""
    first = _moved(_first(day, unit), unit, moved)
    return Span(unit, first, _moved(first, unit, 1))


def spans(day: dt.date, unit: str, last: int, ahead: int = 0) -> tuple[Span, ...]:
    """The ``last`` spans up to the one of this day, and ``ahead`` after it."""
    return tuple(span_of(day, unit, moved) for moved in range(1 - last, 1 + ahead))


def own_span(first: dt.date, last: dt.date) -> Span:
    """A span somebody chose by its first and last day."""
    return Span("own", first, last + dt.timedelta(days=1))


def earlier(span: Span, count: int = 1) -> Span:
    """The span as long as this one that ends where it begins; ``count`` of them back."""
    if span.unit != "own":
        return span_of(span.first, span.unit, -count)
    length = (span.end - span.first) * count
    return Span("own", span.first - length, span.end - length)


def place_in(spans: Sequence[Span], day: dt.date) -> int:
    """Which of consecutive spans a day is in; the day is in one of them."""
    low, high = 0, len(spans)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if spans[middle].first <= day else (low, middle)
    return low


def _first(day: dt.date, unit: str) -> dt.date:
    if unit == "day":
        return day
    if unit == "week":
        return day - dt.timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[unit]
    return dt.date(day.year, month, 1)


def _moved(first: dt.date, unit: str, count: int) -> dt.date:
    if unit in _DAYS:
        return first + dt.timedelta(days=_DAYS[unit] * count)
    months = first.year * 12 + first.month - 1 + _MONTHS[unit] * count
    return dt.date(months // 12, months % 12 + 1, 1)


_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _day(first: dt.date, language: str) -> str:
    return f"{first.month}月{first.day}日" if language == "zh" else f"{first.day} {MONTHS[first.month]}"


def _week(first: dt.date, language: str) -> str:
    return f"{_day(first, language)}起一周" if language == "zh" else f"week of {_day(first, language)}"


def _month(first: dt.date, language: str) -> str:
    return f"{first.year}年{first.month}月" if language == "zh" else f"{MONTHS[first.month]} {first.year}"


def _quarter(first: dt.date, language: str) -> str:
    number = (first.month + 2) // 3
    return f"{first.year}年第{number}季度" if language == "zh" else f"Q{number} {first.year}"


def _year(first: dt.date, language: str) -> str:
    return f"{first.year}年" if language == "zh" else str(first.year)


def _own(span: Span, language: str) -> str:
    first, last = (date(day, language) for day in (span.first, span.end - dt.timedelta(days=1)))
    return first if last == first else f"{first} – {last}"


_LABELS = {"day": _day, "week": _week, "month": _month, "quarter": _quarter, "year": _year}


def short_label(span: Span, before: Span | None, reader: Reader) -> str:
    """Under an axis, where there is little room: the year only where it changes."""
    zh, new_year = reader.language == "zh", before is None or before.first.year != span.first.year
    if span.unit in ("day", "week", "own"):
        return f"{span.first.month}/{span.first.day}" if zh else f"{span.first.day} {MONTHS[span.first.month]}"
    if span.unit == "year":
        return str(span.first.year)
    if span.unit == "quarter":
        name = f"{(span.first.month + 2) // 3}季" if zh else f"Q{(span.first.month + 2) // 3}"
    else:
        name = f"{span.first.month}月" if zh else MONTHS[span.first.month]
    return f"{name} {span.first.year}" if new_year and not zh else f"{span.first.year}年{name}" if new_year else name
