"""The command line, through its own function and twice through a real process."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.cli import main, whole_parser
from engine.commands.commands import reference

ROOT = Path(__file__).parents[2]
TICKETS = ROOT / "tests/apps/tickets.yaml"
YARD = ROOT / "tests/apps/yard.yaml"
APP = """
app: shelf
label: {zh: 书架, en: Shelf}
roles: {reader: {label: {zh: 读者, en: Reader}}}
forms:
  book:
    label: {zh: 书, en: Book}
    plural: {zh: 书, en: Books}
    title: record.name
    fields:
      code: {type: text, label: {zh: 编号, en: Code}, unique: true}
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      pages: {type: integer, label: {zh: 页数, en: Pages}}
    permissions:
      reader: {read: true}
"""


PLANTING = """
from engine.api import save, system_actor

def plant(app, count, seed):
    for number in range(count):
        save(app, system_actor("seed"), "party", {"name": f"Party {number}"})

def register(registry):
    registry.seed("yard", plant)
"""


@pytest.fixture
def shelf(tmp_path):
    file = tmp_path / "shelf.yaml"
    file.write_text(APP)
    return [str(file), "--database", f"sqlite:///{tmp_path}/shelf.db"]


@pytest.fixture
def call(capsys):
    """``call("import", …)`` → (exit code, what was printed, what was complained)."""

    def calling(*argv):
        try:
            code = main([str(one) for one in argv])
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return calling


def filled(shelf, call, tmp_path, text="Code,Name,Pages\n001,One,10\n002,Two,20\n"):
    (tmp_path / "books.csv").write_text(text)
    file, *database = shelf
    return call("import", file, "book", tmp_path / "books.csv", *database)


def test_without_a_command_the_commands_are_told(call):
    code, out, err = call()
    assert (code, err) == (0, "")
    assert "Bring a table in as records." in out


def test_the_version(call):
    assert call("--version")[:2] == (0, "appmill 0.1.0\n")


def test_a_table_comes_in_and_goes_out_as_it_was(shelf, call, tmp_path):
    assert filled(shelf, call, tmp_path) == (
        0, "2 rows: 2 created, 0 changed, 0 unchanged, 0 with mistakes.\n", "",
    )  # fmt: skip
    file, *database = shelf
    assert call("export", file, "book", *database, "--language", "en", "--columns", "code,name") == (
        0, "Code,Name\n001,One\n002,Two\n", "",
    )  # fmt: skip


def test_an_export_to_a_workbook_comes_back_without_a_change(shelf, call, tmp_path):
    filled(shelf, call, tmp_path)
    file, *database = shelf
    book = tmp_path / "books.xlsx"
    assert call("export", file, "book", *database, "--output", book)[1] == f"书: written to {book}\n"
    assert call("import", file, "book", book, *database, "--key", "code")[1] == (
        "2 rows: 0 would be created, 0 would be changed, 2 unchanged, 0 with mistakes. Nothing was saved.\n"
    )


def test_a_dry_run_keeps_nothing(shelf, call, tmp_path):
    (tmp_path / "books.csv").write_text("Title,Code\nOne,1\n")
    file, *database = shelf
    code, out, _err = call(
        "import", file, "book", tmp_path / "books.csv", *database, "--map", "name=Title", "--dry-run"
    )
    assert (code, out) == (0, "1 rows: 1 would be created, 0 would be changed, 0 unchanged, 0 with mistakes.\n")
    assert call("export", file, "book", *database, "--columns", "name", "--language", "en")[1] == "Name\n"


def test_mistakes_are_said_with_row_and_column_and_written_to_a_file(shelf, call, tmp_path):
    (tmp_path / "books.csv").write_text("Code,Name,Pages\n1,One,many\n2,Two,=2\n3,Three,3\n")
    file, *database = shelf
    wrong = tmp_path / "wrong.csv"
    code, out, err = call("import", file, "book", tmp_path / "books.csv", *database, "--errors", wrong)
    assert code == 1
    assert out == "3 rows: 1 created, 0 changed, 0 unchanged, 2 with mistakes.\n"
    assert err.splitlines() == [
        "books.csv:2 [Pages]: Pages must be a number such as 12; got “many”.",
        "books.csv:3 [Pages]: Pages must be a number such as 12; got “=2”.",
    ]
    assert wrong.read_text(encoding="utf-8-sig").splitlines()[2].startswith("2,Two,'=2,not brought in,")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["import", "FILE", "bok", "x.csv"], "There is no form bok; there is book."),
        (["import", "FILE", "book", "/nowhere.csv"], "/nowhere.csv cannot be read: No such file or directory."),
        (["export", "FILE", "book", "--as", "nobody"], "There is no user nobody."),
        (["export", "FILE", "book", "--columns", "nam"], "There is no field “nam” to use here; there is name."),
        (
            ["export", "FILE", "book", "--format", "xlsx"],
            "A workbook needs a file to go to: add --output records.xlsx.",
        ),
        (["export", "FILE", "book", "--output", "/nowhere/x.csv"], "/nowhere/x.csv: No such file or directory"),
        (["seed", "FILE"], "No plugin makes sample records for shelf; a plugin does with registry.seed."),
    ],
)
def test_mistakes_of_a_person_are_answered_with_a_sentence(shelf, call, argv, words):
    file, *database = shelf
    code, out, err = call(*(file if one == "FILE" else one for one in argv), *database)
    assert (code, out, err) == (1, "", words + "\n")


@pytest.mark.parametrize(
    ("before", "options", "accounts"),
    [
        ((), (), set()),
        ((), ("--people",), {"admin", "ann", "bob", "owners/owners@example.com", "makers/makers@example.com"}),
        (("rita",), ("--people",), {"rita"}),
    ],
    ids=["records alone", "an empty database", "a database with people of its own"],
)
def test_nobody_gets_the_published_password_but_where_demo_users_are_made(
    call, tmp_path, monkeypatch, before, options, accounts
):
    (tmp_path / "planting.py").write_text(PLANTING)
    monkeypatch.syspath_prepend(tmp_path)
    database = tmp_path / "yard.db"
    for login in before:
        assert call("user", "add", YARD, login, "--database", f"sqlite:///{database}")[0] == 0
    told = call("seed", YARD, "--count", 2, "--plugin", "planting", *options, "--database", f"sqlite:///{database}")
    assert told == (0, "2 sample records were made.\n", "")
    with closing(sqlite3.connect(database)) as conn:
        assert {login for (login,) in conn.execute("select login from _user")} == accounts


def test_the_columns_of_the_file_are_named_when_one_is_missing(shelf, call, tmp_path):
    code, _out, err = filled(shelf, call, tmp_path, "Code,Title\n1,One\n")
    assert (code, err) == (1, "Name is required and has no column. Columns of the file: Code, Title.\n")


def test_a_person_acts_with_the_rights_they_have(shelf, call, tmp_path):
    file, *database = shelf
    call("user", "add", file, "rita", "--role", "reader", *database)
    (tmp_path / "books.csv").write_text("Name\nOne\n")
    code, _out, err = call("import", file, "book", tmp_path / "books.csv", *database, "--as", "rita")
    assert (code, err) == (1, "Importing Book is not granted to your roles. It is granted to: Administrator.\n")


def test_a_wrong_call_is_exit_code_2(shelf, call):
    code, _out, err = call("export", shelf[0], "book", "--database", "mysql://x")
    assert code == 2
    assert err.endswith("argument --database: a database is sqlite:///file or postgresql://host/name, not mysql://x\n")


def test_a_plan_says_in_words_what_is_lost_and_apply_does_it(shelf, call, tmp_path):
    filled(shelf, call, tmp_path)
    file, *database = shelf
    assert call("migrate", file, *database)[:2] == (0, "The database fits the definition; there is nothing to do.\n")
    lines = [line for line in APP.splitlines() if "pages:" not in line]
    Path(file).write_text("\n".join(lines).replace("en: Name}, required", "en: Name}, index: true, required") + "\n")
    code, out, _err = call("migrate", file, *database)
    assert code == 1
    assert "! Field pages of form book is gone; 2 records have a value in it, kept in the column _gone_pages_" in out
    assert "  * --decide 'field book.pages=archive'  It is put into the archive and comes back" in out
    code, out, err = call("migrate", file, *database, "--apply", "--decide", "field book.pages=burn")
    assert (code, err) == (1, "What was decided cannot be done: There is no choice burn; there are: archive.\n")
    code, out, err = call("migrate", file, *database, "--apply", "--decide", "field book.name=archive")
    assert (code, err) == (1, "Nothing is asked about field book.name; asked is: field book.pages.\n")
    code, out, _err = call("migrate", file, *database, "--apply", "--decide", "field book.pages=archive")
    assert (code, out.splitlines()[-1]) == (0, "The database fits shelf now.")
    assert call("migrate", file, *database)[0] == 0


def test_the_page_of_commands_is_current():
    assert (ROOT / "docs/commands.md").read_text() == reference(whole_parser()), (
        "run: appmill commands > docs/commands.md"
    )


def run(*argv):
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", *argv], capture_output=True, text=True, cwd=ROOT, check=False
    )


def test_a_real_process_checks_a_definition():
    done = run("check", str(TICKETS))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_real_process_says_no_without_a_traceback(shelf):
    done = run("export", shelf[0], "nothing", *shelf[1:])
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "There is no form nothing; there is book.\n")
