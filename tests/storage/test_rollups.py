"""Rollups follow what they look at: amounts, links that move, records that go."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from storing import NOW, insert, install

from engine.storage import records, rollups
from engine.storage.database import Database
from engine.storage.tables import Tables


def figures(conn: sa.Connection, tables: Tables) -> list[tuple[Any, Any]]:
    table = tables.form["project"]
    return [tuple(row) for row in conn.execute(sa.select(table.c.hours, table.c.tickets).order_by(table.c.id))]


def test_a_rollup_follows_a_link_that_moves_and_a_record_that_goes(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        a, b = (insert(conn, tables, "project", name=name) for name in "AB")
        first = insert(conn, tables, "ticket", number="T1", project=a, hours=Decimal("1.25"), urgent=True)
        second = insert(conn, tables, "ticket", number="T2", project=a, hours=Decimal("2.00"), urgent=False)
        one, two = (records.get(conn, tables, "ticket", id) for id in (first, second))
        assert rollups.refresh(conn, tables, "ticket", [(None, one), (None, two)]) == {"project": {a}}
        assert figures(conn, tables) == [(Decimal("3.25"), 1), (None, None)]

        records.update(conn, tables, "ticket", first, 1, {"project": b})
        moved = records.get(conn, tables, "ticket", first)
        assert rollups.refresh(conn, tables, "ticket", [(one, moved)]) == {"project": {a, b}}
        assert figures(conn, tables) == [(Decimal("2.00"), 0), (Decimal("1.25"), 1)]

        records.update(conn, tables, "ticket", second, 1, {"deleted_at": NOW})
        rollups.refresh(conn, tables, "ticket", [(two, records.get(conn, tables, "ticket", second))])
        assert figures(conn, tables) == [(Decimal("0.00"), 0), (Decimal("1.25"), 1)]


def test_nothing_is_written_for_a_form_nothing_looks_at(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        assert rollups.refresh(conn, tables, "tag", [(None, {"id": 1})]) == {}


def test_all_figures_can_be_worked_out_anew(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        a = insert(conn, tables, "project", name="A")
        insert(conn, tables, "ticket", number="T1", project=a, hours=Decimal("1.25"), urgent=True)
        rollups.refresh_all(conn, tables, "project", "hours")
        rollups.refresh_all(conn, tables, "project", "tickets")
        assert figures(conn, tables) == [(Decimal("1.25"), 1)]
