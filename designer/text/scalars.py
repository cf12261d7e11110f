"""A single value → how it is written: in quotes only where YAML needs them, or where its neighbours have them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import yaml

from designer.text.refusals import EditRefused
from engine.errors import message
from engine.yamlfile import MAX_DIGITS, Path, plain_value

_BEGINS = re.compile(r"""[\s,\[\]{}#&*!|>'"%@`?:]|-(?:\s|$)|---|\.\.\.""")
_HOLDS = re.compile(r":(?:\s|$)|\s#|\s$")
_NEEDS_QUOTES_IN_FLOW = re.compile(r"[,\[\]{}]|:\?")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_RESOLVERS: dict[Any, Any] = yaml.SafeLoader.yaml_implicit_resolvers


def plain_data(value: Any, path: Path = ()) -> Any:
    """The value as it reads when it was written: tuples are lists, floats exact decimals. Raises EditRefused."""
    if value is None or isinstance(value, (bool, str)):
        return _text(value, path) if isinstance(value, str) else value
    if isinstance(value, (int, float, Decimal)):
        return _number(value, path)
    if isinstance(value, (list, tuple)):
        return [plain_data(item, (*path, at)) for at, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {_text(key, path): plain_data(item, (*path, key)) for key, item in value.items()}
    raise EditRefused(message("A {kind} cannot be written into the file.", kind=type(value).__name__), path)


def _text(value: str, path: Path) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EditRefused(message("Half a character cannot be written into the file."), path) from error
    return value


def _number(value: int | float | Decimal, path: Path) -> int | Decimal:
    written = format(Decimal(repr(value) if isinstance(value, float) else value), "f")
    read = plain_value(written)
    if isinstance(read, str) or len(written) > MAX_DIGITS:
        raise EditRefused(message("{number} cannot be written as a number.", number=written[:60]), path)
    return read  # type: ignore[no-any-return]  # plain_value of a number is a number


def scalar_text(value: Any, *, flow: bool = False, quote: str = "") -> str:
    """A value on one line; ``quote`` is what its neighbours have around their texts."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return _quoted(value, quote) if quote or needs_quotes(value, flow) else str(value)


def key_text(key: str, *, flow: bool = False, quote: str = "") -> str:
    return _quoted(key, quote) if quote or needs_quotes(key, flow) else key


def needs_quotes(text: str, flow: bool) -> bool:
    """Would this text without quotes be read otherwise, by us or by a reader of YAML 1.1 (yes, on, 2026-11-01)?"""
    return (
        not isinstance(plain_value(text), str)
        or not text.isprintable()
        or bool(_BEGINS.match(text) or _HOLDS.search(text))
        or bool(flow and _NEEDS_QUOTES_IN_FLOW.search(text))
        or any(pattern.match(text) for _, pattern in _RESOLVERS.get(text[0], ()))
    )


def _quoted(text: str, quote: str) -> str:
    single_works = text.isprintable()
    if quote == "'" and single_works:
        return "'" + text.replace("'", "''") + "'"
    if single_works and "'" not in text and ('"' in text or "\\" in text):
        return f"'{text}'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def block_text(text: str) -> list[str] | None:
    """The header and lines of a text of several lines as ``|``; None when only quotes keep it."""
    if "\n" not in text.rstrip("\n") and not text.endswith("\n"):
        return None
    body = text.removesuffix("\n")
    lines = body.split("\n")
    wrong = not lines[0] or lines[0][0] in " \t" or not lines[-1]
    if wrong or not all(line.isprintable() and (line.strip() or not line) for line in lines):
        return None
    return ["|" if text.endswith("\n") else "|-", *lines]
