"""What goes between the two processes: plain data as JSON, each frame after its length. Never pickle.

Numbers with a fraction arrive as exact decimals. Dates, times and durations keep their kind by a tag whose key no text
typed by people can hold.
"""

from __future__ import annotations

import datetime as dt
import json
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

LARGEST = 4_000_000  # bytes of one frame
MAX_EXPONENT = 60
_LENGTH = struct.Struct(">I")
_TAG = "\0"

Hook = Callable[[dict[str, Any]], Any]


class BadFrame(Exception):
    """The other side does not keep to the format, or says more than it may."""


class Ended(Exception):
    """The other side is gone."""


def _duration(text: str) -> dt.timedelta:
    days, seconds, microseconds = text.split(" ")
    return dt.timedelta(int(days), int(seconds), int(microseconds))


def _number(text: str) -> Decimal:
    """A number anybody may reckon with: 1E+999999999 would stop who makes an integer of it."""
    found = Decimal(text)
    if not found.is_finite() or abs(found.adjusted()) > MAX_EXPONENT:
        raise ValueError(text[:40])
    return found


_WRITE: Mapping[type, tuple[str, Callable[[Any], str]]] = {
    Decimal: ("decimal", str),
    dt.date: ("date", dt.date.isoformat),
    dt.datetime: ("moment", dt.datetime.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("duration", lambda length: f"{length.days} {length.seconds} {length.microseconds}"),
}
_READ: Mapping[str, Callable[[str], Any]] = {
    "decimal": _number,
    "date": dt.date.fromisoformat,
    "moment": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
    "duration": _duration,
}


def _tagged(value: Any) -> Any:
    if isinstance(value, (MappingProxyType, Mapping)):
        return dict(value)
    known = _WRITE.get(type(value))
    if known is None:
        raise TypeError(f"{type(value).__name__} is no plain data")
    return {_TAG: [known[0], known[1](value)]}


_ENCODER = json.JSONEncoder(default=_tagged, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: Any) -> bytes:
    """The value as JSON. Raises TypeError, ValueError, RecursionError: not plain data; BadFrame: too much of it."""
    raw = _ENCODER.encode(value).encode()
    if len(raw) > LARGEST:
        raise BadFrame("too large")
    return raw


def decoder(made: Hook = lambda found: found) -> json.JSONDecoder:
    """``made`` gets every object and answers what stands for it."""

    def hook(found: dict[str, Any]) -> Any:
        if _TAG not in found:
            return made(found)
        kind, text = found[_TAG]
        return _READ[kind](text)

    return json.JSONDecoder(object_hook=hook, parse_float=_number, parse_constant=_number)


def decode(raw: bytes, by: json.JSONDecoder) -> Any:
    """The value again; raises BadFrame."""
    try:
        return by.decode(raw.decode())
    except (ValueError, TypeError, LookupError, InvalidOperation, RecursionError, OverflowError) as error:
        raise BadFrame(str(error)[:100]) from None


class Frames:
    """Frames over something that reads and writes bytes. ``read(n)`` gives up to n bytes, none at the end."""

    def __init__(self, read: Callable[[int], bytes], write: Callable[[bytes], None], made: Hook = lambda found: found):
        self._read = read
        self._write = write
        self._decoder = decoder(made)
        self._kept = b""

    def send(self, value: Any) -> None:
        """Raises what `encode` raises."""
        self.put(encode(value))

    def put(self, raw: bytes) -> None:
        """A frame that was encoded before."""
        self._write(_LENGTH.pack(len(raw)) + raw)

    def receive(self) -> Any:
        """The next frame; raises Ended, BadFrame."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > LARGEST:
            raise BadFrame("too large")
        return decode(self._exactly(length), self._decoder)

    def _exactly(self, count: int) -> bytes:
        parts, held = [self._kept], len(self._kept)
        while held < count:
            part = self._read(65_536)
            if not part:
                raise Ended
            parts.append(part)
            held += len(part)
        whole = b"".join(parts)
        self._kept = whole[count:]
        return whole[:count]
