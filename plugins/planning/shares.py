"""How much of a supply is for which end demand, through all levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from .ledgers import Scale
from .material_shapes import Netting, Peg

Shares = Mapping[str, int]


class Ends:
    """Asked about the supplies of one run; what was worked out for a production is kept for all that goes into it."""

    def __init__(self, netting: Netting) -> None:
        self._netting = netting
        self._scale = Scale(max((_digits(peg.quantity) for peg in netting.pegs), default=0))
        self._orders = {demand.id: demand.order for demand in netting.demands.values() if demand.order}
        self._known: dict[str, Shares] = {}

    def order(self, demand: str) -> str:
        """The order of a demand; of safety stock and debts there is none."""
        return self._orders.get(demand, "")

    def of(self, supplies: Iterable[str]) -> Mapping[str, Decimal]:
        """By end demand, how much of the supplies is for it. What is drawn for a production falls to those whom this
        serves, in proportion, in whole units, so that the sum is kept."""
        found = _summed(self._shares(supply) for supply in supplies)
        return {end: self._scale.decimal(share) for end, share in found.items()}

    def _shares(self, supply: str) -> Shares:
        if supply not in self._known:
            self._known[supply] = {}  # what a rework order draws of itself is for nobody
            self._known[supply] = self._worked_out(supply)
        return self._known[supply]

    def _worked_out(self, supply: str) -> Shares:
        return _summed(self._of_peg(peg) for peg in self._netting.by_supply.get(supply, ()))

    def _of_peg(self, peg: Peg) -> Shares:
        quantity = self._scale.whole(peg.quantity)
        demand = self._netting.demands.get(peg.demand)
        if demand is None or not demand.supply:
            return {peg.demand: quantity}
        unit = 10 ** max(0, self._scale.digits - self._netting.items[demand.item].decimals)
        return spread(quantity, self._shares(demand.supply), unit)


def _summed(given: Iterable[Shares]) -> Shares:
    found: dict[str, int] = {}
    for shares in given:
        for end, share in shares.items():
            found[end] = found.get(end, 0) + share
    return found


def spread(quantity: int, weights: Shares, unit: int) -> Shares:
    """The quantity in proportion to the weights, each a whole number of units but the last, which takes the rest."""
    total = sum(weights.values())
    found: dict[str, int] = {}
    weighed = given = 0
    for end, weight in weights.items():
        weighed += weight
        upto = quantity if weighed == total else quantity * weighed // (total * unit) * unit
        if upto > given:
            found[end] = upto - given
        given = upto
    return found


def _digits(quantity: Decimal) -> int:
    exponent = quantity.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
