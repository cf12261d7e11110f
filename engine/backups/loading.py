"""The tables of an archive, made and filled in a transaction of an empty database of either kind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateTable

from engine.backups.container import Source, checked
from engine.backups.kinds import KINDS, Kind, kind_of, row_of
from engine.backups.making import Told
from engine.backups.manifest import Column, Manifest, Shape, Table
from engine.errors import Refused, message
from engine.faults import point
from engine.storage.catalog import quoted
from engine.storage.tables import NAMING, Tables

AT_ONCE = 500  # rows
LONGEST = 1024 * 1024 * 1024  # bytes of a row: as long as either database takes


def load(conn: sa.Connection, source: Source, manifest: Manifest, tables: Tables, told: Told) -> None:
    """Make the tables as the archive has them and fill them. ``tables`` are those of its definition: what it knows of a
    column (default, what it refers to, unique values) is as after a start; put-aside ones are as the archive says.
    Indexes, guards and search are left to the start that follows. Raises Refused, naming the table."""
    shapes = [table.shape for table in manifest.tables]
    made = tables_for(shapes, tables, conn.dialect.name)
    for each in made:
        conn.execute(_create(each, conn.dialect.name))
    for number, table in enumerate(manifest.tables):
        told(number, len(made), message("{rows} rows into {table}", rows=table.figures.rows, table=table.shape.name))
        point("restore table")
        _fill(conn, source, table)
        _count(conn, table)
        _go_on(conn, table.shape)
    _bind(conn, made)


# --- the tables ------------------------------------------------------------------------------------------------------


def tables_for(shapes: Sequence[Shape], tables: Tables, dialect: str) -> list[sa.Table]:
    """As the archive has them: a column it lacks is added by the migration that follows, as for any older database."""
    metadata = sa.MetaData(naming_convention=NAMING)
    known = {table.name: table for table in tables.all()}
    present = {(shape.name, column.name) for shape in shapes for column in shape.columns}
    return [_table(metadata, shape, known.get(shape.name), present, dialect) for shape in shapes]


def _table(
    metadata: sa.MetaData, shape: Shape, known: sa.Table | None, present: set[tuple[str, str]], dialect: str
) -> sa.Table:
    columns = [_column(shape, column, known, present) for column in shape.columns]
    checks = _checks(known, {column.name for column in shape.columns}) if dialect == "sqlite" else ()
    lasting = shape.next is not None if known is None else known.dialect_options["sqlite"]["autoincrement"]
    return sa.Table(shape.name, metadata, *columns, *checks, sqlite_autoincrement=bool(lasting))


def _column(shape: Shape, column: Column, known: sa.Table | None, present: set[tuple[str, str]]) -> sa.Column[Any]:
    like = known.c.get(column.name) if known is not None else None
    keys = [key for key in _foreign_keys(shape, column, like) if tuple(key.target_fullname.rsplit(".", 1)) in present]
    primary = column.name in shape.key
    if like is None:
        return sa.Column(column.name, KINDS[column.kind].type(), *keys, primary_key=primary, nullable=column.null)
    default: Any = like.server_default
    return sa.Column(
        column.name, _type(column, like, shape), *keys, primary_key=primary, nullable=like.nullable,
        server_default=None if default is None else default.arg, unique=like.unique, autoincrement=like.autoincrement,
    )  # fmt: skip


def _type(column: Column, like: sa.Column[Any], shape: Shape) -> Any:
    """The type the definition gives it, where the values are of it: an older product may have had another."""
    whole = {"integer": "bigint"}  # SQLite does not tell them apart
    known = kind_of(like.type, f"{shape.name}.{column.name}")
    same = whole.get(known, known) == whole.get(column.kind, column.kind)
    return like.type if same else KINDS[column.kind].type()


def _foreign_keys(shape: Shape, column: Column, like: sa.Column[Any] | None) -> list[sa.ForeignKey]:
    if like is not None:
        return [sa.ForeignKey(key.target_fullname, ondelete=key.ondelete) for key in like.foreign_keys]
    return [
        sa.ForeignKey(f"{each.table}.{each.target}", ondelete=each.on_delete)
        for each in shape.references if each.column == column.name
    ]  # fmt: skip


def _checks(known: sa.Table | None, present: set[str]) -> Iterator[sa.CheckConstraint]:
    """Those of SQLite, which has no type for yes and no; PostgreSQL has none."""
    for check in known.constraints if known is not None else ():
        if isinstance(check, sa.CheckConstraint):
            names = {part.name for part in sa.sql.visitors.iterate(check.sqltext) if isinstance(part, sa.ColumnClause)}
            if names <= present | {"0", "1"}:
                yield sa.CheckConstraint(check.sqltext, name=check.name)


def _create(table: sa.Table, dialect: str) -> CreateTable:
    """On PostgreSQL without its references: rows come in any order, and references that are looked at in the end are
    looked at once. SQLite adds none to a table that is there, but lets them wait."""
    return CreateTable(table) if dialect == "sqlite" else CreateTable(table, include_foreign_key_constraints=[])


def _bind(conn: sa.Connection, made: Iterable[sa.Table]) -> None:
    """Raises Refused where a row names another one that is not there."""
    if conn.dialect.name == "sqlite":
        wrong = conn.exec_driver_sql("PRAGMA foreign_key_check").first()
        if wrong is not None:
            raise Refused(
                message("Row {row} of {table} names a row of {other} that is not in the archive.",
                        row=wrong[1], table=wrong[0], other=wrong[2])
            )  # fmt: skip
        return
    for table in made:
        for key in sorted(table.foreign_key_constraints, key=lambda each: list(each.column_keys)):
            try:
                conn.execute(AddConstraint(key))
            except sa.exc.IntegrityError as error:
                raise Refused(_said(table.name, error.orig)) from None


# --- the rows --------------------------------------------------------------------------------------------------------


def _fill(conn: sa.Connection, source: Source, table: Table) -> None:
    columns = ", ".join(quoted(conn, column.name) for column in table.shape.columns)
    into = f"{quoted(conn, table.shape.name)} ({columns})"
    driver: Any = conn.connection.driver_connection
    into_it = _into_sqlite if conn.dialect.name == "sqlite" else _into_postgresql
    with closing(checked(source, table.entry, table.figures)) as pieces:
        into_it(driver, into, table.shape, pieces)


def _into_postgresql(driver: Any, into: str, shape: Shape, pieces: Iterable[bytes]) -> None:
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for piece in pieces:
                copy.write(piece)
    except psycopg.Error as error:
        raise Refused(_said(shape.name, error)) from None


def _said(table: str, error: Any) -> Any:
    detail = getattr(error, "diag", None)
    said = [getattr(detail, part, None) for part in ("message_primary", "message_detail", "context")]
    reason = "; ".join(" ".join(each.split())[:200] for each in said if each) or str(error)[:300]
    return message("The table {table} of the archive cannot be restored: {reason}", table=table, reason=reason)


def _into_sqlite(driver: Any, into: str, shape: Shape, pieces: Iterable[bytes]) -> None:
    kinds = [KINDS[column.kind] for column in shape.columns]
    insert = f"INSERT INTO {into} VALUES ({', '.join('?' * len(kinds))})"  # noqa: S608 - quoted by the caller
    for number, rows in enumerate(_rows(shape, kinds, pieces)):
        try:
            driver.executemany(insert, rows)
        except (sqlite3.Error, OverflowError) as error:
            lines = f"{number * AT_ONCE + 1}–{number * AT_ONCE + len(rows)}"
            raise Refused(
                message("The table {table} of the archive cannot be restored: {reason}",
                        table=shape.name, reason=f"lines {lines}: {error}")
            ) from None  # fmt: skip


def _rows(shape: Shape, kinds: Sequence[Kind], pieces: Iterable[bytes]) -> Iterator[list[list[Any]]]:
    """Rows as SQLite keeps them, some at a time."""
    found: list[list[Any]] = []
    for number, line in enumerate(_lines(shape, pieces), 1):
        try:
            found.append(row_of(kinds, line.decode()))
        except (ValueError, KeyError):
            raise Refused(
                message("Line {line} of {table} is no row of it: expected {count} values, such as {kinds}.",
                        line=number, table=shape.name, count=len(kinds), kinds=tuple(kind.name for kind in kinds[:5]))
            ) from None  # fmt: skip
        if len(found) == AT_ONCE:
            yield found
            found = []
    if found:
        yield found


def _lines(shape: Shape, pieces: Iterable[bytes]) -> Iterator[bytes]:
    left = b""
    for piece in pieces:
        *whole, left = (left + piece).split(b"\n")
        yield from whole
        if len(left) > LONGEST:
            raise Refused(message("A row of {table} is longer than any database takes.", table=shape.name))
    if left:
        yield left


def _count(conn: sa.Connection, table: Table) -> None:
    """What is there is what the archive says: PostgreSQL stops at a line that says it is the last."""
    got = conn.scalar(sa.select(sa.func.count()).select_from(sa.table(table.shape.name)))
    if got != table.figures.rows:
        raise Refused(
            message("{table} has {got} rows now; expected {expected}.",
                    table=table.shape.name, got=got, expected=table.figures.rows)
        )  # fmt: skip


def _go_on(conn: sa.Connection, shape: Shape) -> None:
    """The next id is one that was never given."""
    if shape.key != ("id",) or next(each.kind for each in shape.columns if each.name == "id") not in (
        "bigint",
        "integer",
    ):
        return
    table = sa.table(shape.name, sa.column("id", sa.BigInteger()))
    last = max(shape.next or 0, conn.scalar(sa.select(sa.func.max(table.c.id))) or 0)
    if last and conn.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(quoted(conn, shape.name), "id")
        conn.execute(sa.select(sa.func.setval(sequence, last)))
    elif shape.next is not None:
        _go_on_sqlite(conn, shape.name, last)


def _go_on_sqlite(conn: sa.Connection, table: str, last: int) -> None:
    """Only tables whose ids are never given again stand there."""
    if not conn.scalar(
        sa.text("SELECT sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE name = :name"), {"name": table}
    ):
        return
    kept: Mapping[str, Any] = {"name": table, "last": last}
    conn.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), kept)
    conn.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), kept)
