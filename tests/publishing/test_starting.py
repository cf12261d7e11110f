"""When an application starts: does its file lead, or what people published since?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_clock import FakeClock
from shop import SHOP, TRIPLED, WIDER

from engine.application import Application, open_application
from engine.current import EVERY, Current
from engine.errors import Refused
from engine.load import hash_of
from engine.people import system_actor
from engine.publishing.file import lacking
from engine.publishing.history import versions
from engine.publishing.preparing import prepare
from engine.publishing.publish import publish

Open = Callable[[], Application]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    return path


@pytest.fixture
def opened(database_url: str, file: Path, clock: FakeClock) -> Iterator[Open]:
    begun: list[Application] = []

    def begin() -> Application:
        begun.append(open_application(file, database_url, clock=clock))
        return begun[-1]

    yield begin
    for app in begun:
        app.database.close()


def put(app: Application, text: str, file: Path | None = None) -> Application:
    """Published; ``file``: the process died before it wrote that."""
    before = file.read_bytes() if file else b""
    fresh = publish(app, prepare(app, text), by=system_actor("Pan"))
    if file:
        file.write_bytes(before)
    return fresh


def kinds(app: Application) -> list[tuple[str, str]]:
    with app.database.read() as conn:
        return [(each.kind, each.hash) for each in versions(conn, limit=9)]


def test_a_start_is_kept_once(opened: Open) -> None:
    opened()
    assert kinds(opened()) == [("started", hash_of(SHOP))]


def test_a_file_that_was_left_behind_is_brought_up(opened: Open, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(put(opened(), WIDER, file), TRIPLED, file)
    with caplog.at_level(logging.WARNING):
        app = opened()
    assert (app.definition.hash, file.read_text()) == (hash_of(TRIPLED), TRIPLED)
    assert [kind for kind, _hash in kinds(app)] == ["published", "published", "started"]
    assert caplog.messages == [
        f"{file} was in force before somebody published {hash_of(TRIPLED)} at 2026-03-04 01:30 UTC; it is brought up to"
        " that. To go back: appmill rollback"
    ]


def test_a_folder_that_cannot_be_written(opened: Open, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(opened(), WIDER, file)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    app = opened()
    assert (app.definition.hash, file.read_text()) == (hash_of(WIDER), SHOP)


def test_the_file_leads_while_nobody_publishes(opened: Open, file: Path) -> None:
    opened()
    file.write_text(WIDER)
    opened()
    file.write_text(SHOP)
    assert kinds(opened()) == [("started", hash_of(each)) for each in (SHOP, WIDER, SHOP)]


def test_a_file_edited_after_a_publication_is_put_in_force(opened: Open, file: Path) -> None:
    put(opened(), WIDER)
    assert file.read_text() == WIDER
    edited = WIDER.replace("label: Shop", "label: My shop")
    file.write_text(edited)
    app = opened()
    assert kinds(app)[0] == ("started", hash_of(edited))
    file.write_text(SHOP)  # the file leads again, so it may go back
    assert opened().definition.hash == hash_of(SHOP)


def test_a_file_that_lacks_what_was_published_is_refused(opened: Open, file: Path) -> None:
    put(put(opened(), WIDER, file), TRIPLED.replace("pieces:", "colour: {type: text}\n      pieces:"), file)
    published = hash_of(TRIPLED.replace("pieces:", "colour: {type: text}\n      pieces:"))
    edited = SHOP.replace("label: Shop", "label: My shop")
    file.write_text(edited)
    with pytest.raises(Refused) as refusal:
        opened()
    assert str(refusal.value) == (
        f"The file {file} lacks what somebody published at 2026-03-04 01:30 UTC ({published}): forms.ticket.fields.colour,"
        f" forms.ticket.fields.twice.value. Nothing was changed. Bring it into the file (appmill history {file} --text"
        f" {published} prints what is in force), or put the file in force as it is: appmill publish {file}"
    )
    assert file.read_text() == edited


def test_what_is_lacking() -> None:
    first = {"a": 1, "b": {"c": 1, "d": 2}, "gone": {"x": 1}}
    second = {"a": 1, "b": {"c": 5, "d": 2, "e": {"f": 1, "g": 2}}}
    assert lacking(first, second, [first]) == ["b.c", "b.e", "gone"]
    assert lacking({"a": 9, "b": {"c": 7, "d": 2, "e": {"f": 1, "g": 2}}}, second, [first]) == []
    third = {"a": 1, "b": {"c": 6, "d": 2, "e": {"f": 1, "g": 2}}}
    assert lacking({**second, "new": 1}, third, [first, second]) == ["b.c"]


def test_another_process_takes_it_up_with_its_own_file(opened: Open, file: Path, tmp_path: Path) -> None:
    app = opened()
    mine = tmp_path / "copy.yaml"
    mine.write_text(SHOP)
    other, ticks = app, [0.0]
    object.__setattr__(other, "file", mine)
    here = Current(other, ticks=lambda: ticks[0])
    put(app, WIDER)
    mine.write_text(SHOP)
    ticks[0] = EVERY + 1
    assert here.application().definition.hash == hash_of(WIDER)
    assert mine.read_text() == WIDER


def test_a_mark_at_the_beginning_of_the_file_is_kept(opened: Open, file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + SHOP.encode())
    app = put(put(opened(), WIDER), SHOP + "# more\n", file)
    file.write_bytes(WIDER.encode())
    assert opened().definition.hash == app.definition.hash
