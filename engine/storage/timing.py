"""The tables of time and of messages from outside."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.fields.columns import json_type
from engine.storage.columns import BigInt, count, key, moment, partial, text
from engine.storage.system import system


@system("timer")
def _timer() -> list[Any]:
    """A rule that time wakes, as it is in force. ``hash``: of its trigger; another one begins anew. ``last_at``: up to
    when the due times of a schedule were looked at. ``upto``: the last record that got its message when the rule came
    into force; empty once all have theirs."""
    return [
        text("rule", primary_key=True),
        text("hash"),
        moment("began_at"),
        moment("last_at"),
        sa.Column("upto", BigInt),
        count("posted"),
    ]


@system("delivery")
def _delivery() -> list[Any]:
    """What other systems sent to a webhook. ``once``, what the sender names the delivery, and ``seal``, what it signed
    with the time, are unique per rule; ``status``: how it was answered; ``headers`` without secrets. Of refused ones
    only a few are kept."""
    return [
        key(),
        text("rule"),
        text("path"),
        text("once", nullable=True),
        text("seal", nullable=True),
        moment("at"),
        text("address"),
        sa.Column("headers", json_type(), nullable=False),
        count("size"),
        sa.Column("status", sa.Integer, nullable=False),
        text("reason", nullable=True),
        count("repeats"),
        sa.Column("message_id", BigInt, sa.ForeignKey("_message.id", ondelete="SET NULL")),
        sa.Index("ix__delivery_rule", "rule", "id"),
        sa.Index("ix__delivery_at", "at"),
        sa.Index("ux__delivery_once", "rule", "once", unique=True),
        sa.Index("ux__delivery_seal", "rule", "seal", unique=True),
        partial("ix__delivery_message", "message_id", where="message_id IS NOT NULL"),
    ]
