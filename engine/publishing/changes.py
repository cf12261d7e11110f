"""Drafts of a definition: kept in the database, changed by one writer at a time.

A draft belongs to its author; who has its link may work on it too, if they may design at all.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.errors import Missing, Stale, message
from engine.storage.tables import Tables

NOTHING_TO_UNDO: Mapping[str, Any] = {"limit": 100, "done": [], "undone": []}


@dataclass(frozen=True)
class Change:
    """One draft. ``version`` counts its edits: whoever writes says which one was seen."""

    id: int
    title: str
    text: str
    base: str
    base_text: str
    undo: Mapping[str, Any]
    decisions: Mapping[str, Any]
    state: str
    token: str
    version: int
    author_id: int | None
    guests: Sequence[int]
    created_at: dt.datetime
    updated_at: dt.datetime

    def is_open_to(self, user: int | None) -> bool:
        """Whether this person may work on it: its author, and whoever came by its link."""
        return user is not None and (user == self.author_id or user in self.guests)

    @property
    def is_open(self) -> bool:
        return self.state == "open"


def begin(
    conn: sa.Connection, tables: Tables, *, title: str, base: str, base_text: str, text: str, by: int | None,
    now: dt.datetime,
) -> Change:  # fmt: skip
    """A new draft of ``text``, which began from ``base_text`` with the hash ``base``."""
    row: dict[str, Any] = {
        "title": title, "text": text, "base": base, "base_text": base_text, "undo": dict(NOTHING_TO_UNDO),
        "decisions": {}, "state": "open", "token": secrets.token_urlsafe(24), "version": 1, "author_id": by,
        "guests": [], "created_at": now, "updated_at": now,
    }  # fmt: skip
    id = conn.execute(sa.insert(tables.change).values(row).returning(tables.change.c.id)).scalar_one()
    return Change(id=id, **row)


def find(conn: sa.Connection, tables: Tables, id: int) -> Change:
    """Raises Missing."""
    return _one(conn, tables, tables.change.c.id == id)


def find_shared(conn: sa.Connection, tables: Tables, token: str) -> Change:
    """The draft a link leads to. Raises Missing."""
    return _one(conn, tables, tables.change.c.token == token)


def listed(conn: sa.Connection, tables: Tables, *, user: int | None = None, limit: int = 200) -> Sequence[Change]:
    """Open drafts, the newest first; those one person may work on, or everybody's."""
    table = tables.change
    people = sa.select(table.c.id, table.c.author_id, table.c.guests).where(table.c.state == "open")
    open_ones = conn.execute(people.order_by(table.c.id.desc()))
    theirs = [row.id for row in open_ones if user is None or user in (row.author_id, *row.guests)][:limit]
    select = sa.select(table).where(table.c.id.in_(theirs)).order_by(table.c.id.desc())
    return [Change(**row) for row in conn.execute(select).mappings()]


def join(conn: sa.Connection, tables: Tables, token: str, user: int) -> Change:
    """The draft a link leads to; whoever has it may work on it from now on. Raises Missing."""
    found = find_shared(conn, tables, token)
    if found.is_open_to(user):
        return found
    guests = [*found.guests, user]
    conn.execute(sa.update(tables.change).where(tables.change.c.id == found.id).values(guests=guests))
    return replace(found, guests=guests)


def keep(conn: sa.Connection, tables: Tables, seen: Change, *, now: dt.datetime, **values: Any) -> Change:
    """Write what changed (``text``, ``undo``, ``decisions``, ``title``, ``state``, ``base``, ``base_text``) if the
    draft is still the one that was seen. Raises Stale when somebody else was faster."""
    table = tables.change
    row = {**values, "version": seen.version + 1, "updated_at": now}
    here = (table.c.id == seen.id, table.c.version == seen.version, table.c.state == "open")
    if not conn.execute(sa.update(table).where(*here).values(row)).rowcount:
        raise Stale(message("This draft was changed elsewhere meanwhile. What is there now is shown."))
    return replace(seen, **row)


def _one(conn: sa.Connection, tables: Tables, where: sa.ColumnElement[bool]) -> Change:
    found = conn.execute(sa.select(tables.change).where(where)).mappings().first()
    if found is None:
        raise Missing(message("There is no such draft."))
    return Change(**found)
