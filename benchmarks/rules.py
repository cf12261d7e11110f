"""What rules cost, against the same SQL in one bare transaction measured in the same run.

``python benchmarks/rules.py [--events 800] [--database sqlite|postgresql|both]``

One event is: a ticket is closed by a transition; a rule creates a log record, takes one from the stock of its part and
leaves one web call to be delivered. Printed per database: events per second and CPU milliseconds per event in one
process, beside the floor; deliveries per second by one worker to a web server on this machine; the time from commit to
the start of the call (p50, p95) at an easy pace; the CPU of a process with nothing to do.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

DEFINITION = """
app: bench
label: Bench
languages: [en]
timezone: UTC
connections:
  hub: {type: http, base_url: "http://127.0.0.1:PORT", private: true}
roles: {clerk: {label: Clerk}}
forms:
  part:
    label: Part
    fields: {name: {type: text}, stock: {type: integer}}
  log:
    label: Log
    fields: {name: {type: text}, ticket: {type: link, form: ticket}}
  ticket:
    label: Ticket
    fields: {name: {type: text}, part: {type: link, form: part}}
    permissions: {clerk: {read: true, update: true}}
    workflow:
      initial: open
      states: {open: {label: Open}, closed: {label: Closed, final: true}}
      transitions: {close: {label: Close, from: [open], to: closed, roles: [clerk]}}
rules:
  booked:
    trigger: {type: taken, form: ticket, transition: close}
    when: record.part.stock > 0
    actions:
      - {type: create, form: log, values: {name: record.name, ticket: record}}
      - {type: update, form: part, where: record == source.part, values: {stock: record.stock - 1}}
      - {type: http, connection: hub, path: /closed, json: {ticket: record.id}}
"""


class Hub:
    """The web server beside us, and what came to it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def came(self) -> list[tuple[str, Any, float]]:
        """(path, body, when it came) of every call since this was last asked."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/") as answer:
            return [(path, body, at) for path, body, at in json.load(answer)]

    def wait_for(self, count: int) -> list[tuple[int, float]]:
        """(ticket, when its call came) of so many calls."""
        found: list[tuple[int, float]] = []
        for _ in range(2400):
            found += [(body["ticket"], at) for _path, body, at in self.came()]
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise SystemExit(f"only {len(found)} of {count} calls arrived within two minutes")


@contextmanager
def hub() -> Iterator[Hub]:
    """In a process of its own: what it does is not what the worker costs."""
    server = subprocess.Popen([sys.executable, Path(__file__).with_name("hub.py")], stdout=subprocess.PIPE, text=True)
    try:
        yield Hub(int(server.stdout.readline()))
    finally:
        server.kill()
        server.wait()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    import servers

    with servers.postgresql_database() as url:
        yield url


def opened(url: str, folder: Path, port: int, definition: str = DEFINITION) -> Any:
    from engine.application import start
    from engine.builtin import default_registry
    from engine.load import load_text
    from engine.storage.database import Database
    from engine.storage.files import FileStore

    registry = default_registry()
    loaded = load_text(definition.replace("PORT", str(port)), registry)
    return start(loaded, Database(url), registry=registry, files=FileStore(folder / "files"))


def filled(app: Any, events: int) -> list[int]:
    from engine import service
    from engine.people import system_actor

    part = service.save(app, system_actor(), "part", {"name": "Bolt", "stock": 10 * events}).id
    return [service.save(app, system_actor(), "ticket", {"name": f"T{n}", "part": part}).id for n in range(events)]


def timed(work: Any, ids: list[int]) -> tuple[float, float]:
    """(events per second, CPU milliseconds of this process per event)."""
    for id in ids[: len(ids) // 10]:
        work(id)
    rest = ids[len(ids) // 10 :]
    wall, cpu = time.perf_counter(), time.process_time()
    for id in rest:
        work(id)
    return len(rest) / (time.perf_counter() - wall), (time.process_time() - cpu) * 1000 / len(rest)


# --- the floor -------------------------------------------------------------------------------------------------------


def bare(app: Any, ids: list[int]) -> tuple[float, float]:
    """The same rows by plain statements of the driver, in one transaction per event."""
    sqlite = app.database.dialect == "sqlite"
    raw = app.database.engine.raw_connection()
    conn = raw.driver_connection
    cursor = conn.cursor()
    tables = {name: app.tables.form[name].name for name in ("ticket", "log", "part")}

    def run(sql: str, values: tuple[Any, ...]) -> Any:
        cursor.execute(sql if sqlite else sql.replace("?", "%s"), values)
        return cursor

    def insert(table: str, row: dict[str, Any]) -> int:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        found = run(f'INSERT INTO "{table}" ({names}) VALUES ({marks}) RETURNING id', tuple(row.values())).fetchone()
        return int(found[0])

    def event(at: Any, form: str, id: int, kind: str, cause: int | None) -> int:
        row = {"at": at, "form": form, "record_id": id, "kind": kind, "actor_kind": "system", "depth": 0,
               "changes": json.dumps({"state": ["open", "closed"]}), "trace": json.dumps([{"rule": "booked"}]),
               "definition": "bare", "cause": cause}  # fmt: skip
        return insert("_event", row)

    def close(id: int) -> None:
        at: Any = dt.datetime.now(dt.UTC)
        at = at.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else at
        if sqlite:
            run("BEGIN IMMEDIATE", ())
        name, part, version = run(
            f'SELECT name, part, version FROM "{tables["ticket"]}" WHERE id = ?', (id,)
        ).fetchone()
        stock, seen = run(f'SELECT stock, version FROM "{tables["part"]}" WHERE id = ?', (part,)).fetchone()
        run(f'UPDATE "{tables["ticket"]}" SET state = ?, state_since = ?, updated_at = ?, version = version + 1'
            " WHERE id = ? AND version = ?", ("closed", at, at, id, version))  # fmt: skip
        cause = event(at, "ticket", id, "taken", None)
        run("UPDATE _stay SET left_at = ?, dwell_seconds = 1 WHERE form = ? AND record_id = ? AND left_at IS NULL",
            (at, "ticket", id))  # fmt: skip
        insert("_stay", {"form": "ticket", "record_id": id, "state": "closed", "entered_at": at})
        ran = insert("_run", {"key": f"bare{id}", "rule": "booked", "form": "ticket", "record_id": id, "event_id": cause,
                              "definition": "bare", "state": "working", "inner": "[]", "given": "{}", "results": "{}",
                              "trace": json.dumps({"rule": "booked"}), "started_at": at, "depth": 0})  # fmt: skip
        log = insert(tables["log"], {"version": 1, "created_at": at, "updated_at": at, "_title": name, "name": name,
                                     "ticket": id})  # fmt: skip
        event(at, "log", log, "created", cause)
        if sqlite:
            run("INSERT INTO _fts_log (rowid, words) VALUES (?, ?)", (log, name))
        run(f'UPDATE "{tables["part"]}" SET stock = ?, updated_at = ?, version = version + 1 WHERE id = ? AND version = ?',
            (stock - 1, at, part, seen))  # fmt: skip
        event(at, "part", part, "updated", cause)
        insert("_message", {"key": f"bare{id}", "run_id": ran, "step": 2, "kind": "http", "connection": "hub",
                            "lane": f"hub|ticket:{id}", "form": "ticket", "record_id": id,
                            "effect": json.dumps({"path": "/closed"}), "due_at": at, "state": "done", "attempts": 0,
                            "definition": "bare", "event_id": cause, "created_at": at})  # fmt: skip
        run("COMMIT", ()) if sqlite else conn.commit()

    found = timed(close, ids)
    raw.close()
    return found


# --- delivery --------------------------------------------------------------------------------------------------------


def delivering(app: Any, engine: Any, hub: Hub, ids: list[int]) -> tuple[float, float, list[float], float]:
    """(deliveries per second of a backlog, CPU milliseconds of each, seconds from commit to the arrival of the call,
    CPU share when idle)."""
    from engine import service
    from engine.people import system_actor

    who, few = system_actor(), ids[:60]
    app.database.doorbell = engine
    backlog = pending(app)
    hub.came()
    cpu = time.process_time()
    engine.start()
    came = sorted(at for _ticket, at in hub.wait_for(backlog))
    rate, each = (backlog - 1) / (came[-1] - came[0]), (time.process_time() - cpu) * 1000 / backlog
    committed = {}
    for id in few:
        service.take(app, who, "ticket", id, "close")
        committed[id] = time.time()
        time.sleep(0.05)
    lags = [max(0.0, at - committed[id]) for id, at in hub.wait_for(len(few))]
    cpu, wall = time.process_time(), time.perf_counter()
    time.sleep(10)
    idle = (time.process_time() - cpu) / (time.perf_counter() - wall)
    engine.stop(10)
    return rate, each, lags, idle


def pending(app: Any) -> int:
    table = app.tables.message
    with app.database.read() as conn:
        query = sa.select(sa.func.count()).where(table.c.state == "waiting", table.c.kind == "http")
        return int(conn.scalar(query) or 0)


def engines(kind: str, app: Any, threads: int) -> Iterator[tuple[str, Any]]:
    from engine.jobs.embedded import Embedded
    from engine.jobs.engine import only

    yield "embedded", Embedded(only(app), threads=threads)
    if kind == "postgresql":
        from engine.jobs.procrastinate_engine import ProcrastinateEngine

        yield "procrastinate", ProcrastinateEngine(only(app), threads=threads)


def measured(kind: str, events: int, threads: int) -> None:
    from engine import service
    from engine.people import system_actor

    who = system_actor()
    with tempfile.TemporaryDirectory() as name, hub() as calls, database(kind, Path(name)) as url:
        app = opened(url, Path(name), calls.port)
        print(kind)
        for turn, (name_of, engine) in enumerate(engines(kind, app, threads)):
            app.database.doorbell = engine
            ids = filled(app, 2 * events + 60)
            mine = timed(lambda id: service.take(app, who, "ticket", id, "close"), ids[60 : 60 + events])
            if turn == 0:
                told_rules(mine, bare(app, ids[60 + events :]))
            told_delivery(name_of, *delivering(app, engine, calls, ids))
        app.database.close()


def told_rules(mine: tuple[float, float], least: tuple[float, float]) -> None:
    good = mine[0] >= 300 or mine[1] <= 4 * least[1]
    print(
        f"  rules in the transaction   {mine[0]:6.0f}/s  {mine[1]:5.2f} ms   bare {least[0]:6.0f}/s  {least[1]:5.2f} ms"
        f"   {mine[1] / least[1]:4.2f} ×  (goal 300/s or 4 ×){'' if good else '   MISSED'}",
        flush=True,
    )


def told_delivery(engine: str, rate: float, each: float, lags: list[float], idle: float) -> None:
    p50, p95 = statistics.median(lags) * 1000, statistics.quantiles(lags, n=20)[-1] * 1000
    print(f"  {engine}")
    print(
        f"    delivered                {rate:6.0f}/s  {each:5.2f} ms  (goal 200/s){'' if rate >= 200 else '   MISSED'}"
    )
    print(
        f"    commit to arrival        p50 {p50:.1f} ms, p95 {p95:.1f} ms  (goal 20, 100)"
        f"{'' if p50 < 20 and p95 < 100 else '   MISSED'}"
    )
    print(
        f"    idle                     {idle * 100:.2f} % CPU  (goal 1){'' if idle < 0.01 else '   MISSED'}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=800)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args()
    for kind in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        measured(kind, options.events, options.threads)


if __name__ == "__main__":
    main()
