"""Orders of three shops in one pool, whatever goes wrong: none lost, none twice, every push with one effect.

    python benchmarks/channels.py run [--orders 20000] [--faults 0.05] [--kill-every 5] [--sqlite]
    python benchmarks/channels.py told [--rate 50] [--seconds 60]
    python benchmarks/channels.py asked [--per-hour 1000] [--hours 6]

``run``: the shops (contract servers of Shopify, WooCommerce and JD) misbehave, the server and the worker are killed and
started again; ``told``: from a webhook to its order; ``asked``: looking within the limits that the vendors publish, by a
clock of its own. Each exits with 1 when a figure is not as it has to be.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
import time
from typing import Any

import channels_shops
from channels_asked import asked
from channels_homes import Killers, Postman, Processes, at_home
from channels_judged import Judged, judge, table, waits
from channels_shops import Shop, Shops, Traffic
from channels_told import told

from engine import service
from engine.application import Application
from engine.people import system_actor

HANG = 2.2  # seconds a call without answer is held; the connections wait for 2
PATIENCE = 900.0  # seconds without any progress until it is given up


# --- listings that are paused and resumed ----------------------------------------------------------------------------


class Stock:
    """Somebody counts: the stock of a listing falls below what is safe, or is there again."""

    def __init__(self, app: Application, shops: Shops, seed: int) -> None:
        self._app, self._dice = app, random.Random(seed)
        self._ids: list[tuple[Shop, str, int]] = []
        for shop in shops:
            for sku in shop.skus():
                values = {"channel": shop.name, "sku": sku, "stock": 50}
                self._ids.append((shop, sku, service.save(app, system_actor(), "listing", values).id))

    def count(self) -> None:
        shop, sku, id = self._dice.choice(self._ids)
        stock = 50 if shop.toggled[sku] % 2 else 3
        service.save(self._app, system_actor(), "listing", {"stock": stock + shop.toggled[sku] * (stock == 50)}, id=id)
        shop.toggled[sku] += 1


# --- the run ---------------------------------------------------------------------------------------------------------


def run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    with channels_shops.opened(options.seed) as shops:
        for place in range(int(options.orders * 0.3)):
            list(shops)[place % 3].place(_before(place, options.orders))
        shops.trouble(options.faults, HANG)
        with at_home(shops, options.sqlite) as (app, processes):
            judged, webhooks = _lived(options, shops, app, processes)
            _print(shops, processes, judged, webhooks, time.monotonic() - began)
    return 1 if judged.left else 0


def _before(place: int, count: int) -> Any:
    return dt.datetime.now(dt.UTC) - dt.timedelta(hours=8) * (1 - place / (count * 0.3)) - dt.timedelta(minutes=1)


def _lived(options: argparse.Namespace, shops: Shops, app: Application, processes: Processes) -> tuple[Judged, dict[str, int]]:
    stock = Stock(app, shops, options.seed)
    postman = Postman(shops, processes.port, options.webhooks, options.seed)
    traffic = Traffic(shops, options.orders - int(options.orders * 0.3), options.rate, options.seed)
    killers = Killers(processes, options.kill_every, options.seed)
    for thread in (postman, traffic, killers):
        thread.start()
    try:
        while traffic.is_alive():
            stock.count()
            _say(app, judge(app, shops), options)
            time.sleep(options.look)
        return _drained(options, shops, app, killers), dict(postman.answers)
    finally:
        for ended in (traffic.ended, postman.ended):
            ended.set()
        killers.end()


def _drained(options: argparse.Namespace, shops: Shops, app: Application, killers: Killers) -> Judged:
    """Killing goes on until nine in ten are as they have to be; what goes wrong goes on to the end."""
    best, since = 1 << 60, time.monotonic()
    while True:
        judged = judge(app, shops)
        _say(app, judged, options)
        if judged.left < best:
            best, since = judged.left, time.monotonic()
        if judged.left < options.orders / 10 and not killers.ended.is_set():
            killers.end()
        if not judged.left or time.monotonic() - since > PATIENCE:
            return judged
        time.sleep(options.look)


def _say(app: Application, judged: Judged, options: argparse.Namespace) -> None:
    if options.verbose:
        for said in waits(app):
            print(f"    {said}")
        print(
            f"{time.strftime('%X')} placed {sum(line.placed for line in judged.lines)}, in the pool "
            f"{sum(line.pool for line in judged.lines)}, shipped {sum(line.effects for line in judged.lines)} of "
            f"{sum(line.wanted for line in judged.lines)}, other version {sum(len(line.wrong) for line in judged.lines)}, "
            f"open {judged.open}, stuck {judged.stuck}, left {judged.left}", flush=True,
        )  # fmt: skip


def _print(shops: Shops, processes: Processes, judged: Judged, webhooks: dict[str, int], seconds: float) -> None:
    print(table(judged))
    changes = sum(shop.changes for shop in shops)
    print(f"\norders changed again after they were placed: {changes}; killed: {dict(processes.kills)}")
    print(f"arrivals: {dict(judged.arrivals)}; messages: {dict(judged.messages)}")
    print(f"webhooks, by their answer: {webhooks}")
    print(f"what went wrong at the shops: {dict(shops.mishaps().most_common())}")
    print(
        f"limits of the shops: none is reached but by chance (Shopify has 1,000,000 points a second); "
        f"{seconds / 60:.1f} minutes, {sum(line.placed for line in judged.lines) / seconds:.0f} orders a second"
    )
    for said in [each for line in judged.lines for each in line.wrong][:10]:
        print(f"  {said}")
    print("nothing lost, nothing twice, every push had one effect" if not judged.left else f"{judged.left} WRONG", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="everything goes wrong, and nothing is lost")
    one.add_argument("--orders", type=int, default=20_000)
    one.add_argument("--faults", type=float, default=0.05, help="the share of calls without answer, and of those with 500")
    one.add_argument("--kill-every", type=float, default=5, help="seconds that a process works until it is killed")
    one.add_argument("--rate", type=float, default=25, help="orders placed a second")
    one.add_argument("--webhooks", type=float, default=0.1, help="the share of webhooks that is sent")
    one.add_argument("--look", type=float, default=5, help="seconds between two looks at how far it is")
    one.add_argument("--verbose", action="store_true", help="say how far it is, and what waits")
    two = commands.add_parser("told", help="from a webhook to its order")
    two.add_argument("--rate", type=float, default=50, help="orders a second")
    two.add_argument("--seconds", type=float, default=60)
    three = commands.add_parser("asked", help="looking within the limits of the vendors")
    three.add_argument("--per-hour", type=int, default=1000, help="orders placed in an hour")
    three.add_argument("--hours", type=float, default=6)
    for command, does in ((one, run), (two, told), (three, asked)):
        command.add_argument("--seed", type=int, default=1)
        command.set_defaults(does=does)
    for command in (one, two):
        command.add_argument("--sqlite", action="store_true", help="on SQLite, with one process")
    options = parser.parse_args()
    return int(options.does(options))


if __name__ == "__main__":
    sys.exit(main())
