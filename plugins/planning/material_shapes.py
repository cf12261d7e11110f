"""What material planning reasons about, and what it finds: plain values.

Units: a *day* is a whole number of days since an epoch the caller chose; a supply of a day can be used on that day.
A quantity is a ``Decimal`` in the item's unit. Lead times count working days, as ``Material.shift`` knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

Shift = Callable[[int, int], int]  # (day, working days, negative for back) → day
NOTHING = Decimal(0)


def every_day(day: int, days: int) -> int:
    """Every day is a working day."""
    return day + days


@dataclass(frozen=True, slots=True)
class Lot:
    """How much is ordered at once: at least ``minimum``, a whole number of ``multiple`` (0: any quantity), for what is
    missing within ``days`` days, the first included. ``Lot()`` is lot-for-lot: what is missing that day."""

    minimum: Decimal = NOTHING
    multiple: Decimal = NOTHING
    days: int = 1


@dataclass(frozen=True, slots=True)
class Item:
    """``lead``: working days from release to receipt. ``decimals``: how finely its unit is counted. ``supplier``: who
    is asked for it; an item that is ``made`` is produced by its lines of the bill of materials instead."""

    id: str
    made: bool = False
    lead: int = 0
    lot: Lot = Lot()
    safety: Decimal = NOTHING
    decimals: int = 0
    supplier: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill of materials: for one ``parent``, ``per`` of the component and ``scrap`` percent of that on
    top. ``alternatives``: other items that do as well, one for one, the most welcome first."""

    parent: str
    component: str
    per: Decimal
    scrap: Decimal = NOTHING
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """Who needs ``quantity`` of ``item`` on ``day``: an order (for one of its operations), or the production ``supply``
    — an open one, for what it has not drawn yet, or in what is found one that is planned."""

    id: str
    item: str
    day: int
    quantity: Decimal
    order: str = ""
    operation: str = ""
    supply: str = ""
    alternatives: tuple[str, ...] = ()


ReceiptKind = Literal["purchase", "production", "request"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is on its way and firm: a purchase, a production order, or a request that was pushed to its supplier.
    ``day``: when it is expected; a day that is over means today. ``wanted``: the day it was ordered for, where it
    became late: it still covers what is needed from then on, which waits for it and is not ordered twice."""

    id: str
    item: str
    day: int
    quantity: Decimal
    kind: ReceiptKind = "purchase"
    wanted: int | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """``quantity`` of the item's stock, or of the receipt ``supply``, is for ``demand`` and for nobody else, even where
    the demand needs less of it or is not planned now."""

    demand: str
    item: str
    quantity: Decimal
    supply: str = ""


@dataclass(frozen=True)
class Material:
    """Everything that one run is made of. ``stock`` below zero is a debt, which is covered first. ``today``: nothing
    is released before it."""

    items: Mapping[str, Item]
    lines: Sequence[Line] = ()
    demands: Sequence[Demand] = ()
    stock: Mapping[str, Decimal] = field(default_factory=dict)
    receipts: Sequence[Receipt] = ()
    reservations: Sequence[Reservation] = ()
    today: int = 0
    shift: Shift = every_day


class BadMaterial(ValueError):
    """What was given cannot be netted. ``problems``: a sentence for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


# --- what is found ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One day of an item's record: ``projected = projected before - gross + reserved + receipts + planned``.

    ``gross``: all that is needed. ``reserved``: how much of it has its own stock, receipt or, in place of another item,
    free stock. ``receipts``: what comes and is not reserved. ``planned``: receipts proposed. Before the first row, what
    is projected is ``Netting.free`` of the item.
    """

    day: int
    gross: Decimal
    reserved: Decimal
    receipts: Decimal
    planned: Decimal
    projected: Decimal


SupplyKind = Literal["stock", "purchase", "production", "request", "planned purchase", "planned production"]


@dataclass(frozen=True, slots=True)
class Supply:
    """``day``: when it is meant to be there; ``expected``: when it will be, given lead times and its own material, of
    which ``last`` is the item that decides. ``release``: when a planned one should begin, ``overdue`` days ago."""

    id: str
    item: str
    kind: SupplyKind
    quantity: Decimal
    day: int
    expected: int
    last: str
    release: int
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Peg:
    """``quantity`` of ``supply`` is for ``demand`` and comes ``late`` days after it is needed. ``instead``: the item
    that was asked for, where the supply is of an alternative to it. Safety stock and debts are demands too, named
    ``safety:ITEM`` and ``debt:ITEM``."""

    demand: str
    supply: str
    quantity: Decimal
    late: int = 0
    instead: str = ""


@dataclass(frozen=True)
class Netting:
    """What is needed, what comes, and who gets it. ``records``: by item, a row for every day on which something
    happens. ``free``: by item, stock at the beginning that is not reserved. ``levels``: low-level codes."""

    today: int
    items: Mapping[str, Item]
    levels: Mapping[str, int]
    free: Mapping[str, Decimal]
    records: Mapping[str, tuple[Row, ...]]
    demands: Mapping[str, Demand]
    supplies: Mapping[str, Supply]
    pegs: tuple[Peg, ...]

    @cached_property
    def by_demand(self) -> Mapping[str, list[Peg]]:
        """The pegs of each demand, in the order in which they were made."""
        found: dict[str, list[Peg]] = {}
        for peg in self.pegs:
            found.setdefault(peg.demand, []).append(peg)
        return found

    @cached_property
    def by_supply(self) -> Mapping[str, list[Peg]]:
        """The pegs on each supply, in the order in which they were made."""
        found: dict[str, list[Peg]] = {}
        for peg in self.pegs:
            found.setdefault(peg.supply, []).append(peg)
        return found

    @cached_property
    def needs_of(self) -> Mapping[str, list[Demand]]:
        """What each production needs."""
        found: dict[str, list[Demand]] = {}
        for demand in self.demands.values():
            if demand.supply:
                found.setdefault(demand.supply, []).append(demand)
        return found

    @cached_property
    def of_order(self) -> Mapping[str, list[Demand]]:
        """What each order needs itself."""
        found: dict[str, list[Demand]] = {}
        for demand in self.demands.values():
            if demand.order:
                found.setdefault(demand.order, []).append(demand)
        return found
