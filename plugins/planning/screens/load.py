"""What machine groups have to do on each day against the hours they are there, and what stands behind a figure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.api import Actor, Application, Missing, every, may, message
from engine.api.screens import Blueprint, actor, application, render, request, translate
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import Floor, read
from plugins.planning.floor.time import end_of
from plugins.planning.load import Cell, Load, load

DAYS = 21
MOST = 200  # operations behind one figure
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
FORMS = ("job_step", "machine", "machine_group")


@dataclass(frozen=True)
class Square:
    """``heat``: none, low, good, full or over; ``share`` in percent, None where the group is closed."""

    day: int
    heat: str
    share: int | None
    hours: str
    url: str


@dataclass(frozen=True)
class Row:
    id: str
    name: str
    squares: tuple[Square, ...]
    share: int | None
    bottleneck: bool


@dataclass(frozen=True)
class Behind:
    """One operation behind a figure; ``scheduled``: no, where it is only laid before its due date."""

    step: str
    name: str
    order: str
    number: str
    machine: str
    hours: str
    scheduled: bool


def may_look(app: Application, who: Actor) -> bool:
    forms = app.definition.forms
    return all(name in forms and may(app, who, "read", forms[name]).allowed for name in FORMS)


def make_blueprint(_application: Application) -> Blueprint:
    blueprint = Blueprint("planning_load", __name__, url_prefix="/planning/load")
    blueprint.get("/")(show)
    blueprint.get("/<group>/<int:day>")(behind)
    return blueprint


def show() -> str:
    floor, found, dates = _found()
    names = _groups(floor)
    rows = [_row(floor, found, names, total.group, len(dates)) for total in found.ranking if total.group in names]
    return render("load.html", rows=rows, days=_heads(dates), waiting=len(floor.unplannable))


def behind(group: str, day: int) -> str:
    floor, found, dates = _found()
    cell = found.cells.get((group, day))
    if cell is None or group not in _groups(floor):
        raise Missing(message("There is nothing here, or nothing you may see."))
    lines = sorted(cell.bookings, key=lambda one: -one.minutes)[:MOST]
    wanted = {int(one.order) for one in lines}
    numbers = {str(row["id"]): row["number"] for row in every(application(), actor(), "order", ids=wanted)}
    shown = [
        Behind(one.operation, floor.names.get(one.operation, ""), one.order, numbers.get(one.order, ""),
               str(floor.machines[one.machine]["_title"]), _hours(one.minutes), one.scheduled)
        for one in lines
    ]  # fmt: skip
    return render("load_behind.html", layout="fragment.html", rows=shown, name=_groups(floor)[group], at=dates[day],
                  cell=cell, booked=_hours(cell.booked + cell.due), available=_hours(cell.available),
                  url=f"/job_step?where.group.eq={group}" if group.isdigit() else "/job_step")  # fmt: skip


def _found() -> tuple[Floor, Load, list[dt.date]]:
    app = application()
    if not may_look(app, actor()):
        raise Missing(message("There is nothing here, or nothing you may see."))
    floor = read(app, ready(app))
    today = app.clock().astimezone(floor.zone).date()
    first = _first(request.args.get("from", ""), today)
    dates = [first + dt.timedelta(days=place) for place in range(DAYS)]
    borders = [end_of(first - dt.timedelta(days=1), floor.zone), *(end_of(day, floor.zone) for day in dates)]
    return floor, load(floor.problem, floor.plan, borders), dates


def _first(text: str, today: dt.date) -> dt.date:
    """The day the picture begins with; today where nothing, or nothing sensible, is asked for."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return today
    return day if abs((day - today).days) < 400 else today


def _groups(floor: Floor) -> Mapping[str, str]:
    """The name of every group by its id in the core; a machine without a group is one of its own."""
    rows = every(application(), actor(), "machine_group")
    found = {str(row["id"]): str(row["name"]) for row in rows}
    alone = {f"machine {id}": str(row["_title"]) for id, row in floor.machines.items() if row["group"] is None}
    return {**found, **alone}


def _row(floor: Floor, found: Load, names: Mapping[str, str], group: str, days: int) -> Row:
    total = next(one for one in found.ranking if one.group == group)
    bottleneck = found.bottleneck is not None and found.bottleneck.group == group
    squares = tuple(_square(found.cells[group, day]) for day in range(days))
    return Row(group, names[group], squares, _percent(total.ratio), bottleneck)


def _square(cell: Cell) -> Square:
    work = cell.booked + cell.due
    share = _percent(cell.ratio)
    heat = "none" if not work else "over" if share is None or share > 100 else "full" if share >= 90 else (
        "good" if share >= 50 else "low")  # fmt: skip
    start = request.args.get("from", "")
    query = f"?from={start}" if start and _is_day(start) else ""
    return Square(cell.day, heat, share, f"{_hours(work)} / {_hours(cell.available)}",
                  f"/planning/load/{cell.group}/{cell.day}{query}")  # fmt: skip


def _is_day(text: str) -> bool:
    try:
        return bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _percent(ratio: Fraction | None) -> int | None:
    return None if ratio is None else round(ratio * 100)


def _hours(minutes: int) -> str:
    return f"{minutes / 60:.1f}"


def _heads(dates: Sequence[dt.date]) -> list[dict[str, Any]]:
    return [{"day": f"{day:%m-%d}", "name": translate(WEEKDAYS[day.weekday()]), "off": day.weekday() > 4}
            for day in dates]  # fmt: skip
