"""The table of wall screens: links an administrator made, by which a screen shows one address as a role sees it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.storage.columns import key, moment, text, user_column
from engine.storage.system import system


@system("wall")
def _wall() -> list[Any]:
    """The link itself is never stored, only its SHA-256. ``address``: the path and query of the screen."""
    return [
        key(),
        text("token_hash", unique=True),
        text("name"),
        text("role"),
        text("address"),
        text("language"),
        moment("created_at"),
        user_column("created_by"),
        moment("last_used_at", nullable=True),
        moment("revoked_at", nullable=True),
        sa.Index("ix__wall_revoked", "revoked_at", "id"),
    ]
