"""``appmill feed``: the same by hand, where no server runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from feeding_world import DESK, FakeConnection, item, part

from engine.cli import main
from engine.errors import DeliveryFailed, message

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Call:
    FakeConnection.script.clear()
    monkeypatch.setenv("APPMILL_SECRET_EAST", "east-secret-key")
    (tmp_path / "desk.yaml").write_text(DESK.replace("from: [east, west]", "from: [east]"))
    place = [str(tmp_path / "desk.yaml"), "--database", f"sqlite:///{tmp_path}/desk.db", "--plugin", "feeding_world"]

    def calling(verb: str, *more: str) -> tuple[int, str, str]:
        code = main(["feed", verb, *place, *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return calling


def test_pulled_listed_replayed_and_filled_back(call: Call) -> None:
    FakeConnection.script.update(east=[part(item("1"), item("2", steps="none"))])
    assert call("pull", "tickets")[:2] == (0, "2 new\n")
    assert "1 failed" in call("list")[1]
    assert call("replay", "tickets")[:2] == (0, "1 taken again\n")
    assert call("replay", "tickets", "--key", "1")[:2] == (0, "1 taken again\n")
    FakeConnection.script.update(east=[part(item("3"), more=True), part(item("4"))])
    code, said, _ = call("backfill", "tickets", "--since", "2026-01-01", "--until", "2026-01-02T08:00")
    assert (code, said) == (0, "Back-fill 1 is under way; a server that runs goes on with it.\nIt is done.\n")
    FakeConnection.script.update(east=[DeliveryFailed(message("Down"))])
    assert call("pull", "tickets")[:2] == (1, "0 new\neast: Down\n")
    assert "    Down" in call("list")[1]


def test_what_cannot_be(call: Call) -> None:
    assert call("pull", "tikets")[2] != ""
    assert "no date or moment" in call("backfill", "tickets", "--since", "soon")[2]
    assert "A back-fill begins in the past" in call("backfill", "tickets", "--since", "2099-01-01")[2]
