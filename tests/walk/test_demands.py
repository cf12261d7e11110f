"""What a saved record must fulfil: required, hidden and read-only fields, checks, links, people, unique values."""

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from making import reasons

from engine import service
from engine.errors import Invalid

TICKETS = Path(__file__).parents[1] / "apps" / "tickets.yaml"


@pytest.fixture
def app(make_app):
    return make_app(TICKETS)


@pytest.fixture
def project(app):
    return app.create("project", name="Bridge", budget="1000", as_="bob")


@pytest.fixture
def ticket(app, project):
    return app.create("ticket", subject="Paint", project=project.id, as_="cleo")


def refused(call, *args, **values):
    with pytest.raises(Invalid) as error:
        call(*args, **values)
    return reasons(error)


def test_a_required_field_cannot_be_emptied_nor_left_out(app, ticket):
    assert refused(app.create, "ticket", as_="cleo") == [
        "subject: Subject is required.",
        "project: Project is required.",
    ]
    assert refused(app.update, "ticket", ticket, subject=" ", as_="cleo") == ["subject: Subject is required."]


def test_a_field_is_required_while_its_condition_holds(app, ticket):
    assert refused(app.update, "ticket", ticket, urgent=True, as_="cleo") == ["why: Why urgent is required."]
    app.update("ticket", ticket, urgent=True, why="The king comes", as_="cleo")
    assert app.get("ticket", ticket)["why"] == "The king comes"


def test_a_hidden_field_keeps_what_it_held(app, ticket):
    app.update("ticket", ticket, urgent=True, why="The king comes", as_="cleo")
    app.update("ticket", ticket, urgent=False, why="changed behind the curtain", as_="cleo")
    assert app.get("ticket", ticket)["why"] == "The king comes"


def test_a_read_only_field_is_changed_by_nobody(app, ticket, project):
    assert refused(app.update, "ticket", ticket, stamp="x", as_="bob") == ["stamp: Stamp is read-only."]
    assert refused(app.update, "ticket", ticket, stamp="x", as_="admin") == ["stamp: Stamp is read-only."]
    assert refused(app.create, "ticket", subject="B", project=project.id, stamp="x") == ["stamp: Stamp is read-only."]


def test_read_only_by_condition_looks_at_the_record_as_it_was_seen(app, ticket):
    app.update("ticket", ticket, price="5", as_="bob")
    app.update("ticket", ticket, urgent=True, why="King", price="6", as_="bob")
    said = refused(app.update, "ticket", ticket, urgent=False, price="7", as_="bob")
    assert said == ["price: Price is read-only now."]


def test_a_check_is_said_at_its_field(app, ticket):
    said = refused(app.update, "ticket", ticket, due_on="2026-03-01", as_="cleo")
    assert said == ["due_on: It cannot be due before it is opened"]


def test_what_nobody_touched_is_not_checked_again(app, ticket):
    table = app.application.tables.form["ticket"]
    with app.application.database.write() as conn:
        conn.execute(sa.update(table).values(due_on=dt.date(2020, 1, 1)))
    app.update("ticket", ticket, report="fine", as_="bob")
    assert refused(app.update, "ticket", ticket, opened_on="2026-03-05", as_="bob") == [
        "due_on: It cannot be due before it is opened"
    ]


def test_a_link_leads_to_a_record_one_may_see_and_choose(app, project):
    closed = app.create("project", name="Old", closed=True, as_="bob")
    gone = app.create("project", name="Gone", as_="bob")
    app.delete("project", gone, as_="bob")

    def said(target, who):
        return refused(app.create, "ticket", subject="A", project=target, as_=who)

    assert said(99, "cleo") == ["project: Project: there is no Project 99."]
    assert said(gone.id, "bob") == [f"project: Project: there is no Project {gone.id}."]
    assert said(closed.id, "cleo") == [f"project: Project: there is no Project {closed.id}."]
    assert said(closed.id, "bob") == ["project: Project: Project Old cannot be chosen here."]


def test_a_link_that_stays_is_not_checked_again(app, ticket, project):
    app.update("project", project, closed=True, as_="bob")
    app.update("ticket", ticket, due_on="2026-04-01", as_="cleo")
    assert str(app.get("ticket", ticket)["due_on"]) == "2026-04-01"


def test_several_links_are_kept_in_order_and_checked(app, ticket):
    red, blue = (app.create("tag", name=name, as_="cleo").id for name in ("red", "blue"))
    app.update("ticket", ticket, tags=[blue, red], as_="cleo")
    assert app.events("ticket", ticket)[-1].changes == {"tags": [[], [blue, red]]}
    assert refused(app.update, "ticket", ticket, tags=[red, 99], as_="cleo") == ["tags: Tags: there is no Tag 99."]
    app.update("ticket", ticket, tags=[red], as_="cleo")
    assert app.events("ticket", ticket)[-1].changes == {"tags": [[blue, red], [red]]}
    assert app.update("ticket", ticket, tags=[red], as_="cleo").event_id is None


def test_a_person_exists_and_has_the_role(app, project):
    cleo = app.id_of("cleo")
    assert refused(app.update, "project", project, lead=cleo, as_="bob") == [
        "lead: Lead: Cleo does not have the role Boss."
    ]
    assert refused(app.update, "project", project, lead=99, as_="bob") == ["lead: Lead: there is no user 99."]
    app.update("project", project, lead=app.id_of("bob"), as_="bob")


def test_a_taken_value_names_the_other_record(app, project):
    said = refused(app.create, "project", name="Bridge", as_="bob")
    assert said == ["name: Name: Bridge is taken by Project Bridge."]


def test_a_group_of_values_is_unique_together_and_may_not_be_told(app, project, ticket):
    said = refused(app.create, "ticket", subject="Paint", project=project.id, as_="bob")
    assert said == ["project: Project, Subject: Bridge, Paint is taken by Ticket T2026-001 Paint."]
    said = refused(app.create, "ticket", subject="Paint", project=project.id, as_="carl")
    assert said == ["project: Project, Subject: Bridge, Paint is taken."]


def test_a_deleted_record_frees_its_values_until_it_comes_back(app, project):
    app.delete("project", project, as_="bob")
    app.create("project", name="Bridge", as_="bob")
    assert refused(app.restore, "project", project, as_="bob") == ["name: Name: Bridge is taken by Project Bridge."]


def test_the_database_says_it_in_the_same_words(app, project, monkeypatch):
    """As if another process had been faster than the check."""
    from engine import checking

    monkeypatch.setattr(checking, "check_unique", lambda passage: None)
    with pytest.raises(Invalid) as error:
        service.save(app.application, app.actor("bob"), "project", {"name": "Bridge"})
    assert reasons(error) == ["name: Name: Bridge is taken by Project Bridge."]


def test_what_follows_from_other_records_is_kept_current(app, project):
    ticket = app.create("ticket", subject="A", project=project.id, as_="bob", lines=[{"what": "x", "hours": 2}])
    row = app.get("project", project)
    assert (str(row["spent"]), str(row["left"]), row["version"]) == ("200.00", "800.00", 1)

    line = app.lines("ticket_line", ticket)[0]
    app.update("ticket", ticket, lines=[{"id": line["id"], "rate": 300}], as_="bob")
    assert str(app.get("project", project)["left"]) == "400.00"
    app.delete("ticket", ticket, as_="bob")
    assert str(app.get("project", project)["left"]) == "1000.00"
    app.restore("ticket", ticket, as_="bob")
    assert str(app.get("project", project)["left"]) == "400.00"


def test_sensitive_values_are_masked_in_the_history(app, project):
    ticket = app.create("ticket", subject="A", project=project.id, code="sesame", as_="bob")
    app.update("ticket", ticket, code="open", as_="bob")
    assert [event.changes["code"] for event in app.events("ticket", ticket)] == [[None, "••••"], ["••••", "••••"]]
    assert app.get("ticket", ticket)["code"] == "open"


def test_a_file_is_attached_once_by_whoever_uploaded_it(make_app):
    app = make_app("""
      app: files
      label: Files
      roles: {clerk: {label: Clerk}}
      demo_users: {cleo: {name: Cleo, roles: [clerk]}, carl: {name: Carl, roles: [clerk]}}
      forms:
        paper:
          label: Paper
          fields: {name: {type: text}, scan: {type: attachment}}
          permissions: {clerk: {create: true, read: true, update: true}}
    """)
    attachment = app.application.tables.attachment
    upload = {"form": "paper", "sha256": "0" * 64, "name": "a.pdf", "media_type": "application/pdf", "size": 1,
              "created_at": app.clock(), "created_by": app.id_of("cleo")}  # fmt: skip
    with app.application.database.write() as conn:
        file = conn.execute(sa.insert(attachment).values(upload)).inserted_primary_key[0]

    nothing = f"scan: There is no uploaded file {file} that could be attached here."
    assert refused(app.create, "paper", scan=[file], as_="carl") == [nothing]
    paper = app.create("paper", scan=[file], as_="cleo")
    with app.application.database.read() as conn:
        claimed = conn.execute(sa.select(attachment.c.record_id, attachment.c.field)).one()
    assert tuple(claimed) == (paper.id, "scan")
    assert refused(app.create, "paper", scan=[file], as_="cleo") == [nothing]
    app.update("paper", paper, name="kept", scan=[file], as_="cleo")


def test_deleting_what_others_link_to(app, project, ticket):
    from engine.errors import Refused

    with pytest.raises(Refused) as error:
        app.delete("project", project, as_="bob")
    assert reasons(error) == ["Project Bridge cannot be deleted: it is used by Ticket T2026-001 Paint."]
    above = app.create("tag", name="colour", as_="cleo")
    red = app.create("tag", name="red", parent=above.id, as_="cleo")
    app.delete("tag", above, as_="cleo")
    assert app.get("tag", red)["parent"] is None
    assert [event.actor_kind for event in app.events("tag", red)] == ["user", "system"]


def test_lines_go_and_come_back_with_their_record(app, project):
    ticket = app.create("ticket", subject="A", project=project.id, as_="bob", lines=[{"what": "x", "hours": 2}])
    deleted = app.delete("ticket", ticket, as_="bob")
    assert (app.lines("ticket_line", ticket), deleted.version) == ([], 2)
    app.restore("ticket", ticket, as_="bob")
    assert [line["what"] for line in app.lines("ticket_line", ticket)] == ["x"]
    assert [event.kind for event in app.events("ticket", ticket)] == ["created", "deleted", "restored"]
