"""A control tower over 100,000 open records: its first screen against a list page of the same form, and how soon a
change is seen on another screen. Figures are CPU times of this process, of requests made in turns; on shared cores only
their ratio means much.

    python benchmarks/tower.py [--records 100000]
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine import sessions
from engine.application import Application, start
from engine.builtin import default_registry
from engine.forecasts import hold_against
from engine.load import load_text
from engine.people import Actor
from engine.service import save
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.web.factory import make_web

YAML = """
app: yard
label: Yard
languages: [en]
timezone: Asia/Shanghai
roles: {planner: {label: Planner}}
forms:
  site:
    label: Site
    fields: {name: {type: text, label: Name, required: true}}
    permissions: {planner: {read: true}}
  job:
    label: Job
    title: record.number
    fields:
      number: {type: text, label: Number, required: true}
      site: {type: link, form: site, label: Site}
      line: {type: choice, label: Line, options: {one: {}, two: {}, three: {}}}
      due_on: {type: date, label: Promised on}
      short: {type: boolean, label: Short, default: false}
      amount: {type: money, label: Amount}
    views:
      all: {type: list, where: not record.state.final, columns: [number, site, line, due_on, state, owner, amount], sort: [due_on]}
      tower: {type: tower, columns: [number, site, line], groups: [line, site], waits: [{label: Material, when: record.short}]}
    permissions: {planner: {create: true, read: true, update: true}}
    workflow:
      initial: planned
      promised: due_on
      states:
        planned: {label: Planned, owner: planner, within: 1d}
        cutting: {label: Cutting, owner: planner, within: 2d}
        packed: {label: Packed, owner: planner, within: 1d}
        gone: {label: Gone, final: true}
      transitions:
        cut: {label: Cut, from: [planned], to: cutting, roles: [planner], when: not record.short}
        pack: {label: Pack, from: [cutting], to: packed, roles: [planner]}
        send: {label: Send, from: [packed], to: gone, roles: [planner]}
"""
EVERY = 3.0  # seconds between the questions of a screen, as in static/js/live.js
WORLDS = {"mixed": 1.0, "a few": 0.0005, "calm": 0.0}  # how many of the records may be late or at risk


def fill(app: Application, count: int, share: float) -> None:
    """``share`` 0: nothing is late or at risk, so that every range of the risk but the last is empty."""
    now, draw = app.clock(), random.Random(7)
    site, job = app.tables.form["site"], app.tables.form["job"]
    fixed = {"version": 1, "created_at": now, "updated_at": now}
    with app.database.write() as conn:
        conn.execute(sa.insert(site), [{**fixed, "name": f"Site {n}", "_title": f"Site {n}"} for n in range(500)])
        for begin in range(0, count, 10_000):
            rows = [_row(n, now, draw, fixed, draw.random() >= share) for n in range(begin, begin + 10_000)]
            for row in rows:
                hold_against(app.plans.form("job"), row)
            conn.execute(sa.insert(job), rows)
    app.database.analyse()


def _row(n: int, now: dt.datetime, draw: random.Random, fixed: dict[str, Any], calm: bool) -> dict[str, Any]:
    state = draw.choice(("planned", "cutting", "packed"))
    since = now - dt.timedelta(hours=1 if calm else draw.randrange(1, 90))
    due = since + dt.timedelta(days=2 if calm else 1)
    promised = now.date() + dt.timedelta(days=draw.randrange(20, 60) if calm else draw.randrange(-5, 60))
    return {**fixed, "number": f"J{n:06}", "_title": f"J{n:06}", "site": draw.randrange(1, 501), "state": state,
            "line": draw.choice(("one", "two", "three")), "due_on": promised, "short": n % 7 == 0, "state_since": since,
            "state_due": due, "forecast_at": due + dt.timedelta(days=draw.randrange(0, 9)),
            "owner_role": "planner"}  # fmt: skip


def cpu(*asks: Callable[[], Any], rounds: int = 25) -> list[float]:
    """The median CPU time of each request in milliseconds. They take turns: whatever else keeps the machine busy weighs
    on all alike."""
    for ask in asks * 3:
        ask()
    times: list[list[float]] = [[] for _ in asks]
    for _ in range(rounds):
        for ask, taken in zip(asks, times, strict=True):
            begin = time.process_time()
            ask()
            taken.append((time.process_time() - begin) * 1000)
    return [statistics.median(taken) for taken in times]


class Screen:
    def __init__(self, app: Application, web: Any) -> None:
        self.client = web.test_client()
        with app.database.write() as conn:
            secret = sessions.open_session(conn, app.tables, 1, now=app.clock(), lasts=dt.timedelta(hours=1), agent="",
                                           address="-")  # fmt: skip
        self.client.set_cookie("appmill", secret)

    def get(self, path: str, **headers: str) -> Any:
        answer = self.client.get(path, headers=headers)
        assert answer.status_code < 300, (path, answer.status_code)
        return answer


def seen_after(app: Application, screen: Screen) -> float:
    """Seconds from a save until another screen, asking as browsers do, has drawn the row."""
    after, tag = 0, ""
    with app.database.read() as conn:
        after = conn.scalar(sa.select(sa.func.max(app.tables.event.c.id))) or 0
    who = Actor(id=1, login="ann", name="Ann", roles=frozenset({"planner"}))
    began = time.monotonic()
    save(app, who, "job", {"due_on": "2020-01-01"}, id=17)
    while True:
        time.sleep(EVERY)
        answer = screen.get(f"/live?forms=job&after={after}", **({"If-None-Match": tag} if tag else {}))
        tag = answer.headers["ETag"]
        if answer.status_code == 200:
            fresh = screen.get(f"/job/fresh?view=tower&since={answer.json['since']}&shown=1,2,3").json
            assert "17" in fresh["rows"], fresh
            return time.monotonic() - began


def measure(count: int, world: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="appmill-tower-"))
    registry = default_registry()
    app = start(load_text(YAML, registry), Database(f"sqlite:///{folder}/a.db"), registry=registry,
                files=FileStore(folder / "files"))  # fmt: skip
    with app.database.write() as conn:
        conn.execute(sa.insert(app.tables.user).values(login="ann", name="Ann", active=True, created_at=app.clock()))
        conn.execute(sa.insert(app.tables.user_role).values(user_id=1, role="planner"))
    fill(app, count, WORLDS[world])
    screen = Screen(app, make_web(app, secret_key="benchmark"))
    pages = {"list page": "all", "tower, first screen": "tower", "tower, only at risk": "tower&risk=at_risk"}
    taken = cpu(*(lambda view=view: screen.get(f"/job?view={view}") for view in pages.values()))
    print(f"{world}, {count:,} open records (wanted: under 3 × the list page)")
    for name, time_ in zip(pages, taken, strict=True):
        print(f"  {name:20} {time_:7.1f} ms CPU = {time_ / taken[0]:.1f} ×")
    if world == "mixed":
        told = screen.get("/live?forms=job&after=0").headers["ETag"]
        (beat,) = cpu(lambda: screen.get("/live?forms=job&after=0", **{"If-None-Match": told}), rounds=300)
        print(f"  nothing happened     {beat:7.2f} ms CPU = {1000 / beat:,.0f} questions a second on one core")
        print(f"  seen elsewhere after {seen_after(app, screen):7.1f} s (wanted: within 5)")
    app.database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=100_000)
    count = parser.parse_args().records
    for world in WORLDS:
        measure(count, world)


if __name__ == "__main__":
    main()
