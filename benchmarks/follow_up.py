"""A delivery comes five days late: how long until everybody whose order is ready on another day has been told.

    python benchmarks/follow_up.py [--orders 3000] [--rounds 20] [--database sqlite|postgresql|both] [--quick]

The Order Hub is served as its users serve it (``appmill run``, on PostgreSQL ``appmill work`` beside it), with so many
open orders of about four operations each on 80 machines, and a plan in force. Round after round the buyer puts another
purchase off through the API, and the clock runs from that request until its message stands in the inbox of everybody it
concerns and a manager reads the new dates of the orders. The databases are made before the clock runs.

Every round is judged from the records before and after, apart from the code that plans: nobody else is told, nobody
twice, every order that had to move has, and what has moved (but for ``NEEDLESS``) could not have stayed. Exits with 1 when that is not so, or
a round took longer than ``LIMIT``. ``--quick``: 300 orders, five rounds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import follow_up_judged
from follow_up_homes import Caller, Processes, served
from follow_up_judged import Late, Seen, Told
from follow_up_plant import SELLERS, build

from engine.api import Application
from plugins.planning.checked import violations
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import read

GOAL, LIMIT = 10.0, 60.0  # seconds
NEEDLESS = 0.001  # of what moves: what pushed it was itself passed or pushed on later, which is not taken back
DAYS = dt.timedelta(days=5)
LOOK = 0.1  # seconds between two looks; the application pays for them too


@dataclass(frozen=True)
class Round:
    """``answered``: seconds until the buyer saw it saved; ``seconds``: until everybody knew; ``cpu``: what the
    application used until then, which other work on the machine changes little."""

    answered: float
    seconds: float
    cpu: float
    orders: int
    steps: int
    people: int
    needless: tuple[str, ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class People:
    buyer: Caller
    manager: Caller
    sellers: Sequence[Caller]


def measured(kind: str, options: argparse.Namespace) -> bool:
    with served(kind, partial(build, orders=options.orders, seed=options.seed)) as (app, processes):
        sellers = [Caller(app, processes.port, f"s{n:02}") for n in range(SELLERS)]
        people = People(Caller(app, processes.port, "chen"), Caller(app, processes.port, "he"), sellers)
        rounds: list[Round] = []
        for purchase in follow_up_judged.purchases(app):
            before = follow_up_judged.seen(app)
            late = follow_up_judged.late(app, before, purchase, DAYS)
            if late.orders and len(rounds) < options.rounds:  # one that makes nobody's order late tells nobody
                rounds.append(_round(app, processes, people, purchase, before, late))
                if options.verbose:
                    print(f"  {rounds[-1]}", flush=True)
        if not rounds:
            raise SystemExit("no purchase that comes late makes an order late: take more orders")
        wrong = [said for each in rounds for said in each.wrong] + _against_the_rules(app)
    return _judged(kind, options.orders, rounds, wrong)


def _round(app: Application, processes: Processes, people: People, purchase: int, before: Seen, late: Late) -> Round:
    since = {one.id: max((each["id"] for each in one.told(0)), default=0) for one in people.sellers}
    began, used = time.monotonic(), processes.cpu()
    people.buyer.change("purchase", purchase, {"promised_on": late.day.isoformat()})
    answered = time.monotonic() - began
    told = _wait(people, late, since, began)
    after = follow_up_judged.seen(app)
    while follow_up_judged.missing(before, after, told.people) and time.monotonic() - began < LIMIT:
        told = _looked(people, late, since)  # somebody the purchase itself does not concern
        after = follow_up_judged.seen(app)
    used = processes.cpu() - used
    wrong = tuple(follow_up_judged.wrong(late, before, after, told))
    moved = follow_up_judged.moved(before, after)
    return Round(answered, told.at - began, used, len(moved), len(follow_up_judged.shifted(before, after)),
                 len(told.people), tuple(follow_up_judged.needless(late, before, after)), wrong)  # fmt: skip


def _wait(people: People, late: Late, since: dict[int, int], began: float) -> Told:
    """Until those know whom it must concern, and their orders show it; then what stands with everybody."""
    waiting = {one for one in people.sellers if one.id in late.sellers}
    orders = set(late.orders)
    while (waiting or orders) and time.monotonic() - began < LIMIT:
        waiting = {one for one in waiting if not _heard(one, late, since[one.id])}
        orders = orders if waiting else {id for id in orders if not _shows(people.manager, late, id)}
        time.sleep(LOOK)
    return _looked(people, late, since)


def _heard(seller: Caller, late: Late, since: int) -> bool:
    return any(late.number in one["message"] for one in seller.told(since))


def _shows(manager: Caller, late: Late, order: int) -> bool:
    planned = manager.get(f"/records/order/{order}")["planned_end"]
    return planned is not None and dt.date.fromisoformat(planned) >= late.day


def _looked(people: People, late: Late, since: dict[int, int]) -> Told:
    found = {
        one.id: [each for each in one.told(since[one.id]) if late.number in each["message"]] for one in people.sellers
    }
    at = time.monotonic()
    orders = {
        seller.id: sum(seller.get(f"/records/plan_notice/{one['record_id']}")["orders"] for one in found[seller.id])
        for seller in people.sellers
        if found[seller.id]
    }
    return Told(at, {id: len(texts) for id, texts in found.items() if texts}, orders)


def _against_the_rules(app: Application) -> list[str]:
    floor = read(app, ready(app))
    return [f"the plan: {one}" for one in violations(floor.problem, floor.plan)]


def _judged(kind: str, orders: int, rounds: Sequence[Round], wrong: Sequence[str]) -> bool:
    seconds = sorted(one.seconds for one in rounds)
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    answered = statistics.median(one.answered for one in rounds)
    print(f"\n{kind}: {orders} open orders, {len(rounds)} deliveries late; load {os.getloadavg()[0]:.1f}")
    print(f"  everybody told: p50 {statistics.median(seconds):.2f} s, p95 {p95:.2f} s, longest {seconds[-1]:.2f} s; "
          f"the buyer goes on after {answered:.2f} s")  # fmt: skip
    cpu = sorted(one.cpu for one in rounds)
    print(f"  CPU of the application in a round: half under {statistics.median(cpu):.2f} s, most {cpu[-1]:.2f} s")
    for name in ("orders", "steps", "people"):
        counts = [getattr(one, name) for one in rounds]
        print(f"  {name} of a round: {min(counts)} to {max(counts)}, {sum(counts)} in all")
    for said in wrong[:20]:
        print(f"  NOT {said}")
    needless = [said for one in rounds for said in one.needless]
    still = len(needless) <= NEEDLESS * sum(one.steps for one in rounds)
    print(f"  operations that could have stayed: {len(needless)} {needless[:3]}")
    print(f"  {'ok ' if p95 < GOAL else 'NOT'} p95 under {GOAL:.0f} s (goal)")
    print(f"  {'ok ' if seconds[-1] < LIMIT else 'NOT'} all under {LIMIT:.0f} s")
    print(f"  {'ok ' if still else 'NOT'} at most {NEEDLESS:.1%} of what moved could have stayed")
    print(f"  {'NOT' if wrong else 'ok '} exactly those were told, and orders and operations agree", flush=True)
    return not wrong and still and seconds[-1] < LIMIT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="a line for each round")
    options = parser.parse_args()
    if options.quick:
        options.orders, options.rounds = 300, 5
    kinds = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    kept = [measured(kind, options) for kind in kinds]
    return not all(kept)


if __name__ == "__main__":
    sys.exit(main())
