"""The single steps of a migration: what each says to people, and what it does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from engine.errors import Message
from engine.storage import amending, events
from engine.storage.catalog import quoted
from engine.storage.tables import Tables

NAMED_AFTER_FORMS = (
    "event", "stay", "attachment", "comment", "saved_view", "draft", "notification", "follow", "batch",
    "run", "message", "question", "approval", "entry",
)  # fmt: skip
Do = Callable[[sa.Connection], None]


@dataclass(frozen=True)
class Step:
    """One change of the database. ``impossible``: it cannot be done until somebody mends the data; ``question``: the
    id of the question that decides about it."""

    message: Message
    do: Do
    impossible: bool = False
    question: str = ""


def rename_table(conn: sa.Connection, old: str, new: str) -> None:
    conn.exec_driver_sql(f"ALTER TABLE {quoted(conn, old)} RENAME TO {quoted(conn, new)}")


def rename_column(conn: sa.Connection, table: str, old: str, new: str) -> None:
    conn.exec_driver_sql(f"ALTER TABLE {quoted(conn, table)} RENAME COLUMN {quoted(conn, old)} TO {quoted(conn, new)}")


def add_column(conn: sa.Connection, column: sa.Column[Any]) -> None:
    """Both databases add a column in place; the foreign key stands in the same statement."""
    ddl = str(CreateColumn(column).compile(dialect=conn.dialect))
    for key in column.foreign_keys:
        target, name = key.target_fullname.rsplit(".", 1)
        ddl += f" REFERENCES {quoted(conn, target)} ({quoted(conn, name)})"
        ddl += f" ON DELETE {key.ondelete}" if key.ondelete else ""
    conn.exec_driver_sql(f"ALTER TABLE {quoted(conn, column.table.name)} ADD COLUMN {ddl}")


def drop_index(conn: sa.Connection, name: str) -> None:
    conn.exec_driver_sql(f"DROP INDEX IF EXISTS {quoted(conn, name)}")


@contextmanager
def renaming_events(
    conn: sa.Connection, tables: Tables, names: Mapping[str, str], *, now: dt.datetime, form: str | None = None
) -> Iterator[None]:
    """All that a migration changes in events is what their form and states are called, and only within: of all forms,
    or the states of ``form``. The audit chain is told."""
    if sa.inspect(conn).has_table(tables.amendment.name):  # else nothing is sealed
        amending.note_renaming(conn, tables, names, now=now, form=form)
    events.unguard(conn)
    yield
    events.guard(conn)


def rename_all(names: Mapping[str, str], rename: Callable[[str, str], None]) -> None:
    """Call ``rename(old, new)`` for each, over names in between where one still stands in the way of another."""
    crossing = {old: new for old, new in names.items() if new in names}
    for old, new in names.items():
        rename(old, f"_moving_{new}" if old in crossing else new)
    for new in crossing.values():
        rename(f"_moving_{new}", new)


def replace_values(
    conn: sa.Connection, table: sa.Table, column: str, names: Mapping[str, str], *only: sa.ColumnElement[bool]
) -> None:
    """Old name → new name, all at once, so that two names can be exchanged."""
    place: Any = sa.type_coerce(table.c[column], sa.Text)
    renamed = sa.case(dict(names), value=place, else_=place)
    conn.execute(sa.update(table).where(place.in_(list(names)), *only).values({column: renamed}))


def replace_tags(conn: sa.Connection, table: sa.Table, column: str, names: Mapping[str, str]) -> None:
    """As ``replace_values``, inside texts such as ``|a|b|``."""
    changed: Any = sa.type_coerce(table.c[column], sa.Text)
    for old, new in names.items():
        changed = sa.func.replace(changed, f"|{old}|", f"|\x01{new}|")
    changed = sa.func.replace(changed, "\x01", "")
    conn.execute(sa.update(table).where(table.c[column].is_not(None)).values({column: changed}))


def lightweight(name: str, columns: Iterable[tuple[str, Any]]) -> sa.TableClause:
    return sa.table(name, *(sa.column(column, kind) for column, kind in columns))


def add_texts(conn: sa.Connection, table: str, *columns: str) -> None:
    for column in columns:
        conn.exec_driver_sql(f"ALTER TABLE {quoted(conn, table)} ADD COLUMN {quoted(conn, column)} TEXT")


def put_back(
    conn: sa.Connection, table: str, column: str, *, now: str, kept: str, after: str, up_to: int, filled: bool = False
) -> None:
    """Where ``now`` still is what the value became (``after``), the ``kept`` one stands in ``column`` again.

    ``filled``: only records that were written over have anything in ``kept``.
    """
    source = lightweight(table, (("id", sa.BigInteger()), *((name, None) for name in {column, now, kept, after})))
    same = source.c[now].is_not_distinct_from(source.c[after])
    only = [source.c[kept].is_not(None)] if filled else []
    conn.execute(sa.update(source).where(source.c.id <= up_to, same, *only).values({column: source.c[kept]}))


def largest_id(conn: sa.Connection, table: str) -> int:
    source = lightweight(table, (("id", sa.BigInteger()),))
    return conn.execute(sa.select(sa.func.max(source.c.id))).scalar() or 0


def gone_name(name: str, on: dt.date, taken: Iterable[str]) -> str:
    """Where data that the definition does not name any more is kept: ``_gone_<name>_<date>``."""
    base = f"_gone_{name[:40]}_{on:%Y%m%d}"
    used, number, found = set(taken), 1, base
    while found in used:
        number += 1
        found = f"{base}_{number}"
    return found
