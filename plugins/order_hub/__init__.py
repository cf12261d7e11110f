"""Demo data of the Order Hub."""

from engine.api import Registry
from plugins.order_hub.seed import plant


def register(registry: Registry) -> None:
    registry.seed("order_hub", plant)
