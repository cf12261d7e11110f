"""Functions for what systems outside tell: their codes in our words, their units in ours."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.errors import message
from engine.expressions import guards
from engine.expressions.errors import EvaluationFailed

PLACES = 12  # decimal places of what cannot be said exactly

# unit → (dimension, how many of the first unit of it): exact, by the international definitions of 1959
_UNITS: Mapping[str, tuple[str, Fraction]] = {
    name: (dimension, Fraction(size))
    for dimension, sizes in {
        "mass": {"g": "1", "mg": "0.001", "kg": "1000", "t": "1000000", "lb": "453.59237", "oz": "28.349523125",
                 "jin": "500", "liang": "50"},
        "length": {"m": "1", "mm": "0.001", "cm": "0.01", "dm": "0.1", "km": "1000", "in": "0.0254", "ft": "0.3048",
                   "yd": "0.9144", "mi": "1609.344"},
        "area": {"m2": "1", "mm2": "0.000001", "cm2": "0.0001", "dm2": "0.01", "ha": "10000", "km2": "1000000",
                 "in2": "0.00064516", "ft2": "0.09290304", "yd2": "0.83612736"},
        "volume": {"l": "1", "ml": "0.001", "cl": "0.01", "dl": "0.1", "m3": "1000", "dm3": "1", "cm3": "0.001",
                   "in3": "0.016387064", "ft3": "28.316846592", "us_gal": "3.785411784",
                   "us_fl_oz": "0.0295735295625", "uk_gal": "4.54609"},
        "time": {"s": "1", "ms": "0.001", "min": "60", "h": "3600", "d": "86400", "w": "604800"},
        "count": {"pc": "1", "pair": "2", "dozen": "12", "gross": "144", "hundred": "100", "thousand": "1000"},
    }.items()
    for name, size in sizes.items()
}  # fmt: skip
_ALSO = {
    "pcs": "pc", "ea": "pc", "each": "pc", "piece": "pc", "pieces": "pc", "lbs": "lb", "gram": "g", "grams": "g",
    "kilogram": "kg", "kilograms": "kg", "pound": "lb", "pounds": "lb", "ounce": "oz", "ounces": "oz", "ton": "t",
    "meter": "m", "meters": "m", "inch": "in", "inches": "in", "foot": "ft", "feet": "ft", "liter": "l",
    "liters": "l", "litre": "l", "litres": "l", "hour": "h", "hours": "h", "minute": "min", "minutes": "min",
    "second": "s", "seconds": "s", "day": "d", "days": "d", "m²": "m2", "m³": "m3", "cm³": "cm3",
    "件": "pc", "个": "pc", "双": "pair", "打": "dozen", "克": "g", "千克": "kg", "公斤": "kg", "吨": "t", "斤": "jin",
    "两": "liang", "米": "m", "厘米": "cm", "毫米": "mm", "升": "l", "毫升": "ml", "平方米": "m2", "立方米": "m3",
}  # fmt: skip


def decode(value: Any, table: dict[str, Any] | None, otherwise: Any = None) -> Any:
    """What a code table says for a code; the third value where it says nothing, without which that is a mistake."""
    if value is None or value == "":
        return otherwise
    known = table or {}
    found = known.get(value if isinstance(value, str) else _as_code(value))
    if found is None and otherwise is None:
        some = ", ".join(list(known)[:12])
        raise EvaluationFailed(message("The code “{code}” is in no row of the table; it has {known}",
                                       code=str(value)[:60], known=some or "–"))  # fmt: skip
    return otherwise if found is None else found


def _as_code(value: Any) -> str:
    """Numbers and truth as code tables write them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def convert(value: int | Decimal | str, from_unit: str, to_unit: str) -> Decimal | None:
    """The amount in another unit of the same kind: mass, length, area, volume, time or count, such as 'lb' to 'kg'."""
    from engine.expressions.functions import decimal

    number = decimal(value)
    if number is None:
        raise EvaluationFailed(message("“{value}” is no number", value=str(value)[:60]))
    (first, size), (second, into) = _unit(from_unit), _unit(to_unit)
    if first != second:
        said = message("{from_unit} cannot be converted to {to_unit}: one is {first}, the other {second}",
                       from_unit=from_unit, to_unit=to_unit, first=first, second=second)  # fmt: skip
        raise EvaluationFailed(said)
    exact = Fraction(number) * size / into
    if abs(exact) >= guards.MAX_NUMBER:
        raise EvaluationFailed(message("The number is too large"))
    return _decimal(exact)


def _unit(name: str) -> tuple[str, Fraction]:
    said = name.strip()
    found = _UNITS.get(said) or _UNITS.get(_ALSO.get(said.lower(), said.lower()))
    if found is None:
        raise EvaluationFailed(message("There is no unit {name}; there are {known}", name=name[:40],
                                       known=", ".join(_UNITS)))  # fmt: skip
    return found


def _decimal(exact: Fraction) -> Decimal:
    """Exact where twelve places can say it, else rounded there, halves to even."""
    scaled = round(exact * 10**PLACES)
    number = Decimal(scaled).scaleb(-PLACES).normalize()
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


ALL = (decode, convert)
