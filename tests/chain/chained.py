"""Events, a chain over them, and somebody with the database's own tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from storing import NOW, TICKETS, install

from engine.chain.faults import Fault
from engine.chain.sealing import seal_all
from engine.chain.verifying import Outcome, verify
from engine.storage import events
from engine.storage.database import Database
from engine.storage.events import GUARDED, Event
from engine.storage.tables import SYSTEM, Tables

EVENT, SEAL, AMENDMENT = (SYSTEM[name] for name in ("event", "seal", "amendment"))


def happen(conn: sa.Connection, tables: Tables, number: int, **more: Any) -> int:
    """One event; ``number`` is in its content."""
    said = {"form": "ticket", "kind": "updated", "from_state": "fresh", "to_state": "done", "reason": f"because {number}",
            "changes": {"note": [None, f"第 {number}"], "hours": ["1.50", number]}, "trace": [{"rule": "x", "held": True}]}  # fmt: skip
    return events.append(conn, tables, Event(at=NOW, record_id=100 + number, **{**said, **more}))


def filled(database: Database, count: int, text: str = TICKETS) -> Tables:
    tables = install(database, text)
    with database.write() as conn:
        for number in range(count):
            happen(conn, tables, number)
    return tables


def sealed(database: Database, count: int, most: int = 4, text: str = TICKETS) -> Tables:
    """``count`` events in seals of at most ``most``."""
    tables = filled(database, count, text)
    seal_all(database, lambda: NOW, most)
    return tables


@contextmanager
def unguarded(database: Database) -> Iterator[sa.Connection]:
    """As somebody who may do everything in the database."""
    with database.write() as conn:
        events.unguard(conn, *GUARDED)
        yield conn
        events.guard(conn, *GUARDED)


def tampered(database: Database, tamper: Callable[[sa.Connection], Any], *anchors: Any) -> Outcome:
    """What a verification finds after it; and then it never happened."""
    with database.engine.connect() as conn:
        conn.begin()
        events.unguard(conn, *GUARDED)
        tamper(conn)
        outcome = verify(conn, anchors)
        conn.rollback()
    return outcome


def verified(database: Database, *anchors: Any) -> Outcome:
    with database.read() as conn:
        return verify(conn, anchors)


def found(outcome: Outcome) -> list[tuple[str, int | None, int | None]]:
    """(what, event, seal) of every fault."""
    return [_told(fault) for fault in outcome.faults]


def _told(fault: Fault) -> tuple[str, int | None, int | None]:
    return fault.kind, fault.event_id, fault.seal
