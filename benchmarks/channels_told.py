"""From a webhook to its order in the pool, for benchmarks/channels.py."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import channels_shops
import sqlalchemy as sa
from channels_homes import Processes, at_home, post
from channels_shops import Shops

from engine.application import Application
from engine.sessions import create_token

WANTED = 1.0  # seconds, p95 from sending to the order that stands in the pool
SENDERS = 16


def told(options: argparse.Namespace) -> int:
    """1 where the figure is missed, an answer is not 202, or an order is missing."""
    with channels_shops.opened(options.seed) as shops, at_home(shops, options.sqlite, _seldom) as (app, processes):
        token = _token(app)
        floor = _paced(options, lambda place: _record(processes, token, place))
        warm = argparse.Namespace(rate=options.rate, seconds=min(3.0, options.seconds))  # processes that just started
        _answers, _seconds, known = _webhooks(warm, shops, app, processes)
        answers, seconds, arrived = _webhooks(options, shops, app, processes)
        arrived -= known
    print(f"{len(answers)} webhooks at {options.rate:.0f}/s for {options.seconds:.0f} s, of Shopify and WooCommerce in turns")
    _say("floor: the same record by the API, answered after", [took for _status, took in floor])
    _say("webhook: answered after", [took for _status, took in answers])
    p95 = _say("webhook: sent until its order was made", seconds)
    statuses = Counter(status for status, _took in answers)
    good = p95 < WANTED and statuses == {202: len(answers)} and arrived == len(answers)
    print(f"answers {dict(statuses)}; orders in the pool {arrived} of {len(answers)}; wanted: p95 under {WANTED:.0f} s"
          f"{'' if good else '   MISSED'}", flush=True)  # fmt: skip
    return 0 if good else 1


def _seldom(definition: dict[str, Any]) -> None:
    """Looking is not what is measured."""
    definition["feeds"]["orders"]["every"] = "10m"


def _webhooks(
    options: argparse.Namespace, shops: Shops, app: Application, processes: Processes
) -> tuple[list[tuple[int, float]], list[float], int]:
    """(status and seconds of each answer, seconds from sending to the order, orders in the pool)."""
    waiting = [(name, order.id, *shops.all[name].vendor.webhook(order)) for name, order in _unpaid(options, shops)]
    sent: dict[tuple[str, str], dt.datetime] = {}

    def send(place: int) -> int:
        name, id, headers, body = waiting[place]
        sent[name, str(id)] = dt.datetime.now(dt.UTC)
        return post(processes.port, f"/feeds/orders/{name}", headers, body)

    answers = _paced(options, send)
    arrival = app.tables.arrival
    query = sa.select(arrival.c.connection, arrival.c.item_key, arrival.c.taken_at).where(arrival.c.how == "pushed")
    until, taken = time.monotonic() + 120, list[Any]()
    while len(taken) < len(sent) and time.monotonic() < until:
        time.sleep(1)
        with app.database.read() as conn:
            found = conn.execute(query.where(arrival.c.state == "taken")).all()
        taken = [row for row in found if (row.connection, row.item_key) in sent]
    seconds = [(row.taken_at - sent[row.connection, row.item_key]).total_seconds() for row in taken]
    with app.database.read() as conn:
        order = app.tables.form["order"]
        count = conn.scalar(sa.select(sa.func.count()).where(order.c.channel.in_(("shopify", "woo")))) or 0
    return answers, seconds, count


def _unpaid(options: argparse.Namespace, shops: Shops) -> list[tuple[str, Any]]:
    """Orders that are not shipped yet: what is done about them is not what is measured."""
    names = ("shopify", "woo")
    count = int(options.rate * options.seconds)
    return [(names[place % 2], shops.all[names[place % 2]].vendor.order(paid=False)) for place in range(count)]


def _paced(options: argparse.Namespace, act: Callable[[int], int]) -> list[tuple[int, float]]:
    """(status, seconds) of so many acts a second; what is late because others took long counts as late."""
    begin = time.monotonic() + 0.2

    def one(place: int) -> tuple[int, float]:
        due = begin + place / options.rate
        time.sleep(max(0.0, due - time.monotonic()))
        return act(place), time.monotonic() - due

    with ThreadPoolExecutor(SENDERS) as threads:
        return list(threads.map(one, range(int(options.rate * options.seconds))))


def _record(processes: Processes, token: str, place: int) -> int:
    order = {
        "channel": "api", "number": f"A{place}", "status": "new", "changed": "2026-03-04T01:30:00+00:00", "total": "88.80",
        "recipient": "王伟", "province": "浙江省", "note": "请尽快发货",
        "lines": [{"sku": "TEA-01", "quantity": 2, "price": "40.40"}, {"sku": "CUP-WH", "quantity": 1, "price": "8.00"}],
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    status = post(processes.port, "/api/v1/records/order", headers, json.dumps(order).encode())
    if status != 201:
        raise SystemExit(f"the API answered {status}")
    return status


def _token(app: Application) -> str:
    user, role = app.tables.user, app.tables.user_role
    with app.database.write() as conn:
        made = conn.execute(sa.insert(user).values(login="bench", name="Bench", created_at=app.clock()))
        id = made.inserted_primary_key[0]
        conn.execute(sa.insert(role).values(user_id=id, role="clerk"))
        return create_token(conn, app.tables, id, name="bench", scopes=None, now=app.clock())


def _say(title: str, seconds: Sequence[float]) -> float:
    p95 = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else float("inf")
    p50 = statistics.median(seconds) if seconds else float("inf")
    print(f"  {title:<50} p50 {p50 * 1000:7.0f} ms   p95 {p95 * 1000:7.0f} ms   longest {max(seconds, default=0) * 1000:7.0f} ms")
    return p95
