"""What was found, in quantities as they were given: records, supplies, demands and pegs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .ledgers import Books, Claim, Ledger
from .matching import matched
from .material_shapes import Demand, Material, Netting, Row


def found(material: Material, levels: Mapping[str, int], order: Sequence[str], books: Books) -> Netting:
    """The result of books in which everything is planned."""
    who = matched(books, order)
    demands = {demand.id: demand for demand in material.demands}
    demands.update((claim.demand, _drawn(item, quantity, claim, books)) for item, quantity, claim in books.drawn)
    return Netting(
        today=books.today,
        items=material.items,
        levels=levels,
        free={item: books.scale.decimal(ledger.free) for item, ledger in books.ledgers.items()},
        records={item: tuple(_rows(ledger, books)) for item, ledger in books.ledgers.items()},
        demands=demands,
        supplies=who.supplies,
        pegs=tuple(who.pegs),
    )


def _drawn(item: str, quantity: int, claim: Claim, books: Books) -> Demand:
    amount = books.scale.decimal(quantity)
    return Demand(claim.demand, item, claim.due, amount, supply=claim.into, alternatives=claim.alternatives)


def _rows(ledger: Ledger, books: Books) -> Iterator[Row]:
    decimal, projected = books.scale.decimal, ledger.free
    coming: dict[int, int] = {}
    for one in ledger.coming:
        coming[one.day] = coming.get(one.day, 0) + one.open
    planned = {one.day: one.quantity for one in ledger.planned}
    for day in sorted(ledger.gross.keys() | coming.keys() | planned.keys()):
        gross, reserved = ledger.gross.get(day, 0), ledger.reserved.get(day, 0)
        receipts, proposed = coming.get(day, 0), planned.get(day, 0)
        projected += receipts + proposed - gross + reserved
        yield Row(day, decimal(gross), decimal(reserved), decimal(receipts), decimal(proposed), decimal(projected))
