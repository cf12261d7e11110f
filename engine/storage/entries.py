"""The tables of entries: what was done on task screens, when it was made and what became of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, key, moment, partial, record_columns, text, user_column
from engine.storage.system import system


@system("entry")
def _entry() -> list[Any]:
    """``once`` is the key its sender knows it by. ``version`` and ``state`` are what the record had when it was made;
    ``sent`` holds values, base, code and reason as they came. ``outcome``: saved, merged, open (somebody decides), then
    taken, changed or dropped. ``why``: a text per language."""
    return [
        key(),
        text("once", unique=True),
        text("task"),
        user_column("user_id"),
        *record_columns(saved=False),
        sa.Column("version", BigInt),
        text("state", nullable=True),
        sa.Column("sent", json_type(), nullable=False),
        moment("made_at"),
        moment("received_at"),
        text("outcome"),
        sa.Column("why", json_type()),
        user_column("decided_by"),
        moment("decided_at", nullable=True),
        text("note", nullable=True),
        text("definition"),
        sa.Index("ix__entry_user", "user_id", "id"),
        partial("ix__entry_open", "task", "id", where="outcome = 'open'"),
    ]


@system("entry_file")
def _entry_file() -> list[Any]:
    """The files of an entry somebody still decides about: they are kept although no record has them."""
    return [
        sa.Column("entry_id", BigInt, sa.ForeignKey("_entry.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("attachment_id", BigInt, sa.ForeignKey("_attachment.id", ondelete="CASCADE"), primary_key=True),
        text("field"),
    ]


def forget(conn: sa.Connection, tables: Any, before: dt.datetime) -> int:
    """Entries that are over and arrived before a moment; answers how many. Those somebody still decides about stay."""
    table = tables.entry
    return conn.execute(sa.delete(table).where(table.c.received_at < before, table.c.outcome != "open")).rowcount


def latest(conn: sa.Connection, tables: Any, person: int, limit: int) -> list[Any]:
    """What somebody did last, the newest first."""
    table = tables.entry
    columns = (table.c.id, table.c.task, table.c.form, table.c.record_id, table.c.made_at, table.c.outcome)
    query = sa.select(*columns).where(table.c.user_id == person).order_by(table.c.id.desc()).limit(limit)
    return list(conn.execute(query))
