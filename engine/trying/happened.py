"""Reading what happened: the events of one form, record by record, each record's newest first, a batch at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.storage.events import Event
from engine.storage.prepared import among, listed, value
from engine.storage.tables import Tables

READ = (
    "id", "at", "form", "record_id", "kind", "transition", "from_state", "to_state", "actor_id", "actor_kind", "rule",
    "cause", "changes", "definition",
)  # fmt: skip
HIGHEST = 2**62


@dataclass(frozen=True)
class Window:
    """The events with ids from ``first`` to ``last``, both included."""

    first: int
    last: int


def window(conn: sa.Connection, tables: Tables, since: dt.datetime, *, from_first: int = 1) -> Window:
    """The events since a moment. Ids grow with time, so the first is found in a few steps; there is no index on it.
    ``from_first``: no earlier one is looked for."""
    table = tables.event
    low, high = from_first, int(conn.scalar(sa.select(sa.func.max(table.c.id))) or 0)
    last = high
    while low <= high:
        middle = (low + high) // 2
        next_one = sa.select(table.c.id, table.c.at).where(table.c.id >= middle).order_by(table.c.id).limit(1)
        row = conn.execute(next_one).one()
        if row.at < since:
            low = row.id + 1
        else:
            high = middle - 1
    return Window(low, last)


def count(conn: sa.Connection, tables: Tables, form: str, within: Window) -> int:
    table = tables.event
    query = sa.select(sa.func.count()).where(table.c.form == form, table.c.id.between(within.first, within.last))
    return int(conn.scalar(query) or 0)


def last_of(conn: sa.Connection, tables: Tables, form: str, within: Window) -> int:
    """The id of the newest event of the form; 0 where there is none in the window."""
    table = tables.event
    query = sa.select(sa.func.max(table.c.id)).where(
        table.c.form == form, table.c.id.between(within.first, within.last)
    )
    return int(conn.scalar(query) or 0)


def batches(
    conn: sa.Connection, tables: Tables, form: str, within: Window, size: int, *, trace: bool = False
) -> Iterator[list[Event]]:
    """The events of the form, by falling record and falling id, ``size`` at a time; with ``trace`` where it is read."""
    table = tables.event
    names = (*READ, "trace") if trace else READ

    def build() -> Any:
        select = sa.select(*(table.c[name] for name in names))
        select = select.where(
            table.c.form == value("form_", sa.Text),
            table.c.id.between(value("first_", sa.BigInteger), value("last_", sa.BigInteger)),
            sa.tuple_(table.c.record_id, table.c.id)
            < sa.tuple_(value("record_", sa.BigInteger), value("id_", sa.BigInteger)),
        )
        return select.order_by(table.c.record_id.desc(), table.c.id.desc()).limit(value("most_", sa.Integer))

    prepared = tables.statements.get(("events back", trace), conn.dialect, build)
    record, id = HIGHEST, HIGHEST
    while True:
        given = {"form_": form, "first_": within.first, "last_": within.last, "record_": record, "id_": id,
                 "most_": size}  # fmt: skip
        found = [Event(**row) for row in prepared.rows(conn, given)]
        if found:
            yield found
        if len(found) < size:
            return
        record, id = found[-1].record_id, found[-1].id


def of_record(conn: sa.Connection, tables: Tables, form: str, id: int, within: Window, most: int) -> list[Event]:
    """The events of one record in the window, newest first."""
    table = tables.event

    def build() -> Any:
        select = sa.select(*(table.c[name] for name in READ)).where(
            table.c.form == value("form_", sa.Text),
            table.c.record_id == value("record_", sa.BigInteger),
            table.c.id.between(value("first_", sa.BigInteger), value("last_", sa.BigInteger)),
        )
        return select.order_by(table.c.id.desc()).limit(value("most_", sa.Integer))

    prepared = tables.statements.get(("events of one", 1), conn.dialect, build)
    given = {"form_": form, "record_": id, "first_": within.first, "last_": within.last, "most_": most}
    return [Event(**row) for row in prepared.rows(conn, given)]


def stays_of(conn: sa.Connection, tables: Tables, form: str, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The visits of these records to states, by record, latest first."""
    table = tables.stay
    columns = ("id", "record_id", "state", "entered_at", "due_at", "owner", "owner_role")

    def build() -> Any:
        select = sa.select(*(table.c[name] for name in columns)).where(table.c.form == value("form_", sa.Text))
        return select.where(among(table.c.record_id, conn.dialect)).order_by(table.c.id.desc())

    prepared = tables.statements.get(("stays of", 1), conn.dialect, build)
    found: dict[int, list[dict[str, Any]]] = {id: [] for id in ids}
    for row in prepared.rows(conn, {"form_": form, **listed(list(ids), conn.dialect)}):
        found[row["record_id"]].append(row)
    return found


def trace_of(conn: sa.Connection, tables: Tables, id: int, rule: str) -> Any:
    """What the rule (by its stable id) decided at an event, as it was written down then; None if nothing was."""
    found = conn.scalar(sa.select(tables.event.c.trace).where(tables.event.c.id == id))
    return next((one for one in found or () if isinstance(one, dict) and one.get("rule") == rule), None)
