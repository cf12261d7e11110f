"""The types and functions Appmill brings along, entered the same way as a plugin's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from engine import (
    actions,
    approve,
    cards,
    connecting,
    connectors,
    errands,
    expressions,
    fields,
    hooks,
    letterbox,
    outside,
    prints,
    schedules,
    sites,
    timers,
    triggers,
    views,
)
from engine.registry import Registry


def default_registry() -> Registry:
    """A new registry with every built-in; plugins are entered into it after that."""
    registry = Registry()
    rooms = (
        fields, views, cards, triggers, timers, schedules, hooks, letterbox, actions, errands, approve, expressions,
        connectors, connecting, outside, prints, sites,
    )  # fmt: skip
    for room in rooms:
        room.register(registry)
    registry.performer("script", _later("engine.scripting", "perform"))
    registry.settler("script", _later("engine.scripting", "settle"))
    registry.performer("portal_mail", _later("engine.portal_mail", "perform"))
    registry.performer("reach", _later("engine.reaching.sending", "perform"))
    registry.performer("print", _later("engine.paper.printing", "perform"))
    registry.performer("report", _later("engine.paper.reporting", "perform"))
    registry.settler("print", _later("engine.paper.printing", "settle"))
    return registry


def _later(module: str, name: str) -> Callable[..., Any]:
    """A function of a room above this one, found when it is called."""

    def call(*given: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*given)

    return call
