"""One rendered form is carried out once: a double click, a resend or a lost answer leads to the first result.

The token of the form is noted in the transaction that saves the record, so that either both are there or neither is; a
second post of it waits for the writer before it, finds the note and is answered with its record.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from engine.storage.tables import Tables

KEPT = dt.timedelta(days=2)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


def new_token() -> str:
    return secrets.token_urlsafe(18)


def note_key(user_id: int | None, token: str | None) -> str | None:
    """The key under which a post is noted: a token of somebody else's form is another key."""
    return f"once:{user_id}:{token}" if token and _TOKEN.fullmatch(token) else None


def done_before(conn: sa.Connection, tables: Tables, key: str | None) -> int | None:
    """The id of the record an earlier post of the same form led to."""
    if key is None:
        return None
    rate = tables.rate
    found = conn.execute(sa.select(rate.c.hits).where(rate.c.key == key, rate.c.window == 0)).scalar()
    return int(found) if found else None


def note(conn: sa.Connection, tables: Tables, key: str | None, record_id: int, now: dt.datetime) -> bool:
    """Note the result; False when another post of the same form was first."""
    if key is None:
        return True
    try:
        with conn.begin_nested():
            conn.execute(
                sa.insert(tables.rate).values(key=key, window=0, hits=record_id, expires_at=now + KEPT)
            )
    except IntegrityError:
        return False
    return True
