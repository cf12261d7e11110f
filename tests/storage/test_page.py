"""Pages: put together they are the whole sorted list, in both directions, with empty values and equal ones."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import servers
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storing import insert, install

from engine.errors import Invalid
from engine.storage import page as pages
from engine.storage.database import Database
from engine.storage.indexes import SortBy
from engine.storage.page import Query
from engine.storage.prepared import Row
from engine.storage.tables import Tables

COLUMNS = ("number", "project", "due_on", "hours", "urgent", "place", "state")
SORTABLE = ("number", "project", "due_on", "hours", "urgent", "place", "state", "created_at", "id")
FEW_DAYS = st.none() | st.sampled_from([dt.date(2026, 1, 1), dt.date(2026, 2, 1), dt.date(2026, 3, 1)])
TICKET = st.fixed_dictionaries(
    {
        "project": st.none() | st.sampled_from(["Roof", "Bridge", "Änderung"]),
        "due_on": FEW_DAYS,
        "hours": st.none() | st.sampled_from([Decimal("0.10"), Decimal("2.00"), Decimal("-3.50")]),
        "urgent": st.none() | st.booleans(),
        "place": st.none() | st.sampled_from(["", "a", "B", "中"]),
        "state": st.sampled_from(["fresh", "done"]),
    }
)
SORT = st.lists(
    st.builds(SortBy, st.sampled_from(SORTABLE), st.booleans()), max_size=3, unique_by=lambda key: key.name
).map(tuple)


class Store:
    """Not a dataclass: hypothesis would print all that is in it."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self.database, self.tables = database, tables


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all examples of this file; each example writes into a transaction that is rolled back."""
    if request.param == "sqlite":
        yield from _opened(f"sqlite:///{tmp_path_factory.mktemp('pages')}/test.db")
    else:
        with servers.postgresql_database() as url:
            yield from _opened(url)


def _opened(url: str) -> Iterator[Store]:
    database = Database(url, synchronous="NORMAL")
    yield Store(database, install(database))
    database.close()


class Undone(Exception):
    pass


def trying(database: Database, do: Callable[[sa.Connection], None]) -> None:
    with pytest.raises(Undone), database.write() as conn:
        do(conn)
        raise Undone


def fill(conn: sa.Connection, tables: Tables, tickets: list[dict[str, Any]]) -> None:
    names = {name for ticket in tickets if (name := ticket["project"])}
    projects = {name: insert(conn, tables, "project", name=name, _title=name) for name in sorted(names)}
    for number, ticket in enumerate(tickets):
        row = ticket | {"project": projects.get(ticket["project"]), "number": f"T{number}"}
        insert(conn, tables, "ticket", **row)


def forwards(conn: sa.Connection, tables: Tables, query: Query) -> list[pages.Page]:
    found = [pages.page(conn, tables, query)]
    while found[-1].after:
        found.append(pages.page(conn, tables, replace(query, after=found[-1].after)))
        assert len(found) < 100
    return found


def backwards(conn: sa.Connection, tables: Tables, query: Query, last: pages.Page) -> list[pages.Page]:
    found = [last]
    while found[0].before:
        found.insert(0, pages.page(conn, tables, replace(query, before=found[0].before)))
        assert len(found) < 100
    return found


def rows_of(found: list[pages.Page]) -> list[Row]:
    return list(itertools.chain.from_iterable(page.rows for page in found))


def in_order(rows: list[Row], sort: tuple[SortBy, ...], title_of: Callable[[Row], Any]) -> bool:
    """Empty last in both directions; equal ones are told apart by the id. Texts are left to the collation."""

    def before(left: Row, right: Row) -> bool:
        for key in sort:
            a, b = ((title_of(row) if key.name == "project" else row[key.name]) for row in (left, right))
            if a == b:
                continue
            if a is None or b is None:
                return b is None
            return bool(isinstance(a, str) or ((a > b) if key.descending else (a < b)))
        return bool(left["id"] < right["id"]) is not (sort[-1].descending if sort else False)

    return all(before(left, right) for left, right in itertools.pairwise(rows))


@given(tickets=st.lists(TICKET, max_size=14), sort=SORT, size=st.integers(1, 5), late=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_in_both_directions_are_the_whole_list(
    store: Store, tickets: list[dict[str, Any]], sort: tuple[SortBy, ...], size: int, late: bool
) -> None:
    database, tables = store.database, store.tables
    where = (tables.form["ticket"].c.number.in_([f"T{n}" for n in range(5)]),) if late else ()
    query = Query("ticket", ("id", *COLUMNS, "created_at"), where, sort, size)

    def check(conn: sa.Connection) -> None:
        fill(conn, tables, tickets)
        whole = pages.page(conn, tables, replace(query, limit=1000))
        assert (whole.before, whole.after) == (None, None)
        assert len(whole.rows) == (min(5, len(tickets)) if late else len(tickets))
        assert in_order(whole.rows, sort, lambda row: row["project.title"])
        there = forwards(conn, tables, query)
        assert rows_of(there) == whole.rows
        assert [page.rows for page in backwards(conn, tables, query, there[-1])] == [page.rows for page in there]
        assert pages.count(conn, tables, query) == len(whole.rows)
        assert rows_of([pages.Page(rows) for rows in pages.export(conn, tables, query, 3)]) == whole.rows

    trying(database, check)


def test_a_page_brings_the_titles_of_its_links(store: Store) -> None:
    database, tables = store.database, store.tables

    def check(conn: sa.Connection) -> None:
        roof = insert(conn, tables, "project", name="Roof", _title="Roof")
        insert(conn, tables, "ticket", number="T1", project=roof)
        insert(conn, tables, "ticket", number="T2")
        found = pages.page(conn, tables, Query("ticket", ("number", "project"), sort=(SortBy("number"),)))
        assert found.rows == [
            {"number": "T1", "project": roof, "project.title": "Roof"},
            {"number": "T2", "project": None, "project.title": None},
        ]

    trying(database, check)


def test_deleted_records_are_in_lists_of_deleted_records_only(store: Store) -> None:
    database, tables = store.database, store.tables

    def check(conn: sa.Connection) -> None:
        insert(conn, tables, "ticket", number="T1")
        insert(conn, tables, "ticket", number="T2", deleted_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        alive = Query("ticket", ("number",))
        assert [row["number"] for row in pages.page(conn, tables, alive).rows] == ["T1"]
        assert [row["number"] for row in pages.page(conn, tables, replace(alive, deleted=True)).rows] == ["T2"]

    trying(database, check)


def test_counting_stops_at_the_cap_and_totals_are_exact(store: Store) -> None:
    database, tables = store.database, store.tables

    def check(conn: sa.Connection) -> None:
        for number in range(7):
            insert(conn, tables, "ticket", number=f"T{number}", hours=Decimal("0.10"))
        query = Query("ticket", ("number",))
        assert pages.count(conn, tables, query, most=5) == 6
        assert pages.totals(conn, tables, query, ["hours"]) == {"count": 7, "hours": Decimal("0.70")}
        nothing = replace(query, where=(tables.form["ticket"].c.number == "none",))
        assert pages.totals(conn, tables, nothing, ["hours"]) == {"count": 0, "hours": None}

    trying(database, check)


@pytest.mark.parametrize(
    "cursor", ["", "x", "AAAA", "W10", "bnVsbA", "W251bGwsIG51bGxd", "W1siaSIsIDFdLCBbImkiLCAxXV0", "e30", "é"]
)
def test_a_cursor_that_is_none_of_this_list_is_refused(store: Store, cursor: str) -> None:
    database, tables = store.database, store.tables
    query = Query("ticket", ("number",), sort=(SortBy("due_on"),), after=cursor)
    with database.read() as conn, pytest.raises(Invalid) as refused:
        pages.page(conn, tables, query)
    assert str(refused.value) == (
        "The place in the list cannot be read, or the list is sorted otherwise now; start over."
    )


@pytest.mark.parametrize("sort", [("due_on",), ("-due_on",), ("number",), ("state", "due_on")])
def test_sqlite_reads_a_page_from_an_index_without_sorting(tmp_path: Path, sort: tuple[str, ...]) -> None:
    text = (Path(__file__).parent / "indexed.yaml").read_text()
    database = Database(f"sqlite:///{tmp_path}/test.db", synchronous="NORMAL")
    tables = install(database, text.replace("SORT", ", ".join(sort)))
    keys = tuple(SortBy(name.lstrip("-"), name.startswith("-")) for name in sort)
    with database.read() as conn:
        for empty, back in [(None, False), ((False,) * len(keys) + (False,), False)]:
            plan = pages._Plan(tables, Query("ticket", ("number",), sort=keys))
            statement = pages._statement(plan, empty, back)
            steps = conn.execute(sa.text("SELECT 1")).scalar() and explained(conn, statement)
            inner = [step for step in steps if "INDEX" in step or "TEMP B-TREE" in step]
            assert any("USING" in step and "ix_ticket" in step for step in inner), steps
            # the one sort is of the page itself, at most twice its size
            assert sum("TEMP B-TREE" in step for step in inner) <= 1, steps
    database.close()


def explained(conn: sa.Connection, statement: Any) -> list[str]:
    compiled = statement.compile(dialect=conn.dialect)
    values = tuple(50 if name == "limit_" else None for name in compiled.positiontup)
    return [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)]
