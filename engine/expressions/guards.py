"""The operators of expressions: an empty side makes the result empty, and no result grows without bound.

Order comparisons with an empty side are False; a division by zero is empty. A date compared with a moment stands for
its midnight in the moment's time zone.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from engine.errors import Message, message
from engine.expressions.errors import EvaluationFailed

MAX_NUMBER = 10**30
MAX_TEXT = 10_000
MAX_POWER = 64
_NUMBERS = frozenset({int, Decimal})

_WORDS: Mapping[type, Message] = {
    str: message("a text"),
    int: message("a number"),
    Decimal: message("a number"),
    bool: message("yes or no"),
    dt.date: message("a date"),
    dt.datetime: message("a date and time"),
    dt.time: message("a time"),
    dt.timedelta: message("a duration"),
    tuple: message("a list"),
    list: message("a list"),
    frozenset: message("a list"),
    dict: message("a group"),
    type(None): message("nothing"),
}
_RECORD = message("a record")


def word_for(value: Any) -> Message:
    """What people call this kind of value."""
    return next((_WORDS[kind] for kind in type(value).__mro__ if kind in _WORDS), _RECORD)


def _refuse(sign: str, left: Any, right: Any) -> EvaluationFailed:
    return EvaluationFailed(
        message("{left} {sign} {right} cannot be worked out", left=word_for(left), sign=sign, right=word_for(right))
    )


def add(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    first, second = type(left), type(right)
    if first in _NUMBERS and second in _NUMBERS:
        return left + right
    if first is str and second is str:
        return bounded_text(left + right)
    return _moved(left, right, "+", operator.add)


def subtract(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return left - right
    if isinstance(left, dt.date) and isinstance(right, dt.date):
        return _days_apart(left, right)
    return _moved(left, right, "-", operator.sub)


def _days_apart(left: dt.date, right: dt.date) -> Any:
    """Two dates are a number of days apart, two moments a duration."""
    if isinstance(left, dt.datetime) or isinstance(right, dt.datetime):
        first, second = aligned(left, right)
        return first.astimezone(dt.UTC) - second.astimezone(dt.UTC)
    return (left - right).days


def _moved(left: Any, right: Any, sign: str, apply: Callable[[Any, Any], Any]) -> Any:
    """A date, moment or duration moved by a duration; a float from outside counts as the decimal it shows."""
    if type(left) is float or type(right) is float:
        return apply(exact(left), exact(right))
    movable = isinstance(right, dt.timedelta) and isinstance(left, (dt.date, dt.timedelta))
    swapped = sign == "+" and isinstance(left, dt.timedelta) and isinstance(right, dt.date)
    if not (movable or swapped):
        left, right = _unwrapped(left), _unwrapped(right)
        if sign == "+" and type(left) is str and type(right) is str:
            return bounded_text(left + right)
        raise _refuse(sign, left, right)
    try:
        return _shifted(left, right, apply)
    except OverflowError:
        raise EvaluationFailed(message("The date lies too far away")) from None


def _shifted(left: Any, right: Any, apply: Callable[[Any, Any], Any]) -> Any:
    """Moments move by real time, also over the night the clocks change."""
    moment = left if isinstance(left, dt.datetime) else right
    if not isinstance(moment, dt.datetime) or moment.tzinfo is None:
        return apply(left, right)
    absolute = moment.astimezone(dt.UTC)
    moved: dt.datetime = apply(absolute, right) if moment is left else apply(left, absolute)
    return moved.astimezone(moment.tzinfo)


def _unwrapped(value: Any) -> Any:
    """A state text is a text."""
    return str(value) if isinstance(value, str) else value


def exact(value: Any) -> Any:
    return Decimal(repr(value)) if type(value) is float else value


def _both_numbers(left: Any, right: Any, sign: str) -> tuple[Any, Any]:
    left, right = exact(left), exact(right)
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise _refuse(sign, left, right)
    return left, right


def multiply(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if isinstance(left, dt.timedelta) and type(right) is int:
        return _stretched(left, right)
    if isinstance(right, dt.timedelta) and type(left) is int:
        return _stretched(right, left)
    left, right = _both_numbers(left, right, "*")
    return bounded_number(left * right)


def _stretched(length: dt.timedelta, times: int) -> dt.timedelta:
    try:
        return length * times
    except OverflowError:
        raise EvaluationFailed(message("The duration is too long")) from None


def divide(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    left, right = _both_numbers(left, right, "/")
    return bounded_number(Decimal(left) / right) if right else None


def floor_divide(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    left, right = _both_numbers(left, right, "//")
    if not right:
        return None
    if type(left) is int and type(right) is int:
        return left // right
    return floor(Decimal(left) / Decimal(right))


def modulo(left: Any, right: Any) -> Any:
    """The rest keeps the divisor's sign, also of decimals."""
    if left is None or right is None:
        return None
    left, right = _both_numbers(left, right, "%")
    if not right:
        return None
    if type(left) is int and type(right) is int:
        return left % right
    return left - right * floor(Decimal(left) / Decimal(right))


def floor(value: Decimal) -> int:
    whole = int(value)
    return whole - 1 if value < whole else whole


def power(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    left, right = _both_numbers(left, right, "**")
    if right != int(right) or abs(right) > MAX_POWER or abs(left) > MAX_NUMBER:
        raise EvaluationFailed(
            message("A power is a whole number between {least} and {most}", least=-MAX_POWER, most=MAX_POWER)
        )
    if not left and right < 0:
        return None
    return bounded_number(left ** int(right) if right >= 0 else Decimal(left) ** int(right))


def negative(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dt.timedelta):
        return -value
    return -_both_numbers(value, 0, "-")[0]


def positive(value: Any) -> Any:
    return None if value is None else _both_numbers(value, 0, "+")[0]


def bounded_number(value: Any) -> Any:
    if not -MAX_NUMBER < value < MAX_NUMBER:
        raise EvaluationFailed(message("The number is too large"))
    return value


def bounded_text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise EvaluationFailed(message("The text is longer than {limit} characters", limit=MAX_TEXT))
    return value


# --- comparing -------------------------------------------------------------------------------------------------------


def less(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    try:
        return bool(left < right)
    except TypeError:
        return _ordered(left, right, "<", operator.lt)


def at_most(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    try:
        return bool(left <= right)
    except TypeError:
        return _ordered(left, right, "<=", operator.le)


def more(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    try:
        return bool(left > right)
    except TypeError:
        return _ordered(left, right, ">", operator.gt)


def at_least(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    try:
        return bool(left >= right)
    except TypeError:
        return _ordered(left, right, ">=", operator.ge)


def _ordered(left: Any, right: Any, sign: str, apply: Callable[[Any, Any], Any]) -> bool:
    if isinstance(left, dt.date) and isinstance(right, dt.date):
        return bool(apply(*aligned(left, right)))
    raise _refuse(sign, left, right)


def aligned(left: dt.date, right: dt.date) -> tuple[Any, Any]:
    """A date beside a moment becomes its midnight in the moment's time zone."""
    if isinstance(left, dt.datetime) and not isinstance(right, dt.datetime):
        return left, _midnight(right, left)
    if isinstance(right, dt.datetime) and not isinstance(left, dt.datetime):
        return _midnight(left, right), right
    return left, right


def _midnight(day: dt.date, moment: dt.datetime) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=moment.tzinfo)


def contained(item: Any, whole: Any) -> bool:
    if item is None or whole is None:
        return False
    if isinstance(whole, str) and not isinstance(item, str):
        raise _refuse("in", item, whole)
    try:
        return item in whole
    except TypeError:
        raise _refuse("in", item, whole) from None


def item_of(thing: Any, key: str | int) -> Any:
    """A part of plain data; a missing one is empty."""
    if thing is None:
        return None
    if isinstance(thing, dict) and type(key) is str:
        return thing.get(key)
    if isinstance(thing, (tuple, list, str)) and type(key) is int:
        return thing[key] if -len(thing) <= key < len(thing) else None
    raise EvaluationFailed(message("{thing} has no part [{key}]", thing=word_for(thing), key=key))


def elements(many: Any) -> Iterable[Any]:
    """What a loop goes over."""
    if many is None:
        return ()
    if type(many) in (tuple, list):
        return many  # type: ignore[no-any-return]
    raise EvaluationFailed(message("{thing} is no list to go over", thing=word_for(many)))


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "_add_": add, "_subtract_": subtract, "_multiply_": multiply, "_divide_": divide,
    "_floor_divide_": floor_divide, "_modulo_": modulo, "_power_": power, "_negative_": negative,
    "_positive_": positive, "_less_": less, "_at_most_": at_most, "_more_": more, "_at_least_": at_least,
    "_in_": contained, "_getitem_": item_of, "_getiter_": elements,
}  # fmt: skip
