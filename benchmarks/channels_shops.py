"""Three shops on this machine for benchmarks/channels.py: the contract servers of Shopify, WooCommerce and JD, the
people who buy there, and what of it has to stand in the pool."""

from __future__ import annotations

import datetime as dt
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from contracts.amazon import Amazon  # noqa: E402
from contracts.jd import JD  # noqa: E402
from contracts.shopify import Shopify  # noqa: E402
from contracts.trade import Sold  # noqa: E402
from contracts.vendor import Bucket, serving  # noqa: E402
from contracts.woocommerce import WooCommerce  # noqa: E402

from engine.secrets import Kept, Sources  # noqa: E402

DEFINITION = Path(__file__).with_name("channels.yaml")
SECRETS = {
    "SHOPIFY_SECRET": "client-secret", "WOO_KEY": "ck_test", "WOO_SECRET": "cs_test", "WOO_HOOK": "hook-secret",
    "JD_SECRET": "jd0app0secret0000000000000000001", "JD_REFRESH": "jd-refresh-0001",
    "LWA_SECRET": "amzn1.oa2-cs.v1.test", "LWA_REFRESH": "Atzr|test",
}  # fmt: skip
STATUS = {
    "shopify": {"unpaid": "new", "paid": "paid", "shipped": "shipped", "cancelled": "cancelled"},
    "woo": {"unpaid": "new", "paid": "paid", "shipped": "done", "cancelled": "cancelled"},
    "jd": {"paid": "paid", "shipped": "shipped"},
    "amazon": {"unpaid": "new", "paid": "paid", "shipped": "shipped", "cancelled": "cancelled"},
}
Clock = Callable[[], dt.datetime]
Change = Callable[[dict[str, Any]], None]  # of a definition as YAML reads it


@dataclass(frozen=True)
class Standing:
    """An order as it is: what the pool has to say of it."""

    status: str
    changed: dt.datetime
    total: Decimal | None
    note: str


@dataclass
class Shop:
    """One of the three, and what is done there. ``places`` and ``changes`` count."""

    name: str
    vendor: Any
    url: str
    dice: random.Random
    changes: int = 0
    toggled: Counter[str] = field(default_factory=Counter)
    paid: set[str] = field(default_factory=set)  # numbers of orders to be shipped

    def place(self, at: dt.datetime | None = None) -> Any:
        """Somebody buys; one in ten of those of the shops abroad has not paid yet."""
        if self.name == "jd":
            order = self.vendor.order(at=at)
            self.paid.add(order.no)
            return order
        order = self.vendor.order(at=at, paid=self.dice.random() > 0.1)
        if order.paid:
            self.paid.add(order.no)
        return order

    def change_if_any(self) -> None:
        if self.vendor.orders:
            self.change()

    def change(self) -> None:
        """One of the orders changes: it is paid or cancelled where it was not paid, or has another note."""
        with self.vendor.lock:
            self.changes += 1
            order, note = self.vendor.orders[self._any()], f"Note {self.changes}"
            if isinstance(order, Sold):
                self.vendor.change(order, note=note)
            elif order.paid or order.cancelled:
                order.note = note
                self.vendor.touch(order)
            elif self.dice.random() < 0.5:
                self.vendor.pay(order)
                self.paid.add(order.no)
            else:
                self.vendor.cancel(order)

    def _any(self) -> Any:
        place = self.dice.randrange(len(self.vendor.orders))
        if self.name == "jd":
            return str(self.vendor.first_number + place)
        return self.vendor.first_id + place

    def standing(self) -> dict[str, Standing]:
        """All orders by their number."""
        with self.vendor.lock:
            return {order.no: self._standing(order) for order in self.vendor.orders.values()}

    def _standing(self, order: Any) -> Standing:
        changed = order.changed if isinstance(order, Sold) else order.updated
        if self.name == "amazon":  # which tells no notes, and no amounts before it was paid
            return Standing(STATUS[self.name][order.state], changed, order.total if order.paid else None, "")
        return Standing(STATUS[self.name][order.state], changed, order.total, " ".join(order.note.split()))

    def skus(self) -> list[str]:
        return list(self.vendor.stock)


class Shops:
    """All three, by name."""

    def __init__(self, stack: ExitStack, clock: Clock | None, seed: int, vendors: Mapping[str, Any]) -> None:
        self.all: dict[str, Shop] = {}
        for place, (name, vendor) in enumerate(vendors.items()):
            vendor.mishaps.dice = random.Random(seed * 10 + place)
            served = stack.enter_context(serving(vendor))
            if name == "woo":
                vendor.host = f"127.0.0.1:{served.port}"
            self.all[name] = Shop(name, vendor, served.url, random.Random(seed * 100 + place))

    def __iter__(self) -> Iterator[Shop]:
        return iter(self.all.values())

    def definition(self, *changes: Change) -> str:
        """The application, pointed at these shops and changed."""
        definition = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
        for shop in self:
            connection = definition["connections"][shop.name]
            for option in ("base_url", "token_url"):
                if option in connection:
                    connection[option] = connection[option].replace(urlsplit(connection[option]).netloc, urlsplit(shop.url).netloc)
        for change in changes:
            change(definition)
        return yaml.safe_dump(definition, allow_unicode=True, sort_keys=False)

    def trouble(self, share: float, hang: float) -> None:
        """Of all calls this share gets no answer (half of them after their effect), and this share HTTP 500 or 502 (a
        fifth of them after their effect); as many pages come twice or are missing, and half as many bodies are cut."""
        for shop in self:
            shop.vendor.hang = hang
            shop.vendor.mishaps.share = {
                "timeout": share / 2, "lost": share / 2, "error": share * 0.8, "late_error": share / 5, "half": share / 2,
                "refuse": share / 5, "duplicate_page": share, "missing_page": share, "moving_page": share,
                "error_inside": share / 10, "expired_token": share / 5,
            }  # fmt: skip

    def quiet(self) -> None:
        for shop in self:
            shop.vendor.mishaps.share = {}

    def mishaps(self) -> Counter[str]:
        return sum((shop.vendor.mishaps.happened for shop in self), Counter())


@contextmanager
def opened(seed: int, clock: Clock | None = None, *, published: bool = False) -> Iterator[Shops]:
    """``published``: with the limits the vendors publish; otherwise with ones that let a run take minutes."""
    vendors: dict[str, Any] = {"shopify": Shopify(clock, points=1e6, restored=1e6), "woo": WooCommerce(clock), "jd": JD(clock)}
    if published:
        vendors |= {"shopify": Shopify(clock), "amazon": Amazon(clock)}
        vendors["jd"].limit = Bucket(10.0, 25.0)
    with ExitStack() as stack:
        yield Shops(stack, clock, seed, vendors)


def sources() -> Sources:
    return Sources(environment={name: Kept(text, frozenset({"127.0.0.1"})) for name, text in SECRETS.items()})


def environment() -> dict[str, str]:
    """The same for processes of their own."""
    named = {f"APPMILL_SECRET_{name}": text for name, text in SECRETS.items()}
    return named | {f"APPMILL_HOSTS_OF_{name}": "127.0.0.1" for name in SECRETS}


class Traffic(threading.Thread):
    """So many orders are placed, ``rate`` a second in all shops together, and three in ten change again."""

    def __init__(self, shops: Shops, count: int, rate: float, seed: int) -> None:
        super().__init__(daemon=True)
        self.shops, self.count, self.rate, self.dice = list(shops), count, rate, random.Random(seed)
        self.ended = threading.Event()

    def run(self) -> None:
        for place in range(self.count):
            self.shops[place % len(self.shops)].place()
            if self.dice.random() < 0.3:
                self.dice.choice(self.shops).change_if_any()
            if self.ended.wait(self.dice.uniform(0, 2 / self.rate)):
                return
