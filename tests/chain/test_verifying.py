"""Verification: what was tampered with is found, and where; what was lawfully changed is not taken for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
import sqlalchemy as sa
from chained import AMENDMENT, EVENT, SEAL, filled, found, happen, sealed, tampered, unguarded, verified
from making import reasons
from storing import NOW, TICKETS, install

from engine.chain import anchors
from engine.chain.sealing import seal_all
from engine.errors import Refused
from engine.storage import amending
from engine.storage.database import Database
from engine.storage.events import COLUMNS

Tamper = Callable[[sa.Connection], Any]
OTHERWISE = {"at": NOW - dt.timedelta(hours=1), "actor_id": 1, "cause": 1, "changes": {}, "trace": [],
             **dict.fromkeys(("record_id", "run_id", "depth", "batch"), 77)}  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def standing(kind: str, folder: Path, prepare: Callable[[Database], Any]) -> Iterator[Database]:
    """A database for many tests, which leave it as it was."""
    with servers.database_of(kind, folder) as url:
        if kind == "postgresql":
            servers.create(url)
        database = Database(url, synchronous="OFF")
        prepare(database)
        yield database
        database.close()


@pytest.fixture(scope="module")
def ten(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Ten events in the seals 1 to 4, 5 to 8, 9 to 10."""

    def prepare(database: Database) -> None:
        tables = sealed(database, 10)
        with database.write() as conn:
            conn.execute(sa.insert(tables.user).values(login="li", name="Li", created_at=NOW))

    yield from standing(kind, tmp_path_factory.mktemp("ten"), prepare)


@pytest.fixture(scope="module")
def erased(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Six events in the seals 1 to 4, 5 to 6; then the second was erased, which seal 3 knows."""

    def prepare(database: Database) -> None:
        erase(database, sealed(database, 6), 2)
        seal_all(database, lambda: NOW)

    yield from standing(kind, tmp_path_factory.mktemp("erased"), prepare)


def copy_of(conn: sa.Connection, table: sa.Table, key: str, number: int, **changes: Any) -> dict[str, Any]:
    row = conn.execute(sa.select(table).where(table.c[key] == number)).mappings().one()
    return {**row, **changes}


def update(table: sa.Table, key: str, number: int, /, **values: Any) -> Tamper:
    return lambda conn: conn.execute(sa.update(table).where(table.c[key] == number).values(values))


def delete(table: sa.Table, key: str, *numbers: int) -> Tamper:
    return lambda conn: conn.execute(sa.delete(table).where(table.c[key].in_(numbers)))


def swap(conn: sa.Connection) -> None:
    """The contents of two events change places, their numbers stay."""
    third, sixth = (copy_of(conn, EVENT, "id", number) for number in (3, 6))
    update(EVENT, "id", 3, **{**sixth, "id": 3})(conn)
    update(EVENT, "id", 6, **{**third, "id": 6})(conn)


def put_in(number: int) -> Tamper:
    return lambda conn: conn.execute(sa.insert(EVENT).values(copy_of(conn, EVENT, "id", 2, id=number)))


def make_room(conn: sa.Connection) -> None:
    """A number that no event ever had, as after a transaction that was rolled back."""
    conn.execute(sa.delete(EVENT).where(EVENT.c.id == 5))


def worked_out_anew(conn: sa.Connection) -> None:
    """A clever one: the event is changed, and so is its seal."""
    from dataclasses import replace

    from engine.storage import leaves
    from engine.storage.seals import packed, seal_of

    update(EVENT, "id", 6, reason="another")(conn)
    rows = leaves.read(conn, EVENT, EVENT.c.id.between(5, 8), most=9)
    seal = seal_of(leaves.read(conn, SEAL, SEAL.c.number == 2, by=("number",), most=1)[0])
    assert seal is not None
    made = replace(seal, leaves=packed((row["id"], leaves.leaf(row)) for row in rows))
    update(SEAL, "number", 2, leaves=made.leaves, hash=made.worked_out())(conn)


@pytest.mark.parametrize(
    ("tamper", "faults"),
    [
        (update(EVENT, "id", 3, reason="another"), [("changed", 3, 1)]),
        (update(EVENT, "id", 3, changes={"note": [None, "第 3"]}), [("changed", 3, 1)]),
        (update(EVENT, "id", 10, at=NOW + dt.timedelta(microseconds=1)), [("changed", 10, 3)]),
        (delete(EVENT, "id", 6), [("missing", 6, 2)]),
        (delete(EVENT, "id", 9, 10), [("missing", 9, 3), ("missing", 10, 3)]),
        (swap, [("changed", 3, 1), ("changed", 6, 2)]),
        (put_in(-4), [("uncovered", -4, None)]),
        (update(SEAL, "number", 2, at=NOW + dt.timedelta(days=1)), [("seal broken", None, 2)]),
        (update(SEAL, "number", 2, hash="0" * 64), [("seal broken", None, 2), ("link broken", None, 3)]),
        (update(SEAL, "number", 2, previous="0" * 64), [("seal broken", None, 2)]),
        (update(SEAL, "number", 2, last_event=9), [("seal broken", None, 2)]),
        (update(SEAL, "number", 2, leaves=b"short"),
         [("seal broken", None, 2), *(("uncovered", number, None) for number in (5, 6, 7, 8))]),
        (update(SEAL, "number", 3, number=7), [("seal missing", None, number) for number in (3, 4, 5, 6)]
         + [("seal broken", None, 7)]),
        (update(SEAL, "number", 1, number=0),
         [("seal added", None, 0), ("seal missing", None, 1)] + [("uncovered", n, None) for n in (1, 2, 3, 4)]),
        (delete(SEAL, "number", 2),
         [("seal missing", None, 2), *(("uncovered", number, None) for number in (5, 6, 7, 8))]),
        (worked_out_anew, [("link broken", None, 3)]),
    ],
    ids=["changed", "changed JSON", "a microsecond", "deleted in the middle", "deleted at the end", "swapped",
         "put in below", "seal's time", "seal's hash", "seal's previous", "seal's reach", "seal's leaves",
         "seal's number", "first seal's number", "seal deleted", "event and seal changed"],
)  # fmt: skip
def test_tampering_is_found(ten: Database, tamper: Tamper, faults: list[Any]) -> None:
    outcome = tampered(ten, tamper)
    assert found(outcome) == faults
    assert (outcome.fault_count, outcome.holds) == (len(faults), False)


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "id"])
def test_every_column_of_an_event_counts(ten: Database, column: str) -> None:
    assert set(COLUMNS) == set(EVENT.c.keys())
    assert found(tampered(ten, update(EVENT, "id", 2, **{column: OTHERWISE.get(column, "other")}))) == [
        ("changed", 2, 1)
    ]


def test_an_event_put_into_a_gap_is_found_and_the_gap_is_not(database: Database) -> None:
    tables = filled(database, 10)
    with unguarded(database) as conn:
        make_room(conn)
    seal_all(database, lambda: NOW, 4)
    assert found(verified(database)) == []
    outcome = tampered(database, put_in(5))
    assert found(outcome) == [("added", 5, 2)]
    assert (outcome.faults[0].form, outcome.faults[0].record_id) == ("ticket", 101)
    assert outcome.faults[0].at == "2026-03-04T01:30:00.000000+00:00"
    assert tables.event is EVENT


HOSTILE = {
    "sqlite": (
        "changes = '{'", "changes = x'ff00'", "reason = x'ff'", "reason = CAST(x'ff' AS TEXT)", "at = 'yesterday'",
        "trace = '[' || replace(hex(zeroblob(50000)), '00', '[')", "depth = 1e999",
        "changes = '{\"a\": 1' || hex(zeroblob(5000)) || '}'",
    ),
    "postgresql": (
        "at = 'infinity'", "at = '0044-03-15 12:00:00 BC'", "at = '20000-01-01'", "changes = '{\"a\": 1e5000}'",
        "changes = 'null'", "trace = (repeat('[', 5000) || repeat(']', 5000))::jsonb",
    ),
}  # fmt: skip


def test_nothing_that_can_be_stored_stops_the_verification(ten: Database) -> None:
    for change in HOSTILE[ten.dialect]:
        outcome = tampered(ten, statement(f"UPDATE _event SET {change} WHERE id = 2"))
        assert found(outcome) == [("changed", 2, 1)], change


def statement(text: str) -> Tamper:
    return lambda conn: conn.exec_driver_sql(text)


@pytest.mark.parametrize(
    "change",
    ["_seal SET last_event = 'far' WHERE number = 1", "_seal SET leaves = 'text' WHERE number = 2",
     "_seal SET hash = x'00' WHERE number = 3", "_amendment SET event_id = 'none'", "_amendment SET event_id = x'00'",
     "_amendment SET names = '['", "_amendment SET kind = 'renamed', names = '[1]'"],
)  # fmt: skip
def test_seals_and_amendments_of_any_content_do_not_stop_it(sqlite_url: str, change: str) -> None:
    database = Database(sqlite_url, synchronous="OFF")
    erase(database, sealed(database, 10), 2)
    seal_all(database, lambda: NOW)
    assert not tampered(database, statement(f"UPDATE {change}")).holds
    database.close()


def test_only_so_many_faults_are_kept_and_all_are_counted(ten: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.chain.verifying.MOST_FAULTS", 3)
    outcome = tampered(ten, lambda conn: conn.execute(sa.delete(EVENT)))
    assert (len(outcome.faults), outcome.fault_count) == (3, 10)


def test_what_is_not_sealed_yet_is_told_and_no_fault(database: Database) -> None:
    tables = sealed(database, 4)
    with database.write() as conn:
        happen(conn, tables, 5)
    outcome = verified(database)
    assert (outcome.holds, outcome.events, outcome.unsealed) == (True, 4, 1)
    assert outcome.unsealed_since == "2026-03-04T01:30:00.000000+00:00"


# --- anchors ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def heads(database: Database, tmp_path: Path) -> list[anchors.Anchor]:
    """Four events, an anchor, four events, an anchor."""
    file = tmp_path / "heads.txt"
    tables = sealed(database, 4)
    anchors.add(database, file, NOW)
    with database.write() as conn:
        for number in range(4):
            happen(conn, tables, number)
    seal_all(database, lambda: NOW)
    anchors.add(database, file, NOW + dt.timedelta(days=1))
    return anchors.read(file)


def test_a_chain_that_holds_its_anchors(database: Database, heads: list[anchors.Anchor]) -> None:
    assert [(one.at, one.number) for one in heads] == [(NOW, 1), (NOW + dt.timedelta(days=1), 2)]
    outcome = verified(database, *heads)
    assert (outcome.holds, outcome.anchors) == (True, 2)


@pytest.mark.parametrize("rewritten", [False, True], ids=["cut off", "written anew"])
def test_only_an_anchor_shows_a_chain_that_was_cut_off_or_written_anew(
    database: Database, heads: list[anchors.Anchor], rewritten: bool
) -> None:
    with unguarded(database) as conn:
        conn.execute(sa.delete(SEAL).where(SEAL.c.number == 2))
        conn.execute(sa.update(EVENT).where(EVENT.c.id == 7).values(reason="another"))
    if rewritten:
        seal_all(database, lambda: NOW)
    assert verified(database).holds
    outcome = verified(database, *heads)
    assert [(one.kind, one.seal, one.at) for one in outcome.faults] == [("anchor", 2, "2026-03-05T01:30:00+00:00")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("yesterday 1 " + "0" * 64, "yesterday 1 " + "0" * 64),
        ("2026-03-04T01:30:00 1 " + "0" * 64, "2026-03-04T01:30:00 1 " + "0" * 64),
        ("2026-03-04T01:30:00+00:00 1", "2026-03-04T01:30:00+00:00 1"),
    ],
)
def test_a_line_that_is_no_anchor_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "heads.txt"
    file.write_text(f"2026-03-04T01:30:00+00:00 1 {'0' * 64}\n\n{line}\n")
    with pytest.raises(Refused) as error:
        anchors.read(file)
    said = said[:100]
    assert reasons(error) == [f"{file}, line 3: expected time, number of the seal and its hash; got “{said}”."]


def test_the_head_is_kept_once_a_day_and_trouble_ends_nothing(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tables = install(database)
    file = tmp_path / "heads.txt"
    daily = anchors.Daily(str(file))
    daily.look(database, NOW)
    assert not file.exists()  # nothing is sealed yet
    with database.write() as conn:
        happen(conn, tables, 1)
    seal_all(database, lambda: NOW)
    for hours in (1, 2, 24, 26, 49):
        daily.look(database, NOW + dt.timedelta(hours=hours))
    assert [one.at for one in anchors.read(file)] == [NOW + dt.timedelta(hours=hours) for hours in (1, 26)]
    anchors.Daily(str(file)).look(database, NOW + dt.timedelta(hours=27))  # a process that begins anew
    assert len(anchors.read(file)) == 2

    anchors.Daily(str(tmp_path / "nowhere" / "heads.txt")).look(database, NOW)
    assert "the head of the audit chain could not be kept" in caplog.text


# --- lawful changes --------------------------------------------------------------------------------------------------


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


OPEN = replaced(
    TICKETS,
    ("initial: fresh", "initial: open"),
    ("fresh: {label: Fresh}", "open: {label: Open, renamed_from: fresh}"),
    ("from: [fresh]", "from: [open]"),
)
CROSSED = replaced(
    TICKETS,
    ("initial: fresh", "initial: done"),
    ("fresh: {label: Fresh}", "done: {label: Fresh, id: fresh}"),
    ("done: {label: Done, final: true}", "fresh: {label: Done, final: true, id: done}"),
    ("from: [fresh], to: done", "from: [done], to: fresh"),
)
CASES = replaced(
    TICKETS, ("  ticket:\n    label: Ticket", "  case:\n    renamed_from: ticket\n    label: Case"),
    ("of: ticket.hours", "of: case.hours"), ("of: ticket,", "of: case,"),
)  # fmt: skip
OPEN_CASES = replaced(
    CASES, ("initial: fresh", "initial: open"), ("fresh: {label: Fresh}", "open: {label: Open, renamed_from: fresh}"),
    ("from: [fresh]", "from: [open]"),
)  # fmt: skip


@pytest.mark.parametrize("later", [OPEN, CROSSED, CASES, OPEN_CASES], ids=["state", "crossed", "form", "both"])
def test_a_renaming_is_told_and_no_fault(database: Database, later: str) -> None:
    sealed(database, 3)
    tables = install(database, later)
    with database.write() as conn:
        happen(conn, tables, 9)
    for counts in ((3, 1), (4, 0)):
        outcome = verified(database)
        assert (found(outcome), (outcome.events, outcome.unsealed)) == ([], counts)
        assert outcome.renamings
        seal_all(database, lambda: NOW)
    with database.read() as conn:
        event = conn.execute(sa.select(EVENT).where(EVENT.c.id == 1)).one()
    assert (event.form, event.from_state, event.to_state) != ("ticket", "fresh", "done")

    def tamper(conn: sa.Connection) -> None:
        update(EVENT, "id", 2, reason="another")(conn)
        update(EVENT, "id", 3, form="ticket", from_state="fresh", to_state="done")(conn)

    assert found(tampered(database, tamper)) == [("changed", 2, 1), ("changed", 3, 1)]


def test_renaming_again_and_back_and_into_a_name_of_long_ago(database: Database) -> None:
    """Two states that had the name one after the other are one in the events; what was sealed says which it was."""
    tables = sealed(database, 2)
    with database.write() as conn:
        happen(conn, tables, 3, from_state="open", to_state="open")  # of a state that is gone
    seal_all(database, lambda: NOW)
    for text in (OPEN, OPEN_CASES.replace("renamed_from: fresh", "id: fresh")):
        install(database, text)
    seal_all(database, lambda: NOW)
    assert found(verified(database)) == []
    with unguarded(database) as conn:
        update(EVENT, "id", 3, to_state="done")(conn)
    assert found(verified(database)) == [("changed", 3, 2)]


def test_a_renaming_that_nobody_wrote_down_is_found(database: Database) -> None:
    sealed(database, 2)
    with unguarded(database) as conn:
        conn.execute(sa.update(EVENT).values(form="case"))
    assert found(verified(database)) == [("changed", 1, 1), ("changed", 2, 1)]


def erase(database: Database, tables: Any, *ids: int) -> int:
    """As the erasure of a person's data would; answers the event that says so."""
    with database.write() as conn:
        reason = happen(conn, tables, 50, form="_user", kind="user.erased")
        wanted = {id: {"changes": None, "reason": "…"} for id in ids}
        amending.amend(conn, tables, wanted, reason_event=reason, now=NOW)
    return reason


def test_an_erasure_is_told_with_its_reason_and_what_is_put_back_is_found(database: Database) -> None:
    tables = sealed(database, 6)
    with database.read() as conn:
        was = copy_of(conn, EVENT, "id", 2)
    reason = erase(database, tables, 2, 5)
    with database.read() as conn:
        assert conn.execute(sa.select(EVENT.c.changes, EVENT.c.reason).where(EVENT.c.id == 2)).one() == (None, "…")
    for _sealed_too in (False, True):
        outcome = verified(database)
        assert (found(outcome), outcome.amended) == ([], {reason: 2})
        assert found(tampered(database, update(EVENT, "id", 2, reason="……"))) == [("changed", 2, 1)]
        assert found(tampered(database, update(EVENT, "id", 2, **was))) == [("changed", 2, 1)]
        seal_all(database, lambda: NOW)


def test_erased_twice_between_renamings(database: Database) -> None:
    sealed(database, 3)
    tables = install(database, OPEN)
    with database.write() as conn:
        amending.amend(conn, tables, {1: {"changes": None}, 2: {"changes": None}}, reason_event=3, now=NOW)
    seal_all(database, lambda: NOW)
    tables = install(database, OPEN_CASES.replace("renamed_from: fresh", "id: fresh"))
    with database.write() as conn:
        amending.amend(conn, tables, {1: {"reason": None}}, reason_event=2, now=NOW)
    seal_all(database, lambda: NOW)
    outcome = verified(database)
    assert (found(outcome), outcome.amended) == ([], {2: 1, 3: 1})


def test_an_event_erased_before_it_was_sealed(database: Database) -> None:
    tables = filled(database, 3)
    erase(database, tables, 2)
    seal_all(database, lambda: NOW)
    outcome = verified(database)
    assert (found(outcome), outcome.events) == ([], 4)


def test_an_event_that_is_not_what_was_sealed_is_not_amended(database: Database) -> None:
    """Else the amendment would excuse what was done before it."""
    tables = sealed(database, 3)
    with unguarded(database) as conn:
        update(EVENT, "id", 2, reason="another")(conn)
    with pytest.raises(Refused) as error:
        erase(database, tables, 1, 2)
    assert reasons(error) == ["Event 2 is not what was sealed. Run appmill audit verify, and find out what happened."]
    with database.read() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(AMENDMENT)) == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"at": NOW}, "of an event only ['changes', 'reason', 'trace'] may be amended, not ['at']"),
        ({"kind": "x"}, "kind"),
    ],
)
def test_when_and_what_is_never_amended(sqlite_url: str, values: dict[str, Any], said: str) -> None:
    database = Database(sqlite_url)
    tables = sealed(database, 1)
    with pytest.raises(ValueError, match="may be amended") as error, database.write() as conn:
        amending.amend(conn, tables, {1: values}, reason_event=1, now=NOW)
    assert said in str(error.value)
    database.close()


@pytest.mark.parametrize(
    ("tamper", "faults"),
    [
        (update(AMENDMENT, "id", 1, reason_event=1), [("amendment changed", None, 3)]),
        (delete(AMENDMENT, "id", 1), [("changed", 2, 1), ("amendment missing", None, 3)]),
        (update(AMENDMENT, "id", 1, leaf_after="zz"), [("changed", 2, 1), ("amendment changed", None, 3)]),
        (lambda conn: conn.execute(sa.insert(AMENDMENT).values(copy_of(conn, AMENDMENT, "id", 1, id=-1))),
         [("amendment added", 2, 1)]),
        (update(AMENDMENT, "id", 1, reason_event=99), [("no reason", 2, None), ("amendment changed", None, 3)]),
    ],
    ids=["reason", "deleted", "leaf", "put in", "no reason"],
)  # fmt: skip
def test_tampering_with_amendments_is_found(erased: Database, tamper: Tamper, faults: list[Any]) -> None:
    assert found(tampered(erased, tamper)) == faults


def test_an_amendment_of_an_event_that_never_was_excuses_nothing(ten: Database) -> None:
    """What is not sealed yet counts, too; its reason must be there."""
    row = {"at": NOW, "kind": "changed", "event_id": 2, "leaf_before": "00", "leaf_after": "00", "reason_event": 3}
    assert found(tampered(ten, lambda conn: conn.execute(sa.insert(AMENDMENT).values(row)))) == [("changed", 2, 1)]
