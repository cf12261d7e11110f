"""Given live data, when a sample of it is made for somebody, then it holds what they may read, and not a word more."""

import sqlite3

import pytest
import sqlalchemy as sa
from preview_world import DESK, PEOPLE, designing, everything_in, fingerprint, secrets_of

from designer.preview import picking
from designer.preview.sample import make_sample
from engine import sessions
from engine.storage.database import Database

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$0123456789abcdef"


@pytest.fixture
def made(make_app):
    return make_app(DESK, people=PEOPLE, registry=designing())


@pytest.fixture
def sample(made, tmp_path):
    """``sample("pia")`` → the file of a sample for this person."""

    def make(login):
        file = tmp_path / f"{login}.db"
        make_sample(made.application, made.actor(login), file)
        return file

    return make


def rows(file, table, columns="*"):
    with sqlite3.connect(file) as conn:
        return conn.execute(f'SELECT {columns} FROM "{table}" ORDER BY 1').fetchall()


def test_rows_are_those_the_person_may_read(made, sample):
    near = made.create("client", name="Near", region="north")
    made.create("client", name="Far", region="south")
    made.create("ticket", subject="hush")
    made.create("ticket", subject="open to all", client=near.id)
    made.create("vault", words="nobody's business")
    planner = sample("pia")
    assert rows(planner, "client", "name") == [("Near",)]
    assert rows(planner, "ticket", "subject") == [("open to all",)]
    assert rows(planner, "vault") == []
    for word in ("Far", "hush", "nobody's business"):
        assert word not in everything_in(planner)
    assert rows(sample("admin"), "vault", "words") == [("nobody's business",)]


def test_fields_the_person_may_not_read_are_empty_everywhere(made, sample):
    client = made.create("client", name="Near", region="north", credit="774411")
    ticket = made.create("ticket", subject="A", pay="885522", client=client.id,
                         hours=[{"what": "think", "spent": "2", "rate": "996633"}])  # fmt: skip
    made.update("ticket", ticket, pay="885523")
    planner = sample("pia")
    assert rows(planner, "ticket", "subject, pay") == [("A", None)]
    assert rows(planner, "hour", "what, spent, rate") == [("think", 2, None)]
    for figure in ("774411", "885522", "885523", "996633"):
        assert figure not in everything_in(planner), figure
    agent = sample("ann")
    assert rows(agent, "ticket", "pay") == [(885523,)]
    assert "885522" in everything_in(agent)  # in the history


def test_a_field_that_some_records_show_is_empty_on_the_others(made, sample):
    made.create("ticket", subject="A", remark="shown")
    taken = made.create("ticket", subject="B", remark="quiet words")
    made.take("ticket", taken, "submit", as_="ann")
    planner = sample("pia")
    assert rows(planner, "ticket", "subject, remark") == [("A", "shown"), ("B", None)]
    assert "quiet words" not in everything_in(planner)


def test_sensitive_values_are_in_nobodys_sample(made, sample):
    made.create("client", name="Near", region="north", account="NL91ABNA0417164300")
    assert rows(sample("admin"), "client", "name, account") == [("Near", None)]
    assert "NL91ABNA" not in everything_in(sample("ann"))


def test_no_password_session_token_or_address_of_a_person_is_copied(made, sample):
    app = made.application
    session, token = secrets_of(app, made.id_of("ann"))
    with app.database.write() as conn:
        conn.execute(app.tables.user.update().values(
            password_hash=HASH, email="ann@example.com", phone="+86 139", preferences={"k": "preference-canary"}))  # fmt: skip
        conn.execute(app.tables.secret.insert().values(name="erp", value="cipher-canary", set_at=app.clock()))
    file = sample("admin")
    said = everything_in(file)
    for secret in (HASH, session, token, sessions.digest(session), sessions.digest(token), "ann@example.com", "+86 139",
                   "preference-canary", "cipher-canary", "10.9.8.7"):  # fmt: skip
        assert secret not in said
    assert rows(file, "_user", "login") == [("admin",), ("ann",), ("bob",), ("pia",)]
    assert ("lead",) in rows(file, "_user_role", "role")
    for table in ("_session", "_token", "_secret", "_message", "_run", "_notification", "_change", "_draft", "_job"):
        assert rows(file, table) == [], table


def test_links_lead_to_what_is_there_or_nowhere(made, sample):
    near, far = made.create("client", name="Near", region="north"), made.create("client", name="Far", region="south")
    made.create("ticket", subject="A", client=far.id, others=[near.id, far.id])
    planner = sample("pia")
    assert rows(planner, "ticket", "subject, client") == [("A", None)]
    assert rows(planner, "ticket__others", "target_id") == [(near.id,)]
    with sqlite3.connect(planner) as conn:
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []


def test_it_is_bounded_and_holds_the_newest(made, sample, monkeypatch):
    monkeypatch.setattr(picking, "NEWEST", 5)
    monkeypatch.setattr(picking, "MORE", 2)
    clients = [made.create("client", name=f"C{number}", region="north") for number in range(12)]
    for number in range(12):
        made.create("ticket", subject=f"T{number}", client=clients[number % 4].id)
    file = sample("admin")
    assert rows(file, "ticket", "id, subject") == [(number + 1, f"T{number}") for number in range(7, 12)]
    assert len(rows(file, "client")) == 5 + 2  # the newest, and the first of those that tickets lead to


def test_a_state_with_few_records_is_there_all_the_same(made, sample, monkeypatch):
    monkeypatch.setattr(picking, "NEWEST", 3)
    old = made.create("ticket", subject="an old one")
    made.take("ticket", old, "submit", as_="ann")
    for number in range(6):
        made.create("ticket", subject=f"T{number}")
    assert ("an old one", "checking") in rows(sample("admin"), "ticket", "subject, state")


def test_the_live_database_is_only_read(made, sample):
    made.create("ticket", subject="A", hours=[{"what": "x", "spent": "1"}])
    before = fingerprint(made.application)
    sample("pia")
    assert fingerprint(made.application) == before


def test_the_row_filter_is_asked_of_the_newest_only(made, tmp_path, monkeypatch):
    """However few the person may read, the form is not scanned."""
    monkeypatch.setattr(picking, "WINDOW", 4)
    monkeypatch.setattr(picking, "VISITS", 4)
    made.create("ticket", subject="long ago")
    for _ in range(6):
        made.create("ticket", subject="hush")
    make_sample(made.application, made.actor("pia"), tmp_path / "x.db")
    assert rows(tmp_path / "x.db", "ticket") == []


def test_numbers_go_on_where_they_are(made, sample):
    made.create("ticket", subject="A")
    assert [row[2] for row in rows(sample("pia"), "_series")] == [2]
    database = Database(f"sqlite:///{sample('ann')}")
    with database.read() as conn:
        assert conn.execute(sa.text("SELECT count(*) FROM ticket")).scalar() == 1
    database.close()
