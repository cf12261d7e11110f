"""Who waits for what, and how stock goes on: what netting found, as rows of records.

A row of pegging names an end (a requirement of an order, or safety stock), what comes for it through all levels,
and the last day on which that delays nobody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from plugins.planning.material_shapes import Netting, Supply
from plugins.planning.shares import Ends

Values = Mapping[str, Any]
Key = tuple[Any, ...]
LINKS = {"purchase": "purchase", "request": "request", "job": "job"}
NOWHERE: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Pegged:
    """``quantity`` of what ``supply`` brings on ``day`` is for the demand ``end``, of which ``needed`` is the last
    day (None for safety stock: that is never late); ``via``: the item it is made into on the way, if any."""

    end: str
    supply: Supply
    quantity: Decimal
    day: int
    needed: int | None
    via: str


def pegged(netting: Netting) -> Iterator[Pegged]:
    """For everything that comes and is not in stock, whom it serves."""
    ends, latest = Ends(netting), Latest(netting)
    for supply in netting.supplies.values():
        if supply.kind == "stock":
            continue
        for end, quantity in ends.of([supply.id]).items():
            yield Pegged(
                end, supply, quantity, supply.expected, latest.of(supply.id).get(end), _via(netting, supply.id)
            )


def _via(netting: Netting, supply: str) -> str:
    """What it goes into first, where that is another item."""
    demands = (netting.demands.get(peg.demand) for peg in netting.by_supply.get(supply, ()))
    into = (netting.supplies[one.supply].item for one in demands if one is not None and one.supply)
    return next(into, "")


class Latest:
    """The last day on which a supply may come and make no end later than it is, by end; worked out once for each."""

    def __init__(self, netting: Netting) -> None:
        self._netting = netting
        self._known: dict[str, Mapping[str, int]] = {}

    def of(self, supply: str) -> Mapping[str, int]:
        if supply not in self._known:
            self._known[supply] = NOWHERE  # what a rework order draws of itself serves nobody
            self._known[supply] = self._worked_out(self._netting.supplies[supply])
        return self._known[supply]

    def _worked_out(self, supply: Supply) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for peg in self._netting.by_supply.get(supply.id, ()):
            demand = self._netting.demands.get(peg.demand)
            if demand is None:
                continue
            days = {peg.demand: demand.day} if not demand.supply else self._through(supply, demand.day, demand.supply)
            for end, day in days.items():
                found[end] = min(day, found.get(end, day))
        return found

    def _through(self, supply: Supply, drawn: int, into: str) -> Mapping[str, int]:
        """A production may slip by what is left to its own latest day; what it draws by as much behind its beginning,
        or behind the day on which it is expected, where it is late."""
        made = self._netting.supplies[into]
        return {end: max(drawn, supply.expected) + day - made.expected for end, day in self.of(into).items()}


# --- as values of records --------------------------------------------------------------------------------------------


def peg_rows(netting: Netting, orders: Mapping[str, int], requests: Mapping[str, int]) -> dict[Key, dict[str, Any]]:
    """By what makes a row the same one in the next run, its values. ``orders``: requirement → its order. ``requests``:
    planned purchase → the request that asks for it."""
    found: dict[Key, dict[str, Any]] = {}
    for one in pegged(netting):
        row = _peg_row(one, orders, requests)
        key = key_of(row)
        found[key] = _joined(found[key], row) if key in found else row
    return found


def _peg_row(one: Pegged, orders: Mapping[str, int], requests: Mapping[str, int]) -> dict[str, Any]:
    requirement = int(one.end) if one.end in orders else None
    kind, id = _source(one.supply, requests)
    return {
        "product": int(one.supply.item), "quantity": one.quantity, "day": dt.date.fromordinal(one.day),
        "needed_on": None if one.needed is None else dt.date.fromordinal(one.needed), "order": orders.get(one.end),
        "requirement": requirement, "via": int(one.via) if one.via else None, "kind": kind,
        **{field: id if kind == name else None for name, field in LINKS.items()},
    }  # fmt: skip


def _source(supply: Supply, requests: Mapping[str, int]) -> tuple[str, int | None]:
    if supply.kind == "planned production":
        return "make", None
    if supply.kind == "planned purchase":
        return "request", requests[supply.id]
    kind, id = supply.id.split(" ")
    return kind, int(id)


def key_of(row: Values) -> Key:
    """What nobody has begun to make has no record of its own: its day tells one from another."""
    own = row["day"] if row["kind"] == "make" else row[LINKS[row["kind"]]]
    return row["requirement"], row["product"], row["kind"], own


def _joined(one: dict[str, Any], other: Values) -> dict[str, Any]:
    needed = [day for day in (one["needed_on"], other["needed_on"]) if day is not None]
    return {**one, "quantity": one["quantity"] + other["quantity"], "needed_on": min(needed, default=None)}


def outlook_rows(netting: Netting) -> dict[Key, dict[str, Any]]:
    """By product and place among its days: how free stock changes from today on, what comes and is firm less what is
    needed, and what it is with what planning asks for."""
    return {
        (int(item), place): {"product": int(item), **row}
        for item, days in netting.records.items()
        if days
        for place, row in enumerate(_outlook(netting, item))
    }


def _outlook(netting: Netting, item: str) -> list[dict[str, Any]]:
    free, firm, low = netting.free[item], netting.free[item], netting.free[item]
    days = {netting.today: (free, Decimal(0), free)}
    for row in netting.records[item]:
        change = row.receipts + row.reserved - row.gross
        firm += change
        low = min(low, firm)
        before = free if row.day == netting.today else Decimal(0)
        days[row.day] = (before + change, row.planned, row.projected)
    return [
        {"day": dt.date.fromordinal(day), "change": change, "asked": asked, "projected": projected, "short": low < 0}
        for day, (change, asked, projected) in sorted(days.items())
    ]


def numbered(rows: Iterator[Values]) -> dict[Key, Values]:
    """The records of the last run, by what they are in ``outlook_rows``."""
    by_product = groupby(
        sorted(rows, key=lambda row: (row["product"], row["day"], row["id"])), lambda row: row["product"]
    )
    return {(product, place): row for product, some in by_product for place, row in enumerate(some)}
