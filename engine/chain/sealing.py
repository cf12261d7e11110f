"""The sealer: seals what is committed for certain, a bounded piece at a time, behind those who write.

It reads and hashes in a transaction that only reads, and writes one row in another; a process that dies leaves a seal
or none. Of several sealers one is faster, the others find nothing left to do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from engine.application import Application
from engine.chain.anchors import Daily
from engine.chain.settling import Settling
from engine.faults import point
from engine.storage import leaves, locks, seals
from engine.storage.database import Database
from engine.storage.leaves import Content, forgiving, leaf
from engine.storage.seals import CHAIN, FORMAT, Head, Seal, packed
from engine.storage.tables import SYSTEM
from engine.timing.clockwork import Clockwork

MOST = 1000  # events or amendments in one seal: 20 ms of work
EVERY = dt.timedelta(seconds=2)
AGAIN = dt.timedelta(seconds=0.1)  # while there is more, or writers are waited for: others need the processor too

EVENT, SEAL, AMENDMENT = (SYSTEM[name] for name in ("event", "seal", "amendment"))


@dataclass(frozen=True)
class Step:
    """What came of one look: the number of the new seal, if there is one, and whether to look again at once."""

    seal: int | None = None
    more: bool = False


class Sealer:
    """One per process; it keeps who is waited for, everything else stands in the database."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._settling = Settling()

    def step(self, database: Database, now: dt.datetime) -> Step:
        """Add at most one seal."""
        upto = self._settling.upto(database)
        point("events settled")
        made = next_seal(database, upto, now, self._most)
        if made is None:
            return Step(more=self._settling.waiting)
        kept = keep(database, made)
        full = made.events >= self._most or len(seals.unpacked(made.amended)) >= self._most
        return Step(made.number if kept else None, more=full or not kept or self._settling.waiting)


def next_seal(database: Database, upto: int, now: dt.datetime, most: int) -> Seal | None:
    """The seal that follows, over what is not sealed yet up to the event ``upto``; None where there is nothing.

    Amendments come first: what is sealed beside them is as they left it.
    """
    with database.read() as conn, forgiving(conn):
        head = seals.head(conn, SEAL)
        amended = leaves.read(conn, AMENDMENT, AMENDMENT.c.id > head.amendments, most=most)
        new = (EVENT.c.id > head.last_event, EVENT.c.id <= upto)
        found = leaves.read(conn, EVENT, *new, most=most) if len(amended) < most else []
    return _made(head, found, amended, now) if found or amended else None


def _made(head: Head, found: list[Content], amended: list[Content], now: dt.datetime) -> Seal:
    seal = Seal(
        number=head.number + 1,
        at=now.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        format=FORMAT,
        first_event=head.last_event + 1,
        last_event=found[-1]["id"] if found else head.last_event,
        events=len(found),
        amendments=amended[-1]["id"] if amended else head.amendments,
        leaves=packed((row["id"], leaf(row)) for row in found),
        amended=packed((row["id"], leaf(row)) for row in amended),
        previous=head.hash,
    )
    return replace(seal, hash=seal.worked_out())


def keep(database: Database, seal: Seal) -> bool:
    """Append it, if it still is the next one and nothing was amended since it was made; answers whether it was."""
    with database.write() as conn:
        if not locks.if_free(conn, CHAIN):
            return False
        head = seals.head(conn, SEAL)
        newest = conn.scalar(sa.select(sa.func.max(AMENDMENT.c.id))) or 0
        whole = newest == seal.amendments or not seal.events
        if (head.number, head.hash) != (seal.number - 1, seal.previous) or not whole:
            return False
        row = {name: getattr(seal, name) for name in SEAL.c.keys()}  # noqa: SIM118 - columns are no mapping
        conn.execute(sa.insert(SEAL).values({**row, "at": dt.datetime.fromisoformat(seal.at)}))
        point("seal written")
    return True


def seal_all(database: Database, clock: Callable[[], dt.datetime], most: int = MOST) -> int:
    """Everything that can be sealed now; answers how many seals that took. For tests and tools, not beside people."""
    sealer, made = Sealer(most), 0
    while sealer.step(database, clock()).seal is not None:
        made += 1
    return made


def sealing(current: Callable[[], Application], anchor: str | None = None) -> Clockwork:
    """Seals in a thread of its own, as long as it runs; ``anchor``: the file that keeps the head once a day."""
    return Clockwork(current, work=partial(look, sealer=Sealer(), daily=Daily(anchor)), begin=lambda _app: None)


def look(app: Application, sealer: Sealer, daily: Daily) -> dt.datetime:
    """Seal and keep what is due; answers when to look again."""
    step = sealer.step(app.database, app.clock())
    daily.look(app.database, app.clock())
    return app.clock() + (AGAIN if step.more else EVERY)
