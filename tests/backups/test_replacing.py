"""Restoring over something: refused, or done so that nothing is lost when it fails."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from depot import DEPOT, backed_up, fill, restored
from fake_clock import FakeClock
from making import Made

from engine import faults
from engine.errors import Refused
from engine.storage.database import Database


class Died(Exception):
    """In the place of a process that dies."""


@pytest.fixture
def depot(make_app: Any) -> Made:
    made: Made = make_app(DEPOT, people={"li": "clerk"})
    fill(made)
    return made


@pytest.fixture
def archive(depot: Made, tmp_path: Path) -> Path:
    """Of the depot as it was; it has one item more since."""
    backed_up(depot, tmp_path / "then.zip")
    depot.create("item", name="Since then")
    return tmp_path / "then.zip"


def url_of(depot: Made) -> str:
    return depot.application.database.url.render_as_string(hide_password=False)


def names(url: str) -> list[str]:
    database = Database(url)
    try:
        with database.read() as conn:
            return list(conn.scalars(sa.text("SELECT name FROM item ORDER BY id")))
    finally:
        database.close()


NOW = ["Vase", "Plain", "Gone again", "Since then"]


def test_a_database_that_is_not_empty_is_refused(depot: Made, archive: Path, tmp_path: Path) -> None:
    depot.application.database.close()
    with pytest.raises(Refused) as refused:
        restored(archive, url_of(depot), tmp_path)
    said = str(refused.value)
    assert " is not empty: it has " in said
    assert "_event " in said
    assert names(url_of(depot)) == NOW


def test_what_was_there_is_replaced_when_asked_for(
    depot: Made, archive: Path, tmp_path: Path, clock: FakeClock
) -> None:
    depot.application.database.close()
    restored(archive, url_of(depot), tmp_path, replaces=True, clock=clock)
    assert names(url_of(depot)) == NOW[:3]
    if depot.application.database.dialect == "sqlite":  # the former state is kept beside it
        (former,) = tmp_path.glob("test.db.before-*")
        assert names(f"sqlite:///{former}") == NOW


@pytest.mark.parametrize("at", ["restore file", "restore table", "migration indexed", "restored beside"])
def test_when_it_fails_everything_is_as_it_was(
    depot: Made, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def die(passed: str) -> None:
        if passed == at:
            raise Died

    depot.application.database.close()
    monkeypatch.setattr(faults, "watcher", die)
    with pytest.raises(Died):
        restored(archive, url_of(depot), tmp_path, replaces=True)
    monkeypatch.undo()
    assert names(url_of(depot)) == NOW
    assert sorted(path.name for path in tmp_path.glob("*restored*") if path.is_file()) == []
    assert [path for path in (tmp_path / "restored files").rglob("*") if len(path.name) == 64] == []


def test_nobody_may_be_at_work_there(depot: Made, archive: Path, tmp_path: Path) -> None:
    database = depot.application.database
    if database.dialect == "sqlite":
        database.claim_server()
        said = "Another server"
    else:
        said = "others are connected to the database"
        with database.read() as conn:
            conn.execute(sa.text("SELECT 1"))  # a connection stays in the pool
    with pytest.raises(Refused, match=said):
        restored(archive, url_of(depot), tmp_path, replaces=True)
    assert names(url_of(depot)) == NOW


def test_a_command_that_holds_a_sqlite_file_is_no_servers_claim_and_is_seen_too(
    depot: Made, archive: Path, tmp_path: Path
) -> None:
    url = url_of(depot)
    if not url.startswith("sqlite"):
        return
    depot.application.database.close()
    held = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    held.execute("PRAGMA journal_mode = WAL").close()
    held.execute("BEGIN").close()
    held.execute("SELECT count(*) FROM item").fetchall()
    with pytest.raises(Refused, match=r"^Somebody works with .*test\.db\. Stop servers, workers and commands first\.$"):
        restored(archive, url, tmp_path, replaces=True)
    held.close()
    assert names(url) == NOW
