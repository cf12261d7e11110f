"""Files that others drop into a folder, as a connector feeds read."""

from __future__ import annotations

from pathlib import Path

from engine.api import Registry, learn
from plugins.files.drop import CsvDrop

learn(Path(__file__).parent / "translations")


def register(registry: Registry) -> None:
    registry.connector(CsvDrop)
