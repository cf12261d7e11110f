"""A place in a sorted list, as a text for URLs: the sort values and the id of one row."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.types import TypeDecorator

from engine.errors import Invalid, message
from engine.fields.columns import Seconds

_WRITE: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bool: ("b", bool),
    int: ("i", int),
    str: ("s", str),
    float: ("f", float),
    Decimal: ("n", str),
    dt.datetime: ("m", dt.datetime.isoformat),
    dt.date: ("d", dt.date.isoformat),
    dt.time: ("t", dt.time.isoformat),
    dt.timedelta: ("l", dt.timedelta.total_seconds),
}
_READ: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "b": (bool, bool),
    "i": (int, int),
    "s": (str, str),
    "f": (float, float),
    "n": (str, Decimal),
    "m": (str, dt.datetime.fromisoformat),
    "d": (str, dt.date.fromisoformat),
    "t": (str, dt.time.fromisoformat),
    "l": (float, lambda seconds: dt.timedelta(seconds=seconds)),
}
_UNFIT: dict[type, Callable[[Any], bool]] = {  # what no database takes
    int: lambda value: abs(value) > 2**63 - 1,
    str: lambda value: "\0" in value,
    dt.datetime: lambda value: value.tzinfo is None,
    Decimal: lambda value: not value.is_finite() or abs(value) >= 10**12,
    float: lambda value: value != value,
}


def kind_of(column_type: Any) -> type:
    """What the values of a column are in Python."""
    if isinstance(column_type, Seconds):
        return dt.timedelta
    plain = column_type.impl_instance if isinstance(column_type, TypeDecorator) else column_type
    kind: type = plain.python_type
    return kind


def write_cursor(values: Sequence[Any]) -> str:
    """Sort values (plain Python, None for empty), then the id → text."""
    parts = [None if value is None else _written(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(parts, ensure_ascii=False).encode()).decode().rstrip("=")


def _written(value: Any) -> list[Any]:
    mark, dump = _WRITE[type(value)]
    return [mark, dump(value)]


def read_cursor(text: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """Text → values, the last one the id; raises Invalid unless there is one of each kind (or empty)."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        values = tuple(_read(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, TypeError, KeyError, ArithmeticError, binascii.Error, RecursionError):
        raise _broken() from None
    if values[-1] is None:
        raise _broken()
    return values


def _read(part: Any, kind: type) -> Any:
    if part is None:
        return None
    mark, raw = part
    expected, load = _READ[mark]
    if type(raw) is not expected:
        raise TypeError(mark)
    value: Any = load(raw)
    exact: bool = type(value) is kind
    if not exact or (kind in _UNFIT and _UNFIT[kind](value)):
        raise TypeError(mark)
    return value


def _broken() -> Invalid:
    return Invalid(message("The place in the list cannot be read, or the list is sorted otherwise now; start over."))
