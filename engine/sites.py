"""Pages of other sites whose lists a person hands over with the browser extension.

What stands where on a page is data of the definition; the extension is told it and runs no code it was sent. What it
hands over is believed no more than what somebody typed: see ``engine.feeding.cleaning``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NewType

from engine.connectors import Connection, Reading
from engine.language import Label, from_key, option
from engine.registry import Registry

PartName = NewType("PartName", str)  # of a value of an item: a name, or several with points between

LINES = "lines"
PART = re.compile(r"[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){0,2}")  # what a value of an item is called
ADDRESS = re.compile(r"https?://(\*|(\*\.)?[a-z0-9.-]+)(:[0-9]+)?/\S*")  # as browsers write match patterns


@dataclass(frozen=True, kw_only=True)
class PageValue:
    """A value on a page."""

    label: Label | None = option("What people call it. Default: its name.", None)
    css: str | None = option("Where it stands in the item, as a CSS selector. Default: the item itself.", None)
    attr: str | None = option("The attribute that holds it, such as data-id. Default: the text people read.", None)
    pattern: str | None = option(
        "What of it counts: a regular expression; its first group, where it has one.", None, maxLength=300
    )
    type: Literal["text", "number", "moment"] = option("What it is.", "text")
    codes: Mapping[str, str] = option("What the page writes → what is given.", {})
    default: str | None = option("What is given where the page says nothing.", None)
    required: bool = option("An item without it is not taken.", False)


@dataclass(frozen=True, kw_only=True)
class PageLines:
    """The lines of an item on a page."""

    item: str = option("What one line is, within the item: a CSS selector.", minLength=1)
    fields: Mapping[PartName, PageValue] = option("The values of a line.", minProperties=1)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A kind of page of a site that lists things."""

    name: str = from_key()
    label: Label | None = option("What people call it.", None)
    match: tuple[str, ...] = option(
        "The addresses of such pages, * for anything: https://shop.example.com/list/*.", minItems=1
    )
    item: str = option("What one thing is on the page: a CSS selector.", minLength=1)
    key: PartName = option("The value by which a thing is known again.", minLength=1)
    fields: Mapping[PartName, PageValue] = option(
        "The values of a thing; `buyer.name` becomes item.buyer.name.", minProperties=1
    )
    lines: PageLines | None = option("Its lines: item.lines.", None)
    next: str | None = option("The link or button that leads to the next page: a CSS selector.", None)

    @property
    def gives(self) -> tuple[str, ...]:
        """What stands in an item."""
        firsts = dict.fromkeys(name.partition(".")[0] for name in self.fields)
        return (*firsts, LINES) if self.lines is not None else tuple(firsts)


@dataclass(frozen=True, kw_only=True)
class BrowserPagesConnection(Connection):
    """Pages whose lists people hand over with the browser extension."""

    type: ClassVar[str] = "browser_pages"
    serves: ClassVar[frozenset[str]] = frozenset()
    reading: str = option("What feeds `read` of it.", "items", pattern="^[a-z][a-z0-9_]*$")
    timezone: str | None = option("The time zone its pages write in. Default: that of the application.", None)
    sites: Mapping[str, Site] = option("The pages it is about.", minProperties=1)

    def readings(self) -> Mapping[str, Reading]:
        gives = {name: name for site in self.sites.values() for name in site.gives}
        label = Label({"zh": "页面上的内容", "en": "What stands on the pages"})
        return {self.reading: Reading(self.label or label, gives, pulled=False, pushed=True, spans=False)}


def register(registry: Registry) -> None:
    registry.connector(BrowserPagesConnection)
