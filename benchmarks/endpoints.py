"""What systems in trouble do to the messages for others: ``python benchmarks/endpoints.py [--seconds 20]``

Five systems are called by rules: one that answers at once, one that refuses what it is sent (poison), one that takes
three seconds for everything (slow), one that is away every other two seconds (flapping) and one that is gone (dead).
Printed per engine: the time from commit to arrival at the good one (p50, p95), first alone, then with hundreds of
messages for each of the others waiting and more coming; what became of those; and whether every record's messages came
in their order.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rules import Hub, database, engines, hub, opened

KINDS = ("good", "poison", "slow", "flapping", "dead")
RECORDS = 40  # per kind
PACE = 0.05  # seconds between two changes for the good one

DEFINITION = """
app: bench
label: Bench
languages: [en]
timezone: UTC
connections:
  good: {type: http, base_url: "http://127.0.0.1:PORT/good", private: true}
  poison: {type: http, base_url: "http://127.0.0.1:PORT/poison", private: true}
  slow: {type: http, base_url: "http://127.0.0.1:PORT/slow", private: true, timeout: 10s}
  flapping: {type: http, base_url: "http://127.0.0.1:PORT/flapping", private: true}
  dead: {type: http, base_url: "http://127.0.0.1:9", private: true}
roles: {clerk: {label: Clerk}}
forms:
  ticket:
    label: Ticket
    fields:
      kind: {type: text}
      step: {type: integer}
rules:
""" + "".join(
    f"""
  to_{kind}:
    trigger: {{type: changed, form: ticket}}
    when: record.kind == "{kind}" and record.step > 0
    actions:
      - {{type: http, connection: {kind}, json: {{ticket: record.id, step: record.step}}}}
"""
    for kind in KINDS
)


class Load:
    """Records of every kind, and their steps so far."""

    def __init__(self, app: Any) -> None:
        from engine import service
        from engine.people import system_actor

        self._save = lambda values, id=None: service.save(app, system_actor(), "ticket", values, id=id).id
        self.ids = {kind: [self._save({"kind": kind, "step": 0}) for _ in range(RECORDS)] for kind in KINDS}
        self._steps: Counter[int] = Counter()

    def step(self, kind: str) -> tuple[int, int]:
        """The record of the kind that waited longest takes a step: (record, step)."""
        id = min(self.ids[kind], key=lambda each: self._steps[each])
        self._steps[id] += 1
        self._save({"step": self._steps[id]}, id)
        return id, self._steps[id]


def lags(load: Load, hub: Hub, seconds: float, beside: Sequence[str] = ()) -> tuple[list[float], list[Any]]:
    """(seconds from commit to arrival at the good one, everything that came), at an easy pace."""
    committed: dict[tuple[int, int], float] = {}
    hub.came()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        committed[load.step("good")] = time.time()
        for kind in beside[len(committed) % max(1, len(beside)) :][:1]:
            load.step(kind)
        time.sleep(PACE)
    came: list[Any] = []
    for _ in range(600):
        came += hub.came()
        at = {(call["ticket"], call["step"]): when for path, call, when in reversed(came) if path == "/good"}
        if committed.keys() <= at.keys():
            return [max(0.0, at[key] - since) for key, since in committed.items()], came
        time.sleep(0.1)
    raise SystemExit(f"{len(committed.keys() - at.keys())} calls of {len(committed)} never came")


def out_of_order(came: Sequence[Any]) -> int:
    """How many calls came before an earlier one of their record had come."""
    steps: dict[Any, list[int]] = defaultdict(list)
    for path, call, _when in came:
        if call["step"] not in steps[path, call["ticket"]]:
            steps[path, call["ticket"]].append(call["step"])
    return sum(a > b for seen in steps.values() for a, b in pairwise(seen))


def became(app: Any) -> Iterator[str]:
    table = app.tables.message
    count = sa.select(table.c.connection, table.c.state, sa.func.count()).group_by(table.c.connection, table.c.state)
    with app.database.read() as conn:
        found = {(name, state): number for name, state, number in conn.execute(count)}
    for kind in KINDS:
        states = sorted((state, number) for (name, state), number in found.items() if name == kind)
        yield f"{kind}: " + ", ".join(f"{number} {state}" for state, number in states)


def shown(title: str, found: Sequence[float]) -> float:
    p95 = statistics.quantiles(found, n=20)[-1] * 1000
    print(
        f"    {title:<22} p50 {statistics.median(found) * 1000:6.1f} ms   p95 {p95:6.1f} ms   of {len(found)}",
        flush=True,
    )
    return p95


def measured(kind: str, which: int, seconds: float, threads: int) -> None:
    with tempfile.TemporaryDirectory() as name, hub() as calls, database(kind, Path(name)) as url:
        app = opened(url, Path(name), calls.port, DEFINITION)
        label, engine = list(engines(kind, app, threads))[which]
        app.database.doorbell = engine
        print(f"{kind}, {label}", flush=True)
        load = Load(app)
        engine.start()
        alone = shown("alone", lags(load, calls, seconds)[0])
        for kind_of in KINDS[1:]:
            for _ in range(5 * RECORDS):
                load.step(kind_of)
        found, came = lags(load, calls, seconds, KINDS[1:])
        beside = shown("beside the others", found)
        good = beside <= max(2 * alone, 100)
        print(f"    goal: twice as long at most, or 100 ms{'' if good else '   MISSED'}")
        print(f"    out of order: {out_of_order(came)}{'' if not out_of_order(came) else '   MISSED'}")
        print("    " + "; ".join(became(app)), flush=True)
        engine.stop(10)
        app.database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    for kind, which in (("sqlite", 0), ("postgresql", 0), ("postgresql", 1)):
        measured(kind, which, options.seconds, options.threads)


if __name__ == "__main__":
    main()
