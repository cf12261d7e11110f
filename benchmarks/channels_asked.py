"""Looking for orders within the limits that the vendors publish, for benchmarks/channels.py: hours of it by a clock of
its own, which both sides share."""

from __future__ import annotations

import argparse
import copy
import datetime as dt
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import channels_shops
import memory
import sqlalchemy as sa
from channels_homes import opened
from channels_judged import Judged, judge, table
from channels_shops import Shops

from engine.application import Application
from engine.feeding import looking
from engine.jobs import delivering
from engine.jobs.desk import Desk

BEGIN = dt.datetime(2026, 3, 4, 1, 30, tzinfo=dt.UTC)
EVERY = {"shopify": "1m", "woo": "1m", "jd": "1m", "amazon": "5m"}
PUBLISHED = {
    "shopify": "100 points a second, 2,000 at once", "woo": "none",
    "jd": "none; 10 calls a second, 25 at once kept here", "amazon": "a search in 180 s, 20 at once; 2 shipments a second",
}  # fmt: skip


class Clock:
    """The time of both sides, moved by hand."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> dt.datetime:
        return self.now


def asked(options: argparse.Namespace) -> int:
    """1 where a vendor had to refuse a call, or an order is not as it has to be."""
    clock = Clock()
    with channels_shops.opened(options.seed, clock, published=True) as shops, published(shops, clock) as app:
        judged = Hours(app, shops, clock, options.seed).live(options.per_hour, options.hours)
        print(f"{options.hours:g} hours with {options.per_hour} orders an hour, shipped at once\n{table(judged)}\n")
        for shop in shops:
            lags = lags_of(app, shop.name, shops)
            print(f"  {shop.name:8} {len(shop.vendor.asked):6} calls, {shop.vendor.limited} over the limit ({PUBLISHED[shop.name]}); "
                  f"placed until known: p50 {statistics.median(lags):4.0f} s, p95 {_p95(lags):4.0f} s, longest {max(lags):4.0f} s")  # fmt: skip
        for said in [each for line in judged.lines for each in line.wrong][:10]:
            print(f"  {said}")
        limited = sum(shop.vendor.limited for shop in shops)
    print("no call over a limit, no order lost" if not limited + judged.left else f"{limited} over, {judged.left} WRONG")
    return 1 if limited + judged.left else 0


@contextmanager
def published(shops: Shops, clock: Clock) -> Iterator[Application]:
    with tempfile.TemporaryDirectory(dir=memory.place()) as folder:
        file = Path(folder) / "channels.yaml"
        file.write_text(shops.definition(as_published), encoding="utf-8")
        app = opened(file, f"sqlite:///{folder}/channels.db", clock)
        yield app
        app.database.close()


def as_published(definition: dict[str, Any]) -> None:
    """No limits but those the connectors know, and each channel looked at as often as it makes sense."""
    for connection in definition["connections"].values():
        connection.pop("limits", None)
        connection.pop("page", None)
    feed = definition["feeds"].pop("orders")
    for name, every in EVERY.items():
        definition["feeds"][f"{name}_orders"] = {**copy.deepcopy(feed), "from": [name], "every": every, "overlap": "2m"}


class Hours:
    """Hours that are lived through by hand: people buy and change their minds, what is due is looked for and delivered,
    and the clock goes on to what comes next."""

    def __init__(self, app: Application, shops: Shops, clock: Clock, seed: int) -> None:
        self.app, self.shops, self.clock = app, shops, clock
        self.dice, self.desk = random.Random(seed), Desk()
        self.next_order = self.next_look = clock.now

    def live(self, per_hour: float, hours: float, changes: float = 0.0) -> Judged:
        """``changes``: the share of orders that change once more. Afterwards it is waited for what is on its way, half
        an hour at most."""
        end, placed = self.clock.now + dt.timedelta(hours=hours), 0
        after = end + dt.timedelta(minutes=30)
        while self.clock.now < after:
            if self.next_order <= self.clock.now < end:
                list(self.shops)[placed % len(self.shops.all)].place()
                placed += 1
                if self.dice.random() < changes:
                    list(self.shops)[placed % len(self.shops.all)].change_if_any()
                self.next_order += dt.timedelta(seconds=self.dice.uniform(0, 2 * 3600 / per_hour))
            looks = self.next_look <= self.clock.now
            due = self.work()
            if looks and self.clock.now >= end and not judge(self.app, self.shops).left:
                break
            coming = [self.next_look, due, after] + ([self.next_order] if self.next_order < end else [])
            self.clock.now = max(min(coming), self.clock.now + dt.timedelta(milliseconds=50))
        return judge(self.app, self.shops)

    def work(self) -> dt.datetime:
        """Look and deliver; answers when the next message is due, in an hour where none is."""
        if self.next_look <= self.clock.now:
            self.next_look = looking.collect(self.app) or self.clock.now + looking.LOOK_AGAIN
        message, now = self.app.tables.message, self.clock.now
        waiting = sa.select(message.c.id, message.c.due_at).where(message.c.state.in_(("waiting", "parked")))
        while True:
            with self.app.database.read() as conn:
                found = conn.execute(waiting.order_by(message.c.due_at, message.c.id).limit(200)).all()
            due = [row.id for row in found if row.due_at <= now]
            moved = [id for id in due if delivering.deliver(self.app, id, self.desk).state not in ("gone", "not_now")]
            if not moved:
                later = (row.due_at for row in found if row.due_at > now)
                return min(later, default=now + dt.timedelta(hours=1))


def lags_of(app: Application, channel: str, shops: Shops) -> list[float]:
    """Seconds from placing to the first arrival of each order."""
    placed = {str(order.no): getattr(order, "placed", None) or order.created for order in shops.all[channel].vendor.orders.values()}
    order = app.tables.form["order"]
    with app.database.read() as conn:
        rows = conn.execute(sa.select(order.c.number, order.c.created_at).where(order.c.channel == channel)).all()
    return [(row.created_at - placed[row.number]).total_seconds() for row in rows]


def _p95(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=20)[-1] if len(figures) > 1 else figures[0]
