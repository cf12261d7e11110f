"""Wall screens: who they are, made and revoked by administrators. It only reads, as one role, without a person."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.people import Actor
from engine.sessions import digest, last_event
from engine.storage.tables import Tables

USED_EVERY = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Wall:
    id: int
    actor: Actor
    address: str
    last_event: int
    note_use: bool  # its last use should be written down again


def create(conn: sa.Connection, tables: Tables, *, name: str, role: str, address: str, language: str, by: int | None,
           now: dt.datetime) -> str:  # fmt: skip
    """A new screen; answers the secret of its link, which is shown once and cannot be had again."""
    secret = secrets.token_urlsafe(32)
    conn.execute(tables.wall.insert().values(
        token_hash=digest(secret), name=name, role=role, address=address, language=language, created_by=by,
        created_at=now))  # fmt: skip
    return secret


def find(conn: sa.Connection, tables: Tables, secret: str, *, now: dt.datetime, timezone: str) -> Wall | None:
    """The screen this secret stands for, unless it was revoked."""
    wall = tables.wall
    query = sa.select(wall, last_event(tables)).where(wall.c.token_hash == digest(secret), wall.c.revoked_at.is_(None))
    row = conn.execute(query).mappings().first()
    if row is None:
        return None
    actor = Actor(
        id=None, login="", name=row["name"], roles=frozenset({row["role"]}), groups=frozenset(),
        language=row["language"], timezone=timezone, scopes=frozenset({"read"}), view_as=row["role"],
    )  # fmt: skip
    stale = row["last_used_at"] is None or now - row["last_used_at"] > USED_EVERY
    return Wall(row["id"], actor, row["address"], row["last_event"] or 0, stale)


def note_use(conn: sa.Connection, tables: Tables, id: int, now: dt.datetime) -> None:
    conn.execute(tables.wall.update().where(tables.wall.c.id == id).values(last_used_at=now))


def all_of(conn: sa.Connection, tables: Tables) -> list[Any]:
    """Those in force first, then the newest."""
    wall, user = tables.wall, tables.user
    made_by = user.c.id == wall.c.created_by
    query = sa.select(wall, user.c.name.label("maker")).join_from(wall, user, made_by, isouter=True)
    return list(conn.execute(query.order_by(wall.c.revoked_at.is_not(None), wall.c.id.desc()).limit(200)))


def revoke(conn: sa.Connection, tables: Tables, id: int, now: dt.datetime) -> bool:
    """Answers whether there was one; the screen goes dark with its next question."""
    wall = tables.wall
    found = conn.execute(wall.update().where(wall.c.id == id, wall.c.revoked_at.is_(None)).values(revoked_at=now))
    return bool(found.rowcount)
