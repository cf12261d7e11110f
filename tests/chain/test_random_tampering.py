"""Whatever is changed, taken out, put in or exchanged below the anchored head, verification finds it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import servers
import sqlalchemy as sa
from chained import AMENDMENT, EVENT, SEAL, happen, sealed, tampered, verified
from deep import DEEP
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from storing import NOW

from engine.chain.anchors import Anchor
from engine.chain.sealing import seal_all
from engine.storage import amending
from engine.storage.database import Database
from engine.storage.leaves import leaf, read

NUMBERS = st.integers(-5, 40)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs",)), max_size=5)
MOMENTS = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2050, 1, 1), timezones=st.just(dt.UTC))
JSONS = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
KEYS = {"_event": "id", "_seal": "number", "_amendment": "id"}
REFERRING = ("actor_id", "cause")  # the database itself asks for what they refer to


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, Anchor]]:
    """Some thirty events with gaps between them, of two forms, one renamed, some erased; all sealed, the head kept."""
    with servers.database_of(request.param, tmp_path_factory.mktemp("random")) as url:
        if request.param == "postgresql":
            servers.create(url)
        database = Database(url, synchronous="OFF")
        tables = sealed(database, 9, most=3)
        with database.write() as conn:
            amending.amend(conn, tables, {2: {"changes": None}, 7: {"reason": None}}, reason_event=9, now=NOW)
        with database.write() as conn:
            amending.note_renaming(conn, tables, {"fresh": "new"}, now=NOW, form="other")
            for number in range(9, 20):
                with conn.begin_nested() as savepoint:
                    happen(conn, tables, number, form="other" if number % 2 else "ticket")
                    if number % 4 == 0:
                        savepoint.rollback()
        seal_all(database, lambda: NOW, 4)
        outcome = verified(database)
        assert (outcome.holds, outcome.unsealed) == (True, 0)
        with database.read() as conn:
            number, hash = conn.execute(sa.select(SEAL.c.number, SEAL.c.hash).order_by(SEAL.c.number.desc())).first()
        yield database, Anchor(NOW, number, hash)
        database.close()


def other_value(draw: st.DrawFn, column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.JSON):
        return draw(JSONS)
    if isinstance(kind, sa.LargeBinary):
        return draw(st.binary(max_size=100))
    python = type(kind).__name__
    found = {"Moment": MOMENTS, "Text": WORDS}.get(python, NUMBERS)
    return draw(found if not column.nullable else found | st.none())


def row_of(conn: sa.Connection, table: sa.Table, number: int) -> dict[str, Any]:
    return dict(conn.execute(sa.select(table).where(table.c[KEYS[table.name]] == number)).mappings().one())


def prints(conn: sa.Connection) -> list[Any]:
    """What is there, as the chain understands it."""
    return [[leaf({**row, "leaves": str(row.get("leaves")), "amended": str(row.get("amended"))})
             for row in read(conn, table, by=(KEYS[table.name],), most=1000)] for table in (EVENT, SEAL, AMENDMENT)]  # fmt: skip


@st.composite
def tamperings(draw: st.DrawFn, database: Database) -> Any:
    table = draw(st.sampled_from([EVENT, EVENT, EVENT, SEAL, AMENDMENT]))
    key = table.c[KEYS[table.name]]
    with database.read() as conn:
        numbers = list(conn.scalars(sa.select(key).order_by(key)))
        number, other = draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))
        mine, theirs = row_of(conn, table, number), row_of(conn, table, other)
    does = draw(st.sampled_from(["update", "delete", "insert", "exchange"]))
    event(f"{does} {table.name}")
    columns = [column for column in table.c if column.name not in (*REFERRING, key.name)]
    if does == "delete":
        return lambda conn: conn.execute(sa.delete(table).where(key == number))
    if does == "insert":
        free = draw(st.sampled_from([n for n in range(-3, max(numbers)) if n not in numbers]))
        return lambda conn: conn.execute(sa.insert(table).values({**mine, key.name: free}))
    if does == "update":
        column = draw(st.sampled_from(columns))
        value = other_value(draw, column)
        return lambda conn: conn.execute(sa.update(table).where(key == number).values({column.name: value}))
    some = draw(st.lists(st.sampled_from(columns), min_size=1, unique=True))

    def exchange(conn: sa.Connection) -> None:
        for place, row in ((number, theirs), (other, mine)):
            conn.execute(sa.update(table).where(key == place).values({one.name: row[one.name] for one in some}))

    return exchange


@given(data=st.data())
@settings(
    max_examples=2000 if DEEP else 60, deadline=None, derandomize=not DEEP,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
def test_whatever_is_tampered_with_is_found(chain: tuple[Database, Anchor], data: st.DataObject) -> None:
    database, anchor = chain
    tampering = data.draw(tamperings(database))
    images: list[Any] = []

    def tamper(conn: sa.Connection) -> None:
        images.append(prints(conn))
        tampering(conn)
        images.append(prints(conn))

    outcome = tampered(database, tamper, anchor)
    assert outcome.holds == (images[0] == images[1])
