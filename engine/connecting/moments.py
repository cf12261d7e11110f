"""How a system outside writes moments, and versions that sort as text."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any, Literal

from engine.expressions.guards import exact
from engine.formats import zone

_UNITS = {"seconds": 1, "milliseconds": 1000}  # in a second
_LAST = 32_503_680_000  # seconds from 1970 to 3000: what is greater is no moment, or was told in another unit
Writing = Literal["iso", "plain", "seconds", "milliseconds"]


def iso(moment: dt.datetime) -> str:
    """UTC, of one length, so that it sorts: 2026-03-04T01:30:00.000000Z."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def written(moment: str | None, how: Writing, timezone: str) -> str | int | None:
    """A moment in ISO 8601 as the other side reads it; ``plain``: 2026-03-04 09:30:00, in its time zone."""
    if moment is None:
        return None
    read = dt.datetime.fromisoformat(moment)
    if how == "seconds":
        return int(read.timestamp())
    if how == "milliseconds":
        return int(read.timestamp()) * 1000 + read.microsecond // 1000
    if how == "plain":
        return f"{read.astimezone(zone(timezone)):%Y-%m-%d %H:%M:%S}"
    return f"{read.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def version(value: Any, how: Writing, timezone: str) -> str:
    """A moment in UTC, a number with leading zeros, or the text itself; "" for nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, (int, float, Decimal)) or re.fullmatch(r"[0-9]{1,20}", str(value)):
        return _number(Decimal(str(exact(value))), how)
    moment = _moment(str(value), timezone)
    return str(value) if moment is None else iso(moment)


def _number(number: Decimal, how: Writing) -> str:
    seconds = number / _UNITS[how] if how in _UNITS else None
    if seconds is not None and seconds < _LAST:
        return iso(dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(seconds * 1_000_000)))
    whole, _, rest = f"{number:f}".partition(".")
    return whole.zfill(20) + (f".{rest}" if rest.strip("0") else "")


def _moment(text: str, timezone: str) -> dt.datetime | None:
    """Date and time; without an offset it is of the system's time zone."""
    if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
        return None
    try:
        read = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=zone(timezone))
