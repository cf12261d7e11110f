"""Statements compiled once, executed with new values: building one costs ten times as much as running it.

They go to the driver itself, inside the connection's transaction: SQLAlchemy's result objects cost more than the
statement does. Errors are SQLAlchemy's all the same.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import BindParameter

from engine.storage.watching import watch

Row = dict[str, Any]
Convert = Callable[[Any], Any]
MOST_KEPT = 4000
DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)


class Prepared:
    """A compiled statement. ``names`` are the keys of its result rows, in order.

    Values enter by the name of their ``bindparam``; a value that is left out is the one it was compiled with.
    """

    def __init__(self, statement: Any, dialect: Dialect, clauses: Sequence[sa.ClauseElement] = ()) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": bool(clauses)})
        self.text = str(compiled)
        self.order: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positiontup is not None else None
        self.values: dict[str, Any] = dict(compiled.params)
        self.bind: dict[str, Convert] = {}
        # per value of the clauses: its name, None where this dialect has no use for it; its length, or -1 if no list
        self.slots: list[tuple[str | None, int]] = []
        names: dict[BindParameter[Any], str] = compiled.bind_names
        for bind, name in names.items():
            self._enter(bind, name, dialect)
        for bind in (bind for clause in clauses for bind in values_of(clause)[1]):
            self.slots.append((names.get(bind), len(bind.value or ()) if bind.expanding else -1))
        self.columns = tuple(statement.selected_columns) if isinstance(statement, sa.SelectBase) else ()
        self.names = tuple(str(column.key) for column in self.columns)
        self.dialect = dialect
        self._places = tuple((name, self.bind.get(name)) for name in self.order or ())
        self._results: tuple[tuple[str, Convert], ...] | None = None

    def _enter(self, bind: BindParameter[Any], name: str, dialect: Dialect) -> None:
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if convert is None:
            return
        if bind.expanding:
            self.bind.update({f"{name}_{place + 1}": convert for place in range(len(bind.value or ()))})
        else:
            self.bind[name] = convert

    def slotted(self, values: Iterable[Any]) -> Row:
        """Values of the clauses, in their order → values by name."""
        found: Row = {}
        for (name, length), value in zip(self.slots, values, strict=True):
            if name is None:
                continue
            if length < 0:
                found[name] = value
            else:
                found.update({f"{name}_{place + 1}": one for place, one in enumerate(value)})
        return found

    def parameters(self, values: Mapping[str, Any]) -> Any:
        given = {**self.values, **values}
        if self.order is None:
            bind = self.bind
            return {name: bind[name](value) if name in bind else value for name, value in given.items()}
        return tuple([given[name] if convert is None else convert(given[name]) for name, convert in self._places])

    def execute(self, conn: sa.Connection, values: Mapping[str, Any] | None = None) -> Any:
        """Run it; answers what has ``fetchone``, ``fetchall``, ``rowcount`` and, on SQLite, ``lastrowid``.

        The values in it are the driver's own: ``rows`` and ``first`` convert them.
        """
        began = time.perf_counter()
        result = self._execute(conn, values)
        watch.ran(self.text, time.perf_counter() - began)
        return result

    def _execute(self, conn: sa.Connection, values: Mapping[str, Any] | None) -> Any:
        parameters = self.parameters(values or {})
        if not _straight(conn):
            return conn.exec_driver_sql(self.text, parameters)
        try:
            return driver_of(conn).execute(self.text, parameters)
        except DRIVER_ERRORS as error:
            raise _as_sqlalchemy(conn, error, self.text, parameters) from error

    def execute_many(self, conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        if not rows:
            return 0
        parameters = [self.parameters(row) for row in rows]
        if not _straight(conn):
            return conn.exec_driver_sql(self.text, parameters).rowcount
        try:
            cursor = driver_of(conn).cursor()
            cursor.executemany(self.text, parameters)
            return int(cursor.rowcount)
        except DRIVER_ERRORS as error:
            raise _as_sqlalchemy(conn, error, self.text, parameters) from error

    def rows(self, conn: sa.Connection, values: Mapping[str, Any] | None = None) -> list[Row]:
        began = time.perf_counter()
        result = self._execute(conn, values)
        results, found = self._converts(result), result.fetchall()
        watch.ran(self.text, time.perf_counter() - began)  # SQLite looks for the rows while they are fetched
        return [self._row(row, results) for row in found]

    def first(self, conn: sa.Connection, values: Mapping[str, Any] | None = None) -> Row | None:
        began = time.perf_counter()
        result = self._execute(conn, values)
        row = result.fetchone()
        watch.ran(self.text, time.perf_counter() - began)
        return None if row is None else self._row(row, self._converts(result))

    def one(self, conn: sa.Connection, values: Mapping[str, Any] | None = None) -> Any:
        """The first row with its columns as attributes, None without a row."""
        row = self.first(conn, values)
        return None if row is None else SimpleNamespace(**row)

    def scalar(self, conn: sa.Connection, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, None without a row."""
        row = self.first(conn, values)
        return None if row is None else row[self.names[0]]

    def _row(self, row: Sequence[Any], results: tuple[tuple[str, Convert], ...]) -> Row:
        found = dict(zip(self.names, row, strict=True))
        for name, convert in results:
            value = found[name]
            if value is not None:
                found[name] = convert(value)
        return found

    def _converts(self, result: Any) -> tuple[tuple[str, Convert], ...]:
        """Which result columns need converting; PostgreSQL tells the type it answers with only when it does."""
        if self._results is None:
            cursor = getattr(result, "cursor", result)
            codes = [each[1] for each in cursor.description] if cursor is not None else ()
            self._results = tuple(_result_converts(self.columns, codes, self.dialect))
        return self._results


def _straight(conn: sa.Connection) -> bool:
    """Whether nobody stands between: whoever listens to statements hears of these too."""
    return not conn.dispatch.before_cursor_execute


def driver_of(conn: sa.Connection) -> Any:
    """The driver's connection beneath, its transaction begun."""
    if not conn.in_transaction():
        conn.begin()
    return conn.connection.dbapi_connection


def _as_sqlalchemy(conn: sa.Connection, error: Exception, text: str, parameters: Any) -> BaseException:
    """The error as SQLAlchemy raises it; where the line to the server broke, the others are not trusted either."""
    base, broken = (sqlite3.Error, False) if isinstance(error, sqlite3.Error) else (psycopg.Error, _is_broken(conn))
    if broken:
        conn.invalidate(error)
        conn.engine.dispose()
    return sa.exc.DBAPIError.instance(
        text, parameters, error, base, connection_invalidated=broken, dialect=conn.dialect
    )


def _is_broken(conn: sa.Connection) -> bool:
    driver = driver_of(conn)
    return bool(driver.closed or driver.broken)


def _result_converts(columns: Sequence[Any], codes: Sequence[Any], dialect: Dialect) -> Iterator[tuple[str, Convert]]:
    for column, code in zip(columns, codes, strict=True):
        convert = column.type.dialect_impl(dialect).result_processor(dialect, code)
        if convert is not None:
            yield str(column.key), convert


def value(name: str, kind: Any = None) -> BindParameter[Any]:
    """A place for a value given at execution."""
    return sa.bindparam(name, None, type_=kind)


def among(column: Any, dialect: Dialect) -> sa.ColumnElement[bool]:
    """The column is one of the ids given as ``ids_``: one statement text however many there are. See ``listed``."""
    if dialect.name == "sqlite":
        ids = sa.func.json_each(value("ids_", sa.Text)).table_valued("value")
        clause: sa.ColumnElement[bool] = column.in_(sa.select(ids.c.value))
    else:
        clause = column == sa.any_(value("ids_", sa.ARRAY(sa.BigInteger)))
    return clause


def listed(ids: Sequence[int], dialect: Dialect) -> Row:
    """The values of a statement with ``among``."""
    return {"ids_": json.dumps(ids) if dialect.name == "sqlite" else ids}


def values_of(clause: sa.ClauseElement) -> tuple[Hashable | None, Sequence[BindParameter[Any]]]:
    """What tells two clauses apart beside their values (None: nothing does), and their value places in order."""
    key = clause._generate_cache_key()
    if key is None:
        return None, ()
    lengths = tuple(len(bind.value or ()) if bind.expanding else -1 for bind in key.bindparams)
    return (key.key, lengths), key.bindparams


class Statements:
    """Prepared statements by what they are for. Shared by threads; forgets everything when it grows too large."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Prepared] = {}

    def get(self, key: Hashable, dialect: Dialect, build: Callable[[], Any]) -> Prepared:
        """The statement kept under ``key``; ``build`` is called once to make it."""
        key = (dialect.name, key)
        found = self._kept.get(key)
        return found if found is not None else self._keep(key, Prepared(build(), dialect))

    def with_clauses(
        self, key: Hashable, dialect: Dialect, clauses: Sequence[sa.ClauseElement], build: Callable[[], Any]
    ) -> tuple[Prepared, Row]:
        """As ``get``, for a statement with clauses made by others: (statement, the values in the clauses by name)."""
        parts = [values_of(clause) for clause in clauses]
        if any(shape is None for shape, _binds in parts):
            return Prepared(build(), dialect), {}
        key = (dialect.name, key, tuple(shape for shape, _binds in parts))
        found = self._kept.get(key) or self._keep(key, Prepared(build(), dialect, clauses))
        return found, found.slotted(bind.effective_value for _shape, binds in parts for bind in binds)

    def _keep(self, key: Hashable, prepared: Prepared) -> Prepared:
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = prepared
        return prepared
