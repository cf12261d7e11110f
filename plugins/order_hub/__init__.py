"""Demo data of the Order Hub, and the factory that simulates it."""

from engine.api import Registry
from plugins.order_hub import invariants
from plugins.order_hub.factory import build
from plugins.order_hub.seed import plant


def register(registry: Registry) -> None:
    registry.seed("order_hub", plant)
    registry.simulation("order_hub", build, size="orders")
    invariants.register(registry)
