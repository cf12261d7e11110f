"""The first lines of an application that has none yet: enough to be served; the rest is made in the designer."""

from __future__ import annotations

import re
from pathlib import Path

from engine.language import NAME_PATTERN


def begin(path: str | Path) -> bool:
    """Write the first lines to a file that is missing or empty; answers whether it was."""
    file = Path(path)
    if file.exists() and file.read_text("utf-8").strip():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(first_lines(file.stem), "utf-8")
    return True


def first_lines(stem: str) -> str:
    """A definition with a name and nothing in it; the name is made of the file's."""
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    name = name if re.match(NAME_PATTERN, name) else "app"
    return f"app: {name}\nlabel: {name.replace('_', ' ').capitalize()}\n"
