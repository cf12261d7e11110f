"""The planner's board: a lane for each machine, hours across, what is planned as bars that can be dragged."""

from __future__ import annotations

import datetime as dt

from engine.api import Application, Missing, message
from engine.api.screens import Blueprint, actor, application, reader, render, request
from plugins.planning.floor.by_hand import may_move
from plugins.planning.floor.time import minute
from plugins.planning.screens import board_step, board_tried, order_plan
from plugins.planning.screens.board_drawn import ZOOMS, Window, Zoom, draw, may_look


def make_blueprint(_application: Application) -> Blueprint:
    blueprint = Blueprint("planning_board", __name__, url_prefix="/planning/board")
    blueprint.get("/")(show)
    blueprint.get("/step/<int:id>")(board_step.behind_bar)
    blueprint.get("/of/<int:id>", endpoint="of_order")(order_plan.show)
    blueprint.post("/try")(board_tried.try_it)
    blueprint.post("/apply")(board_tried.apply_it)
    blueprint.post("/release/<int:id>")(board_tried.release_it)
    return blueprint


def show() -> str:
    app, who = application(), actor()
    if not may_look(app, who):
        raise Missing(message("There is nothing here, or nothing you may see."))
    window = _window(app, request.args.get("zoom", ""), request.args.get("from", ""))
    zoom, day, order = window.zoom, window.day, request.args.get("order", type=int)
    ways = {"earlier": -zoom.days, "later": zoom.days}
    return render(
        "planning_board.html", board=draw(app, who, window), movable=may_move(app, who), day=day,
        zooms=[(one.name, one.label, _address(one, day, order)) for one in ZOOMS.values()], asked=order,
        today=_address(zoom, None, order), whole=_address(zoom, day, None),
        ways={name: _address(zoom, day + dt.timedelta(days=step), order) for name, step in ways.items()},
    )  # fmt: skip


def _address(zoom: Zoom, day: dt.date | None, order: int | None) -> str:
    """``order``: whose operations stand out."""
    return f"/planning/board/?zoom={zoom.name}" + (f"&from={day}" if day else "") + (f"&order={order}" if order else "")


def _window(app: Application, zoom: str, first: str) -> Window:
    """Today where no day, or no sensible one, is asked for."""
    asked, zone = ZOOMS.get(zoom, ZOOMS["week"]), reader().zone
    today = app.clock().astimezone(zone).date()
    try:
        day = dt.date.fromisoformat(first)
    except ValueError:
        day = today
    day = day if abs((day - today).days) < 400 else today
    ends = (dt.datetime.combine(each, dt.time(), zone) for each in (day, day + dt.timedelta(days=asked.days)))
    return Window(asked, day, *(minute(each.astimezone(dt.UTC)) for each in ends))
