"""Amounts of money, exact to the last digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

from engine import formats
from engine.errors import Message, message
from engine.fields import reading
from engine.fields.columns import KEPT_SCALE
from engine.fields.number import DecimalField, typed_number
from engine.formats import Reader
from engine.language import option


@lru_cache(maxsize=256)
def _marks(currency: str) -> tuple[str, ...]:
    words = {"CNY": ("元", "RMB"), "JPY": ("円",)}.get(currency, ())
    signs = (formats.currency_symbol(currency, language).strip() for language in ("zh", "en"))
    return (currency, *words, *signs)


@dataclass(frozen=True, kw_only=True)
class MoneyField(DecimalField):
    """An amount of money in one currency."""

    type: ClassVar[str] = "money"
    icon: ClassVar[str] = "currency-yuan"
    widget: ClassVar[str] = "money"
    example: ClassVar[str] = "1234.50"

    currency: str | None = option("The currency (ISO 4217). Default: the application's.", None, pattern="^[A-Z]{3}$")
    scale: int | None = option(  # type: ignore[assignment]
        "Digits after the point. Default: as the currency has, 2 for most.", None, minimum=0, maximum=KEPT_SCALE
    )

    @property
    def digits(self) -> int:
        if self.scale is not None:
            return self.scale
        return formats.precision(self.currency) if self.currency else 2

    def _read(self, raw: Any, reader: Reader) -> Decimal | None:
        if isinstance(raw, str):
            raw = self._without_mark(reading.narrow(raw), reader)
        return typed_number(self, raw, self.example)

    def _without_mark(self, text: str, reader: Reader) -> str:
        """``-¥1,234.50``, ``1234.5 CNY``, ``1234元`` without the currency; a foreign currency is left and refused."""
        code = self.currency or reader.currency
        sign = text[:1] if text[:1] in ("+", "-") else ""
        bare = text[len(sign) :].strip()
        for mark in _marks(code):
            bare = bare.removeprefix(mark).removesuffix(mark).strip()
        return sign + bare

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        if value is None:
            return ""
        currency = self.currency or reader.currency
        return formats.money(value, currency, reader.language, self.digits if self.currency or self.scale else None)

    def sign(self, reader: Reader) -> str:
        return formats.currency_symbol(self.currency or reader.currency, reader.language).strip()

    def html_attributes(self) -> Mapping[str, str]:
        return {**super().html_attributes(), "autocomplete": "off"}

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        if self.currency and not formats.known_currency(self.currency):
            yield "currency", message("{got} is not a currency of ISO 4217, such as CNY.", got=self.currency)
            return
        yield from super().mistakes()
