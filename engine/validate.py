"""Data against the generated schema: every mistake in one pass, each a sentence with its place.

This interprets exactly the keywords ``schema.py`` writes, which makes it some thirty times faster than a general
validator and lets each keyword say its own sentence. A test holds it against the ``jsonschema`` package.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine.errors import Message, message
from engine.language import NAME_PATTERN
from engine.yamlfile import Path

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Wrong:
    """One mistake: where, what to say, whether the key is meant, and whether the value can be used in spite of it."""

    path: Path
    message: Message
    at_key: bool = False
    usable: bool = False


def validate(data: Any, schema: Schema) -> Iterator[Wrong]:
    """Everything in ``data`` that ``schema`` (of ``json_schema``) does not allow, in the order of the file."""
    return _Reading(schema).check(data, schema, ())


def guess(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; of several like it, one that begins the same."""
    known = list(known)
    close = difflib.get_close_matches(name, known, 3, 0.55) or difflib.get_close_matches(name.lower(), known, 3, 0.55)
    return min(close, key=lambda other: other[:1] != name[:1].lower()) if close else None


def listed(names: Iterable[str], limit: int = 20) -> str:
    names = list(names)
    return ", ".join(names[:limit]) + (" …" if len(names) > limit else "")


def got(value: Any) -> str:
    """What stands there, as a message may show it."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:60] + "…")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class _Reading:
    def __init__(self, root: Schema) -> None:
        self.definitions: Mapping[str, Schema] = root.get("$defs", {})

    def check(self, data: Any, schema: Schema, path: Path) -> Iterator[Wrong]:
        ref = schema.get("$ref")
        if ref is not None:
            schema = self._defined(ref) | {key: value for key, value in schema.items() if key in _LIMITS}
        kind = schema.get("type")
        if kind is not None and not _fits(data, kind):
            yield Wrong(path, _expected(data, kind))
            return
        for keyword, say in _LIMITS.items():
            if keyword in schema and (said := say(data, schema[keyword])):
                yield Wrong(path, said)
        if isinstance(data, dict):
            yield from self._mapping(data, schema, path)
        elif isinstance(data, list) and "items" in schema:
            for index, item in enumerate(data):
                yield from self.check(item, schema["items"], (*path, index))

    def _defined(self, ref: str) -> dict[str, Any]:
        return dict(self.definitions[ref.removeprefix("#/$defs/")])

    def _mapping(self, data: dict[str, Any], schema: Schema, path: Path) -> Iterator[Wrong]:
        if "x-dispatch" in schema:
            yield from self._dispatch(data, schema, path)
            return
        for name in schema.get("required", ()):
            if name not in data:
                yield Wrong(path, message("'{key}' is missing.", key=name), at_key=True, usable=True)
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        pattern = schema.get("propertyNames", {}).get("pattern")
        for name, value in data.items():
            here = (*path, name)
            if name in properties:
                yield from self.check(value, properties[name], here)
            elif others is False:
                yield Wrong(here, _unknown(name, properties, data), at_key=True)
            elif pattern and not _regex(pattern).search(name):
                yield Wrong(here, _bad_name(name), at_key=True)
            elif others is not True:
                yield from self.check(value, others, here)

    def _dispatch(self, data: dict[str, Any], schema: Schema, path: Path) -> Iterator[Wrong]:
        key, to = schema["x-dispatch"]["key"], schema["x-dispatch"]["to"]
        if key not in data:
            said = message("'{key}' is missing; it is one of {known}.", key=key, known=listed(to))
            yield Wrong(path, said, at_key=True)
        elif not isinstance(data[key], str) or data[key] not in to:
            yield Wrong((*path, key), one_of(data[key], to))
        else:
            yield from self.check(data, self._defined(to[data[key]]), path)


def _unknown(name: str, properties: Iterable[str], data: Mapping[str, Any]) -> Message:
    free = [known for known in properties if known not in data]
    if meant := guess(name, free) or guess(name, properties):
        return message("Unknown key '{key}'; did you mean '{guess}'?", key=name, guess=meant)
    return message("Unknown key '{key}'; known here: {known}.", key=name, known=listed(properties))


def _bad_name(name: str) -> Message:
    return message(
        "'{name}' cannot be a name: use small letters, digits and '_', with a letter first, at most 63.", name=name
    )


def one_of(value: Any, known: Iterable[Any]) -> Message:
    """Something that is none of the known names."""
    names = [got(name) if isinstance(name, bool) else str(name) for name in known]
    if isinstance(value, str) and (meant := guess(value, names)):
        return message("Unknown {got}; did you mean '{guess}'?", got=got(value), guess=meant)
    return message("Expected one of {known}; got {got}.", known=listed(names), got=got(value))


# --- types


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_number,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _fits(value: Any, kind: str | list[str]) -> bool:
    return _TYPES[kind](value) if isinstance(kind, str) else any(_TYPES[name](value) for name in kind)


_EXPECTED = {
    "string": "Expected a text; got {got}.",
    "boolean": "Expected true or false; got {got}.",
    "integer": "Expected a whole number; got {got}.",
    "number": "Expected a number; got {got}.",
    "array": "Expected a list; got {got}.",
    "object": "Expected a mapping of keys; got {got}.",
    ("string", "object"): "Expected a text, or one text per language; got {got}.",
    ("string", "boolean", "number"): "Expected an expression; got {got}.",
    ("boolean", "string"): "Expected true, false or an expression; got {got}.",
}
_KINDS = {dict: message("a mapping"), list: message("a list"), type(None): message("nothing")}


def _expected(value: Any, kind: str | list[str]) -> Message:
    pattern = _EXPECTED.get(
        kind if isinstance(kind, str) else tuple(kind), "Expected another kind of value; got {got}."
    )
    return message(pattern, got=_KINDS.get(type(value)) or got(value))


# --- limits: (value, limit) → what to say, or None


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _enum(value: Any, allowed: list[Any]) -> Message | None:
    fits = any(value == known and type(value) is type(known) for known in allowed)
    return None if fits else one_of(value, allowed)


def _const(value: Any, allowed: Any) -> Message | None:
    return _enum(value, [allowed])


_PATTERNS = {
    "^[1-9][0-9]{0,4}(s|m|h|d|w|wh|wd)$": "Expected a length of time such as 30m, 4h, 2d, 1w or 3wd; got {got}.",
    NAME_PATTERN: "Expected a name of small letters, digits and '_'; got {got}.",
    "^(any|all)$": "Expected any, all or how many people; got {got}.",
    "^[A-Z]{3}$": "Expected a currency code of three capital letters such as CNY; got {got}.",
}


def _pattern(value: Any, pattern: str) -> Message | None:
    if not isinstance(value, str) or _regex(pattern).search(value):
        return None
    if known := _PATTERNS.get(pattern):
        return message(known, got=got(value))
    return message("Expected a text like {example}; got {got}.", example=pattern, got=got(value))


def _minimum(value: Any, limit: Any) -> Message | None:
    if not _is_number(value) or value >= limit:
        return None
    return message("Expected at least {limit}; got {got}.", limit=limit, got=got(value))


def _maximum(value: Any, limit: Any) -> Message | None:
    if not _is_number(value) or value <= limit:
        return None
    return message("Expected at most {limit}; got {got}.", limit=limit, got=got(value))


def _min_length(value: Any, limit: int) -> Message | None:
    if not isinstance(value, str) or len(value) >= limit:
        return None
    return (
        message("The text is empty.") if limit == 1 else message("Expected at least {limit} characters.", limit=limit)
    )


def _max_length(value: Any, limit: int) -> Message | None:
    if not isinstance(value, str) or len(value) <= limit:
        return None
    return message("Expected at most {limit} characters; got {got}.", limit=limit, got=len(value))


def _min_items(value: Any, limit: int) -> Message | None:
    if not isinstance(value, list) or len(value) >= limit:
        return None
    return message("Expected at least {limit} in the list; got {got}.", limit=limit, got=len(value))


def _max_items(value: Any, limit: int) -> Message | None:
    if not isinstance(value, list) or len(value) <= limit:
        return None
    return message("Expected at most {limit} in the list; got {got}.", limit=limit, got=len(value))


def _min_properties(value: Any, limit: int) -> Message | None:
    if not isinstance(value, dict) or len(value) >= limit:
        return None
    return message("Expected at least {limit} in the mapping; got {got}.", limit=limit, got=len(value))


def _max_properties(value: Any, limit: int) -> Message | None:
    if not isinstance(value, dict) or len(value) <= limit:
        return None
    return message("Expected at most {limit} in the mapping; got {got}.", limit=limit, got=len(value))


def _unique_items(value: Any, wanted: bool) -> Message | None:
    if not wanted or not isinstance(value, list):
        return None
    again = [item for index, item in enumerate(value) if item in value[:index]]
    return message("{got} stands twice in the list.", got=got(again[0])) if again else None


_LIMITS: dict[str, Callable[[Any, Any], Message | None]] = {
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "maxLength": _max_length,
    "minItems": _min_items,
    "maxItems": _max_items,
    "minProperties": _min_properties,
    "maxProperties": _max_properties,
    "uniqueItems": _unique_items,
}
KEYWORDS = frozenset(_LIMITS) | {"type", "properties", "required", "additionalProperties", "propertyNames", "items"}
