"""What a program sends to the API, read strictly: its content type, its JSON, its version, its key, its parameters.

Nothing that cannot be read gets further than here: no text outside Unicode, no number of ten thousand digits, no data
nested a thousand deep.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from flask import request

from engine.errors import AppmillError, Invalid, Message, Problem, Refused, message
from engine.fields.relations import LARGEST_ID
from engine.once import Once
from engine.people import Actor
from engine.queries import NO_PARAMETER, unknown

DEEPEST = 40  # levels of a body
LARGEST_BODY = 8 * 1024 * 1024  # bytes of JSON
LARGEST_VERSION = 2**31 - 1
JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
TRUE, FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_TAG = re.compile(r'(?:W/)?"([0-9]{1,10})"')


class Malformed(AppmillError):
    """The request itself cannot be read, whatever it is about."""

    status = 400
    code = "bad_request"


class WrongContent(AppmillError):
    """The body is of a type that is not taken here."""

    status = 415
    code = "unsupported"


class NotAcceptable(AppmillError):
    """The caller takes no type this door can answer in."""

    status = 406
    code = "not_acceptable"


def misplaced(where: str, said: Message) -> Invalid:
    return Invalid(said, [Problem(where, said)])


# --- what the caller takes


def demand_acceptable(*types: str) -> None:
    """Raise NotAcceptable unless the Accept header leaves one of ``types``; without a header everything is taken."""
    accepted = request.accept_mimetypes
    if request.headers.get("Accept") and not any(accepted.quality(one) > 0 for one in types):
        raise NotAcceptable(message("This answers in {types} only.", types=types))


def refuse_nul() -> None:
    """No database keeps a NUL, and no name has one."""
    for key, value in request.args.items(multi=True):
        if "\0" in key or "\0" in value:
            raise misplaced(key[:60], message("{name} has a character that cannot be stored.", name=key[:60]))


# --- bodies


def body(known: Iterable[str] | None = None, *, optional: bool = False) -> dict[str, Any]:
    """The JSON object that was sent. ``known``: the only names it may have; ``optional``: no body at all is ``{}``.

    Raises Malformed, WrongContent, and Invalid for names that are not known.
    """
    request.max_content_length = LARGEST_BODY
    raw = request.get_data(cache=True)
    if optional and not raw:
        return {}
    if request.mimetype not in JSON_TYPES or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise WrongContent(message("Send JSON with the header Content-Type: application/json."))
    data = _decoded(raw)
    if not isinstance(data, dict):
        raise Malformed(message("The body must be a JSON object, such as {example}.", example='{"name": "value"}'))
    if known is not None:
        _refuse_unknown(data, sorted(known))
    return data


def _decoded(raw: bytes) -> Any:
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Malformed(message("The body is not text in UTF-8.")) from None
    except json.JSONDecodeError as error:
        said = message("The body is not JSON: line {line}, column {column}.", line=error.lineno, column=error.colno)
        raise Malformed(said) from None
    except RecursionError:
        raise Malformed(_too_deep()) from None
    except ValueError:  # a constant that is not JSON, or a number of more digits than Python reads
        raise Malformed(message("The body has a number that JSON or this server does not know.")) from None
    _refuse_unreadable(data)
    return data


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _too_deep() -> Message:
    return message("The body is nested more than {most} levels deep.", most=DEEPEST)


def _refuse_unreadable(data: Any) -> None:
    """Level by level, so that no depth of data is a depth of calls."""
    level = [data]
    for _ in range(DEEPEST):
        if not level:
            return
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _refuse_lone_surrogates(one)
            elif isinstance(one, dict):
                below.extend(one)
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
        level = below
    raise Malformed(_too_deep())


def _refuse_lone_surrogates(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed(message("The body has half of a character (a lone surrogate).")) from None


def _refuse_unknown(data: Mapping[str, Any], known: list[str]) -> None:
    problems = [Problem(name[:60], unknown(NO_NAME, name, known)) for name in data if name not in known]
    if problems:
        raise Invalid(problems[0].message, problems)


NO_NAME = "There is no “{got}” to send here; there is {known}."


def text_of(data: Mapping[str, Any], name: str, longest: int) -> str | None:
    """A text of the body that may be left out; None when it is empty."""
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value:
        raise misplaced(name, message("{name} must be a text.", name=name))
    if len(value) > longest:
        raise misplaced(name, message("{name} has at most {most} characters.", name=name, most=longest))
    return value.strip() or None


def object_of(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise misplaced(name, message("{name} must be a JSON object.", name=name))
    return value


def flag_of(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise misplaced(name, message("{name} must be true or false.", name=name))


def id_of(data: Mapping[str, Any], name: str, where: str = "") -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_ID:
        raise misplaced(where + name, message("{name} must be the number of a record, such as 12.", name=name))
    return value


# --- the version the change was made over


def version_of(data: Mapping[str, Any]) -> int | None:
    """``version`` of the body or the query, else If-Match; None where the caller compares nothing."""
    said, matched = _said_version(data), _matched_version()
    if said is not None and matched is not None and said != matched:
        raise Refused(message("The version that was sent and If-Match differ."))
    return said if said is not None else matched


def _said_version(data: Mapping[str, Any]) -> int | None:
    value = data.get("version")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_VERSION:
        raise misplaced("version", message("version must be a whole number from 1."))
    return value


def _matched_version() -> int | None:
    raw = request.headers.get("If-Match", "*").strip()
    if raw == "*":
        return None
    found = _TAG.fullmatch(raw)
    if found is None or not 0 < int(found[1]) <= LARGEST_VERSION:
        said = message("If-Match must be the ETag of the record, such as {example}.", example='"3"')
        raise misplaced("If-Match", said)
    return int(found[1])


# --- the query string


def refuse_parameters(*known: str) -> None:
    """Raise Invalid for every parameter of the query string that is not ``known``."""
    strange = [key for key in request.args if key not in known]
    problems = [Problem(key[:60], unknown(NO_PARAMETER, key, sorted(known) or ["–"])) for key in strange]
    if problems:
        raise Invalid(problems[0].message, problems)


def number_arg(name: str, most: int, usual: int | None = None) -> int | None:
    raw = request.args.get(name)
    if raw is None:
        return usual
    if raw.isascii() and raw.isdigit() and len(raw) < 20 and 1 <= int(raw) <= most:
        return int(raw)
    said = message("{name} is a whole number from 1 to {most}, not “{got}”.", name=name, most=most, got=raw[:30])
    raise misplaced(name, said)


def flag_arg(name: str) -> bool:
    raw = request.args.get(name, "false")
    if raw in TRUE:
        return True
    if raw in FALSE:
        return False
    raise misplaced(name, message("{name} is true or false, not “{got}”.", name=name, got=raw[:30]))


# --- the same request twice


def once_of_request(who: Actor) -> Once | None:
    """By what a repetition of this request is known; None without an Idempotency-Key."""
    raw = request.headers.get("Idempotency-Key")
    if raw is None:
        return None
    if not _KEY.fullmatch(raw):
        raise Malformed(message("Idempotency-Key must be 1 to 200 visible ASCII characters, such as a UUID."))
    named = hashlib.sha256(f"{request.method} {request.path} {raw}".encode()).hexdigest()[:40]
    content = zlib.crc32(request.get_data(cache=True)) & 0x7FFFFFFF
    return Once(f"api:{who.id}:{named}", content=content)
