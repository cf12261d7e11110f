"""Secrets: where they are read from, to whom they are shown, and that they are shown nowhere else."""

from __future__ import annotations

import io
import logging
import os
import sys

import pytest
import sqlalchemy as sa
from fake_clock import START

from engine.cli import main
from engine.errors import DeliveryFailed, Missing, Refused
from engine.logs import TextLines
from engine.outside.masking import Mask
from engine.secrets import Secrets, Sources, new_key, read_sources
from engine.storage.database import Database

APP = """
app: shelf
label: Shelf
languages: [en]
forms:
  book: {label: Book, fields: {name: {type: text}}}
connections:
  shop: {type: http, base_url: https://shop.example.com, auth: {type: bearer, token: {secret: SHOP_TOKEN}}}
  post: {type: smtp, host: smtp.example.com, sender: a@example.com, user: a, password: {secret: MAIL_PASSWORD}}
rules:
  heard:
    trigger: {type: webhook, path: heard, secret: {secret: HOOK_KEY}}
    actions: [{type: create, form: book, values: {name: "'One'"}}]
"""


@pytest.fixture
def table(database_url):
    """A database with the table of secrets, and the tables it is one of."""
    from engine.builtin import default_registry
    from engine.load import load_text
    from engine.storage.tables import build_tables

    tables = build_tables(load_text(APP, default_registry()).definition)
    database = Database(database_url)
    with database.write() as conn:
        tables.create(conn)
    yield database, tables
    database.close()


def secrets_of(table, **environ):
    return Secrets(read_sources(environ), *table)


def stored(table, secrets, name, value, **more):
    with table[0].write() as conn:
        secrets.store(conn, name, value, now=START, **more)


def failure(secrets, name, host="shop.example.com"):
    with pytest.raises(DeliveryFailed) as caught:
        secrets.value(name, host)
    return str(caught.value), caught.value.again


def secrets_file(tmp_path, text, mode=0o600):
    file = tmp_path / "secrets"
    file.write_text(text)
    file.chmod(mode)
    return file


# --- the three places


def test_environment_comes_before_file_before_database(table, tmp_path):
    file = secrets_file(tmp_path, "# ours\n\nA=file-a\nB = file b = 2 \n")
    secrets = secrets_of(table, APPMILL_SECRET_A="env-a", APPMILL_SECRETS=str(file), APPMILL_KEY=new_key())
    for name in "ABC":
        stored(table, secrets, name, f"stored-{name}")
    assert [secrets.value(name, "x.example") for name in "ABC"] == ["env-a", "file b = 2", "stored-C"]
    assert [(entry.name, entry.origin) for entry in secrets.entries()] == [
        ("A", "environment"), ("B", "file"), ("C", "database"),
    ]  # fmt: skip


def test_what_is_not_set_is_told_with_what_to_do(table):
    assert failure(secrets_of(table), "SHOP_TOKEN") == (
        "The secret SHOP_TOKEN is not set. Set APPMILL_SECRET_SHOP_TOKEN, or use `appmill secret set`.", True,
    )  # fmt: skip
    assert failure(secrets_of(table, APPMILL_SECRET_SHOP_TOKEN=""), "SHOP_TOKEN")[1] is True


def test_the_key_of_sessions_is_no_secret_of_connections(table):
    secrets = secrets_of(table, APPMILL_SECRET_KEY="signs sessions", APPMILL_KEY=new_key())
    assert failure(secrets, "KEY")[0].startswith("The secret KEY is not set.")
    assert secrets.entries() == []
    with pytest.raises(Refused, match=r"^'KEY' is no name of a secret; expected one such as ERP_TOKEN\.$"):
        stored(table, secrets, "KEY", "x")


def test_a_secret_can_be_bound_to_hosts(table, tmp_path):
    file = secrets_file(tmp_path, "B=file-b\nB.hosts=b.example, c.example\n")
    secrets = secrets_of(
        table, APPMILL_SECRET_A="env-a", APPMILL_HOSTS_OF_A="a.example", APPMILL_SECRETS=str(file), APPMILL_KEY=new_key()
    )
    stored(table, secrets, "C", "stored-c", hosts=["D.example"])
    assert [secrets.value("A", "a.example"), secrets.value("B", "C.example"), secrets.value("C", "d.EXAMPLE")] == [
        "env-a", "file-b", "stored-c",
    ]  # fmt: skip
    for name, hosts in (("A", "a.example"), ("B", "b.example, c.example"), ("C", "d.example")):
        assert failure(secrets, name, "evil.example") == (
            f"The secret {name} is bound to {hosts} and is not shown to evil.example.", False,
        )  # fmt: skip


# --- the file


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_others_may_read_is_refused(tmp_path, mode):
    file = secrets_file(tmp_path, "A=value-a", mode)
    with pytest.raises(Refused) as caught:
        read_sources({}, file)
    assert str(caught.value) == f"Others may read the secrets file {file}. Protect it: chmod 600 {file}"


@pytest.mark.parametrize("line", ["A", "a=1", "KEY=1", "A.host=x", "export A=1", "1A=2"])
def test_a_line_that_means_nothing_is_named_without_its_value(tmp_path, line):
    file = secrets_file(tmp_path, f"# x\n{line}\n")
    with pytest.raises(Refused) as caught:
        read_sources({}, file)
    assert str(caught.value) == f"{file}, line 2: expected NAME=value or NAME.hosts=…, names such as ERP_TOKEN."


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Refused) as caught:
        read_sources({"APPMILL_SECRETS": str(tmp_path / "none")})
    assert str(caught.value) == f"The secrets file {tmp_path / 'none'} cannot be read: No such file or directory"


# --- the database


def test_the_database_holds_no_readable_value(table):
    secrets = secrets_of(table, APPMILL_KEY=new_key())
    stored(table, secrets, "A", "canary-12345")
    with table[0].read() as conn:
        [row] = conn.execute(sa.select(table[1].secret)).all()
    assert "canary" not in repr(row)
    assert (row.name, row.hosts) == ("A", "")


def test_a_new_value_takes_the_place_of_the_old_one(table):
    secrets = secrets_of(table, APPMILL_KEY=new_key())
    stored(table, secrets, "A", "value-1")
    stored(table, secrets, "A", "value-2")
    assert secrets.value("A", "x.example") == "value-2"
    with table[0].write() as conn:
        secrets.remove(conn, "A")
    with pytest.raises(Missing, match=r"^The database holds no secret A\.$"), table[0].write() as conn:
        secrets.remove(conn, "A")


def test_another_process_reads_a_changed_value_at_once(table):
    key = new_key()
    one, other = secrets_of(table, APPMILL_KEY=key), secrets_of(table, APPMILL_KEY=key)
    stored(table, one, "A", "value-1")
    assert other.value("A", "x.example") == "value-1"
    stored(table, one, "A", "value-2")
    assert other.value("A", "x.example") == "value-2"


# --- what the other side gives in the place of a secret


def given(table, secrets, name, value):
    with table[0].write() as conn:
        secrets.succeed(conn, name, value, now=START)


def test_what_the_other_side_gave_counts_in_every_process_until_another_is_entered(table):
    environ = {"APPMILL_KEY": new_key(), "APPMILL_SECRET_A": "entered-1"}
    one, other = secrets_of(table, **environ), secrets_of(table, **environ)
    given(table, one, "A", "given-1")
    given(table, one, "A", "given-2")
    assert [each.latest("A", "x.example") for each in (one, other)] == ["given-2", "given-2"]
    assert one.value("A", "x.example") == "entered-1"
    anew = secrets_of(table, **environ | {"APPMILL_SECRET_A": "entered-2"})
    assert anew.latest("A", "x.example") == "entered-2"
    assert [entry.name for entry in one.entries()] == ["A"]
    assert one.mask("it is given-2") == "it is •••"


def test_it_goes_with_the_secret_it_took_the_place_of(table):
    secrets = secrets_of(table, APPMILL_KEY=new_key())
    stored(table, secrets, "A", "entered-1", hosts=["x.example"])
    given(table, secrets, "A", "given-1")
    assert secrets.latest("A", "x.example") == "given-1"
    with pytest.raises(DeliveryFailed, match="is bound to"):
        secrets.latest("A", "y.example")
    with table[0].write() as conn:
        assert secrets.renew(conn) == 2
        secrets.remove(conn, "A")
        left = conn.execute(sa.select(sa.func.count()).select_from(table[1].secret)).scalar()
    assert left == 0


def test_without_a_key_only_this_process_knows_it(table):
    secrets = secrets_of(table, APPMILL_SECRET_A="entered-1")
    with pytest.raises(Refused, match="Stored secrets need a key"):
        given(table, secrets, "A", "given-1")
    assert secrets.latest("A", "x.example") == "given-1"
    with pytest.raises(Refused, match="There is no secret B"):
        given(table, secrets, "B", "given-1")


def test_keys_are_changed_by_putting_a_new_one_in_front(table):
    old, new = new_key(), new_key()
    stored(table, secrets_of(table, APPMILL_KEY=old), "A", "value-1")
    assert failure(secrets_of(table, APPMILL_KEY=new), "A") == ("The secret A was stored under another APPMILL_KEY.", True)
    both = secrets_of(table, APPMILL_KEY=f"{new}, {old}")
    assert both.value("A", "x.example") == "value-1"
    with table[0].write() as conn:
        assert both.renew(conn) == 1
    assert secrets_of(table, APPMILL_KEY=new).value("A", "x.example") == "value-1"
    with pytest.raises(Refused, match=r"^The secret A was stored under another APPMILL_KEY\.$"), table[0].write() as conn:
        secrets_of(table, APPMILL_KEY=old).renew(conn)


def test_without_a_key_nothing_is_stored_and_nothing_read(table):
    with pytest.raises(Refused) as caught:
        stored(table, secrets_of(table), "A", "value-1")
    assert str(caught.value) == "Stored secrets need a key in APPMILL_KEY; `appmill secret key` makes one."
    stored(table, secrets_of(table, APPMILL_KEY=new_key()), "A", "value-1")
    assert failure(secrets_of(table), "A") == (
        "Stored secrets need a key in APPMILL_KEY; `appmill secret key` makes one.", True,
    )  # fmt: skip


def test_a_key_that_is_none():
    with pytest.raises(Refused, match=r"^APPMILL_KEY holds no key; `appmill secret key` makes one\.$"):
        read_sources({"APPMILL_KEY": "passphrase"})


def test_nothing_shows_a_value_by_accident(table):
    sources = read_sources({"APPMILL_SECRET_A": "canary-12345", "APPMILL_KEY": new_key()})
    assert "canary" not in repr(sources)
    assert "canary" not in repr(Secrets(sources, *table).entries())


# --- masking


@pytest.mark.parametrize(
    "text",
    ["x s3cr:et/1+ y", "x s3cr%3Aet%2F1%2B y", "x s3cr%3Aet/1%2B y", "?key=s3cr%3Aet%2F1%2B&a=b", '{"a": "s3cr:et/1+"}'],
)
def test_a_value_is_masked_in_every_form(text):
    masked = Mask(["s3cr:et/1+"]).text(text)
    assert "s3cr" not in masked
    assert "•••" in masked


def test_a_value_is_masked_inside_base64_wherever_it_begins():
    import base64

    mask = Mask(["correct horse battery"])
    for lead in ("", "a", "ab", "abc", "user:"):
        encoded = base64.b64encode(f"{lead}correct horse battery and more".encode()).decode()
        assert base64.b64encode(b"correct horse")[4:12].decode() not in mask.text(encoded)
        assert "•••" in mask.text(encoded)


def test_longer_values_are_masked_before_shorter_ones_within_them():
    assert Mask(["pass", "password"]).text("password pass") == "••• •••"


def test_quotes_and_line_breaks_in_a_value():
    value = 'a"b\\c\nd'
    assert Mask([value]).text('{"k": "a\\"b\\\\c\\nd"}') == '{"k": "•••"}'


def test_masking_keeps_the_shape_of_data():
    data = {"geheim": ["geheim!", 1, None, {"a": "xgeheimx"}], "b": ("geheim", 2.5)}
    assert Mask(["geheim"]).data(data) == {"•••": ["•••!", 1, None, {"a": "x•••x"}], "b": ("•••", 2.5)}


def test_too_short_values_are_left_alone():
    assert Mask(["abc", ""]).text("abc") == "abc"


def test_logs_hold_no_secret(table):
    secrets = secrets_of(table, APPMILL_SECRET_A="canary-12345", APPMILL_KEY=new_key())
    stored(table, secrets, "B", "stored-canary-6")
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(TextLines(secrets.mask))
    name = "appmill.tests.masking"
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.addHandler(handler)
    below = logging.getLogger(f"{name}.below")
    logger.warning("token %s and %r", "canary-12345", {"k": "stored-canary-6"})
    below.warning("token canary-12345 of below")
    try:
        raise ValueError("password canary-12345")
    except ValueError:
        below.exception("failed with %s", "canary-12345")
    below.warning("100%% canary-12345 %s", "done")
    logger.removeHandler(handler)
    said = out.getvalue()
    assert "canary" not in said
    lines = [line.partition(" ")[2] for line in said.splitlines() if not line.startswith(" ")]
    assert lines == [f"WARNING {name} token ••• and {{'k': '•••'}}", f"WARNING {name}.below token ••• of below",
                     f"ERROR {name}.below failed with •••", f"WARNING {name}.below 100% ••• done"]  # fmt: skip
    assert "ValueError: password •••" in said


def test_known_values_are_those_that_were_seen(table):
    key = new_key()
    stored(table, secrets_of(table, APPMILL_KEY=key), "B", "stored-value")
    secrets = secrets_of(table, APPMILL_SECRET_A="env-value", APPMILL_KEY=key)
    assert secrets.mask("an env-value and a stored-value") == "an ••• and a stored-value"
    secrets.value("B", "x.example")
    assert secrets.mask("an env-value and a stored-value") == "an ••• and a •••"


# --- the command


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("APPMILL_SECRET", "APPMILL_KEY"))]:
        monkeypatch.delenv(name)
    file = tmp_path / "shelf.yaml"
    file.write_text(APP)
    return [str(file), "--database", f"sqlite:///{tmp_path}/shelf.db"]


@pytest.fixture
def call(shelf, capsys, monkeypatch):
    def calling(verb, *more, typed=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = main(["secret", verb, *([] if verb == "key" else shelf), *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return calling


def test_a_secret_is_set_and_listed_by_name_only(call, monkeypatch):
    assert call("set", "SHOP_TOKEN", typed="canary-1\n") == (
        1, "", "Stored secrets need a key in APPMILL_KEY; `appmill secret key` makes one.\n",
    )  # fmt: skip
    code, key, _ = call("key")
    assert (code, len(key)) == (0, 45)
    monkeypatch.setenv("APPMILL_KEY", key)
    assert call("set", "SHOP_TOKEN", "--host", "shop.example.com", typed="canary-1\n") == (0, "SHOP_TOKEN is set.\n", "")
    assert call("list") == (
        0,
        "SHOP_TOKEN                     database  for shop.example.com\n"
        "HOOK_KEY                       missing\nMAIL_PASSWORD                  missing\n",
        "",
    )
    assert call("renew") == (0, "1 secrets are encrypted under the first key now.\n", "")
    assert call("remove", "SHOP_TOKEN") == (0, "SHOP_TOKEN is gone.\n", "")
    assert call("remove", "SHOP_TOKEN") == (1, "", "The database holds no secret SHOP_TOKEN.\n")
    assert call("set", "SHOP_TOKEN", typed="\n") == (1, "", "A secret cannot be empty.\n")


def test_the_command_reads_a_secrets_file(call, tmp_path):
    file = secrets_file(tmp_path, "SHOP_TOKEN=canary-2\n")
    assert "SHOP_TOKEN                     file\n" in call("list", "--secrets", str(file))[1]


def test_sources_are_empty_by_default():
    assert Sources().environment == {}
