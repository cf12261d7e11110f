"""What a message from outside says: raw bytes become JSON that every database can keep."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from engine.errors import Invalid, message

DEEPEST = 60
_MOST_FIELDS = 1000


def payload_of(body: bytes, media_type: str) -> Any:
    """JSON, the fields of a form, or text; None for an empty body. Raises Invalid."""
    if not body.strip():
        return None
    if media_type == "application/json" or media_type.endswith("+json"):
        return _kept(_json(_text(body)))
    if media_type == "application/x-www-form-urlencoded":
        return _kept(_form(_text(body)))
    if media_type.startswith("text/"):
        return _kept(_text(body))
    raise Invalid(message("A webhook takes JSON, a form or text, not {type}.", type=media_type[:80] or "?"))


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(message("The message is not UTF-8.")) from None


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Invalid(message("The message is no JSON.")) from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _form(text: str) -> dict[str, Any]:
    """A field that comes several times becomes a list."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Invalid(message("The message has more than {count} fields.", count=_MOST_FIELDS)) from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _kept(value: Any, depth: int = 0) -> Any:
    """The value, if databases and expressions can hold it."""
    if depth > DEEPEST:
        raise Invalid(message("The message is nested more than {count} deep.", count=DEEPEST))
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise Invalid(message("The message holds characters that cannot be stored."))
    elif isinstance(value, dict):
        for name, one in value.items():
            _kept(name, depth + 1)
            _kept(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _kept(one, depth + 1)
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise Invalid(message("The message is no JSON."))
    return value
