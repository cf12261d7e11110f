"""Text of one line, and of several."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from engine.errors import Message, message
from engine.fields import operators, reading, safe_pattern
from engine.fields.base import Field, Operator, got
from engine.formats import Reader
from engine.language import Label, option

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
compiled = lru_cache(maxsize=256)(re.compile)


def typed_text(field: Field, raw: Any, limit: int, *, lines: bool = False) -> str | None:
    """What every text-like field does first: a str without space around, in one Unicode form, not over ``limit``."""
    if raw is None:
        return None
    if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        raw = _number_as_text(raw)
    if not isinstance(raw, str):
        raise field.wrong("{label} must be a text; got “{got}”.", got=got(raw))
    if len(raw) > limit * 2 + 100:  # before any work on it: Unicode forms and line ends cannot halve a text
        raise too_long(field, len(raw), limit)
    text = raw.replace("\r\n", "\n").replace("\r", "\n") if lines else " ".join(raw.split())
    if not text.isascii():
        if _UNSTORABLE.search(text):
            raise field.wrong("{label} contains a character that cannot be stored.")
        text = unicodedata.normalize("NFC", text)
    elif "\0" in text:
        raise field.wrong("{label} contains a character that cannot be stored.")
    text = _CONTROL.sub("", text)
    text = text.strip() if lines else " ".join(text.split())  # what stood between two spaces may be gone
    if not visible(text):
        return None
    if len(text) > limit:
        raise too_long(field, len(text), limit)
    return text or None


def visible(text: str) -> bool:
    """Whether there is anything to be seen: not spaces and marks without width alone."""
    return any(unicodedata.category(letter)[0] in "LNPSM" for letter in text)


def _number_as_text(raw: float | Decimal) -> str:
    """A spreadsheet hands over 13800138000.0 where people typed a number as text."""
    if isinstance(raw, float) and raw.is_integer():
        return f"{raw:.0f}"
    return got(raw) if isinstance(raw, int) else str(raw)


def too_long(field: Field, count: int, limit: int) -> Exception:
    return field.wrong("{label} must have at most {limit} characters; got {count}.", limit=limit, count=count)


@dataclass(frozen=True, kw_only=True)
class TextField(Field):
    """One line of text, such as a name or a code."""

    type: ClassVar[str] = "text"
    icon: ClassVar[str] = "forms"
    operators: ClassVar[tuple[Operator, ...]] = operators.TEXT
    full_text: ClassVar[bool] = True

    min_length: int | None = option("The fewest characters.", None, minimum=1, maximum=4000)
    max_length: int = option("The most characters.", 255, minimum=1, maximum=4000)
    pattern: str | None = option("A regular expression that the whole text must match.", None, maxLength=200)
    pattern_help: Label | None = option("What the pattern wants, in words: 'two letters and six digits'.", None)

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(self.max_length)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        text = typed_text(self, raw, self.max_length)
        return None if text is None else self.check(self._as_wanted(text))

    def _as_wanted(self, text: str) -> str:
        """Full-width letters and digits are narrowed where only that makes the pattern match."""
        if self.pattern and not text.isascii() and not compiled(self.pattern).fullmatch(text):
            return reading.narrow(text)
        return text

    def check(self, value: Any) -> Any:
        if len(value) > self.max_length:
            raise too_long(self, len(value), self.max_length)
        if self.min_length and len(value) < self.min_length:
            raise self.wrong(
                "{label} must have at least {limit} characters; got {count}.", limit=self.min_length, count=len(value)
            )
        if self.pattern and not compiled(self.pattern).fullmatch(value):
            raise self.wrong("{label} must be {expected}; got “{got}”.", expected=self._expected(), got=value)
        return value

    def _expected(self) -> Any:
        return self.pattern_help or message("of the form {expression}", expression=self.pattern)

    def value_schema(self) -> Mapping[str, Any]:
        schema: dict[str, Any] = {"type": "string", "minLength": self.min_length or 1, "maxLength": self.max_length}
        return schema | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})

    def html_attributes(self) -> Mapping[str, str]:
        # no pattern attribute: browsers read it by other rules than Python, and before full-width digits are narrowed
        least = {"minlength": str(self.min_length)} if self.min_length else {}
        return {"maxlength": str(self.max_length), **least}

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        if self.pattern and (fault := safe_pattern.fault(self.pattern)):
            yield "pattern", fault
            return  # the default cannot be tried against it
        if self.min_length and self.min_length > self.max_length:
            yield (
                "min_length",
                message("min_length is {low}, more than max_length {high}.", low=self.min_length, high=self.max_length),
            )
        yield from super().mistakes()


@dataclass(frozen=True, kw_only=True)
class LongTextField(Field):
    """Text of several lines, such as a remark."""

    type: ClassVar[str] = "long_text"
    icon: ClassVar[str] = "align-left"
    widget: ClassVar[str] = "long_text"
    operators: ClassVar[tuple[Operator, ...]] = operators.LONG_TEXT
    sortable: ClassVar[bool] = False
    full_text: ClassVar[bool] = True

    max_length: int = option("The most characters.", 20_000, minimum=1, maximum=200_000)
    rows: int = option("How many lines the box shows at first.", 3, minimum=1, maximum=40)

    def column_type(self) -> TypeEngine[Any]:
        return sa.Text()

    def parse(self, raw: Any, reader: Reader) -> str | None:
        return typed_text(self, raw, self.max_length, lines=True)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return value or ""

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length}

    def html_attributes(self) -> Mapping[str, str]:
        return {"maxlength": str(self.max_length), "rows": str(self.rows)}
