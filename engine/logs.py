"""The log: one line for each thing that happened, for people at a terminal or as one JSON object for machines.

A line tells the time in UTC, the level, who says it, what, and whatever is known of the cause (``causes.facts``): the
request, or the message with its rule, record and attempt. What people typed never begins a line and never colours a
terminal, and known secrets are masked, in the message, the fields and the trace of an error alike.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO

from engine import causes
from engine.outside.masking import MASK

Shape = Literal["text", "json"]
Masking = Callable[[str], str]

# Control characters begin lines and colour terminals; the others turn the reading direction of what follows.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What is a secret by its looks, whoever let it through: keys of our API, and what follows `Bearer`.
BY_ITS_LOOKS = re.compile(r"(?<=appmill_)[A-Za-z0-9_-]{40,}|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}")
LONGEST = 8000  # characters of one value
_USUAL = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


def one_line(text: str) -> str:
    """The text without anything that could begin a line of the log or colour a terminal."""
    return UNSAFE.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


class Line(logging.Formatter):
    """What a record of the log says, as a mapping; its heirs write it down. ``mask`` takes known secrets out."""

    def __init__(self, mask: Masking = str) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        said = {"time": _moment(record.created), "level": record.levelname, "logger": record.name,
                "message": self._clean(record.getMessage())}  # fmt: skip
        more = {**causes.facts(), **{name: value for name, value in vars(record).items() if name not in _USUAL}}
        said.update({name: self._safe(value) for name, value in more.items() if value is not None and name not in said})
        return self.written(said, self._trace(record))

    def written(self, said: Mapping[str, Any], trace: str) -> str:
        raise NotImplementedError

    def _clean(self, text: str) -> str:
        return BY_ITS_LOOKS.sub(MASK, self._mask(text[:LONGEST]))

    def _safe(self, value: Any) -> Any:
        return value if isinstance(value, (bool, int, float)) else self._clean(str(value))

    def _trace(self, record: logging.LogRecord) -> str:
        parts = [record.exc_text or (self.formatException(record.exc_info) if record.exc_info else ""),
                 self.formatStack(record.stack_info) if record.stack_info else ""]  # fmt: skip
        whole = "\n".join(part for part in parts if part)
        return BY_ITS_LOOKS.sub(MASK, self._mask(whole))


class JsonLines(Line):
    """One JSON object a line."""

    def written(self, said: Mapping[str, Any], trace: str) -> str:
        told = {**said, **({"trace": trace} if trace else {})}
        line = json.dumps(told, ensure_ascii=False)  # escapes what begins lines, but not all that colours them
        return UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", line)


class TextLines(Line):
    """One line for people; the trace of an error follows, indented."""

    def written(self, said: Mapping[str, Any], trace: str) -> str:
        head = " ".join(one_line(str(said[name])) for name in ("time", "level", "logger", "message"))
        rest = (f"{name}={_word(value)}" for name, value in list(said.items())[4:])
        below = (f"\n    {one_line(line)}" for line in trace.splitlines())
        return " ".join((head, *rest)) + "".join(below)


def _word(value: Any) -> str:
    text = one_line(str(value))
    return json.dumps(text, ensure_ascii=False) if re.search(r'[\s"=]', text) else text


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class OnlyTrouble(logging.Filter):
    """For ``--quiet``: warnings, errors, and the requests that were refused, whose ids people may ask about."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or getattr(record, "status", 0) >= 400


def shape_for(stream: TextIO, wanted: Shape | None) -> Shape:
    """As wanted; else text at a terminal and JSON where a machine reads."""
    return wanted or ("text" if stream.isatty() else "json")


def log_to(stream: TextIO, shape: Shape, *, quiet: bool = False, mask: Masking = str) -> logging.Handler:
    """Write the log of the whole process there, of libraries what they warn about; errors of threads and warnings of
    Python come the same way."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(mask) if shape == "json" else TextLines(mask))
    if quiet:
        handler.addFilter(OnlyTrouble())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("appmill").setLevel(logging.INFO)
    logging.captureWarnings(True)
    threading.excepthook = _thread_failed
    return handler


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread else "?"
    told = (args.exc_type, args.exc_value, args.exc_traceback)
    logging.getLogger("appmill.thread").error("the thread %s ended", name, exc_info=told)


def to_terminal(shape: Shape | None, *, quiet: bool, mask: Masking) -> Shape:
    """The log of a command goes to its standard error; answers how it is written."""
    chosen = shape_for(sys.stderr, shape)
    log_to(sys.stderr, chosen, quiet=quiet, mask=mask)
    return chosen
