"""Connectors driven as a feed and a rule drive them, against the contract servers of their vendors."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from contracts.amazon import MARKETPLACE, SELLER, Amazon
from contracts.shopify import Shopify
from contracts.vendor import Served, serving
from contracts.vendure import Vendure
from contracts.woocommerce import WooCommerce
from fake_clock import FakeClock

from engine.builtin import default_registry
from engine.calendars import seconds_of
from engine.connectors import Connection, Item, Part, Pushed, Span
from engine.credentials import Secret
from engine.errors import DeliveryFailed, Missing, message
from engine.outside.carrying import carry_out
from engine.outside.task import Task
from engine.outside.tokens import Tokens
from plugins.channels.amazon import AmazonConnection
from plugins.channels.shopify import ShopifyConnection
from plugins.channels.vendure import VendureConnection
from plugins.channels.woocommerce import WooCommerceConnection

SECRETS = {
    "SHOPIFY_SECRET": "client-secret", "LWA_SECRET": "amzn1.oa2-cs.v1.test", "LWA_REFRESH": "Atzr|test",
    "WOO_KEY": "ck_test", "WOO_SECRET": "cs_test", "WOO_HOOK": "hook-secret", "VENDURE_PASSWORD": "superadmin",
    "SHOPIFY_TOKEN": "shpat_of_the_test",
}  # fmt: skip
REGISTRY = default_registry()
TROUBLE = ("timeout", "error", "refuse", "lost", "late_error", "half")


class Around:
    """The surroundings of one process. Limits are kept as the connection says them (GCRA), by the test's clock."""

    def __init__(self, connection: Connection, clock: FakeClock, *, limited: bool = True) -> None:
        self.connection, self.clock, self.limited = connection, clock, limited
        self.tokens = Tokens(lambda: clock.now.timestamp())
        self.full_at: dict[str, float] = {}
        self.turns: list[str] = []
        self.renewed: dict[tuple[str, str], str] = {}
        self.sent = 0
        self.noted: list[Any] = []

    def secret(self, name: str, host: str) -> str:
        assert host == "127.0.0.1"
        return SECRETS[name]

    def latest(self, name: str, host: str) -> str:
        entered = self.secret(name, host)
        return self.renewed.get((name, entered), entered)

    def renew(self, name: str, value: str) -> None:
        self.renewed[name, self.secret(name, "127.0.0.1")] = value

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        raise Missing(message("There is no file."))

    def now(self) -> dt.datetime:
        return self.clock()

    def turn(self, operation: str) -> None:
        self.turns.append(operation)
        limits = self.connection.usual_limits()
        rate = limits.get(operation, limits.get("all"))
        if rate is None or not self.limited:
            return
        step, now = seconds_of(rate.per) / rate.calls, self.clock.now.timestamp()
        full = max(self.full_at.get(operation, now), now) + step
        if full - now > step * rate.burst + 1e-6:
            raise DeliveryFailed(message("wait"), after=full - now - step * rate.burst)
        self.full_at[operation] = full

    def kept(self, name: str, get: Callable[[], tuple[str, float]]) -> str:
        return self.tokens.kept("", name, get)

    def forget(self, name: str) -> None:
        self.tokens.forget("", name)

    def note(self, exchange: Any) -> None:
        self.noted.append(exchange)

    def about_to_send(self) -> None:
        self.sent += 1


@dataclass
class Desk:
    """A vendor that is served, a connection to it, and the process that uses it."""

    vendor: Any
    connection: Any
    clock: FakeClock
    around: Around = field(init=False)
    failures: list[DeliveryFailed] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        self.renewed: dict[tuple[str, str], str] = {}  # what the database keeps of secrets
        self.restart()

    def restart(self) -> None:
        """A new process: it knows the definition and nothing else."""
        self.around = Around(self.connection, self.clock)
        self.around.renewed = self.renewed

    def task(self, key: str = "k-1", attempt: int = 1, **data: Any) -> Task:
        return Task("call", data, self.connection, key, attempt, 5.0)

    def read(self, reading: str, cursor: Mapping[str, Any]) -> Part:
        """One call, its cursor kept as JSON as the table of feeds keeps it."""
        self.calls += 1
        part = self.connection.read(reading, json.loads(json.dumps(cursor)), self.task(f"r-{self.calls}"), self.around)
        return Part(part.items, json.loads(json.dumps(part.cursor)), part.more)

    def begin(self, reading: str = "orders", back: dt.timedelta = dt.timedelta(hours=9), until: dt.datetime | None = None) -> Mapping[str, Any]:
        cursor: Mapping[str, Any] = json.loads(json.dumps(self.connection.begin(reading, Span(self.clock() - back, until))))
        return cursor

    def pull(self, reading: str = "orders", cursor: Mapping[str, Any] | None = None, *, anew: bool = False) -> tuple[list[Item], Mapping[str, Any]]:
        """Everything there is now, as a feed reads it: a failed call is made again with the same cursor, after as long
        as it was told to wait. ``anew``: every call is made by another process."""
        found: list[Item] = []
        cursor = cursor or self.begin(reading)
        for _ in range(2000):
            if anew:
                self.restart()
            try:
                part = self.read(reading, cursor)
            except DeliveryFailed as failure:
                self.failures.append(failure)
                assert failure.again, str(failure)
                self.clock.advance(seconds=1 if failure.after is None else failure.after + 0.001)
                continue
            found += part.items
            cursor = part.cursor
            if not part.more:
                return found, cursor
        raise AssertionError("it has no end")

    def does(self, operation: str, attempt: int = 1, key: str = "k-1", **values: Any) -> Mapping[str, Any]:
        return carry_out(REGISTRY, self.task(key, attempt, operation=operation, values=values), self.around)

    def until_done(self, operation: str, key: str = "k-1", **values: Any) -> Mapping[str, Any]:
        """As the delivery does it: again until it is done. To wait for its turn is no attempt."""
        attempt = 1
        for _ in range(200):
            try:
                return self.does(operation, attempt, key, **values)
            except DeliveryFailed as failure:
                self.failures.append(failure)
                assert failure.again, str(failure)
                self.clock.advance(seconds=1 if failure.after is None else failure.after + 0.001)
                attempt += failure.reason.pattern != "wait"
        raise AssertionError("it is never done")

    def told(self, sent: tuple[Mapping[str, str], bytes], **changed: str) -> Any:
        headers = {name.lower(): value for name, value in sent[0].items()} | {name.replace("_", "-"): value for name, value in changed.items()}
        return self.connection.told("orders", Pushed(sent[1], headers, {}, self.clock()), self.around)

    def settle(self) -> None:
        """Long enough for Amazon to show what it has accepted."""
        self.clock.advance(seconds=20)


def versions(items: list[Item]) -> dict[str, str]:
    """The newest version of each thing."""
    found: dict[str, str] = {}
    for item in items:
        found[item.key] = max(item.version, found.get(item.key, ""))
    return found


VENDORS = {"amazon": Amazon, "shopify": Shopify, "vendure": Vendure, "woocommerce": WooCommerce}
KINDS = tuple(VENDORS)


@contextmanager
def desk_of(kind: str, **options: Any) -> Iterator[Desk]:
    clock = FakeClock()
    vendor: Any = VENDORS[kind](clock)
    vendor.hang = 0.01
    with serving(vendor) as served:
        yield Desk(vendor, _connection(kind, served, options), clock)


def _connection(kind: str, served: Served, options: Mapping[str, Any]) -> Connection:
    usual: dict[str, Any] = {"name": kind, "base_url": served.url, "private": True}
    if kind == "amazon":
        return AmazonConnection(**usual | {
            "token_url": f"{served.url}/auth/o2/token", "seller_id": SELLER, "marketplaces": (MARKETPLACE,),
            "client_id": "amzn1.application-oa2-client.test", "client_secret": Secret("LWA_SECRET"),
            "refresh_token": Secret("LWA_REFRESH"), **options,
        })  # fmt: skip
    if kind == "shopify":
        return ShopifyConnection(**usual | {
            "shop": served.vendor.domain, "client_id": "client-id", "client_secret": Secret("SHOPIFY_SECRET"), **options,
        })  # fmt: skip
    if kind == "vendure":
        return VendureConnection(**usual | {
            "base_url": f"{served.url}/admin-api", "user": "superadmin", "password": Secret("VENDURE_PASSWORD"), **options,
        })  # fmt: skip
    served.vendor.host = f"127.0.0.1:{served.port}"
    return WooCommerceConnection(**usual | {
        "key": Secret("WOO_KEY"), "secret": Secret("WOO_SECRET"), "webhook_secret": Secret("WOO_HOOK"), **options,
    })  # fmt: skip
