"""Values as people read them, where no field says how."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from engine import formats
from engine.expressions.view import StateText, UserView, View
from engine.formats import Reader

_YES = {"zh": ("是", "否"), "en": ("Yes", "No")}


def shown(value: Any, reader: Reader) -> str:
    """``""`` for nothing; records by their title, people by their name, moments on the reader's clock."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _YES.get(reader.language, _YES["en"])[0 if value else 1]
    if isinstance(value, int):
        return formats.integer(value)
    if isinstance(value, Decimal):
        return formats.decimal(value)
    if isinstance(value, dt.datetime):
        return formats.moment(value, reader)
    if isinstance(value, dt.date):
        return formats.date(value, reader.language)
    return _other(value, reader)


def _other(value: Any, reader: Reader) -> str:
    if isinstance(value, dt.time):
        return formats.time(value)
    if isinstance(value, dt.timedelta):
        return formats.duration(value, reader.language)
    if isinstance(value, View):
        return value.title or (f"#{value.id}" if value.id is not None else "")
    if isinstance(value, UserView):
        return value.read("name") or ""
    if isinstance(value, (tuple, list, frozenset)):
        separator = "、" if reader.language == "zh" else ", "
        return separator.join(shown(item, reader) for item in value)
    return value.label_in(reader.language) if isinstance(value, StateText) else str(value)
