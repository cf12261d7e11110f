"""The field types a person can choose from, by category."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import message
from engine.registry import Registry
from engine.schema import first_line
from engine.storage.tokens import spelled
from engine.texts import say

CATEGORIES = {
    "basic": message("Texts"),
    "number": message("Numbers"),
    "time": message("Dates and times"),
    "choice": message("Choices"),
    "people": message("People"),
    "contact": message("Contact"),
    "relation": message("Links and lines"),
    "file": message("Files and pictures"),
    "derived": message("Worked out"),
}


# Where the word of the file is one of programmers.
_PLAINER = {
    "boolean": "Yes or no", "json": "Structured data", "user": "Person", "datetime": "Date and time",
    "series": "Serial number", "lines": "Rows", "choices": "Several choices", "attachment": "Files",
    "decimal": "Decimal number", "integer": "Whole number", "url": "Web address",
}  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A field type. ``found_by``: what a search looks in, small letters: names in both languages, pinyin, initials."""

    type: str
    label: str
    help: str
    icon: str
    found_by: str


@dataclass(frozen=True)
class Shelf:
    category: str
    label: str
    pieces: tuple[Piece, ...]


def palette(registry: Registry, language: str) -> list[Shelf]:
    """Every registered field type, on the shelf of its category; categories of plugins come last."""
    found: dict[str, list[Piece]] = {name: [] for name in CATEGORIES}
    for name, cls in registry.fields.items():
        found.setdefault(cls.category, []).append(_piece(name, cls, language))  # type: ignore[attr-defined]
    return [Shelf(name, _category(name, language), tuple(pieces)) for name, pieces in found.items() if pieces]


def type_name(type_: str, language: str) -> str:
    """What people call a field type: Long text."""
    plain, key = _PLAINER.get(type_) or type_.replace("_", " ").capitalize(), f"field type {type_}"
    said = say(key, language)
    return plain if said == key else said


def _category(name: str, language: str) -> str:
    return say(CATEGORIES.get(name, name.capitalize()), language)


def _piece(name: str, cls: type, language: str) -> Piece:
    label, text = type_name(name, language), say(first_line(cls), language)
    chinese = type_name(name, "zh")
    found_by = " ".join([name, type_name(name, "en"), chinese, *spelled(chinese), text]).lower()
    return Piece(name, label, text, getattr(cls, "icon", "forms"), found_by)
