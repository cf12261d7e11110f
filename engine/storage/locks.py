"""Turns at something that has no row yet to be locked."""

from __future__ import annotations

import sqlalchemy as sa


def one_at_a_time(conn: sa.Connection, name: str) -> None:
    """Wait until every other transaction that named this is over. SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def if_free(conn: sa.Connection, name: str) -> bool:
    """As ``one_at_a_time`` for whoever comes again later: answers whether the turn is theirs."""
    if conn.dialect.name != "postgresql":
        return True
    turn = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(conn.scalar(turn, {"name": name}))
