"""How much room everything takes: tables with their indexes, the whole database, attachments, the disk."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.storage.tables import Tables

# Measuring the tables of a SQLite file reads all of it: 0.3 s at this size, and it grows with the file.
MOST_MEASURED = 512 * 1024 * 1024
SHADOW = re.compile(r"^(_fts_.+?)_(?:data|idx|content|docsize|config)$")


@dataclass(frozen=True)
class Room:
    """What one table takes, its indexes included. ``rows`` about; None where nobody counted, ``size`` in bytes."""

    name: str
    rows: int | None
    size: int | None


@dataclass(frozen=True)
class Whole:
    """Bytes. ``log``: what is written but not yet in its place (SQLite's WAL); ``free``: kept for what is to come."""

    size: int
    log: int
    free: int
    tables: tuple[Room, ...]


@dataclass(frozen=True)
class Files:
    """Attachments: how many there are and what they take; the same content counts once. ``waiting``: uploaded, but of
    no record yet. ``disk`` and ``disk_free`` are of the disk their folder is on."""

    count: int
    size: int
    waiting: int
    folder: Path
    disk: int
    disk_free: int


def of_database(conn: sa.Connection) -> Whole:
    return _of_sqlite(conn) if conn.dialect.name == "sqlite" else _of_postgresql(conn)


def _sorted(rooms: dict[str, Room]) -> tuple[Room, ...]:
    return tuple(sorted(rooms.values(), key=lambda room: (-(room.size or 0), -(room.rows or 0), room.name)))


def _of_postgresql(conn: sa.Connection) -> Whole:
    found = conn.exec_driver_sql(
        "SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class"
        " WHERE relkind IN ('r', 'p', 'm') AND relnamespace = current_schema()::regnamespace"
    )
    rooms = {name: Room(name, rows if rows >= 0 else None, size) for name, rows, size in found}
    size = conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar()
    return Whole(int(size or 0), 0, 0, _sorted(rooms))


def _of_sqlite(conn: sa.Connection) -> Whole:
    def told(name: str) -> int:
        return int(conn.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)

    page, pages, free = told("page_size"), told("page_count"), told("freelist_count")
    file = Path(str(conn.engine.url.database))
    log = file.with_name(file.name + "-wal")
    sizes = _measured(conn) if page * pages <= MOST_MEASURED else {}
    counts = _counted(conn)
    names = conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    tables = {_whole(name) for name in names if not name.startswith("sqlite_")}
    rooms = {name: Room(name, counts.get(name), sizes.get(name)) for name in tables}
    return Whole(page * pages, log.stat().st_size if log.exists() else 0, page * free, _sorted(rooms))


def _whole(name: str) -> str:
    """The table that a table of the full-text search works for."""
    found = SHADOW.match(name)
    return found[1] if found else name


def _measured(conn: sa.Connection) -> dict[str, int]:
    of = {name: table for name, table in conn.exec_driver_sql("SELECT name, tbl_name FROM sqlite_master")}  # noqa: C416
    sizes: dict[str, int] = defaultdict(int)
    try:
        for name, size in conn.exec_driver_sql("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE"):
            sizes[_whole(of.get(name, name))] += size
    except sa.exc.OperationalError:  # a SQLite built without dbstat
        return {}
    return sizes


def _counted(conn: sa.Connection) -> dict[str, int]:
    """What ANALYZE found last; the largest where indexes differ, for a partial one holds less."""
    counts: dict[str, int] = {}
    if conn.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").first() is None:
        return counts
    for name, stat in conn.exec_driver_sql("SELECT tbl, stat FROM sqlite_stat1"):
        rows = str(stat or "").partition(" ")[0]
        if rows.isdigit():
            counts[name] = max(counts.get(name, 0), int(rows))
    return counts


def of_files(conn: sa.Connection, tables: Tables, folder: Path) -> Files:
    table = tables.attachment
    once: Any = sa.select(sa.func.max(table.c.size).label("size")).group_by(table.c.sha256).subquery()
    count, size = conn.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(once.c.size), 0))).one()
    unused = sa.select(sa.func.count()).where(table.c.record_id.is_(None), table.c.deleted_at.is_(None))
    there = next(path for path in (folder, *folder.parents) if path.exists())
    disk = shutil.disk_usage(there)
    return Files(int(count), int(size), conn.scalar(unused) or 0, folder, disk.total, disk.free)
