"""The audit chain: seals over events, each with the hash of the one before, and the lawful changes of sealed events.

A seal covers the events from ``first_event`` to ``last_event`` and the amendments up to ``amendments``. ``leaves`` and
``amended`` are what it covers: per row eight bytes of id (big endian) and the 32 bytes of its leaf (``leaves.leaf``).
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, count, key, moment, partial, text
from engine.storage.system import system

FORMAT = 1  # of leaves and of the hash of a seal
START = "0" * 64  # what the first seal continues
CHAIN = "audit chain"  # the turn that is taken by whoever seals or amends

_ENTRY = struct.Struct(">q32s")


@system("seal")
def _seal() -> list[Any]:
    """``hash``: see ``Seal.worked_out``; ``previous`` the hash of the seal before, ``START`` for the first."""
    return [
        sa.Column("number", BigInt, primary_key=True, autoincrement=False),
        moment("at"),
        count("format"),
        sa.Column("first_event", BigInt, nullable=False),
        sa.Column("last_event", BigInt, nullable=False),
        count("events"),
        count("amendments"),
        sa.Column("leaves", sa.LargeBinary, nullable=False),
        sa.Column("amended", sa.LargeBinary, nullable=False),
        text("previous"),
        text("hash"),
        sa.Index("ix__seal_last", "last_event", "number"),
    ]


@system("amendment")
def _amendment() -> list[Any]:
    """``renamed``: the names of forms, or of the states of ``form``, in all events there were, by a migration to
    ``definition``. ``changed``: one event, its leaf before and after in hexadecimal; ``reason_event`` says why."""
    return [
        key(),
        moment("at"),
        text("kind"),
        text("form", nullable=True),
        sa.Column("names", json_type()),
        text("definition", nullable=True),
        sa.Column("event_id", BigInt),
        text("leaf_before", nullable=True),
        text("leaf_after", nullable=True),
        sa.Column("reason_event", BigInt),
        partial("ix__amendment_event", "event_id", "id", where="event_id IS NOT NULL"),
    ]


@dataclass(frozen=True, slots=True)
class Seal:
    """A row of ``_seal``; ``at`` is an ISO 8601 text with microseconds, in UTC."""

    number: int
    at: str
    format: int
    first_event: int
    last_event: int
    events: int
    amendments: int
    leaves: bytes
    amended: bytes
    previous: str
    hash: str = ""

    def worked_out(self) -> str:
        """SHA-256 over the previous hash, what the seal says of itself, and the leaves it covers; hexadecimal."""
        said = [self.number, self.at, self.format, self.first_event, self.last_event, self.events, self.amendments]
        covered = [hashlib.sha256(entries).hexdigest() for entries in (self.leaves, self.amended)]
        return hashlib.sha256(json.dumps([self.previous, *said, *covered]).encode()).hexdigest()


@dataclass(frozen=True)
class Head:
    """The end of the chain; number 0 before the first seal."""

    number: int = 0
    last_event: int = 0
    amendments: int = 0
    hash: str = START


def head(conn: sa.Connection, table: sa.Table) -> Head:
    columns = (table.c.number, table.c.last_event, table.c.amendments, table.c.hash)
    found = conn.execute(sa.select(*columns).order_by(table.c.number.desc()).limit(1)).first()
    return Head(*found) if found else Head()


def seal_of(content: Mapping[str, Any]) -> Seal | None:
    """The seal of a row as the database keeps it; None where it holds what no seal holds."""
    numbers = ("number", "format", "first_event", "last_event", "events", "amendments")
    sound = all(isinstance(content[name], int) for name in numbers)
    sound = sound and all(isinstance(content[name], str) for name in ("at", "previous", "hash"))
    if not sound or not all(isinstance(content[name], bytes) for name in ("leaves", "amended")):
        return None
    return Seal(**content)


def packed(entries: Iterable[tuple[int, bytes]]) -> bytes:
    """(id, leaf) one after the other, as a seal keeps them."""
    return b"".join(_ENTRY.pack(id, leaf) for id, leaf in entries)


def unpacked(entries: bytes) -> dict[int, bytes]:
    """Id → leaf; what is left at the end and makes no whole entry is not looked at: the hash of the seal knows it."""
    whole = len(entries) - len(entries) % _ENTRY.size
    return dict(_ENTRY.iter_unpack(entries[:whole]))
