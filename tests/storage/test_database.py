"""Transactions: readers see one moment and write nothing, writers take turns, one server serves a file."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
import servers
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from storing import insert, install
from test_records import together

from engine.errors import Refused
from engine.storage.database import Database


def names(conn: sa.Connection) -> list[str]:
    return list(conn.execute(sa.text("SELECT name FROM tag ORDER BY id")).scalars())


def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    tables = install(database)
    with database.read() as reading:
        assert names(reading) == []
        with database.write() as conn:
            insert(conn, tables, "tag", name="red")
        assert names(reading) == []
    with database.read() as reading:
        assert names(reading) == ["red"]


def test_what_a_block_wrote_is_undone_when_it_raises(database: Database) -> None:
    tables = install(database)

    def fail() -> None:
        with database.write() as conn:
            insert(conn, tables, "tag", name="red")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as conn:
        assert names(conn) == []


def test_twenty_writers_lose_no_update(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        insert(conn, tables, "tag", name="0")

    def count(_number: int) -> None:
        for _turn in range(3):
            with database.write() as conn:
                table = tables.form["tag"]
                name = conn.execute(sa.select(table.c.name).with_for_update()).scalar_one()
                conn.execute(sa.update(table).values(name=str(int(name) + 1)))

    together(count, 20)
    with database.read() as conn:
        assert names(conn) == ["60"]


def test_a_reader_cannot_write(database: Database) -> None:
    tables = install(database)
    said = "read-only transaction|attempt to write a readonly database"
    with database.read() as conn, pytest.raises(DBAPIError, match=said):
        insert(conn, tables, "tag", name="red")
    with database.write() as conn:
        insert(conn, tables, "tag", name="red")


def test_a_second_server_of_the_same_file_is_refused_until_the_first_is_gone(sqlite_url: str, tmp_path: Path) -> None:
    first, second = Database(sqlite_url), Database(sqlite_url)
    first.claim_server()
    first.claim_server()
    with pytest.raises(Refused) as refused:
        second.claim_server()
    assert str(refused.value) == (
        f"Another server (process {os.getpid()}) already serves {tmp_path}/test.db. Stop it first, or use PostgreSQL"
        " for several servers."
    )
    with second.write() as conn:  # commands beside a server are welcome
        conn.execute(sa.text("CREATE TABLE t (id INTEGER)"))
    first.close()
    second.claim_server()
    second.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/name", "a database is sqlite:///file or postgresql://host/name, not 'mysql'"),
        ("sqlite://", "a database in memory cannot be shared by threads; name a file"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_by_name(url: str, said: str) -> None:
    with pytest.raises(ValueError, match="database") as refused:
        Database(url)
    assert str(refused.value) == said


def test_analysing_leaves_the_database_usable(database: Database) -> None:
    install(database)
    database.analyse()
    with database.read() as conn:
        assert names(conn) == []


def looked(database: Database) -> dict[str, int]:
    """How often PostgreSQL was told to look at each table."""
    with database.read() as conn:
        return dict(map(tuple, conn.exec_driver_sql("SELECT relname, analyze_count FROM pg_stat_user_tables")))


def write(database: Database, statement: str) -> None:
    with database.write() as conn:
        conn.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        conn.exec_driver_sql(statement)


def test_postgresql_is_told_only_of_tables_it_has_not_looked_at() -> None:
    with servers.postgresql_database() as url, closing(Database(url)) as database:
        write(database, "CREATE TABLE known AS SELECT generate_series(1, 10) AS n")
        database.analyse()
        write(database, "CREATE TABLE fresh AS SELECT generate_series(1, 10) AS n")
        database.analyse()
        assert looked(database) == {"known": 1, "fresh": 1}
        write(database, "INSERT INTO known SELECT generate_series(1, 5000)")
        database.analyse()
        assert looked(database) == {"known": 2, "fresh": 1}
