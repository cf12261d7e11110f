"""What rules cost, against the same SQL in one bare transaction measured in the same run.

``python benchmarks/rules.py [--events 400] [--database sqlite|postgresql|both]``

One event is: a ticket is closed by a transition; a rule creates a log record, takes one from the stock of its part and
leaves one web call to be delivered. Printed per database: events per second and CPU milliseconds per event in one
process, beside the floor; deliveries per second by one worker to a web server on this machine; the time from commit to
the start of the call (p50, p95) at an easy pace; the CPU of a process with nothing to do.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.server
import json
import statistics
import sys
import tempfile
import threading
import time
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


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers every call at once and notes when it came."""

    protocol_version = "HTTP/1.1"
    came: list[tuple[int, float]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.came.append((body.get("ticket", 0), time.time()))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def hub() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    import servers

    with servers.postgresql_database() as url:
        yield url


def opened(url: str, folder: Path, port: int) -> Any:
    from engine.application import start
    from engine.builtin import default_registry
    from engine.load import load_text
    from engine.storage.database import Database
    from engine.storage.files import FileStore

    registry = default_registry()
    loaded = load_text(DEFINITION.replace("PORT", str(port)), registry)
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
