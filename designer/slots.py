"""What may stand at a place of a definition: found by the dataclasses the file becomes, never listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from designer.workspace import step_into
from engine.definition import AppDefinition
from engine.language import Condition, Duration, Label
from engine.registry import Registry
from engine.schema import Key, is_choice, keys_of, kinds_of
from engine.yamlfile import Path

WRITTEN_AS_TEXT = (Label, Duration, Condition)


@dataclass(frozen=True)
class Slot:
    """A place: the declared type of what stands there, the option it belongs to, and the class it is made of.

    ``base`` is the class that stands for several, such as Field; ``cls`` the one that is chosen by ``type``, None
    where none is chosen yet, or where a plain value stands.
    """

    path: Path
    hint: Any
    key: Key | None = None
    cls: Any = None
    base: Any = None

    @property
    def keys(self) -> tuple[Key, ...]:
        return keys_of(self.cls) if self.cls is not None else ()


def slot_at(data: Any, path: Path, registry: Registry) -> Slot | None:
    """The slot of a path in plain data; None where nothing of a definition can stand."""
    slot: Slot | None = Slot((), AppDefinition, cls=AppDefinition)
    for step in path:
        slot = inner(slot, step, data, registry) if slot is not None else None
        data = step_into(data, step)
        slot = _chosen(slot, data, registry) if slot is not None else None
    return slot


def inner(slot: Slot, step: str | int, data: Any, registry: Registry) -> Slot | None:
    """The slot one step further in; ``cls`` of a choice is not looked up yet."""
    if slot.cls is not None:
        key = next((key for key in slot.keys if key.name == step), None)
        return Slot((*slot.path, step), key.hint, key) if key else None
    origin, args = get_origin(slot.hint), get_args(slot.hint)
    if origin is tuple and isinstance(step, int):
        return Slot((*slot.path, step), args[0], slot.key)
    if origin is Mapping and isinstance(step, str):
        return Slot((*slot.path, step), args[1], slot.key)
    return None


def _chosen(slot: Slot, data: Any, registry: Registry) -> Slot:
    hint = slot.hint
    if not is_thing(hint):
        return slot
    if not is_choice(hint):
        return dataclasses.replace(slot, cls=hint)
    kind = data.get("type") if isinstance(data, dict) else None
    chosen = kinds_of(hint, registry).get(kind) if isinstance(kind, str) else None
    return dataclasses.replace(slot, cls=chosen, base=hint)


def is_thing(hint: Any) -> bool:
    """Whether a mapping with keys of its own stands there: no label and no duration."""
    return isinstance(hint, type) and dataclasses.is_dataclass(hint) and not issubclass(hint, WRITTEN_AS_TEXT)
