"""What went wrong in a script or template, as a sentence with its line: no trace, no address, no path of the host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from types import TracebackType
from typing import Any

from engine.errors import AppmillError, Message, message

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+|0x[0-9a-fA-F]{6,}|<[^>]*>\.?|_script_\.?|/[\w./-]+")
_QUOTED = re.compile(r"'([A-Za-z_]\w{0,60})'")


def line_of(trace: TracebackType | None, source: str) -> int:
    """The line of the innermost frame that belongs to ``source``; 0 where there is none."""
    line = 0
    while trace:
        if trace.tb_frame.f_code.co_filename == source:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def cause_of(error: BaseException) -> Message:
    """What a person is told of a failure."""
    if isinstance(error, AppmillError):
        return error.reason
    if isinstance(error, NameError):
        return message("{name} has no value yet", name=(_QUOTED.findall(str(error)) or ["?"])[0])
    if isinstance(error, IndexError) and len(error.args) == 2:
        return message("There is no part {place}: the list has {count}", place=error.args[0], count=error.args[1])
    if isinstance(error, KeyError):
        return message("There is no {name} in it", name=_plain(error.args[0] if error.args else ""))
    if isinstance(error, (TypeError, ValueError)):
        return message("This cannot be worked out: {cause}", cause=_clean(str(error)))
    return message("This cannot be worked out")


def _plain(value: Any) -> str:
    return str(value)[:80] if isinstance(value, (str, int)) else "…"


def _clean(text: str) -> str:
    return _ADDRESS.sub("", text)[:160]


def packed(what: Message) -> dict[str, Any]:
    """A message for the way to the other process."""
    values = {name: packed(value) if isinstance(value, Message) else value for name, value in what.values.items()}
    return {"pattern": what.pattern, "values": values}


def unpacked(found: Mapping[str, Any]) -> Message:
    """The message again. Whoever sent it may be hostile: its places are plain names, its values short and plain."""
    pattern, values = found.get("pattern"), found.get("values")
    if not isinstance(pattern, str) or not isinstance(values, Mapping) or not _harmless(pattern, values):
        return message("This cannot be worked out")
    return Message(pattern, {name: _value(value) for name, value in values.items()})


def _harmless(pattern: str, values: Mapping[str, Any]) -> bool:
    """Whether every place is just the name of a value."""
    try:
        places = [part[1:] for part in Formatter().parse(pattern) if part[1] is not None]
    except ValueError:
        return False
    return all(name in values and not spec and not conversion for name, spec, conversion in places)


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return unpacked(value)
    return value if isinstance(value, int) else str(value)[:2000]
