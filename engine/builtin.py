"""The types and functions Appmill brings along, entered the same way as a plugin's."""

from __future__ import annotations

from engine import (
    actions,
    cards,
    connectors,
    errands,
    expressions,
    fields,
    hooks,
    outside,
    schedules,
    timers,
    triggers,
    views,
)
from engine.registry import Registry


def default_registry() -> Registry:
    """A new registry with every built-in; plugins are entered into it after that."""
    registry = Registry()
    rooms = (
        fields, views, cards, triggers, timers, schedules, hooks, actions, errands, expressions, connectors, outside,
    )  # fmt: skip
    for room in rooms:
        room.register(registry)
    return registry
