"""Planning: material, machines, promises, and the rush order.

``floor/`` reads records and writes plans; everything beside it is the core, which knows neither records nor clocks.
"""

from __future__ import annotations

from pathlib import Path

from engine.api import Registry, learn
from plugins.planning.floor import calibrating, replanning, weighing

learn(Path(__file__).parent / "translations")


def register(registry: Registry) -> None:
    registry.action(replanning.Replan)
    registry.errand(replanning.KIND, replanning.replan)
    registry.action(calibrating.Calibrate)
    registry.errand(calibrating.KIND, calibrating.calibrate)
    registry.action(weighing.WeighStandards)
    registry.errand(weighing.KIND, weighing.weigh)
