"""Reading what changed from shops that number the pages of a span of time, such as JD and Taobao.

A span ends before now, so that an order that changes while pages are turned leaves it, and those behind move up. From
the last page to the first nothing can be missed then: what moves up is read twice. A page that shows less than the
shop counted is asked for again, and a span whose count grows is begun anew. Where the next look begins, a little is
read once more, for what a shop shows late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import DeliveryFailed, Span, message
from plugins.channels.items import moment, utc

BEIJING = dt.timezone(dt.timedelta(hours=8))
LATE = dt.timedelta(seconds=3)  # what changes now may still be on its way into the list
OVERLAP = dt.timedelta(minutes=2)


@dataclass(frozen=True)
class Page:
    """What is asked for next: page ``number`` of what changed from ``start`` to ``end``, both in it."""

    start: dt.datetime
    end: dt.datetime
    number: int
    size: int


def begin(span: Span, size: int) -> dict[str, Any]:
    return {"since": utc(span.since), "until": utc(span.until), "size": size}


def wanted(cursor: Mapping[str, Any], now: dt.datetime, longest: dt.timedelta) -> Page | None:
    """None where there is nothing to ask for: the span is over, or has not begun."""
    start, until = _at(cursor["since"]), moment(cursor.get("until"))
    if cursor.get("end"):
        return Page(start, _at(cursor["end"]), cursor.get("page", 1), cursor["size"])
    end = min(now - LATE, start + longest, *([until] if until else []))
    end = end.replace(microsecond=0)
    return Page(start, end, 1, cursor["size"]) if end > start else None


def onward(cursor: Mapping[str, Any], page: Page, ids: Sequence[str], total: int,
           now: dt.datetime) -> tuple[bool, dict[str, Any], bool]:  # fmt: skip
    """(whether the rows of this page are taken, the next cursor, whether there is more). ``ids`` are those of the page,
    ``total`` is how many the shop counts in the span. Raises DeliveryFailed for a page that shows too little."""
    known, size = cursor.get("total"), page.size
    if known is not None and total > known:
        return False, _anew(cursor), True
    last = max(-(-total // size), 1)
    if known is None and last > 1:
        return False, {**_anew(cursor), "end": utc(page.end), "page": last, "total": total}, True
    shown, due = len(set(ids)), min(max(total - (page.number - 1) * size, 0), size)
    if shown < due:
        raise DeliveryFailed(
            message("It counts {count} changes on a page and shows {shown} of them.", count=due, shown=shown)
        )
    if page.number > 1:
        return True, {**cursor, "page": page.number - 1, "total": total}, True
    return True, _after(cursor, page.end, now), _is_more(cursor, page.end, now)


def _anew(cursor: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cursor.get(name) for name in ("since", "until", "size")}


def _after(cursor: Mapping[str, Any], end: dt.datetime, now: dt.datetime) -> dict[str, Any]:
    """The cursor behind a span that was read."""
    back = dt.timedelta() if _is_more(cursor, end, now) or _is_over(cursor, end) else OVERLAP
    return {**_anew(cursor), "since": utc(max(end - back, _at(cursor["since"])))}


def _is_more(cursor: Mapping[str, Any], end: dt.datetime, now: dt.datetime) -> bool:
    return not _is_over(cursor, end) and now - end > dt.timedelta(minutes=1)


def _is_over(cursor: Mapping[str, Any], end: dt.datetime) -> bool:
    until = moment(cursor.get("until"))
    return until is not None and end >= until.replace(microsecond=0)


def local(at: dt.datetime) -> str:
    """As shops in China write times: Beijing time without a zone."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def from_local(text: Any) -> str | None:
    """The moment in UTC, as every item writes it."""
    if not text:
        return None
    read = dt.datetime.fromisoformat(str(text))
    return utc(read if read.tzinfo else read.replace(tzinfo=BEIJING))


def _at(text: Any) -> dt.datetime:
    at = moment(text)
    if at is None:
        raise ValueError(f"{text!r} is no moment")
    return at
