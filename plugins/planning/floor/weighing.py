"""What a proposed standard time would do to the orders that are open: the plan repaired with it, beside the plan
repaired without it, so that nothing but the proposal makes the difference. Nothing of the plan is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from engine.api import (
    Application,
    Stale,
    Together,
    every,
    get,
    message,
    say,
    together,
)
from plugins.planning.floor.errands import Errand
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import PLANNER, Books, Floor, Row, books, made_of
from plugins.planning.floor.time import day_of, moment
from plugins.planning.floor.work_times import work_of
from plugins.planning.measure import days_late, ends
from plugins.planning.repair import repaired

KIND = "weigh_standards"
MOST = 25  # proposals of one run: each is a plan of everything that is open, and an errand has a minute
SHOWN = 50  # orders of one proposal that are listed
WAITING = "record.state == 'proposed' and record.orders is None"
OPEN = "record.state == 'proposed'"


@dataclass(frozen=True, kw_only=True)
class WeighStandards(Errand):
    """Work out which open orders a proposed standard time would move; inside its band it is accepted."""

    type: ClassVar[str] = KIND


@dataclass(frozen=True, slots=True)
class Moved:
    """One order: its end in minutes without and with the proposal, and the days it is late with it."""

    order: str
    old: int
    new: int
    late: int


@dataclass(frozen=True, slots=True)
class Weight:
    """``touched``: open orders with this operation; ``moved``: orders that are ready on another day, the latest first;
    ``worse``: of these, in time before and late then."""

    touched: int
    moved: tuple[Moved, ...]
    worse: int


@dataclass(frozen=True)
class Scales:
    """The floor as it is, with the ends of its orders."""

    app: Application
    books: Books
    materials: Mapping[int, tuple[int, str]]
    floor: Floor
    ends: Mapping[str, int]


def weigh(app: Application, _data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The errand: proposals that nobody has weighed yet, some at a time. Saving them wakes it again for the rest."""
    rows = list(every(app, PLANNER, "standard_time", where=WAITING))[:MOST]
    if not rows:
        return {"weighed": 0}
    scales = scales_of(app)
    weights = [(row, weight(scales, row)) for row in rows]
    with together(app, PLANNER) as walks:
        accepted = [_settle(walks, scales, row, found) for row, found in weights].count(True)
    _tell(app, {row["calibration"] for row in rows} - {None})
    return {"weighed": len(rows), "accepted": accepted}


def scales_of(app: Application) -> Scales:
    read, materials = books(app), ready(app)
    floor = made_of(app, read, materials)
    return Scales(app, read, materials, floor, ends(floor.problem, repaired(floor.problem, floor.plan)))


def weight(scales: Scales, row: Row) -> Weight:
    """``row``: product, operation, cycle, cavities and setup of a standard time."""
    mine = {step["id"] for step in _steps(scales.books, row)}
    if not mine:
        return Weight(0, (), 0)
    changed = [
        {**step, "work": work_of(row, scales.books.jobs[step["job"]]["quantity"])} if step["id"] in mine else step
        for step in scales.books.steps
    ]
    floor = made_of(scales.app, replace(scales.books, steps=changed), scales.materials)
    new = ends(floor.problem, repaired(floor.problem, floor.plan))
    moved = sorted(_moved(scales, floor, new), key=lambda one: (-one.late, one.old - one.new, int(one.order)))
    orders = {step["order"] for step in changed if step["id"] in mine and step["order"] > 0}  # held promises are none
    worse = sum(one.old <= floor.problem.orders[one.order].promised < one.new for one in moved)
    return Weight(len(orders), tuple(moved), worse)


def _steps(read: Books, row: Row) -> Iterator[Row]:
    for step in read.steps:
        if step["name"] == row["operation"] and read.jobs[step["job"]]["product"] == row["product"]:
            yield step


def _moved(scales: Scales, floor: Floor, new: Mapping[str, int]) -> Iterator[Moved]:
    for order, end in new.items():
        old = scales.ends.get(order)
        if old is not None and day_of(old, floor.zone) != day_of(end, floor.zone):
            yield Moved(order, old, end, days_late(end, floor.problem.orders[order].promised))


def _settle(walks: Together, scales: Scales, row: Row, found: Weight) -> bool:
    """Whether it was accepted. A proposal that somebody decided meanwhile is theirs."""
    values = {"orders": found.touched, "moved": len(found.moved), "worse": found.worse,
              "touched": [_line(scales, one) for one in found.moved[:SHOWN]]}  # fmt: skip
    try:
        walks.save("standard_time", values, id=row["id"], version=row["version"])
    except Stale:
        return False
    if not row["automatic"] or found.worse:
        return False
    words = message("Inside the band, of enough reports, and no order becomes late")
    walks.take("standard_time", row["id"], "accept", reason=say(words, scales.app.definition.languages[0]))
    return True


def _line(scales: Scales, one: Moved) -> dict[str, Any]:
    due = scales.books.orders[int(one.order)]["due_on"]
    return {"order": int(one.order), "old_end": moment(one.old), "new_end": moment(one.new), "due_on": due,
            "days": one.late}  # fmt: skip


def _tell(app: Application, runs: set[int]) -> None:
    """How many proposals of these calibrations wait for a person; the rule that tells planning looks at the figure."""
    left = [row["calibration"] for row in every(app, PLANNER, "standard_time", where=OPEN) if row["orders"] is not None]
    with together(app, PLANNER) as walks:
        for run in sorted(runs):
            if get(app, PLANNER, "calibration", run)["waiting"] != left.count(run):
                walks.save("calibration", {"waiting": left.count(run)}, id=run)
