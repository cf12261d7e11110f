"""Demo data of the Order Hub, and the factory that simulates it."""

from pathlib import Path

from engine.api import Registry, learn
from plugins.order_hub import invariants, practice, regions
from plugins.order_hub.factory import build
from plugins.order_hub.seed import plant

learn(Path(__file__).parent / "translations")


def register(registry: Registry) -> None:
    registry.seed("order_hub", plant)
    registry.simulation("order_hub", build, size="orders")
    invariants.register(registry)
    regions.register(registry)
    practice.register(registry)
