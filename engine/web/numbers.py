"""Numbers that addresses and hidden fields carry."""

from __future__ import annotations

MOST_DIGITS = 18  # within what every database holds


def whole(text: object) -> int | None:
    """None for anything but plain digits, and for more of them than any record number or version has."""
    plain = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if plain else None  # type: ignore[call-overload]


def number(text: str) -> int:
    """As ``whole``, for ``args.get(name, type=number)``: raises ValueError for anything else, so that it counts as left
    out."""
    found = whole(text)
    if found is None:
        raise ValueError(text)
    return found
