"""Days, times of day, and moments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from engine import formats
from engine.errors import Message, message
from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.fields.columns import Moment
from engine.fields.number import range_mistakes
from engine.formats import Reader
from engine.language import option

_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


@dataclass(frozen=True, kw_only=True)
class DateField(Field):
    """A day of the calendar."""

    type: ClassVar[str] = "date"
    icon: ClassVar[str] = "calendar"
    category: ClassVar[str] = "time"
    kind: ClassVar[str] = "date"
    widget: ClassVar[str] = "date"
    operators: ClassVar[tuple[Operator, ...]] = operators.DATE

    min: str | None = option("The first day allowed, such as 2020-01-01.", None, pattern=_DAY)
    max: str | None = option("The last day allowed.", None, pattern=_DAY)

    def column_type(self) -> TypeEngine[Any]:
        return sa.Date()

    def parse(self, raw: Any, reader: Reader) -> dt.date | None:
        if raw is None or raw == "":
            return None
        day = _day_of(raw)
        if day is None:
            raise self.wrong("{label} must be a date such as 2026-11-22; got “{got}”.", got=got(raw))
        self.check(day)
        return day

    def check(self, value: Any) -> Any:
        _check_days(self, value, self.min, self.max)
        return value

    def dump(self, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else value.isoformat()

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else formats.date(value, reader.language)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "format": "date"}

    def html_attributes(self) -> Mapping[str, str]:
        return {"min": self.min or "1900-01-01", "max": self.max or "9999-12-31"}

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        yield from _day_mistakes(self.min, self.max)
        yield from super().mistakes()


def _day_of(raw: Any) -> dt.date | None:
    if isinstance(raw, str):
        return reading.date(raw) or _day_of_midnight(raw)
    if isinstance(raw, dt.datetime):
        return raw.date() if raw.time() == dt.time() else None
    return raw if isinstance(raw, dt.date) else None


def _day_of_midnight(raw: str) -> dt.date | None:
    """Spreadsheets write days as ``2026-11-22 00:00:00``."""
    head, _, tail = raw.strip().replace("T", " ", 1).partition(" ")
    return reading.date(head) if tail in ("00:00", "00:00:00") else None


def _check_days(field: Field, day: dt.date, low: str | None, high: str | None) -> None:
    if low and day < dt.date.fromisoformat(low):
        raise field.wrong("{label} must be {limit} or later; got {got}.", limit=low, got=day.isoformat())
    if high and day > dt.date.fromisoformat(high):
        raise field.wrong("{label} must be {limit} or earlier; got {got}.", limit=high, got=day.isoformat())


def _day_mistakes(low: str | None, high: str | None) -> Iterable[tuple[str, Message]]:
    days = {}
    for name, text in (("min", low), ("max", high)):
        if text and (day := reading.date(text)) is None:
            yield name, message("{name} must be a date such as 2026-11-22; got “{got}”.", name=name, got=text)
        elif text:
            days[name] = day
    yield from range_mistakes(days.get("min"), days.get("max"))


@dataclass(frozen=True, kw_only=True)
class TimeField(Field):
    """A time of day."""

    type: ClassVar[str] = "time"
    icon: ClassVar[str] = "clock"
    category: ClassVar[str] = "time"
    kind: ClassVar[str] = "time"
    widget: ClassVar[str] = "time"
    operators: ClassVar[tuple[Operator, ...]] = operators.TIME

    def column_type(self) -> TypeEngine[Any]:
        return sa.Time()

    def parse(self, raw: Any, reader: Reader) -> dt.time | None:
        if raw is None or raw == "":
            return None
        value = reading.time(raw) if isinstance(raw, str) else raw if isinstance(raw, dt.time) else None
        if value is None:
            raise self.wrong("{label} must be a time such as 09:30; got “{got}”.", got=got(raw))
        return value.replace(microsecond=0, tzinfo=None)

    def dump(self, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else formats.time(value)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else formats.time(value)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]$"}


@dataclass(frozen=True, kw_only=True)
class DatetimeField(Field):
    """A day and a time, shown on each person's own clock."""

    type: ClassVar[str] = "datetime"
    icon: ClassVar[str] = "calendar-event"
    category: ClassVar[str] = "time"
    kind: ClassVar[str] = "datetime"
    widget: ClassVar[str] = "datetime"
    operators: ClassVar[tuple[Operator, ...]] = operators.DATETIME

    def column_type(self) -> TypeEngine[Any]:
        return Moment(whole_seconds=True)

    def parse(self, raw: Any, reader: Reader) -> dt.datetime | None:
        """Local time of the reader, or any time with an offset → UTC.

        A local time that clocks skip in spring is refused; one they show twice in autumn is the first of the two
        (type an offset, as in 2026-11-01 01:30-05:00, for the second).
        """
        if raw is None or raw == "":
            return None
        value = _moment_of(raw, reader)
        if value is None or not 1 < value.year < 9999:
            raise self.wrong("{label} must be a date and time such as 2026-11-22 14:30; got “{got}”.", got=got(raw))
        if reading.skipped(value):
            raise self.wrong(
                "{label}: {got} does not exist in {zone}, clocks skip it; choose a time an hour later.",
                got=got(raw), zone=reader.timezone,
            )  # fmt: skip
        return formats.utc(value).replace(microsecond=0)

    def dump(self, value: Any) -> Any:
        return None if value is None else formats.utc(value).strftime("%Y-%m-%dT%H:%M:%SZ")

    def text(self, value: Any, reader: Reader) -> str:
        """``2026-11-22T14:30`` as ``datetime-local`` inputs want it; with its offset where clocks show it twice."""
        if value is None:
            return ""
        local = value.astimezone(reader.zone).replace(microsecond=0)
        seconds = "seconds" if local.second else "minutes"
        shown: dt.datetime = local if local.fold else local.replace(tzinfo=None)
        return shown.isoformat(timespec=seconds)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else formats.moment(value, reader)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "format": "date-time"}

    def html_attributes(self) -> Mapping[str, str]:
        return {"min": "1900-01-01T00:00", "max": "9999-12-31T23:59"}


def _moment_of(raw: Any, reader: Reader) -> dt.datetime | None:
    if isinstance(raw, str):
        return reading.moment(raw, reader.zone)
    if isinstance(raw, dt.datetime):
        return raw if raw.tzinfo else raw.replace(tzinfo=reader.zone)
    return dt.datetime.combine(raw, dt.time(), reader.zone) if isinstance(raw, dt.date) else None
