"""Which order waits for which receipt, and which receipt serves which orders, through all levels."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .material_shapes import Demand, Netting, Peg


@dataclass(frozen=True, slots=True)
class Served:
    """An end of the chain upwards: the demand ``demand`` of ``order``. ``chain``: from the supply to the demand, the
    pegs between; ``late``: days by which the last of them misses the order's day. Safety stock has no order."""

    order: str
    demand: str
    late: int
    chain: tuple[Peg, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """An order waits for ``supply`` of ``item``, expected on day ``expected``, ``late`` days after whoever draws it
    needs it. ``chain``: from the order's demand down to the supply."""

    supply: str
    item: str
    expected: int
    late: int
    chain: tuple[Peg, ...]


def serves(netting: Netting, supply: str) -> tuple[Served, ...]:
    """The demands that a supply is for, at the end of a shortest chain each; the nearest first. A supply that is not
    there raises KeyError."""
    found: dict[str, Served] = {}
    for chain in _upwards(netting, netting.supplies[supply].id):
        peg = chain[-1]
        demand = netting.demands.get(peg.demand)
        if demand is None or not demand.supply:
            found.setdefault(peg.demand, Served(demand.order if demand else "", peg.demand, peg.late, chain))
    return tuple(found.values())


def _upwards(netting: Netting, supply: str) -> Iterator[tuple[Peg, ...]]:
    seen = {supply}
    queue: deque[tuple[str, tuple[Peg, ...]]] = deque([(supply, ())])
    while queue:
        at, chain = queue.popleft()
        for peg in netting.by_supply.get(at, ()):
            longer = (*chain, peg)
            yield longer
            demand = netting.demands.get(peg.demand)
            if demand is not None and demand.supply and demand.supply not in seen:
                seen.add(demand.supply)
                queue.append((demand.supply, longer))


def waits_for(netting: Netting, order: str) -> tuple[Awaited, ...]:
    """What an order waits for: every receipt, firm or planned, through all levels; the nearest first. What is in stock
    is not waited for. An order without demands waits for nothing."""
    seen: set[str] = set()
    found: list[Awaited] = []
    needed: deque[tuple[Demand, tuple[Peg, ...]]] = deque((one, ()) for one in netting.of_order.get(order, ()))
    while needed:
        demand, chain = needed.popleft()
        for peg in netting.by_demand.get(demand.id, ()):
            supply = netting.supplies[peg.supply]
            if supply.kind == "stock" or supply.id in seen:
                continue
            seen.add(supply.id)
            found.append(Awaited(supply.id, supply.item, supply.expected, peg.late, (*chain, peg)))
            needed.extend((one, (*chain, peg)) for one in netting.needs_of.get(supply.id, ()))
    return tuple(found)


def earliest(netting: Netting) -> Mapping[str, tuple[int, str]]:
    """By operation (by order, where a demand names none): the day all of its material is there, and the item that is
    last: of something made, the component that it waits for. What is in stock is there today."""
    found: dict[str, tuple[int, str]] = {}
    for demand in netting.demands.values():
        if key := demand.operation or demand.order:
            for peg in netting.by_demand.get(demand.id, ()):
                supply = netting.supplies[peg.supply]
                there = (supply.expected, supply.last)
                found[key] = max(found.get(key, there), there)
    return found
