"""The methods scripts may call, per kind of value. None is ever held as a value: it is called, or it is not there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from engine.errors import Message, message
from engine.scripts.guards import MAX_ITEMS, MAX_TEXT, Given, elements, text, word_for, wrong
from engine.scripts.meter import METER

Methods = Mapping[str, Callable[..., Any]]


def call(thing: Any, name: str, /, *values: Any, **named: Any) -> Any:
    """``thing.name(…)`` for the methods of the table."""
    methods: Methods = METHODS.get(type(thing), {})
    method = methods.get(name)
    if method is None:
        raise wrong(_no_method(thing, name, methods))
    return method(thing, *values, **named)


def _no_method(thing: Any, name: str, methods: Mapping[str, Any]) -> Message:
    near = get_close_matches(name, methods, 1)
    if near:
        return message("{thing} has no {name}(); did you mean {near}()?",
                       thing=word_for(thing), name=name, near=near[0])  # fmt: skip
    return message("{thing} has no {name}()", thing=word_for(thing), name=name)


def _replace(value: str, old: str, new: str) -> str:
    if len(value) + value.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise wrong(message("The text is longer than {limit} characters", limit=MAX_TEXT))
    return value.replace(old, new)


def _join(separator: str, parts: Any) -> str:
    held = [text(each) for each in elements(parts)]
    if sum(map(len, held)) + len(separator) * len(held) > MAX_TEXT:
        raise wrong(message("The text is longer than {limit} characters", limit=MAX_TEXT))
    return separator.join(held)


def _padded(name: str) -> Callable[..., str]:
    pad = getattr(str, name)

    def padded(value: str, width: int, *fill: str) -> str:
        if width > MAX_TEXT:
            raise wrong(message("The text is longer than {limit} characters", limit=MAX_TEXT))
        return str(pad(value, width, *fill))

    return padded


def _room(many: Any, count: int) -> None:
    if len(many) + count > MAX_ITEMS:
        raise wrong(message("The list is longer than {limit} parts", limit=MAX_ITEMS))


def _append(many: list[Any], value: Any) -> None:
    _room(many, 1)
    many.append(value)


def _extend(many: list[Any], values: Any) -> None:
    added = list(elements(values))
    _room(many, len(added))
    many.extend(added)


def _insert(many: list[Any], place: int, value: Any) -> None:
    _room(many, 1)
    METER.spend(len(many) // 100)
    many.insert(place, value)


def _pop(many: list[Any], place: int = -1) -> Any:
    if not -len(many) <= place < len(many):
        raise IndexError(place, len(many))
    return many.pop(place)


def _sort(many: list[Any], *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
    METER.spend(len(many))
    many.sort(key=key, reverse=reverse)


def _paid(name: str, kind: type) -> Callable[..., Any]:
    """A method that looks at every part, paid by their number."""
    method = getattr(kind, name)

    def paid(many: Any, *values: Any) -> Any:
        METER.spend(len(many))
        return method(many, *values)

    return paid


def _snapshot(name: str) -> Callable[[Any], list[Any]]:
    def listed(group: Mapping[Any, Any]) -> list[Any]:
        METER.spend(len(group))
        return list(getattr(group, name)())

    return listed


def _update(group: dict[Any, Any], other: Any) -> None:
    if type(other) not in (dict, Given):
        raise wrong(message("update(…) takes a group, not {thing}", thing=word_for(other)))
    METER.spend(len(other))
    _room(group, len(other))
    group.update(other)


_TEXT_METHODS: Methods = {
    **{
        name: getattr(str, name)
        for name in (
            "upper", "lower", "title", "capitalize", "strip", "lstrip", "rstrip", "startswith", "endswith", "find",
            "count", "isdigit", "isalpha", "isalnum", "partition", "removeprefix", "removesuffix",
        )
    },
    **{name: _paid(name, str) for name in ("split", "splitlines")},
    **{name: _padded(name) for name in ("ljust", "rjust", "center", "zfill")},
    "replace": _replace,
    "join": _join,
}  # fmt: skip
_GROUP_METHODS: Methods = {
    "items": _snapshot("items"),
    "keys": _snapshot("keys"),
    "values": _snapshot("values"),
    "get": lambda group, key, default=None: group.get(key, default),
}
METHODS: Mapping[Any, Methods] = {
    str: _TEXT_METHODS,
    list: {
        "append": _append, "extend": _extend, "insert": _insert, "pop": _pop, "sort": _sort,
        **{name: _paid(name, list) for name in ("index", "count", "remove", "reverse", "copy")},
        "clear": list.clear,
    },
    tuple: {name: _paid(name, tuple) for name in ("index", "count")},
    Given: _GROUP_METHODS,
    dict: {
        **_GROUP_METHODS,
        "pop": dict.pop, "setdefault": dict.setdefault, "update": _update, "clear": dict.clear,
        "copy": _paid("copy", dict),
    },
    set: {
        "add": set.add, "discard": set.discard, "remove": set.remove, "clear": set.clear,
        **{name: _paid(name, set) for name in ("copy", "issubset", "issuperset", "isdisjoint")},
        **{name: _paid(name, set) for name in ("union", "intersection", "difference")},
    },
    dt.date: {"isoformat": dt.date.isoformat},
    dt.datetime: {"isoformat": dt.datetime.isoformat, "date": dt.datetime.date, "time": dt.datetime.time},
    dt.time: {"isoformat": dt.time.isoformat},
}  # fmt: skip
