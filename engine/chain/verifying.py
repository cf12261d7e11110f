"""Verification: everything the chain covers is read once, in order, a page in memory at a time, and compared.

All is read from one consistent view. Events, seals and amendments run beside each other like three sorted files; the
leaves that a seal keeps say which event it is that differs, its hash says whether the leaves are those of then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from engine.chain.anchors import Anchor
from engine.chain.faults import Fault, Kind
from engine.storage import amending, leaves
from engine.storage.amending import Renaming
from engine.storage.leaves import Content, forgiving, leaf
from engine.storage.seals import FORMAT, START, Seal, seal_of, unpacked
from engine.storage.tables import SYSTEM

EVENT, SEAL, AMENDMENT = (SYSTEM[name] for name in ("event", "seal", "amendment"))
SEALS_AT_ONCE = 50  # of at most 40 kB of leaves each
MOST_FAULTS = 1000  # that are kept; all are counted

NUMBERS = (-(2**63), 2**63 - 1)  # SQLite lets anything stand in a column of numbers, texts after all of them

Told = Callable[[int], None]  # how many events are behind


@dataclass
class Outcome:
    """``events`` and ``seals`` are as they were; ``unsealed`` events came after the last seal, the oldest of them at
    ``unsealed_since``. ``amended``: the event that is the reason → how many events were changed for it."""

    events: int = 0
    seals: int = 0
    last_seal: int = 0
    unsealed: int = 0
    unsealed_since: str | None = None
    amended: Counter[int] = field(default_factory=Counter)
    renamings: tuple[Renaming, ...] = ()
    anchors: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.fault_count

    def add(self, fault: Fault) -> None:
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


def verify(conn: sa.Connection, anchors: Iterable[Anchor] = (), told: Told = lambda _events: None) -> Outcome:
    """Compare everything with the chain, in the reading transaction of ``conn``."""
    with forgiving(conn):
        return _Verification(conn, anchors, told).run()


class _File:
    """Rows in the order of one number, taken up to a bound at a time."""

    def __init__(self, rows: Iterator[Content], by: str) -> None:
        self._rows, self._by = rows, by
        self._next = next(rows, None)

    def until(self, bound: int) -> Iterator[Content]:
        while self._next is not None and self._next[self._by] <= bound:
            row, self._next = self._next, next(self._rows, None)
            yield row

    def rest(self) -> Iterator[Content]:
        while self._next is not None:
            row, self._next = self._next, next(self._rows, None)
            yield row


class _Verification:
    def __init__(self, conn: sa.Connection, anchors: Iterable[Anchor], told: Told) -> None:
        self._conn, self._told = conn, told
        self._seals = leaves.rows(conn, SEAL, by=("number",), page=SEALS_AT_ONCE)
        self._events = _File(leaves.rows(conn, EVENT), "id")
        self._amendments = _File(leaves.rows(conn, AMENDMENT), "id")
        changed = leaves.rows(conn, AMENDMENT, AMENDMENT.c.event_id.between(*NUMBERS), by=("event_id", "id"))
        self._changed = _File(changed, "event_id")
        self._renamings: Sequence[Renaming] = amending.renamings(conn, AMENDMENT)
        self._anchors = sorted(anchors, key=lambda one: one.number)
        self._anchored = {number: list(found) for number, found in groupby(self._anchors, lambda one: one.number)}
        self.outcome = Outcome(renamings=tuple(self._renamings), anchors=len(self._anchors))
        self._before: tuple[Seal, bool] | None = None  # the seal before, and whether it is what it was
        self._seen = 0

    def run(self) -> Outcome:
        for content in self._seals:
            number = content["number"]
            if number < 1:
                self._fault("seal added", number)
                continue
            for missing in range(self.outcome.last_seal + 1, min(number, self.outcome.last_seal + MOST_FAULTS)):
                self._fault("seal missing", missing)
            self.outcome.last_seal = number
            seal = seal_of(content)
            if seal is None:
                self._fault("seal broken", number)
            else:
                self._seal(seal)
        self._after()
        return self.outcome

    def _fault(self, kind: Kind, seal: int | None = None, **where: Any) -> None:
        self.outcome.add(Fault(kind, seal, **where))

    # --- seals

    def _seal(self, seal: Seal) -> None:
        covers = _covers(seal)
        self._judge(seal, covers is not None)
        self._compare_events(seal, covers or _covered_by_leaves(seal))
        self._compare_amendments(seal, seal.amendments if covers else max(unpacked(seal.amended), default=0))
        self._before = (seal, covers is not None)
        self._told(self._seen)

    def _judge(self, seal: Seal, sound: bool) -> None:
        if not sound:
            self._fault("seal broken", seal.number, at=seal.at)
        elif not self._follows(seal):
            self._fault("link broken", seal.number, at=seal.at)
        else:
            self.outcome.seals += 1
        for anchor in self._anchored.pop(seal.number, ()):
            if anchor.hash != seal.hash:
                self._fault("anchor", anchor.number, at=anchor.at.isoformat())

    def _follows(self, seal: Seal) -> bool:
        """It continues the one before, as far as that can be asked: one that is gone or broken is a fault already."""
        if self._before is None or self._before[0].number != seal.number - 1:
            return seal.number > 1 or (seal.previous, seal.first_event) == (START, 1)
        before, sound = self._before
        after = not sound or (seal.first_event == before.last_event + 1 and seal.amendments >= before.amendments)
        return seal.previous == before.hash and after

    def _after(self) -> None:
        """What came after the last seal; and the anchored seals that are not there."""
        for found in self._anchored.values():
            for anchor in found:
                self._fault("anchor", anchor.number, at=anchor.at.isoformat())
        for row in self._events.rest():
            self.outcome.unsealed += 1
            self.outcome.unsealed_since = self.outcome.unsealed_since or row["at"]
        self._told(self._seen + self.outcome.unsealed)

    # --- events

    def _compare_events(self, seal: Seal, covers: tuple[int, int]) -> None:
        for row in self._events.until(covers[0] - 1):
            self._event_fault("uncovered", None, row)
        sealed = unpacked(seal.leaves)
        for row in self._events.until(covers[1]):
            self._seen += 1
            was = sealed.pop(row["id"], None)
            if was is None:
                self._event_fault("added", seal.number, row)
            elif self._stands(row, was, seal.amendments):
                self.outcome.events += 1
            else:
                self._event_fault("changed", seal.number, row)
        for id in sealed:
            self._fault("missing", seal.number, event_id=id, at=seal.at)

    def _stands(self, row: Content, was: bytes, known: int) -> bool:
        changed = [one for one in self._changes_of(row["id"]) if one["id"] > known]
        if not changed and not self._renamings:
            return leaf(row) == was
        stands = amending.stands(row, was, known, changed, self._renamings) is not None
        if changed and stands:
            self.outcome.amended[changed[-1]["reason_event"]] += 1
            self._ask_why(changed)
        return stands

    def _ask_why(self, changed: Sequence[Content]) -> None:
        for one in changed:
            if self._conn.scalar(sa.select(EVENT.c.id).where(EVENT.c.id == one["reason_event"])) is None:
                self._fault("no reason", event_id=one["event_id"], amendment=one["id"], at=one["at"])

    def _changes_of(self, id: int) -> list[Content]:
        return [one for one in self._changed.until(id) if one["event_id"] == id]

    def _event_fault(self, kind: Kind, seal: int | None, row: Content) -> None:
        where = {"event_id": row["id"], "form": row["form"], "record_id": row["record_id"], "at": row["at"]}
        self._fault(kind, seal, **where)

    # --- amendments

    def _compare_amendments(self, seal: Seal, upto: int) -> None:
        sealed = unpacked(seal.amended)
        for row in self._amendments.until(upto):
            was = sealed.pop(row["id"], None)
            if was is None:
                self._fault("amendment added", seal.number, amendment=row["id"], at=row["at"], event_id=row["event_id"])
            elif leaf(row) != was:
                self._fault("amendment changed", seal.number, amendment=row["id"], at=row["at"])
        for id in sealed:
            self._fault("amendment missing", seal.number, amendment=id, at=seal.at)


def _covers(seal: Seal) -> tuple[int, int] | None:
    """From which event to which; None for a seal that is not what it was when it was made."""
    entries = unpacked(seal.leaves)
    within = all(seal.first_event <= id <= seal.last_event for id in entries) and len(entries) == seal.events
    sound = seal.format == FORMAT and seal.hash == seal.worked_out() and within
    return (seal.first_event, seal.last_event) if sound else None


def _covered_by_leaves(seal: Seal) -> tuple[int, int]:
    """The best that can be said of a broken one."""
    ids = unpacked(seal.leaves)
    return min(ids, default=0), max(ids, default=0)
