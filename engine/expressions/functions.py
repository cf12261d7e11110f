"""The functions every expression may call. Annotations are the contract: they are checked when a definition is read.

A parameter that does not admit None is never empty: the function is then not called and the result is empty.
Keyword-only parameters (`today`, `now`, `reader`) are taken from the names of the evaluation, not from the source.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from engine import formats
from engine.errors import message
from engine.expressions import dates, guards, outside
from engine.expressions.errors import EvaluationFailed
from engine.expressions.view import UserView, View
from engine.formats import Reader

Number = int | Decimal
Many = Iterable[Any]


# --- folding many values ---------------------------------------------------------------------------------------------


def sum(values: Many | None) -> Any:
    """The sum of the values that are not empty; 0 of none."""
    total: Any = None
    for value in values or ():
        if value is not None:
            total = value if total is None else guards.add(total, value)
    return 0 if total is None else total


def any(values: Many | None) -> bool:
    """Whether at least one of the values holds."""
    return bool([True for value in values or () if value])


def all(values: Many | None) -> bool:
    """Whether every one of the values holds; true of none."""
    return not [True for value in values or () if not value]


def count(values: Many | None) -> int:
    """How many of the values are not empty."""
    return len([True for value in values or () if value is not None])


def min(*values: Any) -> Any:
    """The least of the values that are not empty."""
    return _extreme(values, guards.less)


def max(*values: Any) -> Any:
    """The greatest of the values that are not empty."""
    return _extreme(values, guards.more)


def _extreme(values: tuple[Any, ...], better: Callable[[Any, Any], bool]) -> Any:
    found = None
    for value in _many(values):
        if value is not None and (found is None or better(value, found)):
            found = value
    return found


def _many(values: tuple[Any, ...]) -> Iterable[Any]:
    if len(values) == 1 and (isinstance(values[0], (tuple, list)) or hasattr(values[0], "gi_frame")):
        one: Iterable[Any] = values[0]
        return one
    return values


def length(value: str | Many | None) -> int:
    """How many characters a text has, or how many things a list."""
    if value is None:
        return 0
    return len(value) if isinstance(value, (str, tuple, list, frozenset)) else len(list(value))


# --- numbers ---------------------------------------------------------------------------------------------------------


def absolute(value: Number) -> Number:
    """The number without its sign."""
    return -value if value < 0 else value


def round(value: Number, places: int = 0) -> Number:
    """The number with this many decimal places; halves go away from zero."""
    if not 0 <= places <= 12:
        raise EvaluationFailed(message("round takes 0 to 12 decimal places, not {places}", places=places))
    if type(value) is int:
        return value
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return rounded if places else int(rounded)


def floor(value: Number) -> int:
    """The next whole number below."""
    return math.floor(value)


def ceil(value: Number) -> int:
    """The next whole number above."""
    return math.ceil(value)


def whole(value: Number | str) -> int:
    """The whole part of a number, or the whole number a text says; empty if it says none."""
    number = decimal(value)
    return None if number is None else int(number)  # type: ignore[return-value]


def decimal(value: Number | str) -> Decimal | None:
    """The number a text says; empty if it says none."""
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else guards.exact(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < guards.MAX_NUMBER else None


# --- texts -----------------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """The value as a plain text: numbers with a point, dates as 2026-01-31, records by their title."""
    if value is None:
        return ""
    if isinstance(value, View):
        return value.title or ""
    if isinstance(value, UserView):
        return value.read("name") or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Decimal, float)):
        return f"{guards.exact(value):f}"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dt.time):
        return value.strftime("%H:%M")
    if isinstance(value, (tuple, list, frozenset)):
        return ", ".join(text(item) for item in value)
    if isinstance(value, (str, int, dt.date, dt.timedelta)):
        return str(value)
    raise EvaluationFailed(message("{thing} is no text", thing=guards.word_for(value)))


def lower(value: str) -> str:
    """The text in small letters."""
    return value.lower()


def upper(value: str) -> str:
    """The text in capital letters."""
    return guards.bounded_text(value.upper())


def strip(value: str) -> str:
    """The text without blanks around it."""
    return value.strip()


def left(value: str, count: int) -> str:
    """The first characters of the text."""
    return value[: _not_negative(count)]


def right(value: str, count: int) -> str:
    """The last characters of the text."""
    wanted = _not_negative(count)
    return value[len(value) - wanted :] if wanted < len(value) else value


def _not_negative(count: int) -> int:
    return count if count > 0 else 0


def contains(value: str, part: str) -> bool:
    """Whether the text has this part; capitals matter."""
    return part in value


def starts_with(value: str, part: str) -> bool:
    """Whether the text begins with this part."""
    return value.startswith(part)


def ends_with(value: str, part: str) -> bool:
    """Whether the text ends with this part."""
    return value.endswith(part)


def replace(value: str, old: str, new: str) -> str:
    """The text with every old part replaced by the new one."""
    if not old:
        return value
    if len(value) + value.count(old) * len(new) > guards.MAX_TEXT * 2:
        raise EvaluationFailed(message("The text is longer than {limit} characters", limit=guards.MAX_TEXT))
    return guards.bounded_text(value.replace(old, new))


def concat(*values: Any) -> str:
    """All values as one text; empty ones leave nothing."""
    return guards.bounded_text("".join(text(value) for value in values))


def join(values: Many, separator: str = ", ") -> str:
    """The values that are not empty as one text, with the separator between them."""
    return guards.bounded_text(separator.join(text(value) for value in values if value is not None))


# --- choosing --------------------------------------------------------------------------------------------------------


def coalesce(*values: Any) -> Any:
    """The first value that is not empty."""
    return next((value for value in values if value is not None and value != ""), None)


def several(*values: Any) -> tuple[Any, ...]:
    """The values that are not empty as several, for a field that takes several."""
    return tuple(value for value in values if value is not None and value != "")


def if_else(condition: Any, then: Any, otherwise: Any = None) -> Any:
    """The second value when the first holds, else the third."""
    return then if condition else otherwise


# --- for people ------------------------------------------------------------------------------------------------------


def format(value: Any, *, reader: Reader) -> str:
    """The value as the reader's language writes it."""
    from engine.expressions.shown import shown

    return shown(value, reader)


def money(value: Number, currency: str | None = None, *, reader: Reader) -> str:
    """The amount with its currency sign; without a currency in the application's own."""
    return formats.money(Decimal(value), currency or reader.currency, reader.language)


# Functions whose name in expressions is one Python needs itself here.
NAMED: dict[str, Callable[..., Any]] = {
    "len": length, "abs": absolute, "int": whole, "str": text,
}  # fmt: skip
_ALL = (
    sum, any, all, count, min, max, round, floor, ceil, decimal, text, lower, upper, strip, left, right, contains,
    starts_with, ends_with, replace, concat, join, coalesce, several, if_else, format, money, *dates.ALL, *outside.ALL,
)  # fmt: skip


def register(registry: Any) -> None:
    for function in _ALL:
        registry.function(function)
    for name, function in NAMED.items():
        registry.functions[name] = function
