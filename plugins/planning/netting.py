"""Net requirements: what has to be bought and made, of which item, for which day.

The gross-to-net logic of material requirements planning (Orlicky, *Material Requirements Planning*, 1975), level by
level in the order of low-level codes and day by day:

1. An item's gross requirements are its demands and what planned production of its parents draws when it is released.
2. Reservations are fulfilled first, each from the stock or receipt it names.
3. Where what is projected falls below safety stock, what is missing is taken from the free stock of alternatives that
   the demands of that day name; the rest is planned, in the item's lot.
4. A planned receipt of a made item is released its lead time earlier and draws its components that day (today, where
   that day is over).

A firm receipt that comes before a new one could (on the item's *fence*: today and its lead time) covers what is needed
earlier as well: the demand waits for it, and nothing is ordered twice. One that comes later does not, for what is asked
for today is there sooner; unless it was wanted earlier and became late, when it covers what it was wanted for.
"""

from __future__ import annotations

from .ledgers import Books, Claim, Draw, Ledger, Planned, hold, opened
from .levels import levels
from .material_checks import check
from .material_shapes import Material, Netting
from .records import found


def netted(material: Material) -> Netting:
    """What is to be planned, and what everything that comes is for. Raises BadMaterial naming all that is wrong, or
    the items of a circle."""
    check(material)
    codes = levels(material)
    books = opened(material)
    order = sorted(material.items, key=lambda item: (codes[item], item))
    for item in order:
        ledger = books.ledgers[item]
        _plan(ledger, books)
        if ledger.item.made:
            _explode(ledger, books)
    return found(material, codes, order, books)


# --- one item --------------------------------------------------------------------------------------------------------


def _plan(ledger: Ledger, books: Books) -> None:
    changes = _changes(ledger, books.today)
    choosers = _choosers(ledger)
    days = sorted(changes)
    projected = ledger.free
    for place, day in enumerate(days):
        quantity = 0
        if projected + changes[day] < ledger.safety:
            missing = _missing(ledger, books, choosers, changes, days, place, projected)
            quantity = lot(missing, ledger) if missing else 0
        projected += changes[day] + quantity
        if quantity:
            release = books.shift(day, -ledger.item.lead)
            ledger.planned.append(Planned(f"plan:{ledger.item.id}:{day}", day, quantity, release))


def _changes(ledger: Ledger, today: int) -> dict[int, int]:
    """By how much stock changes on each day on which something happens, today included."""
    changes = {today: 0}
    for claim in ledger.claims:
        changes[claim.day] = changes.get(claim.day, 0) - claim.open
    for coming in ledger.coming:
        changes[coming.counts] = changes.get(coming.counts, 0) + coming.open
    return changes


def _choosers(ledger: Ledger) -> dict[int, list[Claim]]:
    found: dict[int, list[Claim]] = {}
    for claim in ledger.claims:
        if claim.alternatives:
            found.setdefault(claim.day, []).append(claim)
    return found


def _missing(
    ledger: Ledger,
    books: Books,
    choosers: dict[int, list[Claim]],
    changes: dict[int, int],
    days: list[int],
    place: int,
    projected: int,
) -> int:
    """What is to be planned on a day for the days that its lot covers, after alternatives have given what they can.
    ``changes`` shrink by what they give."""
    missing = 0
    for day in _covered(days, place, ledger.item.lot.days):
        short = ledger.safety - projected - changes[day] - missing
        if short > 0:
            taken = _taken(choosers.get(day, ()), short, ledger, books)
            changes[day] += taken
            missing += short - taken
        if not missing:  # nothing on the day itself: the lot begins with the first day that misses something
            return 0
        projected += changes[day]
    return missing


def _covered(days: list[int], place: int, length: int) -> list[int]:
    if length == 1:
        return days[place : place + 1]
    last = days[place] + length
    return [day for day in days[place : place + length] if day < last]


def lot(missing: int, ledger: Ledger) -> int:
    """What is ordered where something is missing: the minimum at least, in whole multiples."""
    return -(-max(missing, ledger.minimum) // ledger.multiple) * ledger.multiple


# --- alternatives ----------------------------------------------------------------------------------------------------


def _taken(claims: list[Claim] | tuple[()], short: int, ledger: Ledger, books: Books) -> int:
    """How much of what is short is taken from the free stock of alternatives, first demand and first choice first."""
    taken = 0
    for claim in claims:
        for other in claim.alternatives:
            taken += _take(claim, min(claim.open, short - taken), books.ledgers[other], ledger)
    return taken


def _take(claim: Claim, wanted: int, other: Ledger, asked: Ledger) -> int:
    unit = max(other.unit, asked.unit)
    quantity = min(wanted, spare(other)) // unit * unit
    if quantity:
        hold(other, asked, claim, other.stock_id, quantity)
        other.free -= quantity
        other.spare = spare(other) - quantity
    return quantity


def spare(ledger: Ledger) -> int:
    """Stock that can go without anything of the item being short, or under safety stock, on any day."""
    if ledger.spare is None:
        changes: dict[int, int] = {}
        for claim in ledger.claims:
            changes[claim.day] = changes.get(claim.day, 0) - claim.open
        for coming in ledger.coming:
            changes[coming.day] = changes.get(coming.day, 0) + coming.open
        lowest = at = ledger.free
        for day in sorted(changes):
            at += changes[day]
            lowest = min(lowest, at)
        ledger.spare = max(0, lowest - ledger.safety)
    return ledger.spare


# --- one level down --------------------------------------------------------------------------------------------------


def _explode(ledger: Ledger, books: Books) -> None:
    for planned in ledger.planned:
        for draw in books.draws.get(ledger.item.id, ()):
            _draw(planned, draw, books)


def _draw(planned: Planned, draw: Draw, books: Books) -> None:
    component = books.ledgers[draw.component]
    quantity = -(-planned.quantity * draw.over // (draw.under * component.unit)) * component.unit
    day = max(planned.release, books.today)
    claim = Claim(planned.id + draw.suffix, day, day, quantity, planned.id, draw.alternatives)
    component.ask(claim)
    books.drawn.append((draw.component, quantity, claim))
