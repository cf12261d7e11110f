"""A plan written back: only what differs, in one transaction, with one record that says what moved and why."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api import Application, Message, Stale, Together, message, say, together
from plugins.planning.floor.holding import is_held
from plugins.planning.floor.reading import OUTSIDE, PLANNER, Floor
from plugins.planning.floor.time import day_of, moment
from plugins.planning.measure import days_late, ends
from plugins.planning.shapes import Assignment, Reason, Schedule

PLACE = ("machine", "outside", "planned_start", "planned_end", "frozen")  # of a step: where and when
SHOWN = 500  # orders of one change that are listed; the number of operations counts all
WHY: Mapping[str, str] = {
    "now": "Can begin at once",
    "released": "Not released before",
    "machine": "The machine does {of} before it",
    "tool": "The mould is needed for {of} until then",
    "material": "{of} comes only then",
    "calendar": "The machine stands still until then",
    "predecessor": "{of} comes before it",
    "locked": "Under way or frozen",
}


@dataclass(frozen=True, slots=True)
class OtherDay:
    """An order that is ready on another day: its ends in minutes (``old`` None: not planned before), and how many days
    it is ``late`` against what was promised."""

    order: str
    old: int | None
    new: int
    late: int


@dataclass(frozen=True)
class Moved:
    """What writing a plan did: how many operations were written, and the orders that are ready on another day."""

    steps: int
    orders: tuple[OtherDay, ...]

    @property
    def is_nothing(self) -> bool:
        return not self.steps


def write(app: Application, floor: Floor, after: Schedule, why: str, by: int | None = None) -> Moved:
    """Raises Stale when the plan was changed since the floor was read; then nothing is written."""
    with together(app, PLANNER) as walks:
        return write_in(walks, app, floor, after, why, by)


def write_in(
    walks: Together, app: Application, floor: Floor, after: Schedule, why: str, by: int | None = None
) -> Moved:
    """As ``write``, in a transaction under way."""
    changed = [one for one in after.assignments.values() if _differs(floor, one)]
    if not changed:
        return Moved(0, ())
    _refuse_overtaken(walks, floor)
    moved = Moved(len(changed), tuple(_orders(floor, after)))
    with walks.as_one(_looked_at(floor, changed)):
        for one in changed:
            row = floor.rows[one.operation]
            walks.save("job_step", values_of(app, floor, one), id=row["id"], version=row["version"])
    jobs, orders = {floor.rows[one.operation]["job"] for one in changed}, [int(one.order) for one in moved.orders]
    with walks.as_one({"job": jobs, "order": orders}):
        _write_jobs(walks, floor, after, jobs)
        _write_orders(walks, floor, after, {one.order for one in moved.orders})
    change = walks.save("plan_change", _change(floor, moved, why, by)).id
    for person, days in _people(floor, moved).items():
        walks.save("plan_notice", {"change": change, "person": person, **_notice(floor, days)})
    return moved


def _refuse_overtaken(walks: Together, floor: Floor) -> None:
    """Two plans made of the same floor may each put something else into the same gap: only the first is written."""
    walks.alone("plan")
    known = {row["id"]: row for row in floor.rows.values()}
    for row in walks.found("job_step", {"open": True}, only=("id", *PLACE)):
        before = known.get(row["id"])
        if row["planned_start"] is not None if before is None else any(row[name] != before[name] for name in PLACE):
            raise Stale(message("The plan has changed meanwhile."), 0)


def _looked_at(floor: Floor, changed: Sequence[Assignment]) -> Mapping[str, list[int]]:
    """What the walks of these operations read, by form."""
    rows = [floor.rows[one.operation] for one in changed]
    return {
        "job_step": [row["id"] for row in rows],
        **{form: [row[form] for row in rows] for form in ("job", "order")},
        "machine": [id for one in changed if (id := _place(one.machine).get("machine")) is not None],
    }


def _differs(floor: Floor, one: Assignment) -> bool:
    """Locked work is never written: it stands where it is. A reason that changes alone changes nothing."""
    if floor.problem.operations[one.operation].locked is not None or is_held(one.operation):
        return False
    before = floor.plan.assignments.get(one.operation)
    return before is None or (before.machine, before.start, before.end) != (one.machine, one.start, one.end)


def values_of(app: Application, floor: Floor, one: Assignment) -> dict[str, Any]:
    place = _place(one.machine)
    said = say(words_of(floor, one.reason), app.definition.languages[0])
    return {**place, "planned_start": moment(one.start), "planned_end": moment(one.end), "why": said[:200]}


def _place(machine: str) -> dict[str, int | None]:
    if machine.startswith(OUTSIDE):
        return {"outside": int(machine.removeprefix(OUTSIDE))}
    return {"machine": int(machine), "outside": None}


def words_of(floor: Floor, reason: Reason) -> Message:
    return message(WHY[reason.kind], of=floor.names.get(reason.of, reason.of))


def _orders(floor: Floor, after: Schedule) -> Iterable[OtherDay]:
    """The orders whose day changes, the worst first."""
    old, new = ends(floor.problem, floor.plan), ends(floor.problem, after)
    complete = _wholly_planned(floor)
    found = []
    for order, end in new.items():
        if is_held(order):
            continue
        before = old.get(order) if order in complete else None
        if before is None or day_of(before, floor.zone) != day_of(end, floor.zone):
            found.append(OtherDay(order, before, end, days_late(end, floor.problem.orders[order].promised)))
    return sorted(found, key=lambda one: (-one.late, int(one.order)))


def _wholly_planned(floor: Floor) -> set[str]:
    missing = {one.order for one in floor.problem.operations.values() if one.id not in floor.plan.assignments}
    return set(floor.problem.orders) - missing


def _write_jobs(walks: Together, floor: Floor, after: Schedule, jobs: Iterable[int]) -> None:
    steps: dict[int, list[Assignment]] = defaultdict(list)
    for one in after.assignments.values():
        steps[floor.rows[one.operation]["job"]].append(one)
    for job in sorted(jobs):
        values = {**_days(floor, steps[job]), **_first_machine(steps[job])}
        _save_changed(walks, "job", floor.jobs[job], values)


def _first_machine(steps: Sequence[Assignment]) -> dict[str, int]:
    inside = [one for one in steps if not one.machine.startswith(OUTSIDE)]
    return {"machine": int(min(inside, key=lambda one: one.start).machine)} if inside else {}


def _days(floor: Floor, steps: Sequence[Assignment]) -> dict[str, dt.date]:
    start, end = min(one.start for one in steps), max(one.end for one in steps)
    return {"planned_start": day_of(start + 1, floor.zone), "planned_end": day_of(end, floor.zone)}


def _write_orders(walks: Together, floor: Floor, after: Schedule, orders: Iterable[str]) -> None:
    steps: dict[str, list[Assignment]] = defaultdict(list)
    for one in after.assignments.values():
        steps[floor.problem.operations[one.operation].order].append(one)
    for order in sorted(orders, key=int):
        days = _days(floor, steps[order])
        machines = [floor.machines[one.machine] for one in steps[order] if one.machine in floor.machines]
        line = machines[0]["line"] if machines else None
        row = floor.orders[order]
        _save_changed(walks, "order", row, {**days, **({"line": line} if line and not row["line"] else {})})


def _save_changed(walks: Together, form: str, row: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Without a version: these figures are the plan's own, and people may write elsewhere in the record meanwhile."""
    changed = {name: value for name, value in values.items() if row[name] != value}
    if changed:
        walks.save(form, changed, id=row["id"])


def _change(floor: Floor, moved: Moved, why: str, by: int | None) -> dict[str, Any]:
    lines = [
        {
            "order": int(one.order),
            "old_end": moment(one.old) if one.old is not None else None,
            "new_end": moment(one.new),
            "due_on": floor.orders[one.order]["due_on"],
            "days": one.late,
        }
        for one in moved.orders[:SHOWN]
    ]
    return {"why": why[:300], "moved": moved.steps, "lines": lines, "planner": by}


def _people(floor: Floor, moved: Moved) -> dict[int, list[OtherDay]]:
    """Whoever sold an order that has another day now. What was never planned before is no news to them."""
    found: dict[int, list[OtherDay]] = defaultdict(list)
    for one in moved.orders:
        person = floor.orders[one.order]["sales_person"]
        if person is not None and one.old is not None:
            found[person].append(one)
    return found


def _notice(floor: Floor, orders: Sequence[OtherDay]) -> dict[str, Any]:
    said = [f"{floor.orders[one.order]['number']} → {day_of(one.new, floor.zone):%m-%d}" for one in orders]
    shown, more = said[:12], len(said) - 12
    return {"orders": len(said), "what": ", ".join(shown) + (f" … +{more}" if more > 0 else "")}
