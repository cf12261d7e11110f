"""What approved work reports say of the time a piece takes, beside what the routings say.

A report tells good pieces, scrap and minutes. *Set-up*: the first report of an operation of a job on a machine has the
set-up of the routing in its minutes, later ones have none; it is taken out with the routing's figure, since people do
not report it apart. A set-up that took longer than the routing says therefore stays in that one report; the median does
not follow it as long as most reports are not the first of their operation. A first report that is shorter than the
set-up says nothing of a piece. *Scrap*: a cycle is a cycle, whatever comes out, and plans count cycles; so all pieces
count, good and scrap.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from zoneinfo import ZoneInfo

from engine.api import Application, every
from plugins.planning.floor.reading import PLANNER, Row
from plugins.planning.standards import USUAL, Report, Rules

DAYS = 180  # how far back reports count: half a year, so that a change of level is not outvoted by what was long ago
BEFORE = 30  # days read in addition, so that a first report is known to be one
REPORTS = "record.state != 'rejected' and record.worked_on >= date_add(today(), {days})"

Key = tuple[int, str]  # product and operation


@dataclass(frozen=True)
class Standard:
    """What is in force for one operation of a routing: ``cycle`` makes ``cavities`` pieces. ``rules``: what its machine
    group asks of a proposal."""

    product: int
    operation: str
    group: int | None
    machine: int | None
    cycle: dt.timedelta
    cavities: int
    setup: dt.timedelta
    rules: Rules

    @property
    def each(self) -> float:
        """Minutes for one piece."""
        return self.minutes(self.cycle)

    def minutes(self, cycle: dt.timedelta) -> float:
        """Minutes for one piece when a cycle takes so long."""
        return cycle.total_seconds() / 60 / self.cavities

    def cycle_of(self, minutes: float) -> dt.timedelta:
        """The cycle for so many minutes per piece, in the whole seconds a routing is written in; at least one."""
        return dt.timedelta(seconds=max(1, round(minutes * self.cavities * 60)))


@dataclass(frozen=True)
class Times:
    """The reports of each operation that has a standard, by the day they were made; ``left_out``: approved reports that
    belong to no operation of a routing."""

    reports: Mapping[Key, Sequence[Report]]
    left_out: int

    @property
    def count(self) -> int:
        return sum(len(reports) for reports in self.reports.values())


def standards(app: Application) -> dict[Key, Standard]:
    """The standards of all routings that have a time."""
    groups = {row["id"]: row for row in every(app, PLANNER, "machine_group")}
    machines = {row["id"]: row for row in every(app, PLANNER, "machine")}
    lines = every(app, PLANNER, "operation")
    return {(line["_parent"], line["name"]): _standard(line, groups, machines) for line in lines if line["cycle"]}


def _standard(line: Row, groups: Mapping[int, Row], machines: Mapping[int, Row]) -> Standard:
    named = machines.get(line["machine"] or 0)
    group = groups.get(line["group"] or (named["group"] if named else None) or 0)
    return Standard(
        line["_parent"], line["name"], line["group"], line["machine"], line["cycle"], line["cavities"] or 1,
        line["setup"] or dt.timedelta(), _rules(group),
    )  # fmt: skip


def _rules(group: Row | None) -> Rules:
    if group is None:
        return USUAL
    band, enough = group["standard_band"], group["standard_reports"]
    return Rules(
        USUAL.enough if enough is None else int(enough), USUAL.confidence, USUAL.band if band is None else float(band)
    )


def times(app: Application, known: Mapping[Key, Standard]) -> Times:
    """The reports of the last half year, without set-up."""
    rows = sorted(every(app, PLANNER, "work_report", where=REPORTS.format(days=-DAYS - BEFORE)), key=_when)
    made = {row["id"]: row["product"] for row in every(app, PLANNER, "job", ids={row["job"] for row in rows})}
    today = app.clock().astimezone(ZoneInfo(app.definition.timezone)).date()
    return timed(rows, made, known, today - dt.timedelta(days=DAYS))


def _when(row: Row) -> tuple[dt.date, str, int]:
    return row["worked_on"], row["reported_at"].isoformat() if row["reported_at"] else "", row["id"]


def timed(rows: Iterable[Row], made: Mapping[int, int], known: Mapping[Key, Standard], since: dt.date) -> Times:
    """``rows``: reports in the order they were made; ``made``: job → product; reports before ``since`` only tell which
    are first."""
    single = _single(known)
    begun: set[tuple[int, str, int]] = set()
    found: dict[Key, list[Report]] = defaultdict(list)
    left_out = 0
    for row in rows:
        product = made.get(row["job"], 0)
        operation = row["operation"] or single.get(product, "")
        first = (row["job"], operation, row["machine"]) not in begun
        begun.add((row["job"], operation, row["machine"]))
        if row["state"] != "approved" or row["worked_on"] < since:
            continue
        standard = known.get((product, operation))
        if standard is None:
            left_out += 1
            continue
        found[product, operation].append(_report(row, standard, first))
    return Times(found, left_out)


def _single(known: Mapping[Key, Standard]) -> dict[int, str]:
    """The operation of each product that has only one: whoever reports need not name it."""
    names: dict[int, list[str]] = defaultdict(list)
    for product, operation in known:
        names[product].append(operation)
    return {product: operations[0] for product, operations in names.items() if len(operations) == 1}


def _report(row: Row, standard: Standard, first: bool) -> Report:
    setup = standard.setup.total_seconds() / 60 if first else 0.0
    return Report(
        str(standard.product), standard.operation, str(row["machine"]), row["good"] + row["scrap"], 0,
        max(0.0, row["minutes"] - setup), row["worked_on"],
    )  # fmt: skip


def work_of(line: Row, quantity: int) -> int:
    """Minutes of an operation of the routing for so many pieces, with its set-up."""
    cycle, setup = line["cycle"] or dt.timedelta(), line["setup"] or dt.timedelta()
    pieces = Decimal(quantity) / (line["cavities"] or 1)
    return ceil(pieces * Decimal(cycle.total_seconds()) / 60 + Decimal(setup.total_seconds()) / 60)
