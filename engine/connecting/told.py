"""What an answer or a webhook holds: checked, so that what is broken never looks like a list without things."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.connecting.expressing import Expressing, NotUnderstood, written
from engine.connecting.moments import Writing, version
from engine.connecting.paging import MOST_ITEMS, Page
from engine.connecting.parts import Pages, Read
from engine.connectors import Item
from engine.errors import DeliveryFailed, message
from engine.expressions.guards import word_for
from engine.outside.answers import Answer, beginning, read_json

LONGEST_KEY = 200
LONGEST_WAIT = 3600.0
USUAL_WAIT = 10.0


@dataclass(frozen=True)
class Came:
    """An answer as expressions read it. ``place``: its address, for people."""

    place: str
    answer: Any
    headers: Mapping[str, str]
    status: int

    @property
    def names(self) -> Mapping[str, Any]:
        return {"answer": self.answer, "headers": dict(self.headers), "status": self.status}


def came(answer: Answer, place: str, *, empty: bool = False) -> Came:
    """The answer read as JSON; ``empty``: it may say nothing. Raises NotUnderstood."""
    if answer.cut:
        raise NotUnderstood(
            message("{place} answers more than {size} MB at once; ask for fewer things a page.",
                    place=place, size=len(answer.body) // 1_000_000)
        )  # fmt: skip
    if empty and not answer.body.strip():
        return Came(place, None, answer.headers, answer.status)
    found = read_json(answer.text)
    if found is None and (answer.text or "").strip() != "null":
        raise NotUnderstood(
            message("{place} answered {type} where JSON was expected: {text}",
                    place=place, type=answer.media_type or "?", text=beginning(answer))
        )  # fmt: skip
    return Came(place, found, answer.headers, answer.status)


def refuse_failure(source: str | None, said: Came, words: Expressing, *, again: bool) -> None:
    """Raise DeliveryFailed where ``failed`` holds of an answer; what it gives is the reason when it is a text."""
    found = words.raw(source, said.names) if source else None
    if found:
        reason = found if isinstance(found, str) else _shown(found)
        raise DeliveryFailed(message("{place} failed: {text}", place=said.place, text=reason[:300]), again=again)


def refuse_haste(source: str | None, said: Came, words: Expressing) -> None:
    """Raise DeliveryFailed where ``busy`` holds; a number is how many seconds to wait."""
    found = words.raw(source, said.names) if source else None
    if found:
        seconds = (
            float(found) if isinstance(found, (int, float, Decimal)) and not isinstance(found, bool) else USUAL_WAIT
        )
        raise DeliveryFailed(message("{place} asks to wait.", place=said.place), after=min(seconds, LONGEST_WAIT))


def _shown(value: Any) -> str:
    """The words in an error, whatever it is wrapped in."""
    for name in ("message", "error_description", "msg", "error", "detail", "title"):
        if isinstance(value, dict) and isinstance(value.get(name), str):
            return str(value[name])
    if isinstance(value, (list, tuple)):
        return "; ".join(_shown(one) for one in value[:3])
    return str(written(value))


def page_of(read: Read, said: Came, words: Expressing, how: Writing, timezone: str, link: str | None) -> Page:
    """Raises DeliveryFailed when it is not what was described."""
    found = words.raw(read.items, said.names)
    if not isinstance(found, (list, tuple)):
        raise DeliveryFailed(
            message("{place}: {source} should be a list; it is {thing}.",
                    place=said.place, source=read.items, thing=word_for(found))
        )  # fmt: skip
    items = items_of(read, found, said.place, words, how, timezone)
    pages = read.pages
    more = None if pages.more is None else bool(words.raw(pages.more, said.names))
    return Page(items, _next(pages, said, words, link), more, _total(read, said, words))


def items_of(
    read: Read, found: Sequence[Any], place: str, words: Expressing, how: Writing, timezone: str
) -> tuple[Item, ...]:
    """The things of a list. Raises DeliveryFailed for one that is no group of values, or has no key."""
    if len(found) > MOST_ITEMS:
        raise DeliveryFailed(
            message("{place} tells of more than {count} things at once.", place=place, count=MOST_ITEMS)
        )
    return tuple(_item(read, one, place, words, how, timezone) for one in found)


def _item(read: Read, one: Any, place: str, words: Expressing, how: Writing, timezone: str) -> Item:
    if not isinstance(one, dict):
        raise DeliveryFailed(
            message("{place}: a thing of {source} should be a group; it is {thing}.",
                    place=place, source=read.items, thing=word_for(one))
        )  # fmt: skip
    key = words.text(read.key, {"item": one})
    if not 0 < len(key) <= LONGEST_KEY:
        raise DeliveryFailed(
            message("{place}: a thing has no {source}; it should name it.", place=place, source=read.key)
        )
    changed = words.raw(read.version, {"item": one}) if read.version else None
    return Item(key, version(changed, how, timezone), one)


def _next(pages: Pages, said: Came, words: Expressing, link: str | None) -> str | int | None:
    if pages.by == "link":
        return link
    if pages.by != "cursor" or pages.next is None:
        return None
    found = words.value(pages.next, said.names)
    if found is None or (isinstance(found, (str, int)) and not isinstance(found, bool)):
        return found
    raise DeliveryFailed(
        message("{place}: {source} should be a text or a number; it is {thing}.",
                place=said.place, source=pages.next, thing=word_for(found))
    )  # fmt: skip


def _total(read: Read, said: Came, words: Expressing) -> int | None:
    if read.total is None:
        return None
    found = words.text(read.total, said.names)
    if not re.fullmatch(r"[0-9]{1,15}", found):
        raise DeliveryFailed(
            message("{place}: {source} should be a number; it is “{text}”.",
                    place=said.place, source=read.total, text=found[:80])
        )  # fmt: skip
    return int(found)


def link_to_next(headers: Mapping[str, str]) -> str | None:
    """The address with rel="next" of a Link header (RFC 8288)."""
    for part in re.findall(r"<([^>]*)>((?:\s*;\s*[^,;]+)*)", headers.get("link", "")):
        if re.search(r";\s*rel\s*=\s*\"?(?:[^\";]*\s)?next(?:\s[^\";]*)?\"?\s*(?:;|$)", part[1], re.IGNORECASE):
            return str(part[0])
    return None
