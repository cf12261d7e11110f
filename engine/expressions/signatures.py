"""What a function takes and gives, read from its annotations once."""

from __future__ import annotations

import collections.abc
import datetime as dt
import inspect
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_KINDS: dict[Any, str] = {
    str: "text", bool: "boolean", int: "number", Decimal: "number", float: "number", dt.date: "date",
    dt.datetime: "datetime", dt.time: "time", dt.timedelta: "duration", dict: "json",
}  # fmt: skip

Kinds = frozenset[str]  # empty: anything


@dataclass(frozen=True)
class Parameter:
    """One place for a value. ``kinds``: what it takes, empty for anything; ``empty``: whether None is passed on."""

    name: str
    kinds: Kinds
    empty: bool
    required: bool


@dataclass(frozen=True)
class Signature:
    """A function as the check and the reference see it."""

    name: str
    parameters: tuple[Parameter, ...]
    variadic: Parameter | None
    needs: tuple[str, ...]  # keyword-only names taken from the context
    result: Kinds
    text: str  # the first line of the docstring

    @property
    def least(self) -> int:
        return sum(1 for parameter in self.parameters if parameter.required)

    @property
    def most(self) -> int | None:
        return None if self.variadic else len(self.parameters)

    def at(self, index: int) -> Parameter | None:
        return self.parameters[index] if index < len(self.parameters) else self.variadic

    @property
    def usage(self) -> str:
        """Such as ``round(value, places)``."""
        names = [parameter.name for parameter in self.parameters]
        return f"{self.name}({', '.join(names + ([self.variadic.name + ', …'] if self.variadic else []))})"


def signature_of(name: str, function: Callable[..., Any]) -> Signature:
    hints = typing.get_type_hints(function)
    parameters: list[Parameter] = []
    variadic = None
    needs: list[str] = []
    for place in inspect.signature(function).parameters.values():
        kinds, empty = _kinds(hints.get(place.name, Any))
        parameter = Parameter(place.name, kinds, empty, place.default is inspect.Parameter.empty)
        if place.kind is inspect.Parameter.KEYWORD_ONLY:
            needs.append(place.name)
        elif place.kind is inspect.Parameter.VAR_POSITIONAL:
            variadic = parameter
        else:
            parameters.append(parameter)
    text = (inspect.getdoc(function) or "").partition("\n")[0]
    result = _kinds(hints.get("return", Any))[0]
    return Signature(name, tuple(parameters), variadic, tuple(needs), result, text)


def _kinds(annotation: Any) -> tuple[Kinds, bool]:
    """The kinds an annotation names, and whether it admits None."""
    members = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    empty = annotation is Any or annotation is object or type(None) in members
    kinds: set[str] = set()
    for member in members:
        if member is type(None):
            continue
        kind = "list" if _is_many(member) else _KINDS.get(member)
        if kind is None:
            return frozenset(), empty
        kinds.add(kind)
    if "date" in kinds:
        kinds.add("datetime")  # a date and time is a date
    return frozenset(kinds), empty


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _is_many(member: Any) -> bool:
    return typing.get_origin(member) in (collections.abc.Iterable, tuple, list, collections.abc.Sequence)


def empty_safe(function: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    """The function as expressions call it: not called when a value that may not be empty is empty."""
    strict = [index for index, parameter in enumerate(signature.parameters) if not parameter.empty]
    if not strict:
        return function
    if strict == [0]:
        return _first_strict(function)
    return _strict(function, strict)


def _first_strict(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(first: Any, *others: Any, **needed: Any) -> Any:
        return None if first is None else function(first, *others, **needed)

    return call


def _strict(function: Callable[..., Any], strict: Iterable[int]) -> Callable[..., Any]:
    places = tuple(strict)

    def call(*values: Any, **needed: Any) -> Any:
        if None in values:
            given = len(values)
            for place in places:
                if place < given and values[place] is None:
                    return None
        return function(*values, **needed)

    return call
