"""One moment of a database, to be read table by table while others write.

The moment is that of one reading transaction, on SQLite (WAL) and PostgreSQL (REPEATABLE READ) alike: nobody waits for
it, and what is committed meanwhile is not in it. Every table is in it but those that are made anew from the others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from engine.backups.exact import exact_columns
from engine.backups.kinds import KINDS, kind_of, lines
from engine.backups.manifest import Column, Reference, Shape
from engine.errors import Refused, message
from engine.publishing.file import is_there
from engine.storage.catalog import quoted
from engine.storage.database import Database
from engine.storage.locks import migrations_wait
from engine.storage.migrate import last_hash, source_of
from engine.storage.system import MAKERS

MADE_ANEW = ("_fts_", "procrastinate_", "sqlite_")  # full-text indexes, jobs of messages, SQLite's own
AT_ONCE = 500  # rows
PIECE = 64 * 1024  # bytes
_attachment = MAKERS["attachment"](sa.MetaData())
_secret = MAKERS["secret"](sa.MetaData())


@dataclass(frozen=True)
class Snapshot:
    """``at``: when it was taken, in UTC."""

    conn: sa.Connection
    at: dt.datetime

    @property
    def dialect(self) -> str:
        return self.conn.dialect.name

    @cached_property
    def tables(self) -> tuple[Shape, ...]:
        """By name. Raises Refused for a column no backup can hold."""
        return tuple(_shapes(self.conn))

    def lines(self, shape: Shape) -> Iterator[bytes]:
        """The rows of a table, by its key, as an archive has them; pieces of any size."""
        return (_from_sqlite if self.dialect == "sqlite" else _from_postgresql)(self.conn, shape)

    def definition(self) -> tuple[str, str]:
        """(hash, text) of what is in force."""
        found = last_hash(self.conn)
        text = source_of(self.conn, found) if found else None
        if found is None or text is None:
            raise Refused(message("Nothing is in force in this database; there is nothing to back up."))
        return found, text

    def files(self) -> Iterator[str]:
        """The SHA-256 of every attachment there is a row of, deleted ones included."""
        query = sa.select(_attachment.c.sha256).distinct().order_by(_attachment.c.sha256)
        yield from self.conn.scalars(query, execution_options={"yield_per": 10_000})

    def secrets(self) -> list[str]:
        """The secrets as they are stored: encrypted."""
        return list(self.conn.scalars(sa.select(_secret.c.value).order_by(_secret.c.name)))


@contextmanager
def taken(database: Database, clock: Callable[[], dt.datetime]) -> Iterator[Snapshot]:
    """The database as it is now. Meanwhile no definition changes its tables. Raises Refused for an empty database."""
    if not is_there(database):
        raise Refused(message("There is no database at {place}.", place=str(database.url.database)))
    with migrations_wait(database), database.read() as conn:
        present = sa.inspect(conn).has_table("_definition")  # begins the transaction
        if not present:
            raise Refused(message("Nothing is in force in this database; there is nothing to back up."))
        if database.dialect == "postgresql":
            for setting in ("datestyle = 'ISO, YMD'", "bytea_output = 'hex'", "extra_float_digits = 1"):
                conn.exec_driver_sql(f"SET LOCAL {setting}")
        yield Snapshot(conn, clock().astimezone(dt.UTC))


# --- what there is ---------------------------------------------------------------------------------------------------


def table_names(conn: sa.Connection) -> list[str]:
    """Of everything a backup holds; what a table is divided into belongs to it."""
    return sorted(name for name in conn.exec_driver_sql(_NAMES[conn.dialect.name]).scalars() if _is_held(name))


def _is_held(name: str) -> bool:
    return not name.startswith(MADE_ANEW)


_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": """SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relnamespace = current_schema()::regnamespace""",
}


def _shapes(conn: sa.Connection) -> Iterator[Shape]:
    inspector, names = sa.inspect(conn), table_names(conn)
    columns = _by_table(inspector.get_multi_columns(filter_names=names))
    keys = _by_table(inspector.get_multi_pk_constraint(filter_names=names))
    references = _by_table(inspector.get_multi_foreign_keys(filter_names=names))
    exact = exact_columns(conn) if conn.dialect.name == "sqlite" else frozenset()
    given = _given_ids(conn)
    for name in names:
        yield Shape(
            name,
            tuple(_column(name, each, exact) for each in columns[name]),
            tuple(keys[name]["constrained_columns"]),
            tuple(_references(references[name])),
            given.get(name),
        )


def _by_table(found: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value for (_schema, name), value in found.items()}


def _column(table: str, found: Mapping[str, Any], exact: frozenset[tuple[str, str]]) -> Column:
    name = str(found["name"])
    kind = "exact" if (table, name) in exact else kind_of(found["type"], f"{table}.{name}")
    return Column(name, kind, bool(found["nullable"]))


def _references(found: Any) -> Iterator[Reference]:
    for each in found:
        if len(each["constrained_columns"]) == 1:  # there are no others
            (column,), (target,) = each["constrained_columns"], each["referred_columns"] or ["id"]
            yield Reference(column, each["referred_table"], target, each["options"].get("ondelete"))


_GIVEN = {
    "sqlite": "SELECT name, seq FROM sqlite_sequence",
    "postgresql": """SELECT t.relname, q.last_value FROM pg_class s
        JOIN pg_depend d ON d.objid = s.oid AND d.deptype = 'a' AND d.classid = 'pg_class'::regclass
        JOIN pg_class t ON t.oid = d.refobjid
        JOIN pg_sequences q ON q.schemaname = current_schema() AND q.sequencename = s.relname
        WHERE s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace AND q.last_value IS NOT NULL""",
}


def _given_ids(conn: sa.Connection) -> dict[str, int]:
    """The largest id each table ever gave; on PostgreSQL perhaps a later one than the moment's."""
    if conn.dialect.name == "sqlite" and not sa.inspect(conn).has_table("sqlite_sequence"):
        return {}
    return {name: int(last) for name, last in conn.exec_driver_sql(_GIVEN[conn.dialect.name])}


# --- the rows --------------------------------------------------------------------------------------------------------


def select(conn: sa.Connection, shape: Shape) -> str:
    columns = ", ".join(quoted(conn, column.name) for column in shape.columns)
    order = ", ".join(quoted(conn, name) for name in shape.key)
    return f"SELECT {columns} FROM {quoted(conn, shape.name)}" + (f" ORDER BY {order}" if order else "")  # noqa: S608


def _from_sqlite(conn: sa.Connection, shape: Shape) -> Iterator[bytes]:
    driver: Any = conn.connection.driver_connection
    kinds = [KINDS[column.kind] for column in shape.columns]
    cursor = driver.execute(select(conn, shape))
    while rows := cursor.fetchmany(AT_ONCE):
        try:
            piece = lines(kinds, rows)
        except (TypeError, ValueError, AttributeError):
            raise Refused(_strange(shape, kinds, rows)) from None
        yield piece.encode()


def _strange(shape: Shape, kinds: list[Any], rows: list[Any]) -> Any:
    """Where a value stands that is not of its column's kind: SQLite lets anything stand anywhere."""
    for row in rows:
        for column, kind, value in zip(shape.columns, kinds, row, strict=True):
            try:
                lines([kind], [[value]])
            except (TypeError, ValueError, AttributeError):
                place = f"{shape.name}.{column.name}, {shape.columns[0].name} {row[0]}"
                return message("{place} holds {value}, which is no {kind}; mend it, then back up.",
                               place=place, value=repr(value)[:60], kind=column.kind)  # fmt: skip
    raise AssertionError("every value can be written")


def _from_postgresql(conn: sa.Connection, shape: Shape) -> Iterator[bytes]:
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY ({select(conn, shape)}) TO STDOUT") as copy:
        waiting = bytearray()  # a row at a time comes from the server
        for piece in copy:
            waiting += piece
            if len(waiting) >= PIECE:
                yield bytes(waiting)
                waiting.clear()
        yield bytes(waiting)
