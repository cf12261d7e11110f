"""Turns at something that has no row yet to be locked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.errors import Refused, message

if TYPE_CHECKING:
    from engine.storage.database import Database


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
# --- backups and changes of the tables -------------------------------------------------------------------------------

_COPYING = 0x636F7079696E6721  # any number nobody else takes: "copying!"
PATIENCE = "10min"  # how long a backup waits for a migration


@contextmanager
def migrations_wait(database: Database) -> Iterator[None]:
    """As long as the block lasts nobody changes the shape of tables: for a transaction that began before, one that
    PostgreSQL rewrites is empty (https://www.postgresql.org/docs/current/mvcc-caveats.html)."""
    if database.dialect != "postgresql":
        yield
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql(f"SET lock_timeout = '{PATIENCE}'")
        conn.execute(sa.select(sa.func.pg_advisory_lock_shared(_COPYING)))
        try:
            yield
        finally:
            conn.execute(sa.select(sa.func.pg_advisory_unlock_shared(_COPYING)))
            conn.exec_driver_sql("RESET lock_timeout")


def wait_for_backups(conn: sa.Connection) -> None:
    """Until the end of the transaction no backup begins. Raises Refused while one is being made."""
    if conn.dialect.name != "postgresql":
        return
    try:
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_COPYING)))
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise Refused(
            message("A backup of the database is being made, and the tables cannot change meanwhile. Try again later.")
        ) from None
