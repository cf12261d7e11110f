"""The tables of a change's life: drafts of the definition, and everything that was ever put in force."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import count, key, moment, text, user_column
from engine.storage.system import system


@system("change")
def _change() -> list[Any]:
    """A draft of the definition. ``base`` is the hash of what it began from, ``base_text`` its text; ``undo`` the
    steps that can be taken back; ``token`` leads whoever has the link to it, who then is among its ``guests`` (ids).
    ``state``: open, published, discarded; ``decisions`` what was chosen about the data so far."""
    return [
        key(),
        text("title"),
        text("text"),
        text("base"),
        text("base_text"),
        sa.Column("undo", json_type(), nullable=False),
        sa.Column("decisions", json_type(), nullable=False),
        text("state"),
        text("token", unique=True),
        count("version"),
        user_column("author_id"),
        sa.Column("guests", json_type(), nullable=False),
        moment("created_at"),
        moment("updated_at"),
        sa.Index("ix__change_state", "state", "id"),
    ]


@system("publication")
def _publication() -> list[Any]:
    """Each time a definition was put in force, oldest first. ``kind``: started (by the file at the start), published,
    rolled_back, migrated (by the command); ``before`` the hash in force until then; ``report`` what was done."""
    return [
        key(),
        text("hash"),
        text("before", nullable=True),
        text("kind"),
        text("reason", nullable=True),
        sa.Column("decisions", json_type(), nullable=False),
        sa.Column("report", json_type(), nullable=False),
        sa.Column("change_id", sa.BigInteger),
        user_column("by_id"),
        moment("at"),
        sa.Index("ix__publication_hash", "hash"),
    ]
