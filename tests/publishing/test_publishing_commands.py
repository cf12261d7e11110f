"""Publishing, looking back and going back from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from shop import SHOP, TRIPLED, WIDER

from engine.application import open_application
from engine.cli import main
from engine.load import hash_of
from engine.people import system_actor
from engine.publishing.preparing import prepare
from engine.publishing.publish import publish

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    return path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], file: Path, sqlite_url: str) -> Call:
    def calling(command: str, *more: str) -> tuple[int, str, str]:
        code = main([command, str(file), *more, "--database", sqlite_url])
        said = capsys.readouterr()
        return code, said.out, said.err

    return calling


def test_nothing_is_in_force_yet(call: Call, file: Path) -> None:
    assert call("history") == (1, "", f"Nothing is in force in this database yet: appmill run {file}\n")


def test_published_and_gone_back(call: Call, file: Path, sqlite_url: str) -> None:
    open_application(file, sqlite_url).database.close()
    file.write_text(TRIPLED)
    code, out, err = call("publish", "--reason", "Three a box")
    assert (code, out.splitlines()[-1], err) == (0, f"shop is in force as {hash_of(TRIPLED)} now.", "")
    code, out, _ = call("history")
    assert [line.split()[0] for line in out.splitlines()] == ["*", hash_of(SHOP)]
    assert out.splitlines()[0].endswith("published  Three a box")
    assert call("history", "--text", hash_of(SHOP)[:6]) == (0, SHOP, "")
    code, out, err = call("rollback", hash_of(SHOP)[:6])
    assert (code, err) == (0, "")
    assert "Lossless: all " in out
    assert file.read_text() == SHOP
    assert call("rollback", hash_of(SHOP))[2] == "This is in force already; there is nothing to publish.\n"


def test_a_file_that_was_refused_at_the_start_is_put_in_force(call: Call, file: Path, sqlite_url: str) -> None:
    app = open_application(file, sqlite_url)
    publish(app, prepare(app, WIDER), by=system_actor())
    app.database.close()
    file.write_text(SHOP.replace("label: Shop", "label: My shop"))
    assert call("migrate", "--apply")[0] == 1
    code, out, _ = call("publish", "--check")
    assert (code, "colour" in out) == (0, True)
    assert call("publish")[0] == 0
    open_application(file, sqlite_url).database.close()


def test_what_has_to_be_decided_is_listed(call: Call, file: Path, sqlite_url: str) -> None:
    app = open_application(file, sqlite_url)
    with app.database.write() as conn:
        table = app.tables.form["ticket"]
        now = app.clock()
        conn.execute(table.insert().values(name="A", pieces=4, version=1, created_at=now, updated_at=now))
    app.database.close()
    file.write_text("".join(line for line in SHOP.splitlines(True) if "pieces" not in line))
    code, out, _ = call("publish", "--check")
    question, choice = [line for line in out.splitlines() if line[:1] in "?" or line.startswith("     ")][:2]
    assert code == 1
    id = question.removeprefix("? ").partition(":")[0]
    assert call("publish")[2].startswith("Something is to be decided first: Field pieces of form ticket is gone")
    assert call("publish", "--decide", f"{id}={choice.split()[0]}")[0] == 0
    assert call("publish", "--decide", "nonsense")[2].startswith("--decide takes QUESTION=CHOICE")
