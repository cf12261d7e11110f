"""When an order's operations are planned, as a picture on its page, with the way to each on the planner's board."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import Actor, Application, every, get, may
from engine.api.screens import actor, application, reader, render, shown_moment
from plugins.planning.floor.time import end_of, minute, moment
from plugins.planning.screens.board_drawn import COLOURS, Mark, may_look
from plugins.planning.screens.gantt import Scale

HEAD, ROW, WIDTH, NAMES = 42, 30, 720, 200  # px
DAY = 24 * 60
MOST = 12  # operations: the page is about more than this


@dataclass(frozen=True)
class Line:
    """An operation; ``x`` is None for what is not planned."""

    id: int
    name: str
    machine: str
    x: int | None
    width: int
    kind: str
    span: str
    why: str
    url: str


@dataclass(frozen=True)
class OrderPlan:
    """``due``: where the promised day ends, where it lies in the picture."""

    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    now: int | None
    due: int | None
    colour: str
    late: bool
    more: int
    board: str
    head: int = HEAD
    row: int = ROW
    width: int = WIDTH
    names: int = NAMES


def show(id: int) -> str:
    """Nothing for an order without operations, or for readers who see none of them."""
    app, who = application(), actor()
    order = get(app, who, "order", id)
    forms = app.definition.forms
    seen = "job_step" in forms and may(app, who, "read", forms["job_step"]).allowed
    steps = _in_turn(every(app, who, "job_step", where=f"record.order == {id}")) if seen else []
    return render("planning_order.html", layout="fragment.html", plan=_drawn(app, who, order, steps)) if steps else ""


def _in_turn(steps: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(steps, key=lambda row: (row["planned_start"] or last, row["job"], row["number"] or 0, row["id"]))


def _drawn(app: Application, who: Actor, order: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> OrderPlan:
    now, day = minute(app.clock()), order.get("due_on")
    due = end_of(day, reader().zone) if day else None
    scale = _scale(steps, due)
    machines = _machines(app, who, {row["machine"] for row in steps} - {None})
    board = may_look(app, who)
    lines = tuple(_line(app, scale, row, machines, board) for row in steps[:MOST])
    ends = [row["planned_end"] for row in steps if row["open"] and row["planned_end"]]
    return OrderPlan(
        lines, tuple(_marks(scale)), scale.within(now), scale.within(due), COLOURS[order["id"] % len(COLOURS)],
        bool(due and ends and minute(max(ends)) > due), max(0, len(steps) - MOST),
        next((line.url for line in lines if line.url), ""),
    )  # fmt: skip


def _scale(steps: Sequence[Mapping[str, Any]], due: int | None) -> Scale:
    """All operations, and the promised day where it does not make them invisibly small."""
    ends = [minute(at) for row in steps for at in (row["planned_start"], row["planned_end"]) if at]
    if not ends:
        return Scale(0, 1, WIDTH)
    first, last = min(ends), max(*ends, min(ends) + DAY)
    if due is not None and first < due <= last + 3 * (last - first):
        last = max(last, due)
    return Scale(first, last + max(60, (last - first) // 40), WIDTH)


def _machines(app: Application, who: Actor, ids: set[Any]) -> Mapping[int, str]:
    if not may(app, who, "read", app.definition.forms["machine"]).allowed:
        return {}
    return {row["id"]: str(row["_title"]) for row in every(app, who, "machine", ids=ids)}


def _line(
    app: Application, scale: Scale, row: Mapping[str, Any], machines: Mapping[int, str], board: bool
) -> Line:  # fmt: skip
    start, end = row["planned_start"], row["planned_end"]
    name, machine = str(row["name"]), machines.get(row["machine"], "")
    if start is None or end is None:
        return Line(row["id"], name, machine, None, 0, "unplanned", "", row["why"] or "", "")
    x = scale.x(minute(start))
    kind = "done" if not row["open"] else "begun" if start <= app.clock() or row["reports"] else "free"
    day = start.astimezone(reader().zone).date()
    url = f"/planning/board/?from={day}&order={row['order']}" if board and row["open"] and row["machine"] else ""
    return Line(
        row["id"], name, machine, x, max(3, scale.x(minute(end)) - x), kind,
        f"{shown_moment(start)} – {shown_moment(end)}", row["why"] or "", url,
    )  # fmt: skip


def _marks(scale: Scale) -> Iterable[Mark]:
    """Midnights, as many as have room for their day."""
    zone = reader().zone
    day = moment(scale.first).astimezone(zone).date()
    step = max(1, -(-(scale.last - scale.first) * 56 // (DAY * WIDTH)))
    while (at := end_of(day, zone)) < scale.last:
        name = f"{day + dt.timedelta(days=1):%m-%d}"
        yield Mark(scale.x(at), name if scale.x(at) < WIDTH - 40 else "", strong=True)
        day += dt.timedelta(days=step)
