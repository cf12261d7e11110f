"""One item's ledger while it is netted: whole numbers of the smallest unit anybody uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction

from .material_shapes import Demand, Item, Line, Material, Receipt, Shift, SupplyKind

EXACT = Context(prec=200)  # no quantity is rounded by where it is worked out


@dataclass(frozen=True, slots=True)
class Scale:
    """Quantities as whole numbers: ``digits`` after the point. Most quantities come often, so that each is made a
    decimal once."""

    digits: int
    _known: dict[int, Decimal] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, material: Material) -> Scale:
        """As many digits as any quantity has, or any item is counted with."""
        decimals = (item.decimals for item in material.items.values())
        return cls(max((*decimals, *(_digits(quantity) for quantity in _quantities(material))), default=0))

    def whole(self, quantity: Decimal) -> int:
        return int(EXACT.scaleb(quantity, self.digits))

    def decimal(self, quantity: int) -> Decimal:
        known = self._known.get(quantity)
        if known is None:
            known = self._known[quantity] = _shortest(quantity, self.digits)
        return known


def _shortest(quantity: int, digits: int) -> Decimal:
    """Without zeros at its end: a piece is 1, whatever other items are counted in."""
    while digits and quantity % 10 == 0:
        quantity, digits = quantity // 10, digits - 1
    return EXACT.scaleb(Decimal(quantity), -digits)


def _quantities(material: Material) -> Iterable[Decimal]:
    for item in material.items.values():
        yield from (item.safety, item.lot.minimum, item.lot.multiple)
    yield from material.stock.values()
    yield from (one.quantity for one in material.demands)
    yield from (one.quantity for one in material.receipts)
    yield from (one.quantity for one in material.reservations)


def _digits(quantity: Decimal) -> int:
    exponent = quantity.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{quantity} is no quantity")
    return -exponent


@dataclass(slots=True)
class Claim:
    """What a demand still asks of its item. ``day`` is never before today, ``due`` may be."""

    demand: str
    day: int
    due: int
    open: int
    into: str = ""
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What a claim has for itself of a supply."""

    claim: Claim
    supply: str
    quantity: int
    instead: str = ""


@dataclass(slots=True)
class Coming:
    """A firm receipt, of which ``open`` is not reserved. ``counts``: the day from which it covers what is needed."""

    id: str
    day: int
    counts: int
    quantity: int
    open: int
    kind: SupplyKind


@dataclass(frozen=True, slots=True)
class Planned:
    id: str
    day: int
    quantity: int
    release: int


@dataclass(slots=True)
class Ledger:
    """``fence``: the first day on which something released today is there. ``spare``: stock that nobody needs."""

    item: Item
    unit: int
    safety: int
    minimum: int
    multiple: int
    fence: int
    stock: int
    free: int
    claims: list[Claim] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    coming: list[Coming] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    gross: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    reserved: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    spare: int | None = None

    @property
    def stock_id(self) -> str:
        return f"stock:{self.item.id}"

    def ask(self, claim: Claim) -> None:
        self.claims.append(claim)
        self.gross[claim.day] += claim.open


@dataclass(frozen=True, slots=True)
class Draw:
    """A line of the bill of materials: ``over / under`` of the component for one of the parent."""

    component: str
    over: int
    under: int
    suffix: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class Books:
    """The ledgers of all items, and what the walk through them needs. ``drawn``: item, quantity and claim
    of every demand found on the way."""

    today: int
    shift: Shift
    scale: Scale
    ledgers: Mapping[str, Ledger]
    draws: Mapping[str, list[Draw]]
    drawn: list[tuple[str, int, Claim]] = field(default_factory=list)


def opened(material: Material) -> Books:
    """The books before anything is netted: what is given, and reservations made."""
    scale = Scale.of(material)
    ledgers = {id: _ledger(item, material, scale) for id, item in material.items.items()}
    books = Books(material.today, material.shift, scale, ledgers, _draws(material.lines))
    for receipt in material.receipts:
        ledgers[receipt.item].coming.append(_coming(receipt, books))
    claims = {demand.id: _claim(demand, books) for demand in material.demands}
    _reserve(material, books, claims)
    return books


def _ledger(item: Item, material: Material, scale: Scale) -> Ledger:
    unit = 10 ** (scale.digits - item.decimals)
    stock = scale.whole(material.stock.get(item.id, Decimal(0)))
    return Ledger(
        item=item,
        unit=unit,
        safety=scale.whole(item.safety),
        minimum=scale.whole(item.lot.minimum),
        multiple=scale.whole(item.lot.multiple) or unit,
        fence=material.shift(material.today, item.lead),
        stock=stock,
        free=stock,
    )


def _draws(lines: Iterable[Line]) -> Mapping[str, list[Draw]]:
    found: defaultdict[str, list[Draw]] = defaultdict(list)
    for line in lines:
        share = Fraction(line.per) * (100 + Fraction(line.scrap)) / 100
        same = sum(draw.component == line.component for draw in found[line.parent])
        suffix = f"/{line.component}" + (f"#{same + 1}" if same else "")
        found[line.parent].append(
            Draw(line.component, share.numerator, share.denominator, suffix, tuple(line.alternatives))
        )
    return found


def _coming(receipt: Receipt, books: Books) -> Coming:
    quantity, day = books.scale.whole(receipt.quantity), max(receipt.day, books.today)
    wanted = day if receipt.wanted is None else max(books.today, min(day, receipt.wanted))
    counts = books.today if day <= books.ledgers[receipt.item].fence else wanted
    return Coming(receipt.id, day, counts, quantity, quantity, receipt.kind)


def _claim(demand: Demand, books: Books) -> tuple[str, Claim]:
    day, quantity = max(demand.day, books.today), books.scale.whole(demand.quantity)
    claim = Claim(demand.id, day, demand.day, quantity, demand.supply, demand.alternatives)
    books.ledgers[demand.item].ask(claim)
    return demand.item, claim


def _reserve(material: Material, books: Books, claims: Mapping[str, tuple[str, Claim]]) -> None:
    coming = {one.id: one for ledger in books.ledgers.values() for one in ledger.coming}
    for one in material.reservations:
        ledger = books.ledgers[one.item]
        held = _withheld(ledger, coming.get(one.supply), books.scale.whole(one.quantity))
        if one.demand in claims:
            item, claim = claims[one.demand]
            quantity = min(held, claim.open)
            hold(ledger, books.ledgers[item], claim, one.supply or ledger.stock_id, quantity)


def _withheld(ledger: Ledger, coming: Coming | None, quantity: int) -> int:
    """Taken away from what is free, even where the demand does not need it (any more)."""
    held = min(quantity, max(0, ledger.free if coming is None else coming.open))
    if coming is None:
        ledger.free -= held
    else:
        coming.open -= held
    return held


def hold(ledger: Ledger, asked: Ledger, claim: Claim, supply: str, quantity: int) -> None:
    """``quantity`` of a ledger's supply is the claim's, which asked another ledger's item or this one."""
    if not quantity:
        return
    instead = "" if asked is ledger else asked.item.id
    claim.open -= quantity
    asked.gross[claim.day] -= quantity
    ledger.gross[claim.day] += quantity
    ledger.reserved[claim.day] += quantity
    ledger.held.append(Held(claim, supply, quantity, instead))
