"""Checked data → frozen dataclasses. Thin on purpose: what stands here was validated before.

A definition with mistakes is built too, as far as it goes, so that one run reports the mistakes of every phase: what is
broken is left out or stood in for, and its name is remembered, so that nobody complains about it a second time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NewType, get_args, get_origin

from engine.language import Condition, Duration, Expression, Label, Template
from engine.registry import Registry
from engine.schema import Key, is_choice, keys_of, kinds_of
from engine.yamlfile import Path

BROKEN = object()


class Builder:
    """Builds a dataclass from data; ``broken`` are the paths of values that are wrong, ``lost`` the names left out."""

    def __init__(self, registry: Registry, broken: frozenset[Path] = frozenset()) -> None:
        self.registry = registry
        self.broken = broken
        self.lost: set[str] = set()

    def value(self, hint: Any, data: Any, path: Path) -> Any:
        if path in self.broken:
            return BROKEN
        if make := _PLAIN.get(hint):
            parts = data if isinstance(data, dict) else ()
            return BROKEN if any((*path, part) in self.broken for part in parts) else make(data)
        if isinstance(hint, NewType):
            return data
        if dataclasses.is_dataclass(hint):
            return self.mapping(hint, data, path)  # type: ignore[arg-type]
        if get_origin(hint) is tuple:
            return self._tuple(get_args(hint)[0], data, path)
        if get_origin(hint) is Mapping:
            return self._mapping(get_args(hint)[1], data, path)
        return data

    def mapping(self, cls: type, data: Any, path: Path) -> Any:
        if is_choice(cls):
            kinds = kinds_of(cls, self.registry)
            kind = data.get("type")
            if not isinstance(kind, str) or kind not in kinds:
                return BROKEN
            cls = kinds[kind]
        values: dict[str, Any] = {}
        for key in keys_of(cls):
            value = self._option(key, data, path)
            if value is not BROKEN:
                values[key.attribute] = value
            elif key.required:
                return BROKEN
        return cls(**values, **_named(cls, path))

    def _option(self, key: Key, data: Mapping[str, Any], path: Path) -> Any:
        value = BROKEN
        if key.name in data:
            value = self.value(key.hint, data[key.name], (*path, key.name))
        if value is BROKEN and key.required:
            return _stand_in(key.hint)
        return value

    def _tuple(self, hint: Any, data: list[Any], path: Path) -> Any:
        """A list with a broken item is broken: dropping the item would move the places of the others."""
        items = tuple(self.value(hint, item, (*path, index)) for index, item in enumerate(data))
        return BROKEN if any(item is BROKEN for item in items) else items

    def _mapping(self, hint: Any, data: Mapping[str, Any], path: Path) -> Any:
        built = {name: self.value(hint, item, (*path, name)) for name, item in data.items()}
        self.lost |= {name for name, value in built.items() if value is BROKEN}
        return MappingProxyType({name: value for name, value in built.items() if value is not BROKEN})


def _named(cls: type, path: Path) -> dict[str, Any]:
    attributes = (item.name for item in dataclasses.fields(cls) if item.metadata.get("from_key"))
    return {attribute: str(path[-1]) if path else "" for attribute in attributes}


def _stand_in(hint: Any) -> Any:
    """For a required value that is missing or wrong, so that the thing around it can still be looked at."""
    if hint in (Label, Template):
        return hint({"": "?"})
    if get_origin(hint) is Mapping:
        return MappingProxyType({})
    return BROKEN


def _text(data: Any) -> Mapping[str, str]:
    return MappingProxyType({"": data} if isinstance(data, str) else dict(data))


def _expression(data: Any) -> Expression:
    return Expression(data if isinstance(data, str) else str(data))


def _condition(data: Any) -> Condition:
    if isinstance(data, bool):
        return Condition.ALWAYS if data else Condition.NEVER
    return Condition(Expression(data))


def _duration(data: str) -> Duration:
    digits = data.rstrip("smhdw")
    return Duration(int(digits), data[len(digits) :])  # type: ignore[arg-type]


_PLAIN: Mapping[Any, Callable[[Any], Any]] = {
    Label: lambda data: Label(_text(data)),
    Template: lambda data: Template(_text(data)),
    Duration: _duration,
    Condition: _condition,
    Expression: _expression,
    Decimal: Decimal,
}
