"""What somebody read off a page becomes an item: pure, and nothing the page says is trusted.

A value is text, short, without control characters, and what its type says; whatever is not is told with its place.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.connectors import Item
from engine.errors import Invalid, Message, Problem, message
from engine.sites import LINES, PageValue, PartName, Site

LONGEST = 1000  # characters of a value
LONGEST_KEY = 120
MOST_LINES = 200
_NUMBER = re.compile(r"(?<![\d.,])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\d.,])")
_MOMENT = re.compile(
    r"(?<!\d)(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?(?![\d:])"
)


def item_of(site: Site, raw: Any, zone: ZoneInfo) -> Item:
    """``raw``: name → text as it was read or corrected, ``lines`` a list of such. Raises Invalid with everything that
    is wrong."""
    if not isinstance(raw, Mapping):
        raise Invalid(message("An item is a JSON object of texts."))
    problems = list(_unknown(raw, {*site.fields, *([LINES] if site.lines else [])}, ""))
    data = _values(site.fields, raw, "", zone, problems)
    if site.lines is not None:
        data[LINES] = list(_lines(site, raw.get(LINES), zone, problems))
    key = _at(data, site.key)
    if not key and not any(problem.where == site.key for problem in problems):
        problems.append(Problem(site.key, message("It is known by this, and it is empty.")))
    elif key and len(key) > LONGEST_KEY:
        problems.append(Problem(site.key, _too_long(LONGEST_KEY)))
    if problems:
        raise Invalid(problems[0].message, problems)
    return Item(key, "", data)


def _unknown(raw: Mapping[str, Any], known: set[str], where: str) -> Iterator[Problem]:
    for name in raw:
        if name not in known:
            yield Problem(f"{where}{str(name)[:60]}", message("The page has no such value."))


def _lines(site: Site, raw: Any, zone: ZoneInfo, problems: list[Problem]) -> Iterator[dict[str, Any]]:
    assert site.lines is not None
    rows = raw if raw is not None else []
    if not isinstance(rows, list) or len(rows) > MOST_LINES or not all(isinstance(row, Mapping) for row in rows):
        problems.append(Problem(LINES, message("Lines are a list of at most {most} JSON objects.", most=MOST_LINES)))
        return
    for place, row in enumerate(rows):
        where = f"{LINES}.{place}."
        problems.extend(_unknown(row, set(site.lines.fields), where))
        yield _values(site.lines.fields, row, where, zone, problems)


def _values(
    fields: Mapping[PartName, PageValue], raw: Mapping[str, Any], where: str, zone: ZoneInfo, problems: list[Problem]
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, field in fields.items():
        try:
            _put(data, name, value_of(field, raw.get(name), zone))
        except Invalid as invalid:
            problems.append(Problem(where + name, invalid.reason))
            _put(data, name, None)
    return data


def value_of(field: PageValue, raw: Any, zone: ZoneInfo) -> str | None:
    """A text, an exact decimal number as text, or a moment in UTC as ISO 8601; None for nothing. Raises Invalid."""
    text = plain(raw)
    text = field.codes.get(text, text) or field.default or ""
    if not text:
        if field.required:
            raise Invalid(message("It is empty."))
        return None
    if field.type == "number":
        return _number(text)
    return _moment(text, zone) if field.type == "moment" else text


def plain(raw: Any) -> str:
    """One line of text without what cannot be seen. Raises Invalid for what is no text, or too long."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise Invalid(message("This is no text."))
    if len(raw) > LONGEST:
        raise Invalid(_too_long(LONGEST))
    seen = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in raw)
    shown = "".join(one for one in seen if unicodedata.category(one) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(shown.split())


def _too_long(most: int) -> Message:
    return message("It has at most {most} characters.", most=most)


def _number(text: str) -> str:
    """Of several numbers nobody knows which is meant: ¥12.00–15.00 is no price."""
    wide = unicodedata.normalize("NFKC", text)
    found = _NUMBER.findall(wide)
    if len(found) != 1 or sum(map(str.isdigit, wide)) != sum(map(str.isdigit, found[0])):
        raise Invalid(message("“{text}” is not one number.", text=text[:60]))
    return format(Decimal(found[0].replace(",", "")).normalize() + 0, "f")


def _moment(text: str, zone: ZoneInfo) -> str:
    found = _MOMENT.search(unicodedata.normalize("NFKC", text))
    try:
        if found is None:
            raise ValueError
        at = dt.datetime(*(int(part or 0) for part in found.groups()), tzinfo=zone)  # type: ignore[misc, arg-type]
        return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    except (ValueError, OverflowError):
        said = message("“{text}” is no moment such as {example}.", text=text[:60], example="2026-03-01 08:30")
        raise Invalid(said) from None


def _put(data: dict[str, Any], name: str, value: Any) -> None:
    *around, last = name.split(".")
    for one in around:
        data = data.setdefault(one, {})
    data[last] = value


def _at(data: Mapping[str, Any], name: str) -> Any:
    found: Any = data
    for one in name.split("."):
        found = found[one]
    return found
