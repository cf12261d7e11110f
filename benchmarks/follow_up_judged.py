"""What benchmarks/follow_up.py holds a round against: the records before and after, read by statements of its own.

No code of the plan is used. What must move is worked out from the purchase alone; of what has moved it is asked whether
it could have stayed where it was, beside what stands there now.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.api import Application

ZONE = ZoneInfo("Asia/Shanghai")
Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True)
class Step:
    """``before``: the one before it in its job, and how long it has to wait behind that."""

    id: int
    order: int
    machine: int
    mould: int | None
    start: dt.datetime
    end: dt.datetime
    before: int | None
    wait: dt.timedelta


@dataclass(frozen=True)
class Seen:
    """``ready``: order → the day on which it is ready; ``sellers``: order → who sold it."""

    steps: Mapping[int, Step]
    ready: Mapping[int, dt.date | None]
    sellers: Mapping[int, int]


@dataclass(frozen=True)
class Late:
    """A purchase that is about to come on ``day``. ``waiting``: the orders that need it; ``orders``: those among them
    that cannot be ready as early as planned, and ``sellers`` of these."""

    number: str
    day: dt.date
    waiting: frozenset[int]
    orders: frozenset[int]
    sellers: frozenset[int]


@dataclass(frozen=True)
class Told:
    """When everybody's inbox had been read; person → messages about the purchase; person → orders they speak of."""

    at: float
    people: Mapping[int, int]
    orders: Mapping[int, int]


def purchases(app: Application) -> list[int]:
    """Those on their way, the one that comes first first."""
    table = app.tables.form["purchase"]
    with app.database.read() as conn:
        return list(
            conn.scalars(sa.select(table.c.id).where(table.c.state == "sent").order_by(table.c.promised_on, table.c.id))
        )


def seen(app: Application) -> Seen:
    step, order, job, routing = (app.tables.form[name] for name in ("job_step", "order", "job", "operation"))
    wait = sa.select(job.c.id, routing.c.name, routing.c.wait).join(routing, routing.c["_parent"] == job.c.product)
    with app.database.read() as conn:
        waits = {(row.id, row.name): row.wait for row in conn.execute(wait)}
        rows = conn.execute(sa.select(step).order_by(step.c.job, step.c.number)).all()
        orders = conn.execute(sa.select(order.c.id, order.c.planned_end, order.c.sales_person)).all()
    return Seen(
        {one.id: one for one in _steps(rows, waits)},
        {row.id: row.planned_end for row in orders},
        {row.id: row.sales_person for row in orders},
    )


def _steps(rows: Sequence[Any], waits: Mapping[Any, dt.timedelta | None]) -> Iterator[Step]:
    last: Any = None
    for row in rows:
        before = last if last is not None and last.job == row.job else None
        wait = (waits.get((before.job, before.name)) if before else None) or dt.timedelta()
        yield Step(row.id, row.order, row.machine, row.mould, row.planned_start, row.planned_end,
                   before.id if before else None, wait)  # fmt: skip
        last = row


def late(app: Application, before: Seen, purchase: int, by: dt.timedelta) -> Late:
    table, requirement = app.tables.form["purchase"], app.tables.form["requirement"]
    with app.database.read() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == purchase)).one()
        wanting = sa.select(requirement.c.order).where(requirement.c.product == row.product, requirement.c.missing > 0)
        waiting = frozenset(conn.scalars(wanting))
    day = row.promised_on + by
    orders = frozenset(id for id in waiting if (ready := before.ready[id]) is not None and ready < day)
    return Late(row.number, day, waiting, orders, frozenset(before.sellers[id] for id in orders))


# --- what became of it -----------------------------------------------------------------------------------------------


def moved(before: Seen, after: Seen) -> set[int]:
    """The orders that are ready on another day."""
    return {id for id, day in after.ready.items() if day != before.ready[id]}


def shifted(before: Seen, after: Seen) -> list[Step]:
    """The operations that stand elsewhere, as they were."""
    return [old for id, old in before.steps.items() if _place(old) != _place(after.steps[id])]


def missing(before: Seen, after: Seen, told: Mapping[int, int]) -> set[int]:
    return {after.sellers[id] for id in moved(before, after)} - told.keys()


def wrong(late: Late, before: Seen, after: Seen, told: Told) -> Iterator[str]:
    yield from _wrongly_told(late, before, after, told)
    days: dict[int, dt.datetime] = {}
    for step in after.steps.values():
        days[step.order] = max(step.end, days.get(step.order, step.end))
    for order, end in days.items():
        if (end - dt.timedelta(minutes=1)).astimezone(ZONE).date() != after.ready[order]:
            yield f"{late.number}: order {order} says {after.ready[order]}, its operations end {end}"
    for step in after.steps.values():
        if step.order in late.waiting and step.start.astimezone(ZONE).date() < late.day:
            yield f"{late.number}: operation {step.id} begins {step.start}, before its material comes"


def needless(late: Late, before: Seen, after: Seen) -> Iterator[str]:
    """Operations that moved although nothing is in the way where they stood."""
    standing = _Standing(after)
    for old in shifted(before, after):
        if not (old.order in late.waiting or standing.is_in_the_way(old, before)):
            yield f"{late.number}: operation {old.id} could have stayed at {old.start}"


def _wrongly_told(late: Late, before: Seen, after: Seen, told: Told) -> Iterator[str]:
    changed = moved(before, after)
    expected = Counter(after.sellers[id] for id in changed)
    yield from (f"{late.number}: order {id} has to move and did not" for id in sorted(late.orders - changed))
    for person in sorted(expected.keys() | told.people.keys()):
        messages, orders = told.people.get(person, 0), told.orders.get(person, 0)
        if messages != (1 if expected[person] else 0) or orders != expected[person]:
            yield (f"{late.number}: person {person} has {messages} messages about {orders} orders, "
                   f"{expected[person]} of theirs moved")  # fmt: skip


class _Standing:
    """What stands on each machine and with each mould now."""

    def __init__(self, seen: Seen) -> None:
        self._steps = seen.steps
        self._places: dict[tuple[str, int], list[Step]] = defaultdict(list)
        for step in seen.steps.values():
            for place in _places(step):
                self._places[place].append(step)

    def is_in_the_way(self, old: Step, before: Seen) -> bool:
        """Whether an operation cannot stand where it stood: for the one before it in its job, for what stands there now,
        or because its changeover is another, as another one comes before it."""
        first = self._steps[old.before] if old.before is not None else None
        if first is not None and first.end + old.wait > old.start:
            return True
        if any(self._overlaps(place, old) for place in _places(old)):
            return True
        return self._neighbour(self._places[("machine", old.machine)], old) != self._neighbour(
            [one for one in before.steps.values() if one.machine == old.machine], old
        )

    def _overlaps(self, place: tuple[str, int], old: Step) -> bool:
        return any(one.id != old.id and one.start < old.end and old.start < one.end for one in self._places[place])

    def _neighbour(self, row: Sequence[Step], old: Step) -> int | None:
        earlier = [one for one in row if one.id != old.id and one.end <= old.start]
        return max(earlier, key=lambda one: (one.end, one.id)).id if earlier else None


def _places(step: Step) -> list[tuple[str, int]]:
    return [("machine", step.machine), *([("mould", step.mould)] if step.mould is not None else [])]


def _place(step: Step) -> tuple[int, dt.datetime, dt.datetime]:
    return step.machine, step.start, step.end
