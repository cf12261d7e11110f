"""Sealing: behind those who write, in order, nothing lost, nothing twice, whoever dies in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
import sqlalchemy as sa
from chained import AMENDMENT, EVENT, SEAL, filled, found, happen, sealed, verified
from fake_clock import FakeClock
from sqlalchemy.exc import DBAPIError
from storing import NOW, TICKETS, install

from engine import faults
from engine.chain import sealing
from engine.chain.anchors import Daily
from engine.chain.sealing import Sealer, Step, keep, next_seal, seal_all
from engine.storage import amending
from engine.storage.database import Database
from engine.storage.seals import START


def spans(database: Database) -> list[tuple[int, int, int]]:
    """(first event, last event, events) of every seal."""
    columns = (SEAL.c.first_event, SEAL.c.last_event, SEAL.c.events)
    with database.read() as conn:
        return [tuple(row) for row in conn.execute(sa.select(*columns).order_by(SEAL.c.number))]


def test_events_are_sealed_in_order_a_bounded_piece_at_a_time(database: Database) -> None:
    tables = filled(database, 10)
    sealer = Sealer(most=4)
    assert [sealer.step(database, NOW) for _ in range(4)] == [
        Step(1, more=True), Step(2, more=True), Step(3), Step(),
    ]  # fmt: skip
    assert spans(database) == [(1, 4, 4), (5, 8, 4), (9, 10, 2)]

    with database.write() as conn:
        happen(conn, tables, 11)
    assert sealer.step(database, NOW) == Step(4)
    with database.read() as conn:
        hashes = list(conn.execute(sa.select(SEAL.c.previous, SEAL.c.hash).order_by(SEAL.c.number)))
    assert [row.previous for row in hashes] == [START, *(row.hash for row in hashes[:-1])]
    outcome = verified(database)
    assert (outcome.holds, outcome.events, outcome.seals, outcome.unsealed) == (True, 11, 4, 0)


def test_an_empty_database_has_nothing_to_seal(database: Database) -> None:
    install(database)
    assert seal_all(database, lambda: NOW) == 0
    assert verified(database).holds


def test_both_databases_give_the_same_seals(tmp_path: Path) -> None:
    made = []
    for kind in ("sqlite", "postgresql"):
        with servers.database_of(kind, tmp_path) as url:
            if kind == "postgresql":
                servers.create(url)
            database = Database(url)
            sealed(database, 5)
            with database.read() as conn:
                made.append(list(conn.scalars(sa.select(SEAL.c.hash).order_by(SEAL.c.number))))
            database.close()
    assert made[0] == made[1]


@pytest.mark.parametrize("change", ["UPDATE {} SET at = at", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["_seal", "_amendment"])
def test_the_database_itself_refuses_to_change_the_chain(database: Database, table: str, change: str) -> None:
    tables = sealed(database, 2)
    with database.write() as conn:
        amending.note_renaming(conn, tables, {"a": "b"}, now=NOW)
    with pytest.raises(DBAPIError, match="are never changed"), database.write() as conn:
        conn.execute(sa.text(change.format(table)))


def test_a_database_from_before_gets_its_seals_afterwards_and_in_pieces(database: Database) -> None:
    filled(database, 6)
    with database.write() as conn:
        for table in (SEAL, AMENDMENT):
            table.drop(conn)
    install(database, TICKETS)
    assert spans(database) == []  # the start itself seals nothing
    assert Sealer(most=4).step(database, NOW) == Step(1, more=True)
    assert spans(database) == [(1, 4, 4)]
    assert verified(database).unsealed == 2


# --- others at the same time -----------------------------------------------------------------------------------------


@pytest.fixture
def postgresql() -> Iterator[Database]:
    """Where numbers and commits come in different orders."""
    with servers.postgresql_database() as url:
        opened = Database(url)
        yield opened
        opened.close()


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_lower_event_that_is_committed_later_is_waited_for(postgresql: Database, ending: str) -> None:
    tables, sealer = install(postgresql), Sealer()
    with postgresql.engine.connect() as slow:
        assert happen(slow, tables, 1) == 1
        with postgresql.write() as conn:
            assert happen(conn, tables, 2) == 2
        assert [sealer.step(postgresql, NOW) for _ in range(3)] == [Step(more=True)] * 3
        getattr(slow, ending)()
    assert sealer.step(postgresql, NOW) == Step(1)
    assert spans(postgresql) == [(1, 2, 2 if ending == "commit" else 1)]
    assert found(verified(postgresql)) == []


def test_writers_that_came_later_hold_nothing_up(postgresql: Database) -> None:
    """There is always somebody writing; only those are waited for who were there."""
    tables, sealer = install(postgresql), Sealer()
    with postgresql.engine.connect() as first, postgresql.engine.connect() as second:
        happen(first, tables, 1)
        with postgresql.write() as conn:
            happen(conn, tables, 2)
        assert sealer.step(postgresql, NOW) == Step(more=True)
        assert happen(second, tables, 3) == 3
        with postgresql.write() as conn:
            assert happen(conn, tables, 4) == 4
        first.commit()
        assert sealer.step(postgresql, NOW) == Step(1, more=True)
        assert spans(postgresql) == [(1, 2, 2)]
        second.commit()
    seal_all(postgresql, lambda: NOW)
    assert spans(postgresql) == [(1, 2, 2), (3, 4, 2)]
    assert found(verified(postgresql)) == []


def test_who_reads_events_or_refers_to_them_is_not_waited_for(postgresql: Database) -> None:
    tables = filled(postgresql, 2)
    with postgresql.engine.connect() as reader:
        reader.execute(sa.select(EVENT).with_for_update(key_share=True, read=True)).all()
        assert Sealer().step(postgresql, NOW) == Step(1)
    assert tables.event is EVENT


def test_nothing_is_lost_while_many_write_and_two_seal(database: Database) -> None:
    tables, ended = install(database), threading.Event()

    def write(writer: int) -> None:
        for number in range(12):
            with database.write() as conn:
                happen(conn, tables, writer * 100 + number)
                happen(conn, tables, writer * 100 + number + 50)

    def seal() -> None:
        sealer = Sealer(most=7)
        while not ended.is_set():
            sealer.step(database, NOW)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    sealers = [threading.Thread(target=seal) for _ in range(2)]
    for thread in (*writers, *sealers):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    for thread in sealers:
        thread.join()
    seal_all(database, lambda: NOW)
    outcome = verified(database)
    assert (found(outcome), outcome.events, outcome.unsealed) == ([], 96, 0)


def test_of_two_sealers_one_is_faster(database: Database) -> None:
    filled(database, 3)
    first, second = (next_seal(database, 3, NOW, most) for most in (3, 2))
    assert first is not None
    assert second is not None
    assert [keep(database, each) for each in (first, second)] == [True, False]
    assert spans(database) == [(1, 3, 3)]


def test_a_seal_made_before_an_amendment_is_made_again(database: Database) -> None:
    tables = filled(database, 2)
    stale = next_seal(database, 2, NOW, 10)
    assert stale is not None
    with database.write() as conn:
        amending.amend(conn, tables, {1: {"reason": None}}, reason_event=2, now=NOW)
    assert not keep(database, stale)
    assert seal_all(database, lambda: NOW) == 1
    assert found(verified(database)) == []


def test_whoever_amends_is_not_overtaken(postgresql: Database) -> None:
    tables = filled(postgresql, 2)
    with postgresql.engine.connect() as amender:
        amending.note_renaming(amender, tables, {"ticket": "case"}, now=NOW)
        assert Sealer().step(postgresql, NOW) == Step(more=True)
        amender.commit()
    assert Sealer().step(postgresql, NOW) == Step(1)


class Died(Exception):
    """In the place of a process that ends."""


@pytest.mark.parametrize("place", ["events settled", "seal written", "before commit", "committed"])
def test_a_process_that_dies_leaves_a_whole_seal_or_none(
    database: Database, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    filled(database, 6)

    def die(passed: str) -> None:
        if passed == place:
            raise Died

    monkeypatch.setattr(faults, "watcher", die)
    with pytest.raises(Died):
        Sealer(most=4).step(database, NOW)
    monkeypatch.setattr(faults, "watcher", None)
    assert spans(database) == ([(1, 4, 4)] if place == "committed" else [])
    assert seal_all(database, lambda: NOW, 4) == (1 if place == "committed" else 2)
    assert found(verified(database)) == []


def test_the_background_looks_again_soon_while_there_is_more(make_app, tmp_path: Path) -> None:
    made = make_app(TICKETS, people={})
    clock: FakeClock = made.clock
    for number in range(3):
        made.create("tag", name=f"tag {number}")
    sealer, daily = Sealer(most=2), Daily(str(tmp_path / "heads.txt"))
    assert sealing.look(made.application, sealer, daily) == clock() + sealing.AGAIN
    while sealing.look(made.application, sealer, daily) != clock() + sealing.EVERY:
        pass
    outcome = verified(made.application.database)
    assert (outcome.holds, outcome.unsealed) == (True, 0)
    assert (tmp_path / "heads.txt").read_text().startswith("2026-03-04T01:30:00+00:00 1 ")
