"""What was said over a line, for the ledger: one request and its answer, without headers, long bodies cut."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

LONGEST = 16_000  # characters of a body
_READABLE = re.compile(r"text/|$|.*(json|xml|x-www-form-urlencoded|javascript|csv)")


@dataclass(frozen=True)
class Exchange:
    """``operation``: the operation or reading it belongs to, "" for a plain call; ``status`` None where no answer came,
    and then ``error`` says why. ``sent`` and ``answered`` hold no secret once they have passed the one door."""

    operation: str
    method: str
    url: str
    at: dt.datetime
    seconds: float
    status: int | None = None
    sent: str = field(default="", repr=False)
    answered: str = field(default="", repr=False)
    error: str = ""


def readable(body: bytes, media_type: str) -> str:
    """A body as a person reads it; its size where it is nothing to read."""
    if not body:
        return ""
    if not _READABLE.match(media_type.partition(";")[0].strip().lower()):
        return f"({len(body)} bytes)"
    text = body[: LONGEST * 4].decode("utf-8", "replace").replace("\0", "\ufffd")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(body)} bytes)"
