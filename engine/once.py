"""One rendered form is carried out once: a double click, a resend or a lost answer leads to the first result.

The key of the post is noted in the transaction that saves the record, so that either both are there or neither is; a
second post of it waits for the writer before it, finds the note and is answered with its record.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from engine.storage import records
from engine.walking import Saved

if TYPE_CHECKING:
    from engine.application import Application

KEPT = dt.timedelta(days=2)
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{16,128}")


class Repeated(Exception):
    """Another post of the same key was faster; its result is there by now."""


@dataclass(frozen=True)
class Once:
    """What a post is known by. ``draft``: the user, form and record whose draft it makes needless."""

    key: str
    draft: tuple[int, str, int] | None = None

    def earlier(self, app: Application, conn: sa.Connection, form: str) -> Saved | None:
        """What an earlier post of the key led to."""
        rate = app.tables.rate
        found = conn.scalar(sa.select(rate.c.hits).where(rate.c.key == self.key, rate.c.window == 0))
        row = records.get(conn, app.tables, form, int(found)) if found else None
        return None if row is None else Saved(row["id"], row["version"], row.get("state"), row, 0)

    def note(self, app: Application, conn: sa.Connection, saved: Saved) -> None:
        """Note the result; raises Repeated when another post of the key was first."""
        values = {"key": self.key, "window": 0, "hits": saved.id, "expires_at": app.clock() + KEPT}
        try:
            conn.execute(sa.insert(app.tables.rate).values(**values))
        except IntegrityError:
            raise Repeated from None
        if self.draft is not None:
            draft = app.tables.draft
            user, form, record = self.draft
            conn.execute(sa.delete(draft).where(
                draft.c.user_id == user, draft.c.form == form, draft.c.record_id == record))  # fmt: skip


def new_token() -> str:
    return secrets.token_urlsafe(18)


def once_of(user_id: int | None, token: str | None, draft: tuple[int, str, int] | None = None) -> Once | None:
    """None without a usable token. The same token of another person is another key."""
    return Once(f"once:{user_id}:{token}", draft) if token and _TOKEN.fullmatch(token) else None
