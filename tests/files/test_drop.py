"""A folder of this machine: who reads a file, when, how often, and what lies where afterwards."""

from __future__ import annotations

import datetime as dt
import shutil
import threading

import pytest
from drops import OLD, Drop, copies_in
from surroundings import task

from engine.api import DefinitionError, DeliveryFailed, Failure, Problem, message
from engine.builtin import default_registry
from engine.expressions import compile_expression
from engine.load import load_text
from plugins.files import register
from plugins.files.drop import CsvDrop, SftpServer, is_due

GOOD = "No,Name\nA1,Li\nA2,Wu\n"


@pytest.fixture
def drop(tmp_path, monkeypatch):
    folder = tmp_path / "drop"
    folder.mkdir()
    with copies_in(monkeypatch, tmp_path, folder):
        yield lambda **options: Drop(folder, **options)


def keys(items):
    return [item.key for item in items]


def test_a_file_is_read_once_and_put_away_under_its_day(drop):
    place = drop()
    place.put("x.csv", GOOD)
    items = place.look()
    assert [(item.key, item.version, dict(item.data)) for item in items] == [
        ("A1", "2026-03-04T01:30:00+00:00", {"No": "A1", "Name": "Li", "row": 2, "file": "x.csv", "lines": [{"No": "A1", "Name": "Li", "row": 2}]}),
        ("A2", "2026-03-04T01:30:00+00:00", {"No": "A2", "Name": "Wu", "row": 3, "file": "x.csv", "lines": [{"No": "A2", "Name": "Wu", "row": 3}]}),
    ]  # fmt: skip
    assert place.names() == []
    [kept] = place.folder.glob("archive/2026-03-04/013000-*-1-x.csv")
    assert kept.read_text() == GOOD
    assert place.look() == []


def test_files_that_are_not_whole_are_left_alone(drop):
    place = drop(quiet=dt_seconds(10))
    place.put("young.csv", GOOD, changed=place.now.timestamp() - 9)
    for name in ("x.csv.part", "x.tmp", ".x.csv", "x.csv.filepart", "other.txt", "old.csv.errors.csv"):
        place.put(name, GOOD)
    (place.folder / "link.csv").symlink_to("/etc/passwd")
    assert place.look() == []
    place.now += dt.timedelta(seconds=1)
    assert keys(place.look()) == ["A1", "A2"]
    assert place.names() == [".x.csv", "link.csv", "old.csv.errors.csv", "other.txt", "x.csv.filepart", "x.csv.part", "x.tmp"]


def dt_seconds(amount):
    from engine.api import Duration

    return Duration(amount, "s")


def test_older_files_come_first_and_a_newer_one_has_a_newer_version(drop):
    place = drop()
    place.put("b.csv", "No,Name\nA1,old\n", changed=OLD - 60)
    place.put("a.csv", "No,Name\nA1,new\n")
    first, second = place.look()
    assert (first.data["Name"], second.data["Name"]) == ("old", "new")
    assert first.version < second.version


@pytest.mark.parametrize("copies_lost", [False, True])
def test_whatever_step_the_process_dies_in_nothing_is_lost_or_doubled(drop, copies_lost, tmp_path, monkeypatch):
    """Every call happens twice: its effects stay, its cursor is lost the first time."""
    monkeypatch.setattr("plugins.files.drop.ITEMS", 2)
    place = drop()
    place.put("x.csv", "No,Name\n" + "".join(f"A{number},Li\n" for number in range(5)) + "A9\n")
    found, more = [], True
    while more:
        place.call()
        if copies_lost:
            for folder in tmp_path.glob("appmill-files-*"):
                shutil.rmtree(folder)
        items, more = place.step()
        found += items
    assert keys(found) == ["A0", "A1", "A2", "A3", "A4"]
    assert place.errors("x.csv") == [["7", "", "The row has 1 cells, the heading 2."]]
    assert place.archived() == ["x.csv"]
    assert list(place.folder.glob(".reading/*")) == []


def test_two_processes_never_read_the_same_file(drop):
    place, other = drop(), drop()
    for number in range(12):
        place.put(f"{number:02}.csv", f"No,Name\nA{number:02},Li\n")
    found = [[], []]

    def look(which, into):
        into.extend(keys(which.look()))

    threads = [threading.Thread(target=look, args=pair) for pair in zip((place, other), found, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted([*found[0], *found[1]]) == [f"A{number:02}" for number in range(12)]
    assert len(place.archived()) == 12


def test_a_file_someone_else_took_meanwhile_is_theirs(drop):
    place = drop()
    place.put("x.csv", GOOD)
    place.step()
    (place.folder / "x.csv").unlink()
    assert place.look() == []


def test_a_file_dropped_under_the_same_name_while_one_is_read_is_read_after_it(drop):
    place = drop()
    place.put("x.csv", GOOD)
    place.step(), place.step()
    place.put("x.csv", "No,Name\nA3,Xu\n")
    assert keys(place.look()) == ["A1", "A2", "A3"]
    assert place.archived() == ["x.csv", "x.csv"]


def test_it_is_looked_into_at_times_of_day(drop):
    place = drop(at=("08:00", "13:00"))  # it is 09:30 in Shanghai
    place.look()
    place.put("x.csv", GOOD)
    place.now += dt.timedelta(hours=3, minutes=29)
    assert place.look() == []
    place.now += dt.timedelta(minutes=1)
    assert keys(place.look()) == ["A1", "A2"]
    times = [(hour, is_due(place.connection, place.cursor["looked"], place.now + dt.timedelta(hours=hour))) for hour in (1, 18, 19)]
    assert times == [(1, False), (18, False), (19, True)]


def test_what_became_of_the_items_goes_back_too(drop):
    place = drop()
    place.put("x.csv", "No,SKU,Qty\nA1,X,one\nA2,Y,2\nA2,Z,-3\nA3,W,1\nA4\n")
    place.look()
    assert place.connection.awaits("rows", place.cursor) == ["2026-03-04T01:30:00+00:00"]
    sources = {"total": 'decimal(item["Qty"])', "lines.quantity": 'decimal(line["Qty"])'}
    place.settle([
        Failure("A1", [Problem("total", message("'one' is no number."))], sources),
        Failure("A2", [Problem("lines.1.quantity", message("At least 0."))], sources),
    ])  # fmt: skip
    assert place.errors("x.csv") == [
        ["2", "Qty", "'one' is no number."],
        ["3", "", "Another row of A2 is wrong; it is taken as a whole or not at all."],
        ["4", "Qty", "At least 0."],
        ["6", "", "The row has 1 cells, the heading 3."],
    ]
    assert place.connection.awaits("rows", place.cursor) == []


def test_where_all_items_are_taken_nothing_goes_back(drop):
    place = drop()
    place.put("x.csv", GOOD)
    place.look()
    place.settle([])
    assert (place.names(), place.connection.awaits("rows", place.cursor)) == ([], [])


def test_expressions_read_columns_by_their_headings(drop):
    place = drop(key=("订单号",))
    place.put("x.csv", "订单号,数量\nA1,1\nA1,2\n")
    [item] = place.look()

    def read(source, **names):
        return compile_expression(source, default_registry()).evaluate({"item": item.data} | names)

    assert (read('item["订单号"]'), read("item.file"), read("item.row")) == ("A1", "x.csv", 2)
    assert [line["数量"] for line in read("item.lines")] == ["1", "2"]
    assert read("line[\"数量\"]", line=item.data["lines"][1]) == "2"


# --- what may be read at all


def refusal(place):
    with pytest.raises(DeliveryFailed) as caught:
        place.look()
    return str(caught.value)


def test_a_folder_must_be_open_to_applications(drop, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.mkdir()
    said = "The folder {} is not open to applications; the operator names folders in APPMILL_FOLDERS."
    assert refusal(Drop(secret)) == said.format(secret)
    assert refusal(Drop(tmp_path / "drop" / ".." / "secret")) == said.format(tmp_path / "drop" / ".." / "secret")
    monkeypatch.delenv("APPMILL_FOLDERS")
    assert refusal(drop()) == said.format(tmp_path / "drop")


def test_a_file_that_is_too_large_is_put_aside(drop):
    place = drop(largest=1)
    place.put("x.csv", b"No,Name\n" + b"A1,Li\n" * 200_000)
    assert place.look() == []
    assert place.errors("x.csv") == [["", "", "The file is larger than 1 MB."]]
    assert len(list(place.folder.glob("failed/2026-03-04/*-x.csv"))) == 1


def test_trying_it_out_counts_what_is_there(drop):
    place = drop()
    place.put("x.csv", GOOD)
    said = place.connection.try_out(task("try", place.connection), place.world)
    assert str(said) == f"The folder {place.folder} is there; files that match: 1."
    assert place.names() == ["x.csv"]


def test_links_that_lie_in_the_folder_lead_nowhere(drop, tmp_path):
    place, elsewhere = drop(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("mine")
    (place.folder / "x.csv.errors.csv.part").symlink_to(elsewhere / "kept")
    place.put("x.csv", GOOD + "A3\n")
    place.look()
    assert ((elsewhere / "kept").read_text(), len(place.errors("x.csv"))) == ("mine", 1)
    (place.folder / "failed").symlink_to(elsewhere)
    place.put("y.csv", "nothing")
    assert refusal(place).endswith("failed is a link")


# --- its options


def test_options_that_do_not_go_together_are_found_when_the_definition_is_read():
    registry = default_registry()
    register(registry)
    with pytest.raises(DefinitionError) as caught:
        load_text("""
name: x
label: X
connections:
  drop:
    type: csv_drop
    folder: drop
    key: [No]
    at: ["8:00"]
    sftp: {host: files.example.com, user: li, fingerprint: "SHA256:%s"}
    ftp: {host: files.example.com, user: li, password: {secret: FTP}, tls: none}
""" % ("A" * 43), registry)
    assert [str(finding.message) for finding in caught.value.findings if "drop" in finding.path] == [
        'Times of day are written like "08:00", in quotes.',
        "Say how to sign in: by password or by key, one of them.",
        "A folder is on one server: say sftp or ftp, not both.",
        "Without tls the password travels unencrypted; that is for private networks only.",
    ]


def test_a_place_says_nothing_of_secrets():
    drop = CsvDrop(name="d", folder="/x", key=("No",), sftp=SftpServer(host="h", user="u", fingerprint="SHA256:" + "A" * 43))
    assert [option for option, _wrong in drop.mistakes()] == ["sftp"]
