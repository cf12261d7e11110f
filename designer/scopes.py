"""What an expression at a place of a draft may name, also where none is written yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from designer.workspace import Workspace
from engine.checks.expressions import scope_of
from engine.checks.review import Leaf, Review, form_named
from engine.expressions import Scope
from engine.language import Expression
from engine.schema import keys_of
from engine.yamlfile import Path


def scope_at(workspace: Workspace, path: Path) -> Scope:
    """The scope the check would use there. Raises EditRefused where the file cannot be understood."""
    definition = workspace.loaded.definition
    around, form = _things_around(definition, path)
    owner, *others = around
    leaf = Leaf(path, Expression, "True", owner, tuple(others), form)
    return scope_of(Review(definition, workspace.source, workspace.registry), leaf)


def _things_around(definition: Any, path: Path) -> tuple[list[Any], str | None]:
    """The things a place stands in, the nearest first, and the form they speak of."""
    thing, around, form = definition, [definition], None
    for step in path[:-1]:
        thing = _step(thing, step)
        if thing is None:
            break
        if dataclasses.is_dataclass(thing):
            form = form_named(thing, tuple(around), form)
            around.insert(0, thing)
    return around, form


def _step(thing: Any, step: str | int) -> Any:
    if dataclasses.is_dataclass(thing):
        key = next((key for key in keys_of(type(thing)) if key.name == step), None)
        return getattr(thing, key.attribute) if key else None
    if isinstance(thing, Mapping):
        return thing.get(step)
    if isinstance(thing, (tuple, list)) and isinstance(step, int):
        return thing[step] if 0 <= step < len(thing) else None
    return None
