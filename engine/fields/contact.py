"""Ways to reach someone: phone, e-mail, web address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.fields.text import typed_text
from engine.formats import Reader

SCHEMES = ("http", "https", "mailto", "tel")
_LINK = Markup('<a href="{}">{}</a>')
_OUTSIDE = Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>')
_PHONE = re.compile(r"\+?[\d(][\d ()/.-]{1,36}(?:\s*(?:x|ext\.?|转)\s*\d{1,8})?", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"|]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}")
_HOST = re.compile(r"(?:[\w-]{1,63}\.){0,8}[\w-]{1,63}|\[[0-9a-fA-F:.]{2,45}\]")


@dataclass(frozen=True, kw_only=True)
class PhoneField(Field):
    """A phone number."""

    type: ClassVar[str] = "phone"
    icon: ClassVar[str] = "phone"
    category: ClassVar[str] = "contact"
    widget: ClassVar[str] = "text"
    operators: ClassVar[tuple[Operator, ...]] = operators.TEXT
    full_text: ClassVar[bool] = True

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(50)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        text = typed_text(self, raw, 50)
        if text is None:
            return None
        phone = reading.narrow(text)
        if not _PHONE.fullmatch(phone) or sum(letter.isdigit() for letter in phone) < 3:
            raise self.wrong("{label} must be a phone number such as +86 138 0013 8000; got “{got}”.", got=got(raw))
        return phone

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return Markup("") if value is None else _LINK.format(f"tel:{re.sub(r'[^0-9+]', '', value)}", value)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "minLength": 3, "maxLength": 50, "pattern": "^[+]?[0-9][0-9 -]{2,30}$"}

    def html_attributes(self) -> Mapping[str, str]:
        return {"type": "tel", "inputmode": "tel", "autocomplete": "off", "maxlength": "50"}


@dataclass(frozen=True, kw_only=True)
class EmailField(Field):
    """An e-mail address."""

    type: ClassVar[str] = "email"
    icon: ClassVar[str] = "mail"
    category: ClassVar[str] = "contact"
    widget: ClassVar[str] = "text"
    operators: ClassVar[tuple[Operator, ...]] = operators.TEXT
    full_text: ClassVar[bool] = True

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(254)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        text = typed_text(self, raw, 254)
        if text is None:
            return None
        mail = reading.narrow(text).removeprefix("mailto:")
        if not _EMAIL.fullmatch(mail) or ".." in mail:
            raise self.wrong("{label} must be an e-mail address such as name@example.com; got “{got}”.", got=got(raw))
        name, _, host = mail.partition("@")
        return f"{name}@{host.lower()}"

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return Markup("") if value is None else _LINK.format(f"mailto:{value}", value)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "format": "email", "maxLength": 254}

    def html_attributes(self) -> Mapping[str, str]:
        return {"type": "email", "inputmode": "email", "autocomplete": "off", "maxlength": "254"}


@dataclass(frozen=True, kw_only=True)
class UrlField(Field):
    """The address of a web page."""

    type: ClassVar[str] = "url"
    icon: ClassVar[str] = "world"
    category: ClassVar[str] = "contact"
    widget: ClassVar[str] = "text"
    operators: ClassVar[tuple[Operator, ...]] = operators.TEXT

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(2000)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        text = typed_text(self, raw, 2000)
        if text is None:
            return None
        url = text if "://" in text else f"https://{text}"
        if not safe_url(url) or not _web_host(url):
            raise self.wrong("{label} must be a web address such as https://example.com; got “{got}”.", got=got(raw))
        if len(url) > 2000:
            raise self.wrong("{label} must have at most {limit} characters; got {count}.", limit=2000, count=len(url))
        return url

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        if value is None:
            return Markup("")
        shown = value.removeprefix("https://").removesuffix("/")
        shown = shown if len(shown) <= 40 else shown[:39] + "…"
        return _OUTSIDE.format(value, shown) if safe_url(value) else Markup("{}").format(shown)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "format": "uri", "maxLength": 2000, "pattern": "^https?://"}

    def html_attributes(self) -> Mapping[str, str]:
        # not type=url: it refuses example.com, to which https:// is added
        return {"inputmode": "url", "autocomplete": "off", "maxlength": "2000"}


def safe_url(url: str) -> bool:
    """Whether it may stand in an ``href``: no javascript:, data: and the like."""
    try:
        return urlsplit(url).scheme.lower() in SCHEMES
    except ValueError:
        return False


def _web_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        in_range = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not any(letter.isspace() or letter in '<>"`' for letter in url)
    return parts.scheme.lower() in ("http", "https") and bool(_HOST.fullmatch(host)) and in_range and plain
