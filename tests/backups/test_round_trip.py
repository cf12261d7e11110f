"""What was backed up is there again, whichever kind of database it came from and goes to."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from depot import DEPOT, HARD, attach, backed_up, described, empty, fill, restored
from fake_clock import FakeClock
from making import Made
from reading import registry_of

from engine import service
from engine.application import start
from engine.backups.making import make as make_backup
from engine.backups.snapshot import taken
from engine.errors import Refused
from engine.load import load_text
from engine.people import system_actor
from engine.storage.catalog import read_catalog
from engine.storage.database import Database
from engine.storage.files import FileStore

KINDS = ("sqlite", "postgresql")


def opened(url: str, folder: Path, clock: FakeClock, **options: Any) -> Any:
    """The application as its server starts it, over a restored database."""
    types = registry_of()
    files = FileStore(folder / "restored files")
    return start(load_text(DEPOT, types), Database(url), registry=types, files=files, clock=clock, **options)


@pytest.fixture
def depot(make_app: Any) -> Made:
    made: Made = make_app(DEPOT, people={"li": "clerk"})
    fill(made)
    return made


def rows_of(app: Any) -> dict[str, list[Any]]:
    """Everything people ever said, as Python values."""
    with app.database.read() as conn:
        return {
            table.name: [tuple(row) for row in conn.execute(sa.select(table).order_by(*table.primary_key))]
            for table in app.tables.all()
        }


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_comes_back_in_either_kind_of_database(
    depot: Made, tmp_path: Path, clock: FakeClock, kind: str
) -> None:
    archive = tmp_path / "depot.zip"
    backed_up(depot, archive)
    with empty(kind, tmp_path) as url:
        done = restored(archive, url, tmp_path)
        app = opened(url, tmp_path, clock)
        try:
            assert rows_of(app) == rows_of(depot.application)
            assert (done.files, done.waiting) == (1, 0)
            with app.database.read() as conn:
                sha256 = conn.scalar(sa.select(app.tables.attachment.c.sha256))
            with app.files.open(sha256) as file:
                assert file.read() == b"%PDF-1.4 a paper"
            # life goes on: numbers follow, and ids that were given to what is gone are not given again
            before = depot.create("item", name="Next", as_="li")
            saved = service.save(app, system_actor(), "item", {"name": "Next"})
            assert saved.id == before.id == 4
            assert saved.row["number"] == "I0004"
            service.take(app, system_actor(), "item", 1, "store")
        finally:
            app.database.close()


def test_the_same_bytes_come_out_of_what_was_restored(depot: Made, tmp_path: Path, clock: FakeClock) -> None:
    kind = depot.application.database.dialect
    first = backed_up(depot, tmp_path / "first.zip")
    with empty(kind, tmp_path) as url:
        restored(tmp_path / "first.zip", url, tmp_path)
        opened(url, tmp_path, clock).database.close()
        database = Database(url)
        make_backup(database, FileStore(tmp_path / "restored files"), tmp_path / "second", clock=clock)
        database.close()
    second = described(tmp_path / "second")
    assert {each.shape.name: each.figures for each in second.tables} == {
        each.shape.name: each.figures for each in first.tables
    }
    assert (second.files, second.lost) == (first.files, {})
    assert first.rows > 20


def test_indexes_guards_and_search_are_as_after_a_fresh_start(depot: Made, tmp_path: Path, clock: FakeClock) -> None:
    kind = depot.application.database.dialect
    backed_up(depot, tmp_path / "depot")
    with empty(kind, tmp_path) as url:
        restored(tmp_path / "depot", url, tmp_path)
        app = opened(url, tmp_path, clock)
        try:
            assert shape_of(app.database) == shape_of(depot.application.database)
            with pytest.raises(sa.exc.DBAPIError, match="events are never changed"), app.database.write() as conn:
                conn.execute(sa.delete(app.tables.event))
            with app.database.read() as conn:
                assert sa.inspect(conn).has_table("_fts_item")
                assert conn.scalar(sa.text("SELECT count(*) FROM _fts_item")) == 3
            with pytest.raises(sa.exc.IntegrityError), app.database.write() as conn:
                conn.execute(sa.insert(app.tables.user_role).values(user_id=999, role="clerk"))
        finally:
            app.database.close()


def shape_of(database: Database) -> Any:
    """What the database itself knows of its tables, full-text indexes and the names of their parts aside."""
    with database.read() as conn:
        inspector = sa.inspect(conn)
        names = [name for name in inspector.get_table_names() if not name.startswith("_fts_")]
        columns = {name: [(each["name"], str(each["type"]), each["nullable"], each["default"])
                          for each in inspector.get_columns(name)] for name in names}  # fmt: skip
        keys = {name: sorted((each["constrained_columns"], each["referred_table"], str(each["options"]), each["name"])
                             for each in inspector.get_foreign_keys(name)) for name in names}  # fmt: skip
        unique = {name: sorted(map(str, inspector.get_unique_constraints(name))) for name in names}
        checks = {name: sorted(map(str, inspector.get_check_constraints(name))) for name in names}
        if conn.dialect.name == "sqlite":
            triggers = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
        else:
            triggers = conn.exec_driver_sql("SELECT tgname, tgtype FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
        return columns, keys, unique, checks, sorted(read_catalog(conn).indexes), [tuple(each) for each in triggers]


def test_what_a_definition_put_aside_comes_back_after_a_restore(depot: Made, tmp_path: Path, clock: FakeClock) -> None:
    app, types = depot.application, registry_of()
    less = load_text(
        DEPOT.replace("      note: {type: long_text}\n", "").replace("price: {type: money}", "price: {type: text}"),
        types,
    )
    depot.application = start(less, app.database, registry=types, files=app.files, clock=clock, allow_explicit=True)
    other = "postgresql" if depot.application.database.dialect == "sqlite" else "sqlite"
    backed_up(depot, tmp_path / "depot.zip")
    with empty(other, tmp_path) as url:
        restored(tmp_path / "depot.zip", url, tmp_path)
        app = opened(url, tmp_path, clock, allow_explicit=True)
        try:
            with app.database.read() as conn:
                item = app.tables.form["item"]
                note, price = conn.execute(sa.select(item.c.note, item.c.price).where(item.c.id == 1)).one()
                assert (note, price) == (HARD, Decimal("12.50"))
        finally:
            app.database.close()


# --- while others write ----------------------------------------------------------------------------------------------


def test_it_holds_one_moment_although_others_write(depot: Made, tmp_path: Path, clock: FakeClock) -> None:
    """Every transaction moves something from one shelf to the other, and notes it at the items: the sum is always 100,
    and the shelf says what the note says."""
    app, moved, ended = depot.application, threading.Event(), threading.Event()

    def move() -> None:
        shelf, item = app.tables.form["shelf"], app.tables.form["item"]
        while not ended.is_set():
            with app.database.write() as conn:
                conn.execute(sa.update(shelf).where(shelf.c.id == 1).values(held=shelf.c.held - 1))
                conn.execute(sa.update(shelf).where(shelf.c.id == 2).values(held=shelf.c.held + 1))
                held = conn.scalar(sa.select(shelf.c.held).where(shelf.c.id == 1))
                conn.execute(sa.update(item).values(name=f"held {held}"))
            moved.set()

    def wait_a_move(_done: int, _total: int, _what: Any) -> None:
        moved.clear()
        assert moved.wait(20)

    writer = threading.Thread(target=move)
    writer.start()
    assert moved.wait(20)
    try:
        backed_up(depot, tmp_path / "depot", told=wait_a_move)
    finally:
        ended.set()
        writer.join()
    shelves = [line.split("\t") for line in (tmp_path / "depot/tables/shelf.tsv").read_text().splitlines()]
    place = [each.name for each in described(tmp_path / "depot").tables[-1].shape.columns].index("held")
    held = [int(cells[place]) for cells in shelves]
    assert sum(held) == 100
    assert f"\theld {held[0]}\t" in (tmp_path / "depot/tables/item.tsv").read_text()


def test_tables_keep_their_shape_meanwhile_on_postgresql(depot: Made, clock: FakeClock) -> None:
    """There a table that is made anew would be empty for whoever reads an earlier moment."""
    url, types = depot.application.database.url.render_as_string(hide_password=False), registry_of()
    more = load_text(
        DEPOT.replace("note: {type: long_text}", "note: {type: long_text}\n      more: {type: text}"), types
    )
    impatient = Database(url, busy_seconds=0.2)
    try:
        with taken(depot.application.database, clock) as snapshot:
            assert snapshot.tables
            if impatient.dialect == "sqlite":
                start(more, impatient, registry=types, files=depot.application.files, clock=clock)
            else:
                with pytest.raises(Refused, match=r"^A backup of the database is being made, and the tables cannot"):
                    start(more, impatient, registry=types, files=depot.application.files, clock=clock)
            seen = b"".join(snapshot.lines(next(each for each in snapshot.tables if each.name == "item")))
        start(more, impatient, registry=types, files=depot.application.files, clock=clock)
    finally:
        impatient.close()
    assert seen.count(b"\n") == 3


def test_a_file_that_is_named_at_that_moment_stays_until_it_is_copied(
    depot: Made, tmp_path: Path, clock: FakeClock
) -> None:
    from engine.web.uploads import clean_up

    app, cleared = depot.application, []
    attach(depot, b"nobody keeps this")
    depot.clock.advance(days=10)

    def clear(_done: int, _total: int, _what: Any) -> None:
        cleared.append(clean_up(app))

    manifest = backed_up(depot, tmp_path / "depot.zip", told=clear)
    assert (len(manifest.files), manifest.lost) == (2, {})
    assert set(cleared) == {0}
    assert clean_up(app) == 1


def test_files_the_store_lost_are_told(depot: Made, tmp_path: Path) -> None:
    files = depot.application.files
    attach(depot, b"this one is damaged")
    gone, damaged = sorted(path for path in files.folder.rglob("*") if len(path.name) == 64)
    gone.unlink()
    damaged.write_bytes(b"something else")
    manifest = backed_up(depot, tmp_path / "depot.zip")
    assert (manifest.files, manifest.lost) == ({}, {gone.name: "missing", damaged.name: "damaged"})


def test_an_empty_database_has_nothing_to_back_up(database: Database, tmp_path: Path) -> None:
    with database.write():
        pass  # so that the file is there
    with pytest.raises(Refused, match=r"^Nothing is in force in this database; there is nothing to back up\.$"):
        make_backup(database, FileStore(tmp_path / "files"), tmp_path / "none.zip")
    assert [path.name for path in tmp_path.iterdir() if "none" in path.name] == []


def test_an_archive_of_an_older_product_is_migrated_by_the_start(depot: Made, tmp_path: Path, clock: FakeClock) -> None:
    """One without a column and without a table that a later version brought."""
    from depot import altered

    def older(entries: dict[str, bytes]) -> None:
        data = json.loads(entries["manifest.json"])
        data["tables"] = [each for each in data["tables"] if each["shape"]["name"] != "_delegation"]
        del entries["tables/_delegation.tsv"]
        definition = next(each for each in data["tables"] if each["shape"]["name"] == "_definition")
        text = entries["tables/_definition.tsv"].replace(b'"system"', b'"former"')
        entries["tables/_definition.tsv"] = text
        _refigure(definition, text)
        user = next(each for each in data["tables"] if each["shape"]["name"] == "_user")
        place = [each["name"] for each in user["shape"]["columns"]].index("theme")
        del user["shape"]["columns"][place]
        lines = [line.split(b"\t") for line in entries["tables/_user.tsv"].splitlines()]
        text = b"".join(b"\t".join(cells[:place] + cells[place + 1 :]) + b"\n" for cells in lines)
        entries["tables/_user.tsv"] = text
        _refigure(user, text)
        entries["manifest.json"] = json.dumps(data).encode()

    backed_up(depot, tmp_path / "new.zip")
    altered(tmp_path / "new.zip", tmp_path / "old.zip", older)
    with empty(depot.application.database.dialect, tmp_path) as url:
        restored(tmp_path / "old.zip", url, tmp_path)
        app = opened(url, tmp_path, clock)
        try:
            assert shape_of(app.database)[0].keys() == shape_of(depot.application.database)[0].keys()
            with app.database.read() as conn:
                assert conn.scalar(sa.select(app.tables.user.c.theme).where(sa.text("login = 'li'"))) is None
        finally:
            app.database.close()


def _refigure(table: dict[str, Any], text: bytes) -> None:
    import hashlib

    table["figures"] = {"size": len(text), "sha256": hashlib.sha256(text).hexdigest(), "rows": text.count(b"\n")}
