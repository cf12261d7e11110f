"""``appmill audit``: what it prints, its exit code, and what it leaves behind."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from chained import EVENT, happen, sealed, unguarded
from storing import NOW, install

from engine.chain.sealing import seal_all
from engine.chain.standing import standing
from engine.cli import main
from engine.storage import amending
from engine.storage.database import Database

Call = Callable[..., tuple[int, str, str]]
UNANCHORED = "No anchor was compared: only one outside the database shows a chain that was written anew.\n"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """``call("verify", …)`` → (exit code, what was printed without the seconds, what was complained)."""

    def calling(*argv: object) -> tuple[int, str, str]:
        try:
            code = main(["audit", *map(str, argv)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, re.sub(r"\d+\.\d s\n", "", said.out), said.err

    return calling


@pytest.fixture
def six(database: Database) -> Database:
    sealed(database, 6)
    return database


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def test_a_chain_that_holds(six: Database, call: Call) -> None:
    held = "6 events in 2 seals are as they were when they were sealed.\n"
    assert call("verify", "--database", url_of(six)) == (0, held + UNANCHORED, "")
    with six.read() as conn:
        found = standing(conn)
    assert (found.seal, found.last_event, found.unsealed) == (2, 6, 1)
    assert found.verified is not None
    assert (found.verified.held, found.verified.faults) == (True, 0)

    later = "1 events are not sealed yet, the oldest from "
    code, out, _err = call("verify", "--database", url_of(six), "--read-only")
    assert (code, out.startswith(held + later), out.endswith(UNANCHORED)) == (0, True, True)
    with six.read() as conn:
        assert standing(conn).unsealed == 1  # nothing was noted


def test_faults_are_listed_with_their_place_and_the_code_is_1(six: Database, call: Call) -> None:
    with unguarded(six) as conn:
        conn.execute(sa.update(EVENT).where(EVENT.c.id == 3).values(reason="another"))
        conn.execute(sa.delete(EVENT).where(EVENT.c.id == 6))
    assert call("verify", "--database", url_of(six)) == (
        1,
        "4 events in 2 seals are as they were when they were sealed.\n" + UNANCHORED + "2 faults:\n"
        "! event 3 (ticket 102, 2026-03-04T01:30:00.000000+00:00), seal 1:"
        " The event was changed after it was sealed.\n"
        "! event 6, seal 2 (2026-03-04T01:30:00.000000+00:00): The event is gone. It was there when it was sealed.\n",
        "",
    )
    with six.read() as conn:
        verified = standing(conn).verified
    assert verified is not None
    assert (verified.held, verified.faults) == (False, 2)
    assert (
        "事件 3（ticket 102，2026-03-04T01:30:00.000000+00:00），封条 1: 事件在封存后被更改。"
        in (call("verify", "--database", url_of(six), "--language", "zh")[1])
    )


def test_what_was_lawfully_changed_is_told(six: Database, call: Call) -> None:
    tables = install(six)
    with six.write() as conn:
        reason = happen(conn, tables, 7, kind="user.erased")
        amending.amend(conn, tables, {2: {"changes": None}}, reason_event=reason, now=NOW)
        amending.note_renaming(conn, tables, {"a": "b"}, now=NOW)
        amending.note_renaming(conn, tables, {"c": "d"}, now=NOW, form="ticket")
    seal_all(six, lambda: NOW)
    at, by = "2026-03-04T01:30:00.000000+00:00", tables.definition.hash
    assert call("verify", "--database", url_of(six))[:2] == (
        0,
        "7 events in 3 seals are as they were when they were sealed.\n"
        f"Renamed at {at} by the definition {by}: forms a → b.\n"
        f"Renamed at {at} by the definition {by}: states of ticket c → d.\n"
        "1 events were lawfully changed; event 7 says why.\n" + UNANCHORED,
    )


def test_heads_are_kept_in_a_file_and_compared(six: Database, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "heads.txt"
    code, out, err = call("anchor", file, "--database", url_of(six))
    assert (code, out, err) == (0, file.read_text(), "")
    assert re.fullmatch(r"\S+\+00:00 2 [0-9a-f]{64}\n", out)
    assert "1 anchors were compared.\n" in call("verify", "--database", url_of(six), "--anchor", file)[1]

    at, _number, hash = out.split()
    file.write_text(f"{at} 9 {hash}\n")
    code, out, _err = call("verify", "--database", url_of(six), "--anchor", file)
    assert (code, out.splitlines()[-1]) == (
        1,
        f"! seal 9 ({at}): The chain does not have the seal that was kept in the file: it was cut off or written anew.",
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("verify",), "Say which database: a definition FILE or --database URL.\n"),
        (("verify", "nowhere.yaml"), "There is no database var/nowhere.db.\n"),
        (("verify", "--database", "DATABASE", "--anchor", "/nowhere.txt"),
         "The anchors /nowhere.txt cannot be read: No such file or directory\n"),
        (("anchor", "/nowhere/heads.txt", "--database", "DATABASE"), "/nowhere/heads.txt: No such file or directory\n"),
        (("verify", "--database", "OLD"),
         "The database knows no seals yet: start the application on it once with this version.\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call, argv: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database(sqlite_url)
    sealed(database, 1)
    database.close()
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute("CREATE TABLE _event (id INTEGER)")
    places = {"DATABASE": sqlite_url, "OLD": f"sqlite:///{tmp_path}/old.db"}
    assert call(*(places.get(one, one) for one in argv)) == (1, "", said)


def test_the_result_that_cannot_be_noted_is_said(call: Call, sqlite_url: str) -> None:
    database = Database(sqlite_url)
    sealed(database, 1)
    with database.write() as conn:
        conn.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON _event BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    database.close()
    code, _out, err = call("verify", "--database", sqlite_url)
    assert (code, err) == (0, "The result could not be noted in the database: disk full\n")


def test_nothing_sealed_has_no_head(call: Call, sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    install(database)
    database.close()
    assert call("anchor", tmp_path / "heads.txt", "--database", sqlite_url) == (
        1, "", "Nothing is sealed yet, so there is nothing to keep. Let the application run for a moment.\n",
    )  # fmt: skip
