"""The records of a plant as a problem of the core, and the plan they hold.

Read in a few statements, whatever the number of orders: open steps, their jobs, orders, routings, machines and stops.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.api import Application, every, system_actor
from plugins.planning.calendars import Calendar, Interval, joined
from plugins.planning.floor.holding import held
from plugins.planning.floor.time import calendar_of, end_of, minute, open_minutes
from plugins.planning.shapes import (
    After,
    Assignment,
    Locked,
    Machine,
    Mode,
    Operation,
    Order,
    Outside,
    Problem,
    Schedule,
)

Row = Mapping[str, Any]
PLANNER = system_actor("planning")
WEIGHTS = {"normal": 1, "high": 3, "rush": 9}
ALWAYS = Calendar()
OUTSIDE = "supplier "  # before the id of who works outside, in the place of a machine


@dataclass(frozen=True)
class Floor:
    """``rows``: the step records by the id of their operation. ``unplannable``: steps that nothing can do now, with the
    reason as a word: ``machine`` or ``mould``."""

    problem: Problem
    plan: Schedule
    rows: Mapping[str, Row]
    orders: Mapping[str, Row]
    jobs: Mapping[int, Row]
    machines: Mapping[str, Row]
    names: Mapping[str, str]
    zone: ZoneInfo
    unplannable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Books:
    """What was read, by form and id."""

    steps: Sequence[Row]
    jobs: Mapping[int, Row]
    orders: Mapping[int, Row]
    routings: Mapping[tuple[int, str], Row]
    machines: Mapping[int, Row]
    groups: Mapping[int, Row]
    moulds: Mapping[int, Row]
    stops: Sequence[Row]
    customers: Mapping[int, Row]
    overtime: Sequence[Row] = ()


def read(app: Application, materials: Mapping[int, tuple[int, str]] | None = None) -> Floor:
    """Everything that is open now. ``materials``: job → (minute at which its material is there, what comes last)."""
    return made_of(app, books(app), materials or {})


def books(app: Application) -> Books:
    def by_id(form: str, where: str | None = None) -> dict[int, Row]:
        return {row["id"]: row for row in every(app, PLANNER, form, where=where)}

    steps = list(every(app, PLANNER, "job_step", where="record.open"))
    promises = held(app, PLANNER)
    jobs = {**_some(app, "job", {row["job"] for row in steps}), **promises.jobs}
    orders = {**_some(app, "order", {row["order"] for row in steps}), **promises.orders}
    routings = {(row["_parent"], row["name"]): row for row in every(app, PLANNER, "operation")}
    stops = list(every(app, PLANNER, "machine_stop", where="record.ends_at >= now()"))
    return Books(
        [*steps, *promises.steps], jobs, orders, routings,
        by_id("machine"), by_id("machine_group"), by_id("mould"), stops,
        _some(app, "customer", {row["customer"] for row in orders.values()}),
        list(every(app, PLANNER, "extra_shift", where="record.ends_at >= now()")),
    )  # fmt: skip


def _some(app: Application, form: str, ids: Iterable[int]) -> dict[int, Row]:
    return {row["id"]: row for row in every(app, PLANNER, form, ids=ids)}


def made_of(app: Application, books: Books, materials: Mapping[int, tuple[int, str]]) -> Floor:
    """Pure but for the clock and the calendars of the application."""
    now, zone = minute(app.clock()), ZoneInfo(app.definition.timezone)
    today = app.clock().astimezone(zone).date()
    machines = _machines(app, books, today)
    orders = {str(id): _order(row, books.customers.get(row["customer"]), zone) for id, row in books.orders.items()}
    making = _Making(books, machines, materials, now)
    operations = making.operations()
    processors = {one.outside.machine for one in operations.values() if one.outside is not None}
    all_machines = {**machines, **{name: Machine(name, "outside", ALWAYS, unlimited=True) for name in processors}}
    problem = Problem(all_machines, orders, operations, _changeovers(books, operations), now)
    rows = {str(row["id"]): row for row in books.steps}
    return Floor(
        problem, _plan(operations, rows, all_machines), rows, {str(id): row for id, row in books.orders.items()},
        books.jobs, {str(id): row for id, row in books.machines.items()}, making.names, zone, making.unplannable,
    )  # fmt: skip


# --- machines --------------------------------------------------------------------------------------------------------


def _machines(app: Application, books: Books, today: dt.date) -> dict[str, Machine]:
    closed: dict[int, list[Interval]] = defaultdict(list)
    for stop in books.stops:
        closed[stop["machine"]].append((minute(stop["begins_at"]), minute(stop["ends_at"])))
    longer: dict[int, list[Interval]] = defaultdict(list)
    for extra in books.overtime:
        longer[extra["machine"]].append((minute(extra["begins_at"]), minute(extra["ends_at"])))
    shifts = {row["shifts"] for row in books.machines.values()}
    open_at = {name: open_minutes(app.definition, name, today) for name in shifts}
    found = {}
    for id, row in books.machines.items():
        group = books.groups.get(row["group"] or 0)
        overtime = group["overtime_cost"] if group else None
        found[str(id)] = Machine(
            str(id), str(row["group"] or f"machine {id}"),
            calendar_of(joined((*open_at[row["shifts"]], *longer[id])), closed[id]),
            _hundredths(row["hourly_cost"]), _hundredths(overtime or row["hourly_cost"]),
        )  # fmt: skip
    return found


def _hundredths(amount: Decimal | None) -> int:
    return int((amount or 0) * 100)


def _order(row: Row, customer: Row | None, zone: ZoneInfo) -> Order:
    due = end_of(row["due_on"], zone)
    key = customer is not None and customer["level"] == "a"
    return Order(
        str(row["id"]), due, due, str(row["customer"]), WEIGHTS.get(row["priority"], 1) * (2 if key else 1),
        _hundredths(row["penalty"]), key=key, movable=row["priority"] != "rush",
    )  # fmt: skip


def _changeovers(books: Books, operations: Mapping[str, Operation]) -> dict[tuple[str, str, str], int]:
    """Every two kinds of a group that has a time for it. All machines of an operation are of one group."""
    groups = {str(id): _minutes(row["changeover"]) for id, row in books.groups.items() if row["changeover"]}
    kinds: dict[str, set[str]] = defaultdict(set)
    for one in operations.values():
        for mode in one.modes[:1]:
            group = str((books.machines.get(int(mode.machine)) or {}).get("group"))
            if one.kind and group in groups:
                kinds[group].add(one.kind)
    return {
        (group, before, after): groups[group]
        for group, found in kinds.items()
        for before in found
        for after in found
        if before != after
    }


def _minutes(length: dt.timedelta | None) -> int:
    return int((length or dt.timedelta()).total_seconds() // 60)


# --- operations ------------------------------------------------------------------------------------------------------


class _Making:
    """The operations of all jobs, one job after the other."""

    def __init__(
        self, books: Books, machines: Mapping[str, Machine], materials: Mapping[int, tuple[int, str]], now: int
    ) -> None:
        self.books, self.machines, self.materials, self.now = books, machines, materials, now
        self.unplannable: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.modes: dict[tuple[int | None, int | None, int], tuple[Mode, ...]] = {}
        self.groups: dict[int, list[Row]] = defaultdict(list)
        for row in books.machines.values():
            self.groups[row["group"]].append(row)
        self.taken: dict[str, int] = {}  # until when what is locked on a machine takes it
        self.locked = {row["id"]: self._locked(row, self._left(row)) for row in sorted(books.steps, key=_first_locked)}

    def _left(self, row: Row) -> int:
        return remaining(row["work"], row["good"] or 0, self.books.jobs[row["job"]]["quantity"])

    def operations(self) -> dict[str, Operation]:
        jobs: dict[int, list[Row]] = defaultdict(list)
        for row in sorted(self.books.steps, key=lambda row: (row["job"], row["number"] or 0, row["id"])):
            jobs[row["job"]].append(row)
        return {one.id: one for steps in jobs.values() for one in self._job(steps)}

    def _job(self, steps: Sequence[Row]) -> Iterable[Operation]:
        before: tuple[Row, Row] | None = None
        for row in steps:
            job = self.books.jobs[row["job"]]
            routing = self.books.routings.get((job["product"], row["name"]), {})
            made = self._operation(row, job, routing, before)
            if made is None:
                return  # what comes behind what nobody can do cannot be planned either
            yield made
            before = row, routing

    def _operation(self, row: Row, job: Row, routing: Row, before: tuple[Row, Row] | None) -> Operation | None:
        id, left, locked = str(row["id"]), self._left(row), self.locked[row["id"]]
        modes = self._modes(row, left)
        mould = self.books.moulds.get(row["mould"] or 0)
        wanting = "machine" if not modes else "mould" if mould and not _is_there(mould) else ""
        if wanting and locked is None:
            self.unplannable[id] = wanting
            return None
        there, last = self.materials.get(row["job"], (0, ""))
        ready = minute(mould["back_at"]) if mould and not mould["usable"] and mould["back_at"] else 0
        self.names[id] = f"{job['number']} {row['name']}"
        return Operation(
            id, str(row["order"]), modes or (Mode(locked.machine, left),) if locked else modes, _after(before),
            str(row["mould"] or ""), str(row["mould"] or ""), max(there, ready), last if there >= ready else "",
            locked=locked, outside=_outside(routing, job["quantity"]),
        )  # fmt: skip

    def _modes(self, row: Row, left: int) -> tuple[Mode, ...]:
        """The usable machines of its group, or the one that is named; made once for all steps that take as long."""
        key = row["group"], None if row["group"] else row["machine"], left
        found = self.modes.get(key)
        if found is None:
            rows = self.groups[row["group"]] if row["group"] else [self.books.machines.get(row["machine"])]
            there = (str(one["id"]) for one in rows if one is not None and one["usable"])
            found = self.modes[key] = tuple(Mode(machine, left) for machine in there)
        return found

    def _locked(self, row: Row, left: int) -> Locked | None:
        """What has been reported on goes on from the last report; what is frozen or runs by the plan stays where it
        is. Two cannot run on one machine: then the later one is planned."""
        machine = str(row["machine"] or "")
        if machine not in self.machines:
            return None
        span = self._under_way(row, left, machine) if row["reports"] else self._standing(row)
        if span is None or span[0] < self.taken.get(machine, -1):
            return None
        self.taken[machine] = span[1]
        return Locked(machine, *span)

    def _under_way(self, row: Row, left: int, machine: str) -> Interval:
        since = minute(row["reported_at"]) if row["reported_at"] else self.now
        calendar = self.machines[machine].calendar
        start = minute(row["planned_start"]) if row["planned_start"] else since
        return min(start, since), max(calendar.ends(calendar.work_at(since) + left), self._soon())

    def _soon(self) -> int:
        """When something ends that should have ended by now: at the next half hour, so that what waits behind it does
        not move every minute."""
        return (self.now // 30 + 1) * 30

    def _standing(self, row: Row) -> Interval | None:
        if row["planned_start"] is None or row["planned_end"] is None:
            return None
        start, end = minute(row["planned_start"]), minute(row["planned_end"])
        return (start, end) if end > self.now and (row["frozen"] or start <= self.now) else None


def _first_locked(row: Row) -> tuple[bool, str, int]:
    """What is under way before what is only planned, each by its begin."""
    start = row["planned_start"]
    return not row["reports"], start.isoformat() if start else "9", row["id"]


def remaining(work: int, good: int, quantity: int) -> int:
    """Minutes that are left when ``good`` of ``quantity`` pieces are done, at least one."""
    left = Decimal(work) * max(0, quantity - good) / max(1, quantity)
    return max(1, int(left.to_integral_value(ROUND_CEILING)))


def _is_there(mould: Row) -> bool:
    return bool(mould["usable"] or mould["back_at"])


def _after(before: tuple[Row, Row] | None) -> tuple[After, ...]:
    if before is None:
        return ()
    row, routing = before
    share = int(routing.get("share") or 100)
    return (After(str(row["id"]), _minutes(routing.get("wait")), max(1, min(100, share))),)


def _outside(routing: Row, quantity: int) -> Outside | None:
    if not routing.get("outside") or not routing.get("outside_days"):
        return None
    price = _hundredths((routing["outside_price"] or Decimal(0)) * quantity)
    return Outside(f"{OUTSIDE}{routing['outside']}", int(routing["outside_days"]) * 24 * 60, price)


# --- the plan that is in force ---------------------------------------------------------------------------------------


def _plan(operations: Mapping[str, Operation], rows: Mapping[str, Row], machines: Mapping[str, Machine]) -> Schedule:
    """Where the records say an operation is. What stands on a machine that cannot do it now is not planned."""
    found = {}
    for id, one in operations.items():
        row = rows[id]
        if one.locked is not None:
            found[id] = Assignment(id, one.locked.machine, one.locked.start, one.locked.end)
            continue
        place = f"{OUTSIDE}{row['outside']}" if row["outside"] else str(row["machine"] or "")
        if row["planned_start"] is None or row["planned_end"] is None or place not in machines:
            continue
        if any(mode.machine == place for mode in one.modes) or (one.outside and one.outside.machine == place):
            found[id] = Assignment(id, place, minute(row["planned_start"]), minute(row["planned_end"]))
    return Schedule(found)
