"""Planning: material, machines, promises, and the rush order.

``floor/`` reads records and writes plans; everything beside it is the core, which knows neither records nor clocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.api import Actor, Application, Registry, learn
from plugins.planning.floor import (
    calibrating,
    promising,
    replanning,
    requesting,
    rush_answers,
    rush_applying,
    rushing,
    weighing,
)

HERE = Path(__file__).parent
learn(HERE / "translations")


def register(registry: Registry) -> None:
    registry.action(replanning.Replan)
    registry.errand(replanning.KIND, replanning.replan)
    registry.action(rush_applying.RushOrder)
    registry.errand(rush_applying.STEP, rush_applying.follow_up)
    registry.work(rush_answers.KIND, rush_answers.simulate)
    registry.action(calibrating.Calibrate)
    registry.errand(calibrating.KIND, calibrating.calibrate)
    registry.action(weighing.WeighStandards)
    registry.errand(weighing.KIND, weighing.weigh)
    registry.action(promising.PromiseDate)
    registry.errand(promising.KIND, promising.promise)
    registry.template_folders.append(str(HERE / "templates"))
    registry.panel(rushing.FORM, "/planning/rush/{id}")
    registry.panel("order", "/planning/board/of/{id}")
    registry.screen(_rush)
    registry.screen(_load)
    registry.screen(_board)
    registry.place("/planning/board/", "Planning board", "timeline", _may_see_board)
    registry.place("/planning/load/", "Load of machines", "chart-bar", _may_see_load)
    registry.action(requesting.RequestMaterial)
    registry.errand(requesting.KIND, requesting.request_material)


def _rush(application: Application) -> Any:
    from plugins.planning.screens.rush import make_blueprint  # pages are for servers; a check needs none

    return make_blueprint(application)


def _load(application: Application) -> Any:
    from plugins.planning.screens.load import make_blueprint

    return make_blueprint(application)


def _board(application: Application) -> Any:
    from plugins.planning.screens.board import make_blueprint

    return make_blueprint(application)


def _may_see_board(app: Application, who: Actor) -> bool:
    from plugins.planning.screens.board_drawn import may_look

    return may_look(app, who)


def _may_see_load(app: Application, who: Actor) -> bool:
    from plugins.planning.screens.load import may_look

    return may_look(app, who)
