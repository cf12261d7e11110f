"""The tables of people outside: whom they stand for, how they come in, and links to one record."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.storage.columns import BigInt, key, moment, record_columns, text, user_column
from engine.storage.system import system


@system("outsider")
def _outsider() -> list[Any]:
    """A person of a portal. ``stands_for`` is the id of a record of the form that the portal's role stands for. An
    invitation is the hash of its secret; it is gone once a password is set."""
    return [
        sa.Column(
            "user_id", BigInt, sa.ForeignKey("_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False,
            nullable=False,
        ),
        text("portal"),
        sa.Column("stands_for", BigInt, nullable=False),
        text("address", nullable=True),
        text("invitation_hash", nullable=True, unique=True),
        moment("invited_until", nullable=True),
        moment("invited_at", nullable=True),
        user_column("invited_by"),
        sa.Index("ix__outsider_stands_for", "portal", "stands_for"),
    ]  # fmt: skip


@system("portal_link")
def _portal_link() -> list[Any]:
    """A link to one record, for somebody without an account; the secret itself is never stored, only its SHA-256."""
    return [
        key(),
        text("token_hash", unique=True),
        text("portal"),
        *record_columns(),
        user_column("user_id", nullable=False),
        user_column("created_by"),
        moment("created_at"),
        moment("expires_at"),
        moment("used_at", nullable=True),
        moment("revoked_at", nullable=True),
        sa.Index("ix__portal_link_record", "form", "record_id"),
    ]
