"""What every contract server of a shop shares: listings with stock, orders in the order of their times, buyers as they
are in life, and what our calls changed.

    shop.offer("TEA-01", "Oolong 100 g", "8.80", stock=5)
    order = shop.order(("TEA-01", 2))    # it came in before anybody looked: stock is not asked
    order = shop.sell("TEA-01")          # a shopper presses buy now: refused when paused or out of stock
    shop.bulk(20_000)                    # spread over the last hours

Times are aware UTC, amounts Decimal. An effect is a change: what is set to the value it had already is none.
"""

from __future__ import annotations

import datetime as dt
import random
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from contracts.buyers import BUYERS, GIFTS, NOTES, Buyer
from contracts.vendor import Asked, Effect, Vendor

Row = tuple[dt.datetime, int]  # a time of an order, its id
T = TypeVar("T")


class Refused(Exception):
    """The shop does not sell: the listing is paused, or there is not enough of it."""


GOODS = (  # SKU, title, price, stock
    ("TEA-01", "铁观音 乌龙茶 100g", "68.00", 120),
    ("TEA-02", "Jasmine Pearls, 50 g", "12.90", 40),
    ("CUP-WH", "骨瓷杯 白色 White bone china cup", "25.50", 15),
    ("KET_1.7L", "Kettle 1.7 L (EU plug)", "49.99", 8),
    ("SET/8", "礼盒装 8 件 Gift box of 8", "188.88", 3),
)


@dataclass
class Listing:
    """``id`` serves the vendor for its product, its variant and its stock item alike."""

    id: int
    sku: str
    title: str
    price: Decimal


@dataclass
class Line:
    id: int
    sku: str
    title: str
    quantity: int
    price: Decimal
    shipped: int = 0

    @property
    def left(self) -> int:
        return self.quantity - self.shipped

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity


@dataclass
class Package:
    """``lines``: how many of which line it holds."""

    id: int
    reference: str
    carrier: str
    number: str
    at: dt.datetime
    lines: Mapping[int, int]


@dataclass
class Order:
    id: int
    no: str
    created: dt.datetime
    updated: dt.datetime
    buyer: Buyer
    lines: list[Line]
    currency: str
    shipping: Decimal
    note: str = ""
    gift: str = ""
    paid: bool = True
    cancelled: bool = False
    packages: dict[str, Package] = field(default_factory=dict)

    @property
    def items(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        return self.items + self.shipping

    @property
    def state(self) -> str:
        """One of unpaid, cancelled, paid, partial (some of it is shipped) and shipped."""
        if self.cancelled or not self.paid:
            return "cancelled" if self.cancelled else "unpaid"
        if all(line.left == 0 for line in self.lines):
            return "shipped"
        return "partial" if any(line.shipped for line in self.lines) else "paid"

    def line(self, number: int) -> Line | None:
        return next((line for line in self.lines if line.id == number), None)


def content(order: Order, package: Package) -> dict[str, int]:
    """How many of which SKU a package holds."""
    held: Counter[str] = Counter()
    for line in order.lines:
        held[line.sku] += package.lines.get(line.id, 0)
    return dict(+held)


class Timeline:
    """Orders by one of their times. A page is found by bisection; what a filter lets through is kept until a change."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._kept: dict[Hashable, list[Row]] = {}

    def put(self, moment: dt.datetime, number: int) -> None:
        insort(self._rows, (moment, number))
        self._kept.clear()

    def move(self, old: dt.datetime, new: dt.datetime, number: int) -> None:
        del self._rows[bisect_left(self._rows, (old, number))]
        self.put(new, number)

    def forget(self) -> None:
        """An order changed in what filters look at."""
        self._kept.clear()

    def rows(self, name: Hashable = None, keep: Callable[[int], bool] | None = None) -> list[Row]:
        """All, or those of the filter ``name``, oldest first."""
        if keep is None:
            return self._rows
        if name not in self._kept:
            self._kept[name] = [row for row in self._rows if keep(row[1])]
        return self._kept[name]


def since(rows: Sequence[Row], moment: dt.datetime | None) -> int:
    """Where the rows at or after this moment begin."""
    return 0 if moment is None else bisect_left(rows, (moment, -1))


def until(rows: Sequence[Row], moment: dt.datetime | None) -> int:
    """Where the rows at or before this moment end."""
    return len(rows) if moment is None else bisect_right(rows, (moment, 1 << 62))


class Shop(Vendor):
    """``stock`` is what can be sold of each SKU, ``listed`` whether shoppers see it, ``committed`` what is sold and not
    shipped; a test may set them, which is no effect."""

    own_mishaps: tuple[str, ...] = ("duplicate_page", "missing_page", "clock_skew")
    currency = "USD"
    first_id = 1001

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, goods: Sequence[tuple[str, str, str, int]] = GOODS) -> None:
        super().__init__(clock)
        self.dice = random.Random(7)
        self.skew = dt.timedelta()
        self.listings: dict[str, Listing] = {}
        self.stock: dict[str, int] = {}
        self.listed: dict[str, bool] = {}
        self.committed: Counter[str] = Counter()
        self.orders: dict[int, Order] = {}
        self.by_no: dict[str, Order] = {}
        self.updated, self.created = Timeline(), Timeline()
        self.topics: set[str] = set()
        self._outbox: list[tuple[dict[str, str], bytes]] = []
        for sku, title, price, stock in goods:
            self.offer(sku, title, price, stock)

    # What happens at the vendor's

    def offer(self, sku: str, title: str, price: str, stock: int = 10) -> Listing:
        self.listings[sku] = Listing(5000 + len(self.listings), sku, title, Decimal(price))
        self.stock[sku], self.listed[sku] = stock, True
        return self.listings[sku]

    def order(
        self,
        *lines: tuple[str, int],
        buyer: Buyer | None = None,
        at: dt.datetime | None = None,
        note: str | None = None,
        gift: str | None = None,
        paid: bool = True,
        shipping: str | None = None,
    ) -> Order:
        """An order came in; without ``lines`` one to three of what is offered. Its stock was taken before."""
        with self.lock:
            dice, moment, number = self.dice, self.moment(at or self.clock()), self.first_id + len(self.orders)
            wanted = lines or [(sku, dice.randint(1, 3)) for sku in dice.sample(sorted(self.listings), min(len(self.listings), dice.randint(1, 3)))]
            listed = ((self.listings[sku], quantity) for sku, quantity in wanted)
            order = Order(
                id=number,
                no=self.number(number),
                created=moment,
                updated=moment,
                buyer=buyer or dice.choice(BUYERS),
                lines=[Line(number * 100 + place, a.sku, a.title, quantity, a.price) for place, (a, quantity) in enumerate(listed)],
                currency=self.currency,
                shipping=Decimal(shipping or dice.choice(("0.00", "4.95", "12.00"))),
                note=dice.choice(NOTES) if note is None else note,
                gift=dice.choice(GIFTS) if gift is None else gift,
                paid=paid,
            )
            self.orders[number] = self.by_no[order.no] = order
            for line in order.lines:
                self.committed[line.sku] += line.quantity
            self.updated.put(moment, number)
            self.created.put(moment, number)
            self.happened(order, "create")
            return order

    def bulk(self, count: int, span: dt.timedelta = dt.timedelta(hours=8)) -> list[Order]:
        """So many orders, evenly over the time up to now; several may share a second."""
        now = self.clock()
        return [self.order(at=now - span * (count - place) / count) for place in range(count)]

    def sell(self, sku: str, quantity: int = 1, **told: Any) -> Order:
        """A shopper buys. Raises Refused as the shop would."""
        with self.lock:
            if not self.buyable(sku, quantity):
                raise Refused(f"{sku}: {'sold out' if self.shown(sku) else 'not for sale'}")
            self.take(sku, quantity)
            return self.order((sku, quantity), **told)

    def touch(self, order: Order, at: dt.datetime | None = None) -> None:
        """The order changed, whatever it was: its time of change is now."""
        with self.lock:
            moment = max(self.moment(at or self.clock()), order.updated)
            self.updated.move(order.updated, moment, order.id)
            order.updated = moment
            self.created.forget()
            self.happened(order, "update")

    def cancel(self, order: Order) -> None:
        with self.lock:
            order.cancelled = True
            for line in order.lines:
                self.committed[line.sku] -= line.left
            self.touch(order)

    def pay(self, order: Order) -> None:
        with self.lock:
            order.paid = True
            self.touch(order)

    def deliveries(self, twice: bool = False, backwards: bool = False) -> list[tuple[dict[str, str], bytes]]:
        """The webhooks of all that happened since the last time, of the ``topics`` subscribed to, as (headers, body)."""
        with self.lock:
            waiting, self._outbox = self._outbox, []
        waiting = [each for each in waiting for _ in range(2 if twice else 1)]
        return waiting[::-1] if backwards else waiting

    # What vendors differ in

    def number(self, number: int) -> str:
        return str(number)

    def moment(self, at: dt.datetime) -> dt.datetime:
        """A time as the vendor keeps it: to the second."""
        return at.replace(microsecond=0)

    def shown(self, sku: str) -> bool:
        return self.listed[sku]

    def saleable(self, sku: str) -> int:
        return self.stock[sku]

    def take(self, sku: str, quantity: int) -> None:
        self.stock[sku] -= quantity

    def topics_of(self, change: str) -> tuple[str, ...]:
        """The webhooks a ``create`` or ``update`` of an order sets off."""
        return ()

    def webhook(self, order: Order, topic: str) -> tuple[dict[str, str], bytes]:
        """The order as it is now, signed; the same again for the same state."""
        raise NotImplementedError

    # For subclasses

    def now(self) -> dt.datetime:
        return self.clock() + self.skew

    def buyable(self, sku: str, quantity: int = 1) -> bool:
        return self.shown(sku) and self.saleable(sku) >= quantity

    def happened(self, order: Order, change: str) -> None:
        for topic in self.topics_of(change):
            if topic in self.topics:
                self._outbox.append(self.webhook(order, topic))

    @contextmanager
    def changing(self, sku: str, call: str = "") -> Iterator[None]:
        """Enters what this block changed of a listing: stock, and pause or resume when shoppers see the difference."""
        stock, buyable = self.stock[sku], self.buyable(sku)
        yield
        if self.stock[sku] != stock:
            self.effects.append(Effect("stock", sku, {"quantity": self.stock[sku], "before": stock}, call))
        if self.buyable(sku) != buyable:
            self.effects.append(Effect("pause" if buyable else "resume", sku, {"quantity": self.stock[sku]}, call))

    def ship(self, order: Order, package: Package, call: str = "") -> None:
        """Enters a package; one that is there with the same content is none, one with another replaces it."""
        known = order.packages.get(package.reference)
        if known is not None:
            if (known.carrier, known.number, known.lines) == (package.carrier, package.number, package.lines):
                return
            self._count(order, known, -1)
        self._count(order, package, 1)
        order.packages[package.reference] = package
        self.effects.append(Effect("ship", order.no, {"carrier": package.carrier, "number": package.number, "lines": content(order, package)}, call))
        self.touch(order)

    def _count(self, order: Order, package: Package, sign: int) -> None:
        for line in order.lines:
            line.shipped += sign * package.lines.get(line.id, 0)
            self.committed[line.sku] -= sign * package.lines.get(line.id, 0)

    def next_package(self, order: Order) -> int:
        return order.id * 10 + len(order.packages) + 1

    def refuse(self, why: str) -> str:
        """Our side did something wrong: remembered for the test that asks."""
        self.refused.append(why)
        return why

    def repeated(self, asked: Asked, rows: Sequence[T], start: int, end: int) -> list[T]:
        """A page; with the mishap duplicate_page the rows before it (on the first page: its own) come once more."""
        page = list(rows[start:end])
        if not self.strikes("duplicate_page", asked):
            return page
        return (list(rows[max(0, start - (end - start)) : start]) or page) + page

    def disturb(self, asked: Asked, rows: Sequence[Row], newest_first: bool = False) -> bool:
        """The mishap missing_page, drawn when a page after the first is asked for: an order changes meanwhile, so that
        those after it move up by one (oldest first), or that it goes to a page read before (newest first)."""
        if not rows or not self.strikes("missing_page", asked):
            return False
        order = self.orders[rows[0][1]]
        self.touch(order, max(self.clock(), self.updated.rows()[-1][0] + dt.timedelta(seconds=0 if newest_first else 1)))
        return True

    @contextmanager
    def skewed(self, asked: Asked) -> Iterator[None]:
        """The mishap clock_skew: the server's clock is twenty minutes slow for this call."""
        slow = dt.timedelta(minutes=20) if self.strikes("clock_skew", asked) else dt.timedelta()
        self.skew -= slow
        try:
            yield
        finally:
            self.skew += slow
