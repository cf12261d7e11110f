"""What a scenario writes for a field → what a person would type: names become ids, ``in 10d`` a day, a file name a
file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Protocol, cast
from zoneinfo import ZoneInfo

from engine.calendars import Times
from engine.definition import AppDefinition, Form
from engine.fields.base import Field
from engine.language import Duration
from engine.worktime import calendars_of

_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_AHEAD = re.compile(r"^in ([1-9][0-9]{0,4})(m|h|d|w|wh|wd)$")
_AGO = re.compile(r"^([1-9][0-9]{0,4})(m|h|d|w|wh|wd) ago$")


class Cast(Protocol):
    """Who and what takes part: ids of people by role or sign-in name, of records by their name in the story."""

    def person(self, word: str) -> int: ...

    def record(self, name: str) -> int: ...

    def file(self, form: str, field: str, name: str) -> int:
        """The id of a new file with this name."""


def typed(
    definition: AppDefinition, form: Form, values: Mapping[str, Any], cast: Cast, now: dt.datetime
) -> dict[str, Any]:
    """Raw input for the walk."""
    zone = ZoneInfo(definition.timezone)
    return {
        name: _typed(definition, form, form.fields[name], value, cast, now.astimezone(zone)) if name in form.fields
        else value
        for name, value in values.items()
    }  # fmt: skip


def _typed(definition: AppDefinition, form: Form, field: Field, value: Any, cast: Cast, now: dt.datetime) -> Any:
    if value == "":
        return None
    match field.kind:
        case "link":
            return cast.record(str(value))
        case "links":
            return [cast.record(str(one)) for one in (value if isinstance(value, list) else [value])]
        case "user":
            return cast.person(str(value))
        case "files":
            names = value if isinstance(value, list) else [value]
            return [cast.file(form.name, field.name, str(name)) for name in names]
        case "lines":
            inner = definition.forms[_line_form(field)]
            return [typed(definition, inner, row, cast, now) for row in value]
        case "date" | "datetime" if isinstance(value, str):
            return _moment(value, field.kind, now, calendars_of(definition))
    return _plain(value)


def _line_form(field: Field) -> str:
    return str(getattr(field, "form", ""))


def _moment(text: str, kind: str, now: dt.datetime, times: Times) -> str:
    """``now`` is on the application's clock; what is no such word stays as it is."""
    found = said(text, now, times)
    if found is None:
        return text
    return found.date().isoformat() if kind == "date" else found.isoformat(timespec="seconds")


def said(text: str, now: dt.datetime, times: Times) -> dt.datetime | None:
    """The moment that ``today``, ``in 3wd`` or ``2h ago`` mean; None for other words."""
    if text == "now":
        return now
    if text in _WORDS:
        return now + dt.timedelta(days=_WORDS[text])
    if ahead := _AHEAD.match(text):
        return times.after(now, _length(ahead)).astimezone(now.tzinfo)
    if ago := _AGO.match(text):
        return times.before(now, _length(ago)).astimezone(now.tzinfo)
    return None


def _length(found: re.Match[str]) -> Duration:
    return Duration(int(found[1]), cast(Literal["m", "h", "d", "w", "wh", "wd"], found[2]))


def _plain(value: Any) -> Any:
    """Exact numbers as text, as people type them."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value
