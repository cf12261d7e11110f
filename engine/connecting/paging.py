"""Where a round of reading stands, and how it goes on after a page: pure, so that a cursor can be taken up anywhere."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from engine.connecting.moments import iso
from engine.connecting.parts import Pages
from engine.connectors import Item
from engine.errors import DeliveryFailed, message

MOST_PAGES = 100_000  # of one round
MOST_ITEMS = 10_000  # of one page
TRIES = 3  # for what does not add up, before somebody is told
SKEW = dt.timedelta(minutes=1)  # by which clocks may differ
REST = dt.timedelta(minutes=10)  # until a list that does not add up is read once more


@dataclass(frozen=True)
class Place:
    """``since`` and ``until`` in ISO 8601; ``next`` what the last page said; ``pages`` and ``seen`` of this round so
    far; ``newest`` the greatest version; ``last`` by which the last page is known again; ``again`` how often this page
    was asked for in vain, ``rounds`` how often the round was begun anew, ``began`` when it was; ``rests`` until when
    nothing is read, because the pages did not add up."""

    since: str
    until: str | None = None
    page: int = 1
    offset: int = 0
    next: str | int | None = None
    pages: int = 0
    seen: int = 0
    newest: str = ""
    last: str = ""
    again: int = 0
    rounds: int = 0
    began: str = ""
    rests: str = ""

    @classmethod
    def of(cls, cursor: Mapping[str, Any]) -> Place:
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in cursor.items() if name in known})

    def cursor(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Page:
    """What a page told: its things, and what else was said of the pages, None where nothing was."""

    items: Sequence[Item]
    next: str | int | None = None
    more: bool | None = None
    total: int | None = None

    @property
    def known_by(self) -> str:
        keys = "\n".join(f"{item.key} {item.version}" for item in self.items)
        return hashlib.sha256(keys.encode()).hexdigest()[:16] if self.items else ""

    @property
    def newest(self) -> str:
        return max((item.version for item in self.items), default="")


@dataclass(frozen=True)
class Turned:
    """``counts``: whether what stood on the page is taken; otherwise it is asked for once more."""

    at: Place
    more: bool
    counts: bool = True


def begun(pages: Pages, since: str, until: str | None) -> Place:
    return Place(since, until, page=pages.first)


def again(pages: Pages, at: Place, now: dt.datetime) -> Place:
    """The round from its beginning; after so many of them, not at once."""
    if at.rounds + 1 < TRIES:
        return replace(begun(pages, at.since, at.until), rounds=at.rounds + 1)
    return replace(begun(pages, at.since, at.until), rests=iso(now + REST))


def turned(pages: Pages, at: Place, page: Page, where: str, now: dt.datetime) -> Turned:
    """What comes after a page, read at ``now``. Raises DeliveryFailed when the pages do not add up, time and again."""
    if at.pages >= MOST_PAGES:
        raise DeliveryFailed(message("{place} does not end after {count} pages.", place=where, count=MOST_PAGES))
    if _leads_nowhere(pages, at, page):
        raise DeliveryFailed(message("{place} says that there is more, but not where.", place=where))
    if _repeats(pages, at, page):
        return _repeated(pages, at, page, where, now)
    if _doubtful(pages, at, page):
        return Turned(replace(at, again=1), more=True)
    here = replace(at, pages=at.pages + 1, seen=at.seen + _counted(pages, page), newest=max(at.newest, page.newest),
                   last=page.known_by, again=0, began=at.began or iso(now - SKEW))  # fmt: skip
    if _goes_on(pages, here, page):
        return Turned(_onward(pages, here, page), more=True)
    return _ended(pages, here, page, now)


def _leads_nowhere(pages: Pages, at: Place, page: Page) -> bool:
    if not page.more:
        return False
    if pages.by in ("cursor", "link"):
        return page.next in (None, "")
    return pages.by in ("offset", "since") and not page.items and at.again > 0


def _repeats(pages: Pages, at: Place, page: Page) -> bool:
    """Whether it is the last page once more: taken for a new one, what should stand here would be lost."""
    if pages.by == "none" or (pages.by == "since" and page.newest > at.since):
        return False
    same_end = pages.by in ("cursor", "link") and page.more is not False and page.next == at.next is not None
    return same_end or (bool(page.items) and page.known_by == at.last)


def _doubtful(pages: Pages, at: Place, page: Page) -> bool:
    """An empty page after others, or before others, is believed when it is empty twice, or all things were seen."""
    if page.items or at.again or pages.by == "none":
        return False
    inside = at.pages > 0 or page.more is True or page.next not in (None, "")
    return inside and (page.total is None or at.seen < page.total)


def _repeated(pages: Pages, at: Place, page: Page, where: str, now: dt.datetime) -> Turned:
    """Asked for once more; some systems answer their last page to whoever asks for a later one."""
    if at.again + 1 < TRIES:
        return Turned(replace(at, again=at.again + 1), more=True, counts=False)
    if pages.by in ("page", "offset") and at.pages > 1 and not page.more:
        return replace(_ended(pages, at, page, now), counts=False)
    raise DeliveryFailed(message("{place} answers the same page again and again.", place=where))


def _goes_on(pages: Pages, here: Place, page: Page) -> bool:
    if pages.by == "none":
        return False
    if pages.by in ("cursor", "link"):
        return page.more is not False and page.next not in (None, "")
    if page.more is not None:
        return page.more
    return len(page.items) >= (pages.size or 1) and (page.total is None or here.seen < page.total)


def _counted(pages: Pages, page: Page) -> int:
    """How many things the page stands for: one that holds more than were asked for repeats some."""
    return min(len({item.key for item in page.items}), pages.size or MOST_ITEMS)


def _onward(pages: Pages, here: Place, page: Page) -> Place:
    if pages.by == "since" and page.newest > here.since:
        return replace(here, since=page.newest, page=pages.first, offset=0)
    return replace(here, page=here.page + 1, offset=here.offset + _counted(pages, page), next=page.next)


def _ended(pages: Pages, here: Place, page: Page, now: dt.datetime) -> Turned:
    """The round is over; what changes from now on is looked for from the newest thing on."""
    if page.total is not None and here.seen < page.total:
        return Turned(again(pages, here, now), more=True)
    if _disturbed(pages, here):
        return Turned(again(pages, here, now), more=True)
    return Turned(begun(pages, here.newest if _is_moment(here.newest) else here.since, here.until), more=False)


def _is_moment(version: str) -> bool:
    return version[10:11] == "T"


def _disturbed(pages: Pages, here: Place) -> bool:
    """Whether something changed while pages were counted: it left its place, and what moved up was never seen."""
    counted = pages.by in ("page", "offset") and here.pages > 1
    return counted and _is_moment(here.newest) and here.newest >= here.began and here.rounds + 1 < TRIES
