"""Packages, where the engine can make and read them: an application as one file, for another installation."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.application import Application
from engine.people import Actor
from engine.storage.decisions import Decision

_ROOM = "engine.publishing.package"
AVAILABLE = importlib.util.find_spec(_ROOM) is not None
LARGEST = 20_000_000  # bytes
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Unpacked:
    """The definition of a package, and what was decided about data where it was made."""

    text: str
    decisions: Mapping[str, Decision]


def is_package(raw: bytes) -> bool:
    return AVAILABLE and raw.startswith(_ZIP)


def unpacked(raw: bytes) -> Unpacked:
    """Raises Invalid."""
    found = _room().read_package(raw)
    return Unpacked(found.definition, found.decisions)


def packed(app: Application, actor: Actor) -> bytes:
    """Raises Denied."""
    return bytes(_room().export(app, actor))


def _room() -> Any:
    return importlib.import_module(_ROOM)
