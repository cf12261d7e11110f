"""Text with bold, lists and links, cleaned of everything else."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import nh3
import sqlalchemy as sa
from markupsafe import Markup, escape
from sqlalchemy.types import TypeEngine

from engine.fields import operators
from engine.fields.base import Field, Operator
from engine.fields.text import typed_text, visible
from engine.formats import Reader
from engine.language import option

TAGS = {
    "p",
    "div",
    "br",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "ul",
    "ol",
    "li",
    "h3",
    "h4",
    "blockquote",
    "code",
    "pre",
    "a",
}
_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"</(?:p|div|li|h3|h4|blockquote|pre)>|<br>")
_SPACE = re.compile(r"\s+")
# Only what is named survives: no class or id (our scripts act on them), no hx-* (they send requests), no style.
_CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes={"a": {"href"}},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
    generic_attribute_prefixes=set(),
    strip_comments=True,
)


def clean(text: str) -> str:
    """HTML of unknown origin → HTML that is safe to show as it is. Cleaning twice changes nothing."""
    return _CLEANER.clean(text)


def plain(text: str) -> str:
    """Cleaned HTML → its text on one line."""
    return _SPACE.sub(" ", html.unescape(_TAG.sub("", _BREAK.sub(" ", text)))).strip()


@dataclass(frozen=True, kw_only=True)
class RichTextField(Field):
    """Text with bold, lists and links."""

    type: ClassVar[str] = "rich_text"
    icon: ClassVar[str] = "text-size"
    widget: ClassVar[str] = "rich_text"
    operators: ClassVar[tuple[Operator, ...]] = operators.LONG_TEXT
    sortable: ClassVar[bool] = False
    full_text: ClassVar[bool] = True

    max_length: int = option("The most characters, marks included.", 100_000, minimum=1, maximum=1_000_000)

    def column_type(self) -> TypeEngine[Any]:
        return sa.Text()

    def parse(self, raw: Any, reader: Reader) -> str | None:
        text = typed_text(self, raw, self.max_length, lines=True)
        if text is None:
            return None
        cleaned = clean(text).strip()
        return cleaned if visible(plain(cleaned)) else None

    def text(self, value: Any, reader: Reader) -> str:
        return value or ""

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return plain(value) if value else ""

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        text = self.format(value, reader)
        return escape(text if len(text) <= 120 else text[:119] + "…")

    def html(self, value: str | None) -> Markup:
        """Cleaned once more where it is shown, so that a row written past ``parse`` cannot hurt."""
        return Markup(clean(value)) if value else Markup("")  # noqa: S704 - nh3's result

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "maxLength": self.max_length, "contentMediaType": "text/html"}
