"""Whole numbers, decimals, percentages, quantities with a unit: all exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, NewType

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from engine import formats
from engine.errors import Message, message
from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.fields.columns import DIGITS_BEFORE, KEPT_SCALE, Exact
from engine.formats import Reader
from engine.language import option

UnitName = NewType("UnitName", str)  # any letters: t, 箱, m²
LARGEST = 10**DIGITS_BEFORE - 1
LARGEST_INTEGER = 2**53 - 1  # what JSON readers keep exactly


def typed_number(field: Field, raw: Any, example: str) -> Decimal | None:
    """Text or a JSON number → Decimal, never NaN or Infinity; ``example`` stands in the message."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    number = None
    if isinstance(raw, str):
        number = reading.number(raw)
    elif isinstance(raw, Decimal):
        number = raw
    elif isinstance(raw, int) and not isinstance(raw, bool):
        number = Decimal(raw) if abs(raw) < 10**24 else None
    elif isinstance(raw, float):
        number = Decimal(str(raw))  # 0.1 as it was written, not as the float nearest to it
    if number is None or not number.is_finite() or abs(number.adjusted()) > 40:
        raise field.wrong("{label} must be a number such as {example}; got “{got}”.", example=example, got=got(raw))
    return number


def check_range(field: Field, value: Any, low: Any, high: Any) -> None:
    """Both bounds are values of the field, or None; raises Invalid showing them as the field is shown."""
    reader = Reader()
    if low is not None and value < low:
        raise field.wrong(
            "{label} must be at least {limit}; got {got}.",
            limit=field.format(low, reader), got=field.format(value, reader),
        )  # fmt: skip
    if high is not None and value > high:
        raise field.wrong(
            "{label} must be at most {limit}; got {got}.",
            limit=field.format(high, reader), got=field.format(value, reader),
        )  # fmt: skip


def range_mistakes(low: Any, high: Any) -> Iterable[tuple[str, Message]]:
    if low is not None and high is not None and low > high:
        yield "min", message("min is {low}, more than max {high}.", low=str(low), high=str(high))


@dataclass(frozen=True, kw_only=True)
class IntegerField(Field):
    """A whole number."""

    type: ClassVar[str] = "integer"
    icon: ClassVar[str] = "number"
    category: ClassVar[str] = "number"
    kind: ClassVar[str] = "number"
    widget: ClassVar[str] = "number"
    align: ClassVar[str] = "end"
    operators: ClassVar[tuple[Operator, ...]] = operators.NUMBER

    min: int | None = option("The least value.", None)
    max: int | None = option("The greatest value.", None)

    def column_type(self) -> TypeEngine[Any]:
        return sa.BigInteger()

    def parse(self, raw: Any, reader: Reader) -> int | None:
        if isinstance(raw, int) and not isinstance(raw, bool):
            return int(self.check(raw))
        number = typed_number(self, raw, "12")
        if number is None:
            return None
        if number != number.to_integral_value():
            raise self.wrong("{label} must be a whole number; got “{got}”.", got=got(raw))
        return int(self.check(int(number)))

    def check(self, value: Any) -> Any:
        low = -LARGEST_INTEGER if self.min is None else self.min
        high = LARGEST_INTEGER if self.max is None else self.max
        if abs(value) > 10**30:
            raise self.wrong("{label} must be at most {limit}; got {got}.", limit=str(high), got="…")
        check_range(self, value, low, high)
        return value

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else str(value)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else formats.integer(value)

    def value_schema(self) -> Mapping[str, Any]:
        return {
            "type": "integer",
            "minimum": -LARGEST_INTEGER if self.min is None else self.min,
            "maximum": LARGEST_INTEGER if self.max is None else self.max,
        }

    def html_attributes(self) -> Mapping[str, str]:
        return {"inputmode": "numeric" if self.min is not None and self.min >= 0 else "text", "maxlength": "40"}

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        yield from range_mistakes(self.min, self.max)
        yield from super().mistakes()


@dataclass(frozen=True, kw_only=True)
class DecimalField(Field):
    """A number with digits after the point, exact."""

    type: ClassVar[str] = "decimal"
    icon: ClassVar[str] = "decimal"
    category: ClassVar[str] = "number"
    kind: ClassVar[str] = "number"
    widget: ClassVar[str] = "number"
    align: ClassVar[str] = "end"
    operators: ClassVar[tuple[Operator, ...]] = operators.NUMBER
    example: ClassVar[str] = "12.5"

    scale: int = option("Digits after the point.", 2, minimum=0, maximum=KEPT_SCALE)
    min: Decimal | None = option("The least value.", None)
    max: Decimal | None = option("The greatest value.", None)

    @property
    def digits(self) -> int:
        return self.scale

    def column_type(self) -> TypeEngine[Any]:
        return Exact(self.digits)

    def parse(self, raw: Any, reader: Reader) -> Decimal | None:
        number = self._read(raw, reader)
        return None if number is None else self.check(self._scaled(number, raw))

    def _read(self, raw: Any, reader: Reader) -> Decimal | None:
        return typed_number(self, raw, self.example)

    def _scaled(self, number: Decimal, raw: Any) -> Decimal:
        """Exactly ``scale`` digits; more typed ones are refused rather than rounded away unseen."""
        if abs(number) > LARGEST:
            limit = formats.integer(LARGEST)
            raise self.wrong("{label} must be at most {limit}; got {got}.", limit=limit, got=got(raw))
        scaled = number.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP)
        if scaled != number and not isinstance(raw, float):
            raise self.wrong(
                "{label} must have at most {limit} digits after the point; got “{got}”.",
                limit=self.digits, got=got(raw),
            )  # fmt: skip
        return scaled if scaled else abs(scaled)  # no negative zero

    def check(self, value: Any) -> Any:
        check_range(self, value, self.min, self.max)
        return value

    def rounded(self, value: Decimal) -> Decimal:
        """A worked-out value (computed, default_expression, rule) at the field's scale, halves away from zero."""
        return value.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP)

    def dump(self, value: Any) -> Any:
        """A JSON string, since JSON numbers are floats to most readers."""
        return None if value is None else f"{value:f}"

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else f"{value:f}"

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else formats.decimal(value, self.digits)

    def value_schema(self) -> Mapping[str, Any]:
        after = rf"(\.[0-9]{{1,{self.digits}}})?" if self.digits else ""
        return {"type": "string", "format": "decimal", "pattern": rf"^-?[0-9]{{1,{DIGITS_BEFORE}}}{after}$"}

    def html_attributes(self) -> Mapping[str, str]:
        return {"inputmode": "decimal" if self.min is not None and self.min >= 0 else "text", "maxlength": "40"}

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        yield from range_mistakes(self.min, self.max)
        yield from super().mistakes()


@dataclass(frozen=True, kw_only=True)
class PercentField(DecimalField):
    """A percentage; 12.5 stands for 12.5 %."""

    type: ClassVar[str] = "percent"
    icon: ClassVar[str] = "percentage"
    widget: ClassVar[str] = "percent"

    def _read(self, raw: Any, reader: Reader) -> Decimal | None:
        if isinstance(raw, str):
            raw = reading.narrow(raw).removesuffix("%").rstrip()
        return super()._read(raw, reader)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else formats.percent(value)


@dataclass(frozen=True, kw_only=True)
class QuantityField(DecimalField):
    """A number with a unit, such as 12.5 kg."""

    type: ClassVar[str] = "quantity"
    icon: ClassVar[str] = "scale"
    widget: ClassVar[str] = "quantity"

    scale: int = option("Digits after the point.", 3, minimum=0, maximum=KEPT_SCALE)
    unit: str = option("The unit the value is kept and shown in.", maxLength=20)
    units: Mapping[UnitName, Decimal] = option("Other units accepted when typing, and how many of the unit one is.", {})

    def _read(self, raw: Any, reader: Reader) -> Decimal | None:
        if not isinstance(raw, str) or not raw.strip():
            return super()._read(raw, reader)
        text = reading.narrow(raw)
        digits = text.rstrip(_LETTERS) if text.isascii() else _without_unit(text)
        unit = text[len(digits) :].strip()
        factor = self._factor(unit)
        number = reading.number(digits) if factor else None
        if number is None or factor is None:
            known = ", ".join((self.unit, *self.units))
            raise self.wrong(
                "{label} must be a number and a unit ({units}), such as 2.5 {unit}; got “{got}”.",
                units=known, unit=self.unit, got=got(raw),
            )  # fmt: skip
        return number * factor

    def _factor(self, unit: str) -> Decimal | None:
        if not unit or unit == self.unit:
            return Decimal(1)
        exact = self.units.get(UnitName(unit))
        if exact is None:
            lower = unit.lower()
            exact = next((factor for name, factor in self._all_units() if name.lower() == lower), None)
        return None if exact is None else Decimal(str(exact))

    def _all_units(self) -> Iterable[tuple[str, Any]]:
        return ((self.unit, Decimal(1)), *self.units.items())

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else f"{formats.decimal(value)} {self.unit}"

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else formats.decimal(value).replace(",", "")

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        for name, factor in self.units.items():
            if Decimal(str(factor)) <= 0:
                yield "units", message("The unit {name} must be more than 0 of {unit}.", name=name, unit=self.unit)
        yield from super().mistakes()


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/% "


def _without_unit(text: str) -> str:
    last = max((at for at, letter in enumerate(text) if letter.isdigit() or letter in "万亿"), default=-1)
    return text[: last + 1]
