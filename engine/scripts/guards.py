"""What a script's operators, attributes, items, and loops become: each asks here, and only plain data answers.

Numbers, dates and empty values reckon as in expressions (`expressions/guards.py`), and nothing grows without bound.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from types import GeneratorType, MappingProxyType
from typing import Any

from engine.errors import Message, message
from engine.expressions import guards as reckoning
from engine.expressions.errors import EvaluationFailed
from engine.scripts.meter import METER
from engine.scripts.telling import cause_of

MAX_TEXT = 200_000
MAX_ITEMS = 100_000
Given = MappingProxyType  # what the script was handed: it can be read, and copied by dict(…)

_SIZED = frozenset({tuple, dict, Given, set, str, range})
_DATE = ("year", "month", "day")
_TIME = ("hour", "minute", "second")
_PARTS: Mapping[type, tuple[str, ...]] = {
    dt.date: _DATE,
    dt.datetime: _DATE + _TIME,
    dt.time: _TIME,
    dt.timedelta: ("days", "seconds"),
}


def word_for(value: Any) -> Message:
    """What people call this kind of value."""
    if type(value) in (dict, Given):
        return message("a group")
    if isinstance(value, (set, range, GeneratorType)):
        return message("a list")
    if isinstance(value, Exception):
        return message("a failure")
    return message("a function") if callable(value) else reckoning.word_for(value)


def wrong(pattern: Message) -> EvaluationFailed:
    return EvaluationFailed(pattern)


# --- operators -------------------------------------------------------------------------------------------------------


def add(left: Any, right: Any) -> Any:
    first, second = type(left), type(right)
    if first is str and second is str:
        return bounded_text(left + right)
    if first is second and first in (list, tuple):
        return _bounded_list(left + right)
    return reckoning.add(left, right)


def multiply(left: Any, right: Any) -> Any:
    first, second = type(left), type(right)
    if second is int and first in (str, list, tuple):
        return _repeated(left, right)
    if first is int and second in (str, list, tuple):
        return _repeated(right, left)
    return reckoning.multiply(left, right)


def _repeated(thing: Any, times: int) -> Any:
    most = MAX_TEXT if type(thing) is str else MAX_ITEMS
    if len(thing) * times > most:
        raise wrong(message("The result would have more than {limit} parts", limit=most))
    return thing * times


def subtract(left: Any, right: Any) -> Any:
    if type(left) is set and type(right) is set:
        return left - right
    return reckoning.subtract(left, right)


def contained(item: Any, whole: Any) -> bool:
    if type(whole) in (list, range):
        METER.spend(len(whole))
    elif isinstance(whole, GeneratorType):
        raise wrong(message("{thing} has no parts to look for", thing=word_for(whole)))
    return reckoning.contained(item, whole)


def bounded_text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise wrong(message("The text is longer than {limit} characters", limit=MAX_TEXT))
    return value


def _bounded_list(value: Any) -> Any:
    if len(value) > MAX_ITEMS:
        raise wrong(message("The list is longer than {limit} parts", limit=MAX_ITEMS))
    return value


# --- texts -----------------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """A value as text: empty for nothing, digits for numbers; lists, groups and functions have none."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, Exception):
        return str(cause_of(value))
    write = _TEXTS.get(type(value))
    if write is None:
        raise wrong(message("{thing} is no text; take a part of it", thing=word_for(value)))
    return write(value)


def _digits(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() and abs(value.adjusted()) < 60 else str(value)


_TEXTS: Mapping[type, Callable[[Any], str]] = {
    int: str,
    bool: str,
    Decimal: _digits,
    dt.date: dt.date.isoformat,
    dt.datetime: lambda moment: moment.isoformat(" ", "minutes"),
    dt.time: lambda time: time.isoformat("minutes"),
    dt.timedelta: str,
}


def joined(*parts: Any) -> str:
    """An f-string."""
    return bounded_text("".join([text(part) for part in parts]))


# --- parts -----------------------------------------------------------------------------------------------------------


def part(thing: Any, name: str) -> Any:
    """``thing.name``: an entry of a group, or the year of a date."""
    kind = type(thing)
    if kind is Given or kind is dict:
        if name in thing:
            return thing[name]
        raise wrong(_missing(thing, name))
    if name in _PARTS.get(kind, ()):
        return getattr(thing, name)
    raise wrong(message("{thing} has no {name}", thing=word_for(thing), name=name))


def _missing(thing: Mapping[Any, Any], name: Any) -> Message:
    near = get_close_matches(str(name)[:80], [key for key in thing if type(key) is str][:500], 1)
    if near:
        return message("There is no {name} in it; did you mean {near}?", name=str(name)[:80], near=near[0])
    return message("There is no {name} in it", name=str(name)[:80])


def item(thing: Any, key: Any) -> Any:
    """``thing[key]`` and ``thing[from:to]``."""
    kind = type(thing)
    if kind is Given or kind is dict:
        if key in thing:
            return thing[key]
        raise wrong(_missing(thing, text(key)))
    if kind in (list, tuple, str):
        return _at(thing, key)
    raise wrong(message("{thing} has no part {key}", thing=word_for(thing), key=f"[{text(key)[:40]}]"))


def _at(thing: Any, key: Any) -> Any:
    if type(key) is not int and type(key) is not slice:
        raise wrong(message("A list is asked by number, not by {key}", key=word_for(key)))
    try:
        return thing[key]
    except IndexError:
        raise IndexError(key, len(thing)) from None


def writable(thing: Any) -> Any:
    """What stands before ``[key] = value`` or after ``del``: a list or group the script made itself."""
    kind = type(thing)
    if kind is dict or kind is list:
        return thing
    if kind is Given:
        raise wrong(message("What was given cannot be changed here; change a copy, dict(…), or call update(…)"))
    raise wrong(message("{thing} cannot be changed", thing=word_for(thing)))


def change(thing: Any, key: Any, operator: Callable[[Any, Any], Any], value: Any) -> None:
    """``thing[key] += value`` and its like."""
    writable(thing)[key] = operator(item(thing, key), value)


def elements(many: Any) -> Iterable[Any]:
    """What a loop goes over. Its turns are paid at once; a list is copied, so that no loop can feed itself."""
    kind = type(many)
    if kind is list:
        METER.spend(len(many))
        return tuple(many)
    if kind in _SIZED:
        METER.spend(len(many))
        return many  # type: ignore[no-any-return]
    if kind is GeneratorType:
        return many  # type: ignore[no-any-return]
    raise wrong(message("{thing} is no list to go over", thing=word_for(many)))


OPERATORS: Mapping[str, Callable[..., Any]] = {
    **reckoning.OPERATORS,
    "_add_": add, "_subtract_": subtract, "_multiply_": multiply, "_in_": contained, "_getattr_": part,
    "_getitem_": item, "_getiter_": elements, "_write_": writable, "_change_": change, "_join_": joined,
    "_tick_": METER.tick, "_decimal_": Decimal,
}  # fmt: skip
