"""Codes that are scanned."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

import barcode
import segno
import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.fields.text import typed_text
from engine.formats import Reader
from engine.language import option

_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_LENGTHS = {"ean13": 13, "ean8": 8, "upca": 12}


@dataclass(frozen=True, kw_only=True)
class BarcodeField(Field):
    """A code to scan, shown as a QR code or a bar code."""

    type: ClassVar[str] = "barcode"
    icon: ClassVar[str] = "qrcode"
    widget: ClassVar[str] = "barcode"
    operators: ClassVar[tuple[Operator, ...]] = operators.TEXT
    full_text: ClassVar[bool] = True

    symbology: Literal["qr", "code128", "ean13", "ean8", "upca"] = option("How it is drawn.", "qr")
    max_length: int = option("The most characters.", 80, minimum=1, maximum=500)

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(self.max_length)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        text = typed_text(self, raw, self.max_length)
        if text is None or self.symbology == "qr":
            return text
        return self._bars(reading.narrow(text))

    def _bars(self, text: str) -> str:
        if not _PRINTABLE.fullmatch(text):
            raise self.wrong("{label} must have only Latin letters, digits and signs; got “{got}”.", got=text)
        length = _LENGTHS.get(self.symbology)
        if length is None:
            return text
        if not text.isdigit() or len(text) not in (length - 1, length):
            raise self.wrong("{label} must have {length} digits; got “{got}”.", length=length, got=got(text))
        return self._with_check_digit(text, length)

    def _with_check_digit(self, text: str, length: int) -> str:
        digits = [int(digit) for digit in text[: length - 1]]
        total = sum(digit * (3 if (length - at) % 2 else 1) for at, digit in enumerate(digits, 1))
        expected = str(-total % 10)
        if len(text) == length and text[-1] != expected:
            raise self.wrong(
                "{label}: the last digit of {got} should be {expected}; one digit is wrong.",
                got=text, expected=expected,
            )  # fmt: skip
        return text[: length - 1] + expected

    def svg(self, value: str | None) -> Markup:
        """The picture, as inline SVG that scales with its box; empty where the value cannot be drawn."""
        return draw(value, self.symbology) if value else Markup("")

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length}

    def html_attributes(self) -> Mapping[str, str]:
        return {
            "maxlength": str(self.max_length), "autocomplete": "off", "autocapitalize": "off",
            "spellcheck": "false", "data-scan": "",
        }  # fmt: skip


@lru_cache(maxsize=512)
def draw(text: str, symbology: str) -> Markup:
    """A QR code takes 2 ms, bars 1 ms; labels are drawn by the hundred, so they are kept."""
    if symbology == "qr":
        svg = segno.make(text, error="m").svg_inline(
            scale=4, border=2, omitsize=True, svgclass="field-code-qr", lineclass=None, title=None
        )
        return Markup(svg)  # noqa: S704 - drawn by us: a path of modules, no text of the value
    # ASCII only is drawable; a value kept from before the symbology changed may not be
    return _bars(text, symbology) if _PRINTABLE.fullmatch(text) else Markup("")


def _bars(text: str, symbology: str) -> Markup:
    """Code 128 and EAN as one path; python-barcode works out the modules, its own writer sets style attributes."""
    try:
        modules = barcode.get(symbology, text).build()[0]
    except (barcode.errors.BarcodeError, ValueError, KeyError, io.UnsupportedOperation):
        return Markup("")
    path = "".join(f"M{at + 10} 0h1v40h-1z" for at, module in enumerate(modules) if module == "1")
    return Markup(
        '<svg class="field-code-bars" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} 40"'
        ' preserveAspectRatio="none">'
        '<path fill="#fff" d="M0 0h{}v40H0z"/><path d="{}"/></svg>'
    ).format(len(modules) + 20, len(modules) + 20, path)
