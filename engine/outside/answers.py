"""What came back by HTTP: whether it is a success, whether asking again can help, and what is kept of it."""

from __future__ import annotations

import datetime as dt
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from engine.errors import DeliveryFailed, message

MOST = 1024 * 1024  # bytes of an answer that are read and kept
_AGAIN = frozenset({408, 425, 429})
_LONGEST_WAIT = 24 * 3600.0
_KEPT = ("content-type", "location", "etag", "last-modified", "x-request-id")


@dataclass(frozen=True)
class Answer:
    """``headers`` in small letters; ``cut``: there was more; ``broken``: the line was lost inside the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cut: bool = False
    broken: bool = False

    @property
    def json(self) -> Any:
        """The body read as JSON; None where it is none."""
        return None if self.cut or "json" not in self.media_type else read_json(self.text)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str | None:
        """The body as text; None where it is something else."""
        if not re.match(r"text/|$|.*(json|xml|x-www-form-urlencoded|javascript)", self.media_type):
            return None
        named = re.search(r"charset=\"?([\w-]+)", self.headers.get("content-type", ""))
        try:
            text = _unpacked(self).decode(named[1] if named else "utf-8", "replace")
        except (LookupError, zlib.error):
            return None
        return text.replace("\0", "\ufffd")


def _unpacked(answer: Answer) -> bytes:
    """Servers may compress although they were asked not to; what swells is cut."""
    if answer.headers.get("content-encoding", "identity").lower() in ("gzip", "deflate"):
        return zlib.decompressobj(47).decompress(answer.body, MOST)
    return answer.body


def read_json(text: str | None) -> Any:
    """JSON a database can keep: no NaN, no characters that are none."""
    if not text:
        return None
    try:
        value = json.loads(text, parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return None if "\\u0000" in text else value


def _no_number(name: str) -> float:
    raise ValueError(name)


def shown(answer: Answer) -> dict[str, Any]:
    """What the ledger keeps of an answer and rules can read: status, headers, json or text, size, seconds."""
    kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    content = {"json": answer.json} if answer.json is not None else {"text": answer.text}
    return {
        "status": answer.status, "headers": kept, **content, "size": len(answer.body), "cut": answer.cut,
        "seconds": round(answer.seconds, 3),
    }  # fmt: skip


def judge(answer: Answer, place: str, expect: Sequence[int], now: dt.datetime, *, reads: bool) -> None:
    """Raise DeliveryFailed unless the answer is a success; ``reads``: asking twice is asking once."""
    if not _is_success(answer.status, expect):
        raise DeliveryFailed(
            message("{place} answered {status}: {text}", place=place, status=answer.status, text=beginning(answer)),
            again=answer.status in _AGAIN or answer.status >= 500,
            after=_wait(answer.headers.get("retry-after", ""), now),
        )
    if answer.broken:
        raise DeliveryFailed(
            message("{place} answered {status}, but the answer broke off.", place=place, status=answer.status),
            unsure=not reads,
        )


def _is_success(status: int, expect: Sequence[int]) -> bool:
    return status in expect if expect else 200 <= status < 300


def beginning(answer: Answer) -> str:
    """As much of it as a sentence about it can hold."""
    location = answer.headers.get("location", "").partition("?")[0]
    text = f"→ {location}" if location else " ".join((answer.text or "").split())
    return text[:200] + "…" if len(text) > 200 else text


def _wait(text: str, now: dt.datetime) -> float | None:
    """Seconds of a Retry-After header, which says seconds or a date; a day at most."""
    if re.fullmatch(r"\d{1,9}", text):
        return min(float(text), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return min(max((aware - now).total_seconds(), 0.0), _LONGEST_WAIT)
