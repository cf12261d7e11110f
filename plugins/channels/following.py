"""Reading what changed from shops that only know "changed after" and a list in the order of change.

Pages by number move while orders change: one that changes goes to the end, and the others move up into pages that were
read already. So every call asks for the first page of what changed since the last change seen, by the shop's own clock;
only where more changed in one moment than a page holds, those that were seen are left out by their ids until the end of
the list. The last change is read again by the next look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import DeliveryFailed, Item, Part, Span, message
from plugins.channels.items import utc

SMALLEST = 1


@dataclass(frozen=True)
class Wanted:
    """The next call: what changed at or after ``since`` and before ``until``, at most ``size``, without ``seen``."""

    since: str
    until: str | None
    size: int
    seen: tuple[str, ...]


def begin(span: Span, size: int) -> Mapping[str, Any]:
    return {"since": utc(span.since), "until": utc(span.until), "size": size}


def wanted(cursor: Mapping[str, Any]) -> Wanted:
    return Wanted(cursor["since"], cursor.get("until"), cursor["size"], tuple(cursor.get("seen", ())))


def onward(cursor: Mapping[str, Any], rows: Sequence[tuple[str, str]], total: int, items: Sequence[Item]) -> Part:
    """``rows``: (id, moment of change) of what came, in this order; ``total``: how many there were to come."""
    since, seen = cursor["since"], tuple(cursor.get("seen", ()))
    more = total > len({id for id, _ in rows})
    if more and not rows:
        raise DeliveryFailed(
            message("It tells of {count} changes and shows none of them; the key may not read them.", count=total)
        )
    last = rows[-1][1] if rows else since
    made = {"since": last, "until": cursor.get("until"), "size": cursor["size"]}
    if more and last == since:  # not at the end of the list: there, one that was seen may have changed since
        made["seen"] = [*seen, *(id for id, _ in rows)]
    return Part(items, made, more)


def smaller(cursor: Mapping[str, Any], failure: DeliveryFailed) -> Part:
    """The answer was longer than what is read of one: half as much is asked for from now on."""
    if cursor["size"] <= SMALLEST:
        raise failure
    return Part([], {**cursor, "size": cursor["size"] // 2}, True)
