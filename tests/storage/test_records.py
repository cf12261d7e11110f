"""Records: what is stored comes back, and nobody overwrites what somebody else saved."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from storing import NOW, insert, install, stamped

from engine.errors import Invalid, Missing, Problem, Stale
from engine.storage import records
from engine.storage.database import Database
from engine.storage.violations import explain


def test_a_row_comes_back_as_it_was_stored(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        project = insert(conn, tables, "project", name="Roof", _title="Roof")
        ticket = insert(
            conn, tables, "ticket", number="T1", project=project, due_on=dt.date(2026, 5, 1), hours=Decimal("1.50"),
            urgent=True, colours=("red", "blue"), note="é 中文",
        )  # fmt: skip
    with database.read() as conn:
        row = records.get(conn, tables, "ticket", ticket)
    assert row is not None
    stored = {name: row[name] for name in ("id", "version", "project", "due_on", "hours", "urgent", "colours", "note")}
    assert stored == {
        "id": ticket, "version": 1, "project": project, "due_on": dt.date(2026, 5, 1), "hours": Decimal("1.50"),
        "urgent": True, "colours": ("red", "blue"), "note": "é 中文",
    }  # fmt: skip
    assert (row["created_at"], row["deleted_at"], row["place"]) == (NOW, None, None)


def test_an_update_raises_the_version_and_a_second_one_from_the_old_version_is_stale(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        ticket = insert(conn, tables, "ticket", number="T1")
        assert records.update(conn, tables, "ticket", ticket, 1, {"note": "first"}) == 2
        with pytest.raises(Stale) as stale:
            records.update(conn, tables, "ticket", ticket, 1, {"note": "second"})
        assert str(stale.value) == ("Someone else saved this record first: it is at version 2, you started from 1.")
        assert stale.value.current_version == 2
        with pytest.raises(Missing, match=r"There is no record 999\."):
            records.update(conn, tables, "ticket", 999, 1, {"note": "lost"})


def test_of_twenty_who_save_the_same_version_at_once_one_wins(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        ticket = insert(conn, tables, "ticket", number="T1")
    results: list[str] = []

    def save(number: int) -> None:
        try:
            with database.write() as conn:
                records.update(conn, tables, "ticket", ticket, 1, {"note": str(number)})
            results.append("saved")
        except Stale:
            results.append("stale")

    together(save, 20)
    assert sorted(results) == ["saved"] + ["stale"] * 19
    with database.read() as conn:
        assert (records.get(conn, tables, "ticket", ticket) or {})["version"] == 2


def test_lines_and_links_of_several_records_come_in_order(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        first, second = (insert(conn, tables, "ticket", number=number) for number in ("T1", "T2"))
        red, blue = (insert(conn, tables, "tag", name=name) for name in ("red", "blue"))
        rows = [stamped(tables, "step", _parent=first, _position=place, name=f"s{place}") for place in (2, 0, 1)]
        records.insert_many(conn, tables, "step", rows)
        records.set_links(conn, tables, "ticket", "tags", first, [blue, red, blue])
        lines = records.lines_of(conn, tables, "step", [first, second])
        assert [line["name"] for line in lines[first]] == ["s0", "s1", "s2"]
        assert lines[second] == []
        assert records.links_of(conn, tables, "ticket", "tags", [first, second]) == {first: (blue, red), second: ()}
        records.update_rows(conn, tables, "step", [{"id": line["id"], "name": "x"} for line in lines[first]])
        records.delete_rows(conn, tables, "step", [lines[first][0]["id"]])
        left = records.lines_of(conn, tables, "step", [first])[first]
        assert [(line["name"], line["version"]) for line in left] == [("x", 2), ("x", 2)]


def test_titles_and_many_rows_come_in_one_statement_each(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        ids = [insert(conn, tables, "project", name=name, _title=name) for name in ("A", "B", "C")]
        assert records.titles(conn, tables, "project", [ids[2], ids[0], 99]) == {ids[0]: "A", ids[2]: "C"}
        assert {row["name"] for row in records.fetch_many(conn, tables, "project", ids[:2]).values()} == {"A", "B"}
        assert records.fetch_many(conn, tables, "project", []) == {}


def test_a_unique_value_is_free_again_when_its_record_is_deleted(database: Database) -> None:
    tables = install(database)
    form = tables.definition.forms["ticket"]
    with database.write() as conn:
        first = insert(conn, tables, "ticket", number="T1")
    with pytest.raises(IntegrityError) as taken, database.write() as conn:
        insert(conn, tables, "ticket", number="T1")
    refusal = explain(taken.value, form, tables)
    assert isinstance(refusal, Invalid)
    assert str(refusal) == "Number: another record has this value already."
    assert refusal.problems == (Problem("number", refusal.reason),)
    with database.write() as conn:
        records.update(conn, tables, "ticket", first, 1, {"deleted_at": NOW})
        insert(conn, tables, "ticket", number="T1")
    with pytest.raises(IntegrityError), database.write() as conn:
        records.update(conn, tables, "ticket", first, None, {"deleted_at": None})


def test_a_link_to_nothing_is_refused(database: Database) -> None:
    tables = install(database)
    with pytest.raises(IntegrityError) as broken, database.write() as conn:
        insert(conn, tables, "ticket", number="T1", project=12345)
    refusal = explain(broken.value, tables.definition.forms["ticket"], tables)
    assert str(refusal) == "Something this record refers to was removed meanwhile; load it again."


def test_deleting_the_record_removes_its_lines_and_links(database: Database) -> None:
    tables = install(database)
    with database.write() as conn:
        ticket, tag = insert(conn, tables, "ticket", number="T1"), insert(conn, tables, "tag", name="red")
        insert(conn, tables, "step", _parent=ticket, name="s")
        records.set_links(conn, tables, "ticket", "tags", ticket, [tag])
        records.delete_rows(conn, tables, "ticket", [ticket])
        assert conn.execute(sa.select(sa.func.count()).select_from(tables.form["step"])).scalar() == 0
        assert conn.execute(sa.select(sa.func.count()).select_from(tables.link["ticket", "tags"])).scalar() == 0


def together(do: object, count: int) -> None:
    """Call ``do(number)`` in as many threads, all starting at once."""
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        do(number)  # type: ignore[operator]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
