"""Numbers that count up by themselves."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from engine.errors import Message, message
from engine.fields import operators
from engine.fields.base import Field, Operator
from engine.fields.text import typed_text
from engine.formats import Reader
from engine.language import option

LENGTH = 64
_PLACE = re.compile(r"\{([^{}]*)\}")
_DATES: Mapping[str, str] = {"yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d", "ww": "%V"}


@dataclass(frozen=True, kw_only=True)
class SeriesField(Field):
    """A number that counts up by itself, such as SO202611-00042."""

    type: ClassVar[str] = "series"
    icon: ClassVar[str] = "hash"
    widget: ClassVar[str] = "series"
    operators: ClassVar[tuple[Operator, ...]] = operators.TEXT
    writable: ClassVar[bool] = False
    full_text: ClassVar[bool] = True

    pattern: str = option(
        "How it looks: {yyyy} {yy} {mm} {dd} {ww} are the date, {00000} the number; it starts again with each date.",
        maxLength=40,
    )
    gapless: bool = option("No number is ever left out, at the price of drawing them one after the other.", False)

    @cached_property
    def pieces(self) -> tuple[tuple[str, str], ...]:
        """The pattern in parts: ("text", …), ("date", strftime pattern), ("number", its zeros)."""
        found: list[tuple[str, str]] = []
        for at, piece in enumerate(_PLACE.split(self.pattern)):
            if at % 2 == 0:
                found += [("text", piece)] if piece else []
            elif piece in _DATES:
                found.append(("date", _DATES[piece]))
            else:
                found.append(("number", piece) if piece and not piece.strip("0") else ("unknown", piece))
        return tuple(found)

    def period(self, now: dt.datetime, zone: ZoneInfo) -> str:
        """What the count belongs to: it starts at 1 in each period. ``""`` if the pattern has no date."""
        local = now.astimezone(zone)
        return "-".join(local.strftime(text) for kind, text in self.pieces if kind == "date")

    def render(self, number: int, now: dt.datetime, zone: ZoneInfo) -> str:
        """The text of the ``number``-th; more digits than zeros are kept."""
        local = now.astimezone(zone)
        return "".join(
            local.strftime(text) if kind == "date" else f"{number:0{len(text)}d}" if kind == "number" else text
            for kind, text in self.pieces
        )

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(LENGTH)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        """For imports with their history; people never type it."""
        return typed_text(self, raw, LENGTH)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "maxLength": LENGTH, "readOnly": True}

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        kinds = [kind for kind, _ in self.pieces]
        for kind, text in self.pieces:
            if kind == "unknown":
                yield "pattern", message(
                    "The place {got} is unknown; a series has {known}.",
                    got=f"{{{text}}}", known="{yyyy} {yy} {mm} {dd} {ww} {00000}",
                )  # fmt: skip
        if kinds.count("number") != 1:
            yield "pattern", message("The pattern “{got}” must have one place for the number, such as {place}.",
                                     got=self.pattern, place="{00000}")  # fmt: skip
        dates = {text for kind, text in self.pieces if kind == "date"}
        if (dates and not dates & {"%Y", "%y"}) or ("%d" in dates and not dates & {"%m"}):
            yield (
                "pattern",
                message(
                    "The pattern “{got}” repeats itself: beside the day it needs the month, beside these the year.",
                    got=self.pattern,
                ),
            )
