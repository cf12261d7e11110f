"""What happened: one row per change of a record, appended in its transaction and never changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from engine.storage.prepared import Row, value
from engine.storage.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to a record; ``id`` is 0 until it is stored.

    ``changes``: {field stable id: [before, after]} in JSON form. ``cause``: the id of the event that led to this one,
    ``depth`` events away from what a person did; ``run_id`` the run of the rule that did it. ``rule``: its name, or the
    stable id of the feed where ``actor_kind`` is "feed". ``batch``: the import it came with. ``definition``: the hash
    in force.
    """

    id: int = 0
    at: dt.datetime
    form: str
    record_id: int
    kind: str
    transition: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    actor_id: int | None = None
    actor_kind: str = "user"
    rule: str | None = None
    cause: int | None = None
    run_id: int | None = None
    depth: int = 0
    reason: str | None = None
    batch: int | None = None
    changes: Mapping[str, Any] | None = None
    trace: Any = None
    definition: str = ""


COLUMNS = tuple(each.name for each in fields(Event))


def append(conn: sa.Connection, tables: Tables, event: Event) -> int:
    """Store the event in the caller's transaction and answer its id."""
    table = tables.event
    prepared = tables.statements.get(("append",), conn.dialect, lambda: _append(table, conn.dialect.name))
    values = {f"new_{name}": getattr(event, name) for name in COLUMNS[1:]}
    values["new_changes"] = dict(event.changes) if event.changes is not None else None
    result = prepared.execute(conn, values)
    return int(result.lastrowid if conn.dialect.name == "sqlite" else result.fetchone()[0])


def _append(table: sa.Table, dialect: str) -> Any:
    statement = sa.insert(table).values({name: value(f"new_{name}", table.c[name].type) for name in COLUMNS[1:]})
    return statement if dialect == "sqlite" else statement.returning(table.c.id)


def of_record(
    conn: sa.Connection, tables: Tables, form: str, id: int, *, before: int | None = None, limit: int = 50
) -> list[Event]:
    """The events of a record, newest first; ``before`` is the id of the last event of the page above."""
    table = tables.event

    def build() -> Any:
        select = sa.select(*(table.c[name] for name in COLUMNS))
        select = select.where(table.c.form == sa.bindparam("form_"), table.c.record_id == sa.bindparam("record_"))
        if before is not None:
            select = select.where(table.c.id < sa.bindparam("before_"))
        return select.order_by(table.c.id.desc()).limit(sa.bindparam("limit_", type_=sa.Integer))

    prepared = tables.statements.get(("events", before is None), conn.dialect, build)
    values = {"form_": form, "record_": id, "before_": before, "limit_": limit}
    return [_event(row) for row in prepared.rows(conn, values)]


def get_event(conn: sa.Connection, tables: Tables, id: int) -> Event | None:
    table = tables.event
    select = sa.select(*(table.c[name] for name in COLUMNS)).where(table.c.id == sa.bindparam("id_"))
    row = tables.statements.get(("event",), conn.dialect, lambda: select).first(conn, {"id_": id})
    return _event(row) if row else None


def _event(row: Row) -> Event:
    return Event(**row)


# --- nobody changes what happened ------------------------------------------------------------------------------------

GUARDED = {"_event": "events", "_seal": "seals", "_amendment": "amendments"}  # table → what its rows are called
_GUARDS = {
    "sqlite": (
        """CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table}
        BEGIN SELECT RAISE(ABORT, '{rows} are never changed'); END""",
        """CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table}
        BEGIN SELECT RAISE(ABORT, '{rows} are never changed'); END""",
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{rows} are never changed'; END $$""",
        "DROP TRIGGER IF EXISTS {table}_is_final ON {table}",
        """CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_final()""",
    ),
}


def guard(conn: sa.Connection, *tables: str) -> None:
    """Make the database itself refuse to change or remove rows of these tables; events, if none is named."""
    for table in tables or ("_event",):
        for statement in () if _is_guarded(conn, table) else _GUARDS[conn.dialect.name]:
            conn.exec_driver_sql(statement.format(table=table, rows=GUARDED[table]))


def _is_guarded(conn: sa.Connection, table: str) -> bool:
    """Making a trigger anew on PostgreSQL would wait for everybody who reads the table; SQLite looks by itself."""
    if conn.dialect.name == "sqlite":
        return False
    there = "SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND tgname = :name AND tgenabled = 'O'"
    return bool(conn.scalar(sa.text(there), {"table": table, "name": f"{table}_is_final"}))


def unguard(conn: sa.Connection, *tables: str) -> None:
    """For migrations that rename a form or a state, and for amendments, inside their transaction only."""
    for table in tables or ("_event",):
        for name in guards_of(conn.dialect.name, table):
            on = "" if conn.dialect.name == "sqlite" else f" ON {table}"
            conn.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{on}")


def guards_of(dialect: str, table: str) -> tuple[str, ...]:
    """The names of the triggers that refuse changes of a table."""
    return (f"{table}_no_update", f"{table}_no_delete") if dialect == "sqlite" else (f"{table}_is_final",)
