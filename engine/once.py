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

from engine.errors import Refused, message
from engine.storage import records
from engine.walking import Saved

if TYPE_CHECKING:
    from engine.application import Application

KEPT = dt.timedelta(days=2)
_RESULT, _CONTENT = 0, 1  # the windows under which the record's id and the checksum are noted
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{16,128}")


class Repeated(Exception):
    """Another post of the same key was faster; its result is there by now."""


@dataclass(frozen=True)
class Once:
    """What a post is known by. ``draft``: the user, form and record whose draft it makes needless. ``content``: a
    checksum (31 bits) of what was sent; a second post of the key with other content is Refused."""

    key: str
    draft: tuple[int, str, int] | None = None
    content: int | None = None

    def earlier(self, app: Application, conn: sa.Connection, form: str) -> Saved | None:
        """What an earlier post of the key led to."""
        rate = app.tables.rate
        noted = {row.window: row.hits for row in conn.execute(sa.select(rate).where(rate.c.key == self.key))}
        if self.content is not None and noted.get(_CONTENT, self.content) != self.content:
            raise Refused(message("This key was used for another request. Use a new one for each."))
        found = noted.get(_RESULT)
        row = records.get(conn, app.tables, form, int(found)) if found else None
        return None if row is None else Saved(row["id"], row["version"], row.get("state"), row, 0)

    def note(self, app: Application, conn: sa.Connection, saved: Saved) -> None:
        """Note the result; raises Repeated when another post of the key was first."""
        noted = {_RESULT: saved.id} | ({} if self.content is None else {_CONTENT: self.content})
        shared = {"key": self.key, "expires_at": app.clock() + KEPT}
        try:
            conn.execute(sa.insert(app.tables.rate), [{**shared, "window": w, "hits": n} for w, n in noted.items()])
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
