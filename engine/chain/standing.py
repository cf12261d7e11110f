"""How the audit chain stands: the last seal, what is not sealed yet, and what the last verification found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from engine.audit import WHOLE
from engine.chain.verifying import Outcome
from engine.storage.migrate import last_hash
from engine.storage.tables import SYSTEM

VERIFIED = "audit.verified"


@dataclass(frozen=True)
class Verified:
    """``changes`` of the event that a verification leaves."""

    at: dt.datetime
    held: bool
    faults: int


@dataclass(frozen=True)
class Standing:
    """``seal`` is 0 before the first; ``unsealed`` is counted up to ``MOST``."""

    MOST: ClassVar[int] = 1000

    seal: int
    at: dt.datetime | None
    last_event: int
    unsealed: int
    verified: Verified | None


def standing(conn: sa.Connection) -> Standing:
    seal, event = SYSTEM["seal"], SYSTEM["event"]
    columns = (seal.c.number, seal.c.at, seal.c.last_event)
    last = conn.execute(sa.select(*columns).order_by(seal.c.number.desc()).limit(1)).first()
    number, at, upto = last or (0, None, 0)
    later = sa.select(event.c.id).where(event.c.id > upto).limit(Standing.MOST).subquery()
    unsealed = conn.scalar(sa.select(sa.func.count()).select_from(later)) or 0
    return Standing(number, at, upto, unsealed, last_verified(conn))


def last_verified(conn: sa.Connection) -> Verified | None:
    event = SYSTEM["event"]
    where = (event.c.form == WHOLE, event.c.record_id == 0, event.c.kind == VERIFIED)
    found = conn.execute(
        sa.select(event.c.at, event.c.changes).where(*where).order_by(event.c.id.desc()).limit(1)
    ).first()
    if found is None:
        return None
    faults = (found.changes or {}).get("faults", [None, 0])[1]
    return Verified(found.at, faults == 0, faults)


def note(conn: sa.Connection, outcome: Outcome, now: dt.datetime) -> None:
    """Leave an event that says what the verification found, in the caller's transaction."""
    figures = {"events": outcome.events, "seals": outcome.seals, "faults": outcome.fault_count}
    changes: dict[str, Any] = {name: [None, figure] for name, figure in figures.items()}
    row = {"at": now, "form": WHOLE, "record_id": 0, "kind": VERIFIED, "actor_kind": "system", "changes": changes,
           "definition": last_hash(conn) or ""}  # fmt: skip
    conn.execute(sa.insert(SYSTEM["event"]).values(row))
