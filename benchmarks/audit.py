"""How fast the audit chain is sealed and verified, and in what memory.

    python benchmarks/audit.py [--events 1000000] [--database postgresql://…]

Generated events of the size that a working application writes (about 900 bytes); without --database a SQLite file that
is gone afterwards. The processor time is that of this process; of PostgreSQL's own processes it is not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.application import start
from engine.builtin import default_registry
from engine.chain.sealing import Sealer
from engine.chain.verifying import verify
from engine.load import load_text
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.storage.tables import SYSTEM

NOW = dt.datetime(2026, 3, 4, 1, 30, tzinfo=dt.UTC)
EMPTY = """
app: audit
label: Audit
forms:
  ticket: {label: Ticket, fields: {subject: {type: text}}}
"""
CHUNK = 5000


def event(number: int) -> dict[str, Any]:
    trace = [{"rule": "remind", "matched": True, "held": number % 3 == 0, "effects": [],
              "clauses": [{"text": "record.amount >= 1000", "holds": True, "values": [["record.amount", number]]}]}]  # fmt: skip
    changes = {"due_on": ["2026-03-04", "2026-03-09"], "amount": [None, f"{number}.50"], "note": [None, "请尽快处理"],
               "client": [None, number % 500], "positions": [[], [{"id": number, "quantity": "3.000000"}]]}  # fmt: skip
    return {"at": NOW + dt.timedelta(seconds=number), "form": "ticket", "record_id": number // 8, "kind": "updated",
            "transition": "finish", "from_state": "fresh", "to_state": "done", "actor_kind": "user", "depth": 0,
            "reason": "asked for by phone", "changes": changes, "trace": trace, "definition": "0123456789abcdef"}  # fmt: skip


def fill(database: Database, count: int) -> None:
    for first in range(0, count, CHUNK):
        with database.write() as conn:
            conn.execute(sa.insert(SYSTEM["event"]), [event(n) for n in range(first, min(first + CHUNK, count))])


def own_memory() -> float:
    """Megabytes of this process, without the parts of the database file that SQLite maps into it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


@contextmanager
def measured(what: str, count: int) -> Iterator[None]:
    wall, busy = time.perf_counter(), time.process_time()
    yield
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    memory = own_memory()
    print(f"{what:34} {wall:7.1f} s, {busy:7.1f} s of the processor, {count / wall:9.0f} per second, {memory:5.0f} MB")


def seal_all(database: Database) -> int:
    sealer, seals = Sealer(), 0
    while sealer.step(database, NOW).seal is not None:
        seals += 1
    return seals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--database", help="an empty one; default: a SQLite file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(options.database or f"sqlite:///{folder}/audit.db", synchronous="OFF")
        run(database, Path(folder), options.events)
        database.close()


def run(database: Database, folder: Path, count: int) -> None:
    registry = default_registry()
    start(load_text(EMPTY, registry), database, registry=registry, files=FileStore(folder))
    with measured("generated", count):
        fill(database, count)
    database.analyse()
    with measured("sealed", count):
        seals = seal_all(database)
    with measured(f"verified, {seals} seals", count), database.read() as conn:
        outcome = verify(conn)
    assert outcome.holds, outcome.faults[:3]
    assert outcome.events == count


if __name__ == "__main__":
    main()
