"""Archives that are damaged, hostile, of another format, half written, or under a key that is not here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from depot import DEPOT, altered, backed_up, fill, restored, unpacked
from fake_clock import FakeClock
from making import Made, make

from engine.backups import container
from engine.backups.container import reading
from engine.backups.kinds import KINDS, lines, row_of
from engine.backups.manifest import MANIFEST
from engine.backups.verifying import verify
from engine.cli import main
from engine.errors import Refused
from engine.secrets import new_key, read_keys

ROOT = Path(__file__).parents[2]
Entries = dict[str, bytes]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is about archives alone; test_round_trip.py has both databases."""
    return sqlite_url


@pytest.fixture
def depot(make_app: Any) -> Made:
    made: Made = make_app(DEPOT, people={"li": "clerk"})
    fill(made)
    return made


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    made = make(DEPOT, f"sqlite:///{folder}/test.db", folder, FakeClock(), people={"li": "clerk"})
    fill(made)
    backed_up(made, folder / "depot.zip")
    made.application.database.close()
    return folder / "depot.zip"


@pytest.fixture
def archive(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy2(kept, tmp_path / "depot.zip"))


def said_of(archive: Path) -> str:
    with pytest.raises(Refused) as refused, reading(archive) as source:
        verify(source)
    return str(refused.value)


def test_a_whole_archive_is_whole(archive: Path, tmp_path: Path) -> None:
    for place in (archive, unpacked(archive, tmp_path / "folder")):
        with reading(place) as source:
            assert verify(source).application == "depot"
    assert archive.stat().st_mode & 0o077 == 0


# --- damaged and hostile ---------------------------------------------------------------------------------------------


def replaced(name: str, old: bytes, new: bytes) -> Callable[[Entries], None]:
    def alter(entries: Entries) -> None:
        assert old in entries[name]
        entries[name] = entries[name].replace(old, new, 1)

    return alter


def added(name: str) -> Callable[[Entries], None]:
    return lambda entries: entries.update({name: b"x"})


def manifested(change: Callable[[dict[str, Any]], None]) -> Callable[[Entries], None]:
    def alter(entries: Entries) -> None:
        data = json.loads(entries[MANIFEST])
        change(data)
        entries[MANIFEST] = json.dumps(data).encode()

    return alter


def table(data: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in data["tables"] if each["shape"]["name"] == name)
    return found


def first_file(entries: Entries) -> str:
    return next(name for name in entries if name.startswith("files/"))


WRONG: dict[str, tuple[Callable[[Entries], Any], str]] = {
    "a row": (replaced("tables/shelf.tsv", b"70", b"71"), "tables/shelf.tsv of the archive is damaged: got "),
    "a row more": (replaced("tables/shelf.tsv", b"\n", b"\n\n"), "tables/shelf.tsv of the archive is damaged: got "),
    "a table gone": (lambda all: all.pop("tables/part.tsv"), "tables/part.tsv is missing in the archive."),
    "a file gone": (lambda all: all.pop(first_file(all)), "files/"),
    "a file": (lambda all: all.update({first_file(all): b"%PDF-1.4 a Paper"}), "files/"),
    "no manifest": (lambda all: all.pop(MANIFEST), "manifest.json is missing in the archive."),
    "no JSON": (lambda all: all.update({MANIFEST: b"{"}), "manifest.json of the archive is no JSON; it is damaged."),
    "deep JSON": (lambda all: all.update({MANIFEST: b"[" * 200_000}), "manifest.json of the archive is no JSON"),
    "the definition": (replaced("definition.yaml", b"Depot", b"depot"), "definition.yaml of the archive is damaged"),
    "another definition": (manifested(lambda data: data.update(definition="0" * 16)), "definition.yaml of the archive"
                           " is not the definition that was in force: got "),
    "a newer format": (manifested(lambda data: data.update(format=2)), "The archive has the format 2; this version of"
                       " Appmill reads up to 1. Use a newer one."),
    "up and away": (added("../../etc/cron.d/x"), "../../etc/cron.d/x of the archive is no part of a backup."),
    "absolute": (added("/etc/passwd"), "/etc/passwd of the archive is no part of a backup."),
    "more of it": (added("tables/other.tsv"), "tables/other.tsv of the archive is no part of a backup."),
    "a table name": (manifested(lambda data: table(data, "shelf")["shape"].update(name="x; DROP TABLE y")),
                     "manifest.json of the archive is not as it must be, at tables."),
    "a path as a table": (manifested(lambda data: table(data, "shelf")["shape"].update(name="../x")),
                          "manifest.json of the archive is not as it must be, at tables."),
    "a column name": (manifested(lambda data: table(data, "shelf")["shape"]["columns"][0].update(name='a"b')),
                      "manifest.json of the archive is not as it must be, at tables."),
    "a column twice": (manifested(lambda data: table(data, "shelf")["shape"]["columns"].append(
        table(data, "shelf")["shape"]["columns"][0])), "manifest.json of the archive is not as it must be, at"
        " tables.shelf: the column id stands there twice"),
    "a path as a file": (manifested(lambda data: data["files"].update({"../../x": 1})),
                         "manifest.json of the archive is not as it must be, at files: ../../x: 1"),
    "an unknown key": (manifested(lambda data: data.update(run="me")), "manifest.json of the archive is not as it must"
                       " be, at the beginning: "),
    "rows": (manifested(lambda data: table(data, "shelf")["figures"].update(rows=3)),
             "tables/shelf.tsv of the archive has 2 rows; expected 3."),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_as_it_was_is_refused_with_its_place(archive: Path, tmp_path: Path, what: str) -> None:
    alter, said = WRONG[what]
    assert said_of(altered(archive, tmp_path / "altered.zip", alter)).startswith(said)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    assert said_of(tmp_path / "none.zip") == f"There is no archive at {tmp_path}/none.zip."
    (tmp_path / "text.zip").write_text("not a zip")
    assert said_of(tmp_path / "text.zip").startswith(f"{tmp_path}/text.zip is no archive, or it is damaged: ")
    (tmp_path / "folder").mkdir()
    assert said_of(tmp_path / "folder") == "manifest.json is missing in the archive."


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_an_archive_that_was_cut_off_is_refused(archive: Path, tmp_path: Path, at: float) -> None:
    whole = archive.read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: int(len(whole) * at)])
    assert "is no archive, or it is damaged" in said_of(tmp_path / "cut.zip")


def test_links_in_a_folder_are_refused(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path / "folder")
    (folder / "tables/shelf.tsv").unlink()
    (folder / "tables/shelf.tsv").symlink_to("/etc/passwd")
    assert said_of(folder) == "tables/shelf.tsv of the archive is a link, or no file."


def test_names_that_stand_twice_are_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("definition.yaml", "app: other")
    assert said_of(archive) == "definition.yaml stands in the archive twice."


def test_what_unpacks_to_more_than_it_says_is_read_no_further(archive: Path, tmp_path: Path) -> None:
    bomb = altered(archive, tmp_path / "bomb.zip", lambda all: all.update({"tables/shelf.tsv": b"0" * 50_000_000}))
    with reading(bomb) as source:
        figures = next(each.figures for each in verify_none(source) if each.entry == "tables/shelf.tsv")
        read = 0
        with pytest.raises(Refused):
            for piece in container.checked(source, "tables/shelf.tsv", figures):
                read += len(piece)
    assert read == figures.size + 1


def verify_none(source: Any) -> Any:
    from engine.backups.verifying import manifest_of

    return manifest_of(source).tables


def test_there_must_be_room_for_what_it_unpacks_to(archive: Path, tmp_path: Path) -> None:
    def enormous(data: dict[str, Any]) -> None:
        data["files"] = {**data["files"], "0" * 64: 2**60}

    def alter(entries: Entries) -> None:
        manifested(enormous)(entries)
        entries["files/00/" + "0" * 64] = b"x"

    bomb = altered(archive, tmp_path / "bomb.zip", alter)
    assert said_of(bomb).startswith(f"files/00/{'0' * 64} of the archive is damaged: got 1 B with the SHA-256 ")


HOSTILE_ROWS = {
    "too few values": (b"1\t2\n", "Line 1 of part is no row of it: expected "),
    "no number": (b"x" + b"\t\\N" * 11 + b"\n", "Line 1 of part is no row of it: expected "),
    "an enormous number": (b"9" * 40 + b"\t\\N" * 11 + b"\n", "The table part of the archive cannot be restored: lines"),
    "an unknown escape": (b"1\t\\x41" + b"\t\\N" * 10 + b"\n", "Line 1 of part is no row of it: expected "),
    "no text": (b"1\t\xff" + b"\t\\N" * 10 + b"\n", "Line 1 of part is no row of it: expected "),
    "an end in the middle": (b"\\.\n", "Line 1 of part is no row of it: expected "),
    "nobody's row": (b"1\t1\t99\t0\t2026-11-24 10:00:00+00\t\\N\t2026-11-24 10:00:00+00\t\\N\t\\N\t\tx\t1.000000\n",
                     "Row 1 of part names a row of item that is not in the archive."),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE_ROWS)
def test_rows_that_are_none_are_refused_and_nothing_is_left(archive: Path, tmp_path: Path, what: str) -> None:
    rows, said = HOSTILE_ROWS[what]

    def alter(entries: Entries) -> None:
        entries["tables/part.tsv"] = rows

        def figure(data: dict[str, Any]) -> None:
            table(data, "part")["figures"] = {
                "size": len(rows), "sha256": hashlib.sha256(rows).hexdigest(), "rows": rows.count(b"\n"),
            }  # fmt: skip

        manifested(figure)(entries)

    hostile = altered(archive, tmp_path / "hostile.zip", alter)
    (tmp_path / "new").mkdir()
    with pytest.raises(Refused) as refused:
        restored(hostile, f"sqlite:///{tmp_path}/new/x.db", tmp_path)
    assert str(refused.value).startswith(said)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.db.server"]
    assert [path for path in (tmp_path / "restored files").rglob("*") if len(path.name) == 64] == []


def test_an_odd_value_is_told_with_its_place(depot: Made, tmp_path: Path) -> None:
    with depot.application.database.write() as conn:
        conn.execute(sa.text("UPDATE item SET price = 'dear' WHERE id = 1"))
    with pytest.raises(Refused) as refused:
        backed_up(depot, tmp_path / "odd.zip")
    assert str(refused.value) == "item.price, id 1 holds 'dear', which is no exact; mend it, then back up."


def test_cells_are_what_postgresql_writes() -> None:
    """test_round_trip.py lets PostgreSQL itself write and read them."""
    kept = {
        "bigint": (-5, "-5"), "exact": (-125_000, "-0.125000"), "float": (2.0, "2"), "boolean": (1, "t"),
        "text": ("a\tb\\", "a\\tb\\\\"), "json": ('{"a": "\\n"}', '{"a": "\\\\n"}'), "bytes": (b"\x00a", "\\\\x0061"),
        "moment": ("2026-11-24 10:00:00.120000", "2026-11-24 10:00:00.12+00"), "date": ("2026-11-24", "2026-11-24"),
        "time": ("08:05:00.000000", "08:05:00"), "integer": (None, "\\N"),
    }  # fmt: skip
    kinds = [KINDS[name] for name in kept]
    line = lines(kinds, [[value for value, _cell in kept.values()]])
    assert line == "\t".join(cell for _value, cell in kept.values()) + "\n"
    assert row_of(kinds, line.rstrip("\n")) == [value for value, _cell in kept.values()]


# --- interrupted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["depot.zip", "depot"])
def test_what_is_interrupted_leaves_nothing(depot: Made, tmp_path: Path, name: str) -> None:
    to = tmp_path / "backups" / name

    def interrupt(done: int, _total: int, _what: Any) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backed_up(depot, to, told=interrupt)
    assert list(to.parent.iterdir()) == []


def test_killed_in_the_middle_it_leaves_nothing_that_looks_whole(depot: Made, tmp_path: Path) -> None:
    to, url = tmp_path / "backups", depot.application.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "engine.cli", "backup", "--database", url, "--to", str(to / "a.zip")]
    killed = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "APPMILL_FAULT": "backup file", "APPMILL_FAULT_SIGNAL": "KILL"},
        check=False,
    )  # fmt: skip
    assert killed.returncode == -9
    assert [path.name[:3] for path in to.iterdir()] == [".a."]
    backed_up(depot, to / "b")  # the next one takes away what was left
    assert [path.name for path in to.iterdir()] == ["b"]


def test_what_is_there_is_not_written_over(depot: Made, archive: Path) -> None:
    with pytest.raises(Refused, match=r"^There is something at .*depot\.zip already; name another place\.$"):
        backed_up(depot, archive)


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_the_key_of_the_secrets_is_asked_for_and_never_in_it(depot: Made, tmp_path: Path) -> None:
    mine, other = new_key(), new_key()
    table = depot.application.tables.secret
    with depot.application.database.write() as conn:
        token = Fernet(mine).encrypt(b"open sesame").decode()
        conn.execute(sa.insert(table).values(name="ERP", value=token, hosts="", set_at=depot.clock()))
    keys = read_keys(f"{other} {mine}")
    expected = next(iter(read_keys(mine)))
    need = backed_up(depot, tmp_path / "depot", keys=keys).key
    assert (need.secrets, need.fingerprints, need.unknown) == (1, (expected,), 0)
    everything = b"".join(path.read_bytes() for path in (tmp_path / "depot").rglob("*") if path.is_file())
    assert mine.encode() not in everything
    assert b"open sesame" not in everything
    assert token.encode() in everything

    url = f"sqlite:///{tmp_path}/new.db"
    with pytest.raises(Refused) as refused:
        restored(tmp_path / "depot", url, tmp_path, keys=read_keys(other))
    assert str(refused.value) == (
        f"The archive holds 1 secrets under the key with the fingerprint {expected}; APPMILL_KEY here is"
        f" {next(iter(read_keys(other)))}. Set that key, or add --without-key: everything else works, and these secrets"
        " have to be entered again."
    )
    assert not (tmp_path / "new.db").exists()
    restored(tmp_path / "depot", url, tmp_path, keys=read_keys(mine))

    assert backed_up(depot, tmp_path / "without").key.unknown == 1


# --- the commands ----------------------------------------------------------------------------------------------------


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], depot: Made) -> None:
    def call(*argv: object) -> tuple[int, str, str]:
        code = main([str(each) for each in argv])
        said = capsys.readouterr()
        return code, said.out, said.err

    url = depot.application.database.url.render_as_string(hide_password=False)
    to = tmp_path / "depot.zip"
    code, out, err = call("backup", "--database", url, "--to", to)
    assert (code, err) == (0, "")
    assert out.startswith(f"{to}: ")
    code, verified, err = call("backup", "verify", to)
    assert (code, err) == (0, "")
    assert verified.startswith("OK: depot as of ")
    there = f"sqlite:///{tmp_path}/there/depot.db"
    code, out, err = call("restore", to, "--database", there, "--definition", tmp_path / "there/depot.yaml")
    assert (code, err) == (0, "")
    assert "1 files were new to" in out
    assert (tmp_path / "there/depot.yaml").read_text() == DEPOT
    code, out, err = call("restore", to, "--database", there)
    assert (code, out) == (1, "")
    assert err.startswith(f"{tmp_path}/there/depot.db is not empty: it has ")
    assert "Name an empty database, or add --replace" in err
    (tmp_path / "there/depot.yaml").write_text("app: other\n")
    assert call("restore", to, "--database", there, "--definition", tmp_path / "there/depot.yaml")[2] == (
        f"The file {tmp_path}/there/depot.yaml holds another definition; name another, or add --replace.\n"
    )
    assert call("restore", to, "--database", there, "--replace")[0] == 0
    assert call("backup")[2] == "Say where the backup goes: appmill backup FILE --to backup.zip\n"
    assert call("backup", "--to", to)[2] == "Say what to back up: a definition file, or --database URL.\n"
    assert call("backup", "verify")[2] == "Say which archive: appmill backup verify backup.zip\n"
    assert call("backup", "--database", f"sqlite:///{tmp_path}/no.db", "--to", tmp_path / "no.zip")[2] == (
        f"There is no database at {tmp_path}/no.db.\n"
    )
