"""Where a backup is restored to, so that what was there stays until all of the new is.

SQLite: a file of its own beside the database takes its place in one step; the former one is kept beside it. PostgreSQL:
one transaction, which takes the former tables away and is committed when everything is there.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.backups.snapshot import MADE_ANEW, table_names
from engine.errors import Refused, message
from engine.faults import point
from engine.storage.catalog import quoted
from engine.storage.database import Database
from engine.storage.migrate import lock

NAMED = 6  # tables in a sentence
Filling = tuple[Database, sa.Connection]


@dataclass(frozen=True)
class Wanted:
    """``replace``: what is there may be replaced. ``moment``: what the former state is called after."""

    replace: bool
    moment: dt.datetime


def filling(url: str, wanted: Wanted) -> AbstractContextManager[Filling]:
    """A database that looks empty, to be filled in one transaction; at the end of the block it is the one at ``url``,
    and when the block raises everything is as it was. Raises Refused where something is there, or at work there."""
    database = Database(url, pool=1)
    return (_sqlite if database.dialect == "sqlite" else _postgresql)(database, wanted)


def refuse_full(conn: sa.Connection, wanted: Wanted, place: str) -> list[str]:
    """The tables that are there; raises Refused, saying what is in them, unless they may be replaced."""
    names = table_names(conn)
    if not names or wanted.replace:
        return names
    held = sorted(((_count(conn, name), name) for name in names), reverse=True)
    full = tuple(f"{name} {count}" for count, name in held[:NAMED] if count)
    raise Refused(
        message(
            "{place} is not empty: it has {tables} tables with {rows} rows ({most}). Name an empty database, or add"
            " --replace to put the backup in the place of all this.",
            place=place, tables=len(names), rows=sum(count for count, _name in held), most=full or message("all empty"),
        )
    )  # fmt: skip


def _count(conn: sa.Connection, name: str) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0


# --- SQLite ----------------------------------------------------------------------------------------------------------


@contextmanager
def _sqlite(holder: Database, wanted: Wanted) -> Iterator[Filling]:
    path = Path(str(holder.url.database))
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.restored")
    try:
        holder.claim_server()
        there = _looked_at(path, wanted)
        _sweep(path, but=beside)
        with _fresh(beside) as database:
            with database.write() as conn:
                yield database, conn
            database.analyse()
        _settled(beside)
        point("restored beside")
        _take_its_place(beside, path, path.with_name(f"{path.name}.before-{wanted.moment:%Y%m%d-%H%M%S}"), there)
    finally:
        holder.close()
        _remove(beside)


def _looked_at(path: Path, wanted: Wanted) -> bool:
    """Whether there is something to keep; asking a file that is not there would make it."""
    if not path.exists() or not path.stat().st_size:
        return False
    database = Database(f"sqlite:///{path}", pool=1)
    try:
        with database.read() as conn:
            return bool(refuse_full(conn, wanted, str(path)))
    finally:
        database.close()


@contextmanager
def _fresh(path: Path) -> Iterator[Database]:
    """Nobody misses it when the process dies, so it need not survive that."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    database = Database(f"sqlite:///{path}", synchronous="OFF", pool=1)

    def hurry(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode = MEMORY", "foreign_keys = OFF"):
            connection.execute(f"PRAGMA {pragma}").close()

    sa.event.listen(database.engine, "connect", hurry)
    try:
        yield database
    finally:
        database.close()


def _settled(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _take_its_place(beside: Path, path: Path, former: Path, keep: bool) -> None:
    """There is no moment without a database: the former one gets a second name before it loses its own."""
    if path.exists():
        _end_journal(path)
    if keep:
        try:
            os.link(path, former)
        except OSError:  # a file system without second names
            shutil.copy2(path, former)
        point("former state kept")
    beside.replace(path)
    _settled(path.parent)


def _end_journal(path: Path) -> None:
    """Let everything stand in the file itself: a journal beside it would be taken for that of the new one."""
    conn = sqlite3.connect(path, timeout=2)
    try:
        (mode,) = conn.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        mode = "wal"
    finally:
        conn.close()
    if mode == "wal":
        raise Refused(message("Somebody works with {file}. Stop servers, workers and commands first.", file=str(path)))


def _sweep(path: Path, but: Path) -> None:
    """What a restore that was killed left; the claim says that no other one is under way."""
    for left in path.parent.glob(f".{path.name}.*.restored"):
        if left != but:
            _remove(left)


def _remove(path: Path) -> None:
    for name in (path, *(path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm"))):
        name.unlink(missing_ok=True)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


@contextmanager
def _postgresql(database: Database, wanted: Wanted) -> Iterator[Filling]:
    try:
        with database.write() as conn:
            lock(conn)
            there = refuse_full(conn, wanted, str(database.url.database))
            if there:
                _refuse_others(conn)
                _take_away(conn)
            yield database, conn
            point("restored beside")
        database.analyse()
    finally:
        database.close()


def _refuse_others(conn: sa.Connection) -> None:
    """Who serves the former state would go on with what it remembers of it."""
    others = conn.scalar(
        sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
    )
    if others:
        raise Refused(
            message("{count} others are connected to the database {name}. Stop servers, workers and commands first.",
                    count=others, name=str(conn.engine.url.database))
        )  # fmt: skip


def _take_away(conn: sa.Connection) -> None:
    """All tables of Appmill's, and the jobs of messages that are no more; they are made anew for those there are."""
    names = sa.inspect(conn).get_table_names()
    gone = [quoted(conn, name) for name in names if not name.startswith(MADE_ANEW) or name.startswith("_fts_")]
    conn.exec_driver_sql(f"DROP TABLE {', '.join(gone)} CASCADE")
    if "procrastinate_jobs" in names:
        conn.exec_driver_sql("DELETE FROM procrastinate_jobs")
