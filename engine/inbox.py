"""Notifications as the person they are for reads them: listed, counted, marked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.language import text_in
from engine.storage.tables import Tables


@dataclass(frozen=True)
class Notice:
    """``texts`` is a text per language; ``form`` and ``record_id`` say where it leads, if anywhere."""

    id: int
    texts: Mapping[str, str]
    form: str
    record_id: int | None
    at: dt.datetime
    unread: bool

    def text(self, language: str) -> str:
        return text_in(self.texts, language)


def notices_of(
    conn: sa.Connection,
    tables: Tables,
    user_id: int,
    *,
    limit: int = 20,
    before: int | None = None,
    unread: bool = False,
) -> list[Notice]:
    """The newest first; ``before`` an id, to go on from there."""
    table = tables.notification
    statement = sa.select(table).where(table.c.user_id == user_id).order_by(table.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(table.c.id < before)
    if unread:
        statement = statement.where(table.c.read_at.is_(None))
    return [_notice(row) for row in conn.execute(statement)]


def _notice(row: Any) -> Notice:
    texts = row.message if isinstance(row.message, dict) else {"": str(row.message)}
    return Notice(row.id, texts, row.form, row.record_id, row.at, row.read_at is None)


def mark_read(
    conn: sa.Connection, tables: Tables, user_id: int, now: dt.datetime, notice_id: int | None = None
) -> None:
    """One of the person's notices, or all of them."""
    table = tables.notification
    clause = [table.c.user_id == user_id, table.c.read_at.is_(None)]
    if notice_id is not None:
        clause.append(table.c.id == notice_id)
    conn.execute(table.update().where(*clause).values(read_at=now))
