"""The JSON Schema of a definition file, generated from the dataclasses it becomes.

Editors read it (completion, hover), ``validate.py`` interprets the very same mapping: one source, no drift. A choice
among types is written twice in one place: as ``if``/``then`` for editors, and as ``x-dispatch`` for our own reading,
which goes straight to the one schema that counts instead of trying all of them.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Literal, NewType, Union, get_args, get_origin, get_type_hints

from engine.language import LANGUAGES, NAME_PATTERN, Condition, Duration, Expression, Label, SortKey, Template
from engine.registry import Registry

Schema = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One key a mapping of the file may have, and the attribute it becomes."""

    name: str
    attribute: str
    hint: Any
    required: bool
    default: Any
    doc: str
    limits: Mapping[str, Any]
    of: str | None = None
    value_of: str | None = None


def keys_of(cls: Any) -> tuple[Key, ...]:
    """The keys the mapping of a dataclass may have, in the order people write them."""
    return _keys_of(cls)


_LAST = ("id", "renamed_from")  # kept for renames; nobody writes them first


@cache
def _keys_of(cls: Any) -> tuple[Key, ...]:
    hints = get_type_hints(cls)
    keys = [_key(item, hints[item.name]) for item in _options(cls)]
    return tuple(sorted(keys, key=lambda key: key.attribute in _LAST))


def _options(cls: type) -> Iterator[dataclasses.Field[Any]]:
    for item in dataclasses.fields(cls):
        if not item.metadata.get("from_key") and not item.metadata.get("derived"):
            yield item


def _key(item: dataclasses.Field[Any], hint: Any) -> Key:
    has_default = item.default is not dataclasses.MISSING
    required = not has_default and item.default_factory is dataclasses.MISSING
    return Key(
        name=item.metadata.get("alias") or item.name,
        attribute=item.name,
        hint=without_none(hint),
        required=required,
        default=item.default if has_default else None,
        doc=item.metadata.get("doc", ""),
        limits=item.metadata.get("limits", {}),
        of=item.metadata.get("of"),
        value_of=item.metadata.get("value_of"),
    )


def without_none(hint: Any) -> Any:
    """``X | None`` → ``X``: an option that may be left out is left out, never written as nothing."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    rest = tuple(arg for arg in get_args(hint) if arg is not type(None))
    return rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007


def is_choice(cls: Any) -> bool:
    """Whether a class stands for the registered classes under it, told apart by ``type``."""
    if not dataclasses.is_dataclass(cls) or hasattr(cls, "type"):
        return False
    kind: Any = cls
    return "type" in _class_variables(kind)


@cache
def _class_variables(cls: Any) -> frozenset[str]:
    hints = get_type_hints(cls)
    return frozenset(name for name, hint in hints.items() if hint is ClassVar or get_origin(hint) is ClassVar)


def kinds_of(base: type, registry: Registry) -> Mapping[str, type]:
    """The registered classes under a base, by the name ``type`` gives them."""
    places = (
        registry.fields, registry.views, registry.triggers, registry.actions, registry.cards, registry.connectors,
        registry.credentials, registry.parts,
    )  # fmt: skip
    return next((place for place in places if any(issubclass(cls, base) for cls in place.values())), {})


def first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().split("\n", 1)[0]


def json_schema(root: type, registry: Registry) -> Schema:
    """The JSON Schema (2020-12) of files that become a ``root``; one definition per dataclass under ``$defs``."""
    maker = _Maker(registry)
    body = maker.mapping(root)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Appmill definition"}
    return head | body | {"$defs": dict(sorted(maker.defs.items()))}


class _Maker:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.defs: dict[str, Schema] = {}

    def mapping(self, cls: type, kind: str | None = None) -> Schema:
        keys = keys_of(cls)
        properties = {} if kind is None else {"type": {"const": kind, "description": first_line(cls)}}
        properties |= {key.name: self.option(key) for key in keys}
        required = ([] if kind is None else ["type"]) + [key.name for key in keys if key.required]
        schema: Schema = {"type": "object", "description": first_line(cls), "properties": properties}
        return schema | ({"required": required} if required else {}) | {"additionalProperties": False}

    def option(self, key: Key) -> Schema:
        schema = self.value(key.hint) | dict(key.limits) | {"description": key.doc}
        if isinstance(key.default, (bool, int, str)):
            schema["default"] = key.default
        return schema

    def value(self, hint: Any) -> Schema:
        """The schema of one value, from its type."""
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
        if isinstance(hint, NewType):
            return {"type": "string", "minLength": 1}
        if dataclasses.is_dataclass(hint):
            return {"$ref": f"#/$defs/{self._define(hint)}"}  # type: ignore[arg-type]
        return _GENERIC[get_origin(hint)](self, get_args(hint))

    def _define(self, cls: type) -> str:
        name = cls.__name__
        if name not in self.defs:
            self.defs[name] = {}  # taken, so that a class may contain itself
            self.defs[name] = self._choice(cls) if is_choice(cls) else self.mapping(cls)
        return name

    def _choice(self, base: type) -> Schema:
        kinds = kinds_of(base, self.registry)
        refs = {}
        for kind, cls in kinds.items():
            place = f"{base.__name__}.{kind}"
            refs[kind] = f"#/$defs/{place}"
            self.defs[place] = self.mapping(cls, kind)
        texts = [f"**{kind}**: {first_line(cls)}" for kind, cls in kinds.items()]
        which = {
            "enum": list(kinds),
            "description": f"{first_line(base)} Which kind it is decides its other keys.",
            "enumDescriptions": [first_line(cls) for cls in kinds.values()],
            "markdownEnumDescriptions": texts,
        }
        return {
            "type": "object",
            "description": first_line(base),
            "properties": {"type": which},
            "required": ["type"],
            "allOf": [
                {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": {"$ref": ref}}
                for kind, ref in refs.items()
            ],
            "x-dispatch": {"key": "type", "to": refs},
        }

    def _sequence(self, args: tuple[Any, ...]) -> Schema:
        item, more = args
        if more is not ...:
            raise TypeError(f"a list in a definition has one type of items, not {args}")
        return {"type": "array", "items": self.value(item)}

    def _named(self, args: tuple[Any, ...]) -> Schema:
        """The keys of things are names; the keys of mere values (units, JSON) are whatever they need to be."""
        key, value = args
        names = {"propertyNames": {"pattern": NAME_PATTERN}} if key is str and dataclasses.is_dataclass(value) else {}
        return {"type": "object", **names, "additionalProperties": self.value(value)}

    def _one_of(self, args: tuple[Any, ...]) -> Schema:
        return {"enum": list(args)}

    def _several(self, args: tuple[Any, ...]) -> Schema:
        kinds = [self.value(arg)["type"] for arg in args]
        return {"type": sorted({name for kind in kinds for name in ([kind] if isinstance(kind, str) else kind)})}


_TEXTS: Schema = {
    "type": ["string", "object"],
    "minLength": 1,
    "minProperties": 1,
    "properties": {language: {"type": "string", "minLength": 1} for language in LANGUAGES},
    "additionalProperties": False,
}
# An expression that is a bare number or true/false is one too: nobody should have to quote `quantity: 0`.
_EXPRESSION: Schema = {"type": ["string", "boolean", "number"], "minLength": 1}
_PLAIN: dict[Any, Schema] = {
    Any: {"type": ["string", "number", "boolean", "array", "object"]},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    Label: _TEXTS,
    Template: _TEXTS,
    Duration: {"type": "string", "pattern": "^[1-9][0-9]{0,4}(s|m|h|d|w|wh|wd)$"},
    Condition: {"type": ["boolean", "string"], "minLength": 1},
    Expression: _EXPRESSION,
    SortKey: {"type": "string", "minLength": 1},
}
_GENERIC: dict[Any, Callable[[_Maker, tuple[Any, ...]], Schema]] = {
    tuple: _Maker._sequence,
    Mapping: _Maker._named,
    Literal: _Maker._one_of,
    Union: _Maker._several,
    types.UnionType: _Maker._several,
}
