"""The tables of messages to people: what each of them chose, and how each notice went out."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, moment, text
from engine.storage.system import system


@system("reach_wish")
def _reach_wish() -> list[Any]:
    """What a person chose. ``choices``: kind → way → at_once, digest or never; ``addresses``: way → what names them
    there; ``quiet``: {from, to, days_off}, {} for no quiet hours, nothing for the usual ones; ``tried``: way → the
    message that tried it last. Ways go by their stable ids."""
    return [
        sa.Column(
            "user_id", BigInt, sa.ForeignKey("_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False,
            nullable=False,
        ),
        sa.Column("choices", json_type()),
        sa.Column("addresses", json_type()),
        sa.Column("quiet", json_type()),
        text("digest_at", nullable=True),
        moment("paused_until", nullable=True),
        sa.Column("tried", json_type()),
        moment("at"),
    ]  # fmt: skip


@system("reached")
def _reached() -> list[Any]:
    """How a notice goes out on one way: with which message, or ``why`` it does not (no_address). ``mode``: at_once,
    digest, or instead (of a way that failed)."""
    return [
        sa.Column(
            "notification_id", BigInt, sa.ForeignKey("_notification.id", ondelete="CASCADE"), primary_key=True,
            autoincrement=False, nullable=False,
        ),
        text("way", primary_key=True),
        sa.Column("user_id", BigInt, nullable=False),
        sa.Column("message_id", BigInt),
        text("mode"),
        text("why", nullable=True),
        moment("at"),
        sa.Index("ix__reached_message", "message_id", "notification_id"),
        sa.Index("ix__reached_user", "user_id", "notification_id"),
    ]  # fmt: skip
