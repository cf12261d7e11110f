"""Icons: an entry with one that is not in the set would stand there without any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path as File

from engine.checks.review import Review, unknown
from engine.errors import message
from engine.validate import guess
from engine.yamlfile import Path

SPRITE = File(__file__).resolve().parents[2] / "static" / "icons.svg"


@cache
def icons() -> frozenset[str]:
    """The names of the set in ``static/``."""
    return frozenset(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text(encoding="utf-8")))


def check_icons(review: Review) -> None:
    for path, icon in _named(review):
        if icon not in icons():
            said = message("There is no icon '{name}'", name=icon)
            review.warning(path, unknown(said, icon, icons() if guess(icon, icons()) else ()))


def _named(review: Review) -> Iterator[tuple[Path, str]]:
    definition = review.definition
    for room in ("forms", "pages", "tasks"):
        for name, thing in getattr(definition, room).items():
            yield (room, name, "icon"), thing.icon
