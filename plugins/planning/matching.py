"""Who gets what: demands matched with supplies, components first, so that it is known when each production is ready.

Within an item, demands are served by their day and supplies given out by the day they are expected, which makes the
worst lateness as small as it can be. Reservations and alternatives stay what they are; debts come first, safety stock
last, so that it serves before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .ledgers import Books, Claim, Ledger
from .material_shapes import Peg, Supply, SupplyKind

Moved = tuple[int, str]  # by how many days the last component is late, and the item that decides
IN_THE_END = 1 << 60  # safety stock is never late


@dataclass(slots=True)
class Matched:
    """``moved``: by production, how late what it draws is."""

    supplies: dict[str, Supply] = field(default_factory=dict)
    pegs: list[Peg] = field(default_factory=list)
    moved: dict[str, Moved] = field(default_factory=dict)


def matched(books: Books, order: Sequence[str]) -> Matched:
    """All supplies with the day they are expected, and all pegs. ``order``: items as they were netted."""
    found = Matched()
    for item in reversed(order):
        _match(books.ledgers[item], books, found)
    return found


def _match(ledger: Ledger, books: Books, found: Matched) -> None:
    given = [*_stock(ledger, books), *_coming(ledger, books, found), *_planned(ledger, books, found)]
    given.sort(key=lambda one: (one[0].expected, one[0].kind != "stock", one[0].id))
    found.supplies.update((supply.id, supply) for supply, _free in given)
    for held in ledger.held:
        _peg(held.claim, found.supplies[held.supply], held.quantity, held.instead, books, found)
    queue = _first_come(given)
    left = next(queue, None)
    for claim in (*_debt(ledger, books), *sorted(ledger.claims, key=_by_day), *_safety(ledger, books)):
        open = claim.open
        while open and left:
            supply, free = left
            quantity = min(open, free)
            _peg(claim, supply, quantity, "", books, found)
            open -= quantity
            left = (supply, free - quantity) if free > quantity else next(queue, None)


def _by_day(claim: Claim) -> int:
    return claim.due


def _first_come(given: Iterable[tuple[Supply, int]]) -> Iterator[tuple[Supply, int]]:
    return ((supply, free) for supply, free in given if free > 0)


def _debt(ledger: Ledger, books: Books) -> Iterator[Claim]:
    if ledger.stock < 0:
        yield Claim(f"debt:{ledger.item.id}", books.today, books.today, -ledger.stock)


def _safety(ledger: Ledger, books: Books) -> Iterator[Claim]:
    if ledger.safety:
        yield Claim(f"safety:{ledger.item.id}", books.today, IN_THE_END, ledger.safety)


def _peg(claim: Claim, supply: Supply, quantity: int, instead: str, books: Books, found: Matched) -> None:
    late = max(0, supply.expected - claim.due)
    found.pegs.append(Peg(claim.demand, supply.id, books.scale.decimal(quantity), late, instead))
    if late and claim.into:
        moved = (late, supply.last)
        found.moved[claim.into] = max(found.moved.get(claim.into, moved), moved)


# --- supplies of an item, with what of each is free -------------------------------------------------------------------


def _stock(ledger: Ledger, books: Books) -> Iterator[tuple[Supply, int]]:
    if ledger.stock > 0:
        item, today, quantity = ledger.item.id, books.today, books.scale.decimal(ledger.stock)
        yield Supply(ledger.stock_id, item, "stock", quantity, today, today, item, today), ledger.free


def _coming(ledger: Ledger, books: Books, found: Matched) -> Iterator[tuple[Supply, int]]:
    """An open production is as many days late as what it still has to draw."""
    for one in ledger.coming:
        late, last = found.moved.get(one.id, (0, ledger.item.id))
        quantity = books.scale.decimal(one.quantity)
        yield Supply(one.id, ledger.item.id, one.kind, quantity, one.day, one.day + late, last, one.day), one.open


def _planned(ledger: Ledger, books: Books, found: Matched) -> Iterator[tuple[Supply, int]]:
    """A planned production begins when all that it draws is there."""
    item = ledger.item
    kind: SupplyKind = "planned production" if item.made else "planned purchase"
    for one in ledger.planned:
        late, last = found.moved.get(one.id, (0, item.id))
        expected = max(one.day, books.shift(max(one.release, books.today) + late, item.lead))
        quantity, overdue = books.scale.decimal(one.quantity), max(0, books.today - one.release)
        supply = Supply(one.id, item.id, kind, quantity, one.day, expected, last, one.release, overdue)
        yield supply, one.quantity
