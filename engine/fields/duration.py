"""Lengths of time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from engine import formats
from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.fields.columns import Seconds
from engine.formats import Reader

LONGEST = 86400 * 365 * 1000


@dataclass(frozen=True, kw_only=True)
class DurationField(Field):
    """A length of time, typed as 1h30, 90m or 2d."""

    type: ClassVar[str] = "duration"
    icon: ClassVar[str] = "hourglass"
    category: ClassVar[str] = "time"
    kind: ClassVar[str] = "duration"
    widget: ClassVar[str] = "duration"
    align: ClassVar[str] = "end"
    operators: ClassVar[tuple[Operator, ...]] = operators.NUMBER

    def column_type(self) -> TypeEngine[Any]:
        return Seconds()

    def parse(self, raw: Any, reader: Reader) -> dt.timedelta | None:
        if raw is None or raw == "":
            return None
        value = _duration_of(raw)
        if value is None:
            raise self.wrong("{label} must be a duration such as 1h30, 90m or 2d; got “{got}”.", got=got(raw))
        return value

    def dump(self, value: Any) -> Any:
        """Whole seconds."""
        return None if value is None else value.days * 86400 + value.seconds

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else typed(value)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else formats.duration(value, reader.language)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "description": "Seconds.", "minimum": -LONGEST, "maximum": LONGEST}

    def html_attributes(self) -> Mapping[str, str]:
        return {"maxlength": "60", "autocomplete": "off"}


def _duration_of(raw: Any) -> dt.timedelta | None:
    if isinstance(raw, str):
        return reading.duration(raw)
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) <= LONGEST and raw == int(raw):
        return dt.timedelta(seconds=int(raw))
    if isinstance(raw, dt.timedelta):
        return dt.timedelta(days=raw.days, seconds=raw.seconds)
    return None


def typed(value: dt.timedelta) -> str:
    """1h30m, the shortest way to type it."""
    rest = abs(value.days * 86400 + value.seconds)
    text = ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return ("-" if value.days < 0 else "") + (text or "0m")
