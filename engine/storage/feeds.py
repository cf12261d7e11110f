"""The tables of feeds: how far each has read, what arrived, what was said over the line, and how often that
may be used."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, count, key, moment, partial, text
from engine.storage.system import system

TROUBLE = ("waiting", "parked", "failed")  # what partial indexes hold: see ``automation.in_state``


def in_order() -> sa.types.TypeEngine[str]:
    """A text that sorts by its characters alone on both databases."""
    return sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


@system("feed")
def _feed() -> list[Any]:
    """One row per feed, connection and span that is read. ``span``: "" for what goes on for ever, else the number of
    the back-fill (``_job``), which reads from ``since`` to ``until``. A *round* of calls reads what changed since the
    one before: ``cursor`` is where its next call goes on, kept with what the last one brought, none between rounds;
    ``began_at``: when it began; ``newest``: the newest version any round has seen; ``mark``: everything up to it has
    been seen. ``token`` and ``lease_until`` of the process that is reading. ``failures`` in a row."""
    return [
        key(),
        text("feed"),
        text("connection"),
        text("span", server_default=""),
        sa.Column("cursor", json_type()),
        moment("began_at", nullable=True),
        text("newest", nullable=True),
        moment("mark", nullable=True),
        moment("since", nullable=True),
        moment("until", nullable=True),
        moment("due_at"),
        text("token", nullable=True),
        moment("lease_until", nullable=True),
        moment("looked_at", nullable=True),
        moment("last_ok", nullable=True),
        moment("told_at", nullable=True),
        count("failures"),
        text("error", nullable=True),
        count("parts"),
        count("arrivals"),
        sa.Index("ux__feed", "feed", "connection", "span", unique=True),
        sa.Index("ix__feed_due", "due_at"),
    ]


@system("arrival")
def _arrival() -> list[Any]:
    """A version of a thing that came in. ``item_key`` and ``version``: see ``connectors.Item``; ``digest``: of its
    data; the same thing in the same version with the same data is one arrival, and ``repeats`` counts. ``state``:
    waiting, taken, parked (it waits for what it needs until ``until``; ``awaits``: a digest of its form and what it is
    found by), failed, skipped (``reason``: older, unwanted …). ``message_id`` takes it; ``turn`` grows with every
    arrival and return of a state, and orders those of one version. ``data`` is cleared away after a while."""
    return [
        key(),
        text("feed"),
        text("connection"),
        sa.Column("item_key", in_order(), nullable=False),
        sa.Column("version", in_order(), nullable=False),
        text("digest"),
        sa.Column("data", json_type()),
        text("how"),  # pulled, pushed, filed, replayed
        moment("at"),
        text("state", server_default="waiting"),
        text("reason", nullable=True),
        moment("until", nullable=True),
        text("awaits", nullable=True),
        count("turn"),
        count("repeats"),
        text("form", nullable=True),
        sa.Column("record_id", BigInt),
        sa.Column("event_id", BigInt),
        sa.Column("message_id", BigInt, sa.ForeignKey("_message.id", ondelete="SET NULL")),
        moment("taken_at", nullable=True),
        *_arrival_indexes(),
    ]


def _arrival_indexes() -> list[sa.Index]:
    open_ = "state IN ('waiting', 'parked', 'failed')"
    return [
        sa.Index("ux__arrival", "feed", "connection", "item_key", "version", "digest", unique=True),
        sa.Index("ix__arrival_feed", "feed", "connection", "id"),
        sa.Index("ix__arrival_at", "feed", "connection", "at"),
        partial("ix__arrival_skipped", "feed", "connection", "id", where="state = 'skipped'"),
        sa.Index("ix__arrival_record", "form", "record_id", "id"),
        partial("ix__arrival_taken", "feed", "connection", "item_key", "version", "turn", where="state = 'taken'"),
        partial("ix__arrival_trouble", "feed", "connection", "state", "id", where=open_),
        partial("ix__arrival_standing", "feed", "connection", "state", "item_key", where=open_),
        partial("ix__arrival_awaits", "awaits", where="awaits IS NOT NULL"),
        partial("ix__arrival_over", "taken_at", where="data IS NOT NULL AND taken_at IS NOT NULL"),
        partial("ix__arrival_message", "message_id", where="message_id IS NOT NULL"),
    ]


@system("exchange")
def _exchange() -> list[Any]:
    """One call over a connection and its answer, secrets masked, long bodies cut. ``direction``: out or in.
    ``message_id`` or ``feed``: what it was for. ``operation``: the operation or reading."""
    return [
        key(),
        text("connection"),
        text("direction"),
        text("operation", nullable=True),
        sa.Column("message_id", BigInt),
        text("feed", nullable=True),
        moment("at"),
        sa.Column("seconds", sa.Float),
        text("method", nullable=True),
        text("url", nullable=True),
        sa.Column("status", sa.Integer),
        text("sent", nullable=True),
        text("answered", nullable=True),
        text("error", nullable=True),
        sa.Index("ix__exchange_connection", "connection", "id"),
        sa.Index("ix__exchange_at", "at"),
        partial("ix__exchange_message", "message_id", where="message_id IS NOT NULL"),
    ]


@system("allowance")
def _allowance() -> list[Any]:
    """What an operation of a connection has used up. ``full_at``: when everything it may do at once is there again, in
    seconds since 1970 (GCRA)."""
    return [
        text("connection", primary_key=True),
        text("operation", primary_key=True),
        sa.Column("full_at", sa.Float, nullable=False),
    ]
