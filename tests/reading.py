"""Registries and definitions as tests share them: each is read once in a process, for it never changes afterwards."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from webs import SHARED

from engine.builtin import default_registry
from engine.extensions import registry_for
from engine.load import Loaded, load_file, load_text
from engine.registry import Registry

ROOT = Path(__file__).parents[1]
_read: dict[tuple[str | bytes, str, int], tuple[Registry, Loaded]] = {}


@cache
def registry_of(home: Path | None = None) -> Registry:
    """With the plugins that lie beside a definition file of this folder; without one, the built-in types alone."""
    SHARED.append(registry_for(home / "any.yaml") if home else default_registry())
    return SHARED[-1]


def hub_registry() -> Registry:
    return registry_of(ROOT)


def loaded(source: str | Path, registry: Registry) -> Loaded:
    """The definition of a text or a file. By the registry itself, not by what is in it: what it registers later was not
    there when the definition was read."""
    text, name = (source.read_bytes(), source.name) if isinstance(source, Path) else (source, "")
    key = (text, name, id(registry))
    if key not in _read:
        _read[key] = registry, load_file(source, registry) if isinstance(source, Path) else load_text(source, registry)
    return _read[key][1]
