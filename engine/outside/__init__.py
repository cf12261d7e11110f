"""What leaves the process: one task in, one result out. Nothing here touches the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.registry import Registry

if TYPE_CHECKING:
    from engine.outside.task import Surroundings, Task

_PERFORMERS = {"mail": "engine.outside.mail", "http": "engine.outside.http", "call": "engine.outside.calling",
               "try": "engine.outside.trying"}  # fmt: skip


def register(registry: Registry) -> None:
    for kind, module in _PERFORMERS.items():
        registry.performer(kind, _performer(module))


def _performer(module: str) -> Callable[[Task, Surroundings], Mapping[str, Any]]:
    """Loaded when it is first used: whoever only checks a definition needs no mail and no TLS."""

    def perform(task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        result: Mapping[str, Any] = import_module(module).perform(task, surroundings)
        return result

    return perform
