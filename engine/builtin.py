"""The types and functions Appmill brings along, entered the same way as a plugin's."""

from __future__ import annotations

from engine import actions, cards, connectors, errands, expressions, fields, outside, triggers, views
from engine.registry import Registry


def default_registry() -> Registry:
    """A new registry with every built-in; plugins are entered into it after that."""
    registry = Registry()
    for room in (fields, views, cards, triggers, actions, errands, expressions, connectors, outside):
        room.register(registry)
    return registry
