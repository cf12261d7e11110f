"""What the planning core reasons about: plain values in, plain values out.

Units, everywhere in this package: a *minute* is a whole number of minutes since an epoch the caller chose (clock
time); a duration called *work* counts minutes in which its machine is open; money is whole hundredths of the currency
(分). There is no clock, no database and no chance in here: now, seed and limits are arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .calendars import Calendar


@dataclass(frozen=True, slots=True)
class Machine:
    """One thing that does one operation at a time, when its ``calendar`` is open.

    ``cost``: hundredths per hour of work. ``overtime``: what an hour outside the calendar costs. ``unlimited``: an
    outside processor, who takes any number at a time; its calendar says when days count.
    """

    id: str
    group: str
    calendar: Calendar
    cost: int = 0
    overtime: int = 0
    unlimited: bool = False


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to do an operation: on ``machine``, in ``work`` minutes with the set-up that is always needed."""

    machine: str
    work: int


@dataclass(frozen=True, slots=True)
class After:
    """An operation waits for another: until ``share`` percent of its work are done (100: all), and ``lag`` clock
    minutes more (cooling, transport). With a share under 100 it does not end before the other has ended."""

    operation: str
    lag: int = 0
    share: int = 100


@dataclass(frozen=True, slots=True)
class Locked:
    """What has started or is frozen: it stays where it is, whatever happens. ``end`` in clock minutes."""

    machine: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outside:
    """An operation may leave the house: to ``machine`` (an unlimited one), ``work`` minutes of its calendar there and
    back, for ``price`` hundredths in all."""

    machine: str
    work: int
    price: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of an order.

    ``modes``: the machines that can do it, at least one unless ``locked``. ``tool``: the mould or fixture, of which
    there is one. ``kind``: what the machine is set up for (mould, colour); two kinds in a row cost the changeover.
    ``earliest``: the minute its material is there; ``material``: which one that is, for the reason. ``unbroken``:
    does not span closed time.
    """

    id: str
    order: str
    modes: tuple[Mode, ...]
    after: tuple[After, ...] = ()
    tool: str = ""
    kind: str = ""
    earliest: int = 0
    material: str = ""
    unbroken: bool = False
    locked: Locked | None = None
    outside: Outside | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What was promised to whom.

    ``due``: the minute it has to be ready; ``promised``: the minute last told to the customer (what a moved promise
    is measured by). ``weight``: how much a late day hurts beside other orders. ``penalty``: hundredths per late day
    that began. ``key``: a customer whose agreement is needed. ``movable``: may be put later by hand's leave.
    """

    id: str
    due: int
    promised: int
    customer: str = ""
    weight: int = 1
    penalty: int = 0
    released: int = 0
    key: bool = False
    movable: bool = True


@dataclass(frozen=True)
class Problem:
    """Everything that one plan is made of. ``changeovers``: (machine group, kind before, kind after) → work minutes;
    a pair that is not named costs nothing. ``now``: nothing that is not locked begins before it."""

    machines: Mapping[str, Machine]
    orders: Mapping[str, Order]
    operations: Mapping[str, Operation]
    changeovers: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    now: int = 0


ReasonKind = Literal["now", "released", "machine", "tool", "material", "calendar", "predecessor", "locked"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an operation does not begin earlier: ``of`` names the operation before it on the machine or with the tool,
    the predecessor, or the material."""

    kind: ReasonKind
    of: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where and when: clock minutes [start, end). A changeover that is needed lies within, before the work."""

    operation: str
    machine: str
    start: int
    end: int
    reason: Reason = Reason("now")


@dataclass(frozen=True)
class Schedule:
    """One plan: every operation of the problem, by its id."""

    assignments: Mapping[str, Assignment]


@dataclass(frozen=True, slots=True)
class Impact:
    """What becomes of one order. ``late``: whole days begun after ``promised``, 0 where in time; ``penalty``:
    hundredths."""

    order: str
    old_end: int
    new_end: int
    promised: int
    late: int
    penalty: int


@dataclass(frozen=True)
class Alternative:
    """One answer to the question what a rush order costs. Money in hundredths, ``overtime`` in minutes of work.

    ``added``: overtime intervals bought, as (machine, start, end); ``outside``: the operations that leave the house;
    ``same_as``: another alternative with the same plan, which is then said instead of a difference invented;
    ``why_not``: the key of the reason why this one cannot be, where ``schedule`` is the plan without measures.
    """

    name: str
    schedule: Schedule
    impacts: tuple[Impact, ...]
    cost: int
    overtime: int = 0
    outside: tuple[str, ...] = ()
    added: tuple[tuple[str, int, int], ...] = ()
    changeovers: int = 0
    late_orders: int = 0
    moved_promises: int = 0
    same_as: str = ""
    why_not: str = ""
