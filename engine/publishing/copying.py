"""A copy of the whole database to try something on, made without holding anybody up.

SQLite: its own backup, of one moment, while others write. PostgreSQL: a schema of its own in the same database, filled
from one snapshot; a connection to the copy sees nothing else (``search_path``).
"""

from __future__ import annotations

import logging
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from engine.errors import Refused, message
from engine.publishing.inforce import Told
from engine.storage.database import Database

PREFIX = "_appmill_rehearsal_"
FORGOTTEN = 6 * 3600  # seconds; a copy that old belongs to a process that died
LOG = logging.getLogger("appmill.publishing")


@contextmanager
def copied(database: Database, told: Told) -> Iterator[Database]:
    """The copy, gone at the end. ``told`` may raise to end it. Raises Refused where no copy can be made."""
    make = _sqlite if database.dialect == "sqlite" else _postgresql
    with make(database, told) as copy:
        yield copy


_COPIED = message("The data is copied")


@contextmanager
def _sqlite(database: Database, told: Told) -> Iterator[Database]:
    with TemporaryDirectory(prefix="appmill-rehearsal-") as folder:
        path = Path(folder) / "copy.db"
        told(0, 0, _COPIED)
        source, target = sqlite3.connect(str(database.url.database)), sqlite3.connect(path)
        try:
            source.backup(target)  # in one step: of one moment, and nobody's writing starts it again
        finally:
            target.close()
            source.close()
        copy = Database(f"sqlite:///{path}", synchronous="OFF", pool=1)
        try:
            yield copy
        finally:
            copy.close()


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@contextmanager
def _postgresql(database: Database, told: Told) -> Iterator[Database]:
    schema = f"{PREFIX}{int(time.time())}_{secrets.token_hex(4)}"
    _forget(database, before=time.time() - FORGOTTEN)
    try:
        _fill(database, schema, told)
        copy = _within(database, schema)
        try:
            yield copy
        finally:
            copy.close()
    finally:
        _drop(database, schema)


def _within(database: Database, schema: str) -> Database:
    copy = Database(database.url.render_as_string(hide_password=False), pool=1)

    def look(connection: Any, _record: Any) -> None:
        connection.execute(f'SET search_path TO "{schema}"')
        connection.commit()

    sa.event.listen(copy.engine, "connect", look)
    return copy


def _fill(database: Database, schema: str, told: Told) -> None:
    """From one snapshot; what it holds of the live tables (that nobody changes their shape) ends with it."""
    try:
        with database.engine.connect() as conn:
            conn = conn.execution_options(isolation_level="REPEATABLE READ")
            with conn.begin():
                _copy_tables(conn, schema, told)
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != "42501":
            raise
        raise Refused(
            message("The user of the database may not make a schema in it, so nothing can be rehearsed there.")
        ) from error


def _copy_tables(conn: sa.Connection, schema: str, told: Told) -> None:
    here = conn.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    conn.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
    names = list(conn.exec_driver_sql(_TABLES).scalars())
    for number, table in enumerate(names):
        told(number, len(names), _COPIED)
        to = f'"{schema}".{table}'
        conn.exec_driver_sql(f"CREATE TABLE {to} (LIKE {here}.{table} INCLUDING DEFAULTS INCLUDING GENERATED)")
        conn.exec_driver_sql(f"INSERT INTO {to} SELECT * FROM {here}.{table}")  # noqa: S608 - quoted above
    rest = [(kind, list(conn.exec_driver_sql(query))) for kind, query in _REST]
    conn.exec_driver_sql(f'SET LOCAL search_path TO "{schema}"')
    for kind, rows in rest:
        for row in rows:
            for statement in kind(*row):
                conn.exec_driver_sql(statement.replace("%", "%%"))


def _own_sequence(table: str, column: str, name: str, last: int, called: bool) -> tuple[str, ...]:
    """Drawing a number in the copy takes none from the live table."""
    literal = name.replace("'", "''")
    return (
        f"CREATE SEQUENCE {name} OWNED BY {table}.{column}",
        f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval('{literal}'::regclass)",
        f"SELECT setval('{literal}'::regclass, {last}, {'true' if called else 'false'})",
    )


def _constraint(table: str, name: str, definition: str) -> tuple[str, ...]:
    return (f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}",)


def _index(definition: str) -> tuple[str, ...]:
    return (definition,)


_TABLES = """SELECT quote_ident(relname) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname"""
_SEQUENCES = """SELECT quote_ident(t.relname), quote_ident(a.attname), quote_ident(s.relname),
      coalesce(q.last_value, q.start_value), q.last_value IS NOT NULL
    FROM pg_class s
    JOIN pg_depend d ON d.objid = s.oid AND d.deptype = 'a' AND d.classid = 'pg_class'::regclass
    JOIN pg_class t ON t.oid = d.refobjid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    JOIN pg_sequences q ON q.schemaname = current_schema() AND q.sequencename = s.relname
    WHERE s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace"""
_CONSTRAINTS = """SELECT quote_ident(t.relname), quote_ident(c.conname), pg_get_constraintdef(c.oid, true)
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    WHERE c.connamespace = current_schema()::regnamespace AND c.contype IN ('p', 'u', 'c', 'f')
    ORDER BY c.contype = 'f', t.relname, c.conname"""
_INDEXES = """SELECT pg_get_indexdef(i.indexrelid, 0, true)
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relnamespace = current_schema()::regnamespace AND NOT EXISTS (
      SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))"""
_REST: tuple[tuple[Callable[..., tuple[str, ...]], str], ...] = (
    (_own_sequence, _SEQUENCES),
    (_constraint, _CONSTRAINTS),
    (_index, _INDEXES),
)


def _drop(database: Database, schema: str) -> None:
    with database.write() as conn:
        conn.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


def _forget(database: Database, before: float) -> None:
    """Copies that a process left when it died."""
    with database.read() as conn:
        found = list(conn.scalars(sa.text("SELECT nspname FROM pg_namespace WHERE left(nspname, :size) = :prefix"),
                                  {"size": len(PREFIX), "prefix": PREFIX}))  # fmt: skip
    for name in found:
        made = re.fullmatch(rf"{PREFIX}(\d+)_[0-9a-f]+", name)
        if made and int(made[1]) < before:
            LOG.info("the forgotten copy %s is taken away", name)
            _drop(database, name)
