"""Who may do what, asked at the doors: role × verb × state, fields, lines, tokens, looking as somebody else."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from making import reasons

from engine import reading
from engine.errors import AppmillError, Denied, Invalid, Missing
from engine.permissions import may, may_record, readable_fields, row_filter, updatable_fields
from engine.sight import Sight

TICKETS = Path(__file__).parents[1] / "apps" / "tickets.yaml"
STATES = ("open", "working", "done", "waiting")
# Who (Cleo made the ticket, Carl works on it, Bob is the boss, Gus a guest) may do what in which states.
EVERY, NO = set(STATES), set()
GRANTED = {
    ("read", "cleo"): EVERY, ("read", "carl"): EVERY, ("read", "bob"): EVERY, ("read", "gus"): EVERY,
    ("update", "cleo"): {"open"}, ("update", "carl"): NO, ("update", "bob"): EVERY, ("update", "gus"): NO,
    ("report", "cleo"): {"open"}, ("report", "carl"): NO, ("report", "bob"): EVERY, ("report", "gus"): EVERY,
    ("price", "cleo"): NO, ("price", "carl"): NO, ("price", "bob"): EVERY, ("price", "gus"): NO,
    ("line", "cleo"): {"open"}, ("line", "carl"): NO, ("line", "bob"): EVERY, ("line", "gus"): NO,
    ("delete", "cleo"): NO, ("delete", "carl"): NO, ("delete", "bob"): EVERY, ("delete", "gus"): NO,
    ("take", "cleo"): {"open"}, ("take", "carl"): {"open"}, ("take", "bob"): {"open"}, ("take", "gus"): NO,
    ("read", "other"): NO, ("update", "other"): NO, ("delete", "other"): NO, ("take", "other"): NO,
    ("report", "other"): NO, ("price", "other"): NO, ("line", "other"): NO,
}  # fmt: skip


def try_it(app, verb, who, ticket):
    """Whether the door let ``who`` through; whatever it did is undone by nobody, each try has its own ticket."""
    line = app.lines("ticket_line", ticket)[0]["id"]
    doors = {
        "read": lambda: reading.get(app.application, app.actor(who), "ticket", ticket.id),
        "update": lambda: app.update("ticket", ticket, due_on="2026-05-05", as_=who),
        "report": lambda: app.update("ticket", ticket, report="other", as_=who),
        "price": lambda: app.update("ticket", ticket, price="9", as_=who),
        "line": lambda: app.update("ticket", ticket, lines=[{"id": line, "hours": 9}], as_=who),
        "delete": lambda: app.delete("ticket", ticket, as_=who),
        "take": lambda: app.take("ticket", ticket, "start", worker=app.id_of("carl"), as_=who),
    }
    try:
        doors[verb]()
    except AppmillError:
        return False
    return True


def test_role_by_verb_by_state(make_app):
    app = make_app(TICKETS)
    app.person("other", "clerk")
    project = app.create("project", name="Bridge", budget="1000", as_="bob")
    carl = app.id_of("carl")
    wrong = []
    for (verb, who), states in GRANTED.items():
        for state in STATES:
            ticket = app.create(
                "ticket", subject=f"{verb} {who} {state}", project=project.id, worker=carl,
                lines=[{"what": "x", "hours": 1}], as_="cleo",
            )  # fmt: skip
            _bring(app, ticket, state)
            stored = app.get("ticket", ticket)
            let_in = try_it(app, verb, who, ticket)
            if let_in != (state in states):
                wrong.append((verb, who, state, let_in))
            if not let_in and app.get("ticket", ticket) != stored:
                wrong.append((verb, who, state, "changed although refused"))
    assert wrong == []


def _bring(app, ticket, state):
    if state in ("working", "done"):
        app.take("ticket", ticket, "start", as_="bob")
    if state == "done":
        app.take("ticket", ticket, "finish", report="ok", as_="bob")
    if state == "waiting":
        app.take("ticket", ticket, "wait", reason="r", as_="bob")


@pytest.fixture
def app(make_app):
    return make_app(TICKETS)


@pytest.fixture
def ticket(app):
    project = app.create("project", name="Bridge", budget="1000", as_="bob")
    return app.create(
        "ticket", subject="Paint", project=project.id, price="7", lines=[{"what": "x", "hours": 1}], as_="bob"
    )


def seen(app, who, verb="read"):
    """What the SQL condition lets through, and what asking each record lets through: they must be the same."""
    application, actor = app.application, app.actor(who)
    table = application.tables.form["ticket"]
    clause = row_filter(application, actor, verb, "ticket")
    query = sa.select(table) if clause is None else sa.select(table).where(clause)
    with application.database.read() as conn:
        sight = Sight(application, conn, actor)
        form = application.definition.forms["ticket"]
        every = [dict(row) for row in conn.execute(sa.select(table)).mappings()]
        one_by_one = {
            row["id"] for row in every if may_record(application, actor, verb, "ticket", sight.view(form, row)).allowed
        }
        by_sql = {row["id"] for row in conn.execute(query).mappings()}
    assert by_sql == one_by_one
    return by_sql


def test_lists_and_single_records_are_judged_alike(app, ticket):
    project = ticket.row["project"]
    mine = app.create("ticket", subject="Mine", project=project, as_="cleo")
    his = app.create("ticket", subject="His", project=project, worker=app.id_of("carl"), as_="cleo")
    assert seen(app, "cleo") == {mine.id, his.id}
    assert seen(app, "carl") == {his.id}
    assert seen(app, "gus") == seen(app, "bob") == seen(app, "admin") == {ticket.id, mine.id, his.id}
    app.take("ticket", mine, "wait", reason="r", as_="cleo")
    assert seen(app, "cleo", "update") == {his.id}


def test_lines_follow_the_record_around_them(app, ticket):
    application = app.application
    table = application.tables.form["ticket_line"]
    mine = app.create(
        "ticket", subject="Mine", project=ticket.row["project"], lines=[{"what": "m", "hours": 1}], as_="cleo"
    )
    line = app.lines("ticket_line", mine)[0]["id"]

    def visible(who):
        clause = row_filter(application, app.actor(who), "read", "ticket_line")
        with application.database.read() as conn:
            query = sa.select(table.c.id) if clause is None else sa.select(table.c.id).where(clause)
            return [row[0] for row in conn.execute(query)]

    assert visible("cleo") == [line]
    assert visible("carl") == []
    assert len(visible("bob")) == 2
    assert readable_fields(application, app.actor("gus"), "ticket_line").constant == frozenset()
    assert not updatable_fields(application, app.actor("cleo"), "ticket_line").ever("rate")
    with pytest.raises(Invalid) as error:
        app.update("ticket", mine, lines=[{"id": line, "rate": 1}], as_="cleo")
    assert reasons(error) == ["lines.0.rate: You may not change Rate."]


def test_hidden_fields_are_not_in_what_is_read(app, ticket):
    def names(who):
        return set(reading.get(app.application, app.actor(who), "ticket", ticket.id))

    assert {"price", "lines"} <= names("bob")
    assert names("gus").isdisjoint({"price", "lines"})
    with pytest.raises(Invalid, match="Ticket has no field price\\."):
        reading.find(app.application, app.actor("gus"), "ticket", {"price": 7})
    assert "price" not in (reading.find(app.application, app.actor("gus"), "ticket", {"subject": "Paint"}) or {})
    with pytest.raises(Missing):
        reading.get(app.application, app.actor("cleo"), "ticket", ticket.id)


def test_several_roles_are_a_union(app, ticket):
    app.person("both", "guest", "boss")
    app.update("ticket", ticket, price="8", report="r", as_="both")
    fields = readable_fields(app.application, app.actor("both"), "ticket")
    assert fields.always("price")
    assert fields.always("lines")


def test_a_right_may_depend_on_the_record_and_the_field(make_app):
    app = make_app("""
      app: mixed
      label: Mixed
      roles: {a: {label: A}, b: {label: B}}
      demo_users: {ann: {name: Ann, roles: [a, b]}, ben: {name: Ben, roles: [b]}}
      forms:
        paper:
          label: Paper
          fields: {name: {type: text}, secret: {type: text}, own: {type: boolean, default: false}}
          permissions:
            a: {read: record.own}
            b:
              read: true
              create: true
              update: true
              fields: {secret: {read: "record.name == 'open'", update: record.own}}
    """)
    open_, own, shut = (
        app.create("paper", name=name, secret="s", own=own)
        for name, own in (("open", False), ("mine", True), ("shut", False))
    )
    fields = readable_fields(app.application, app.actor("ann"), "paper")
    assert (fields.always("secret"), fields.ever("secret"), fields.constant) == (False, True, None)

    def reads(who, record):
        return "secret" in reading.get(app.application, app.actor(who), "paper", record.id)

    assert [reads("ann", one) for one in (open_, own, shut)] == [True, True, False]
    assert [reads("ben", one) for one in (open_, own, shut)] == [True, False, False]
    app.update("paper", own, secret="new", as_="ben")
    for record in (open_, shut):
        with pytest.raises(Invalid) as error:
            app.update("paper", record, secret="new", as_="ben")
        assert reasons(error) == ["secret: You may not change Secret."]


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ({"read"}, {"read"}), ({"write"}, {"read", "create", "update", "take", "delete"}), (set(), set()),
        ({"ticket:read", "ticket:update"}, {"read", "update"}), ({"note:read"}, set()),
    ],
)  # fmt: skip
def test_a_token_reaches_no_further_than_its_scopes(app, ticket, scopes, allowed):
    token = app.actor("bob", scopes=frozenset(scopes))
    verbs = ("read", "create", "update", "take", "delete")
    assert {verb for verb in verbs if may(app.application, token, verb, "ticket").allowed} == allowed
    if "update" not in allowed:
        with pytest.raises(Denied) as error:
            app.update("ticket", ticket, subject="x", as_=token)
        listed = ", ".join(sorted(scopes)) or "–"
        assert reasons(error) == [f"This token does not reach as far as “ticket:update”. It has: {listed}."]


def test_looking_as_somebody_else_changes_nothing(app, ticket):
    looking = app.actor("admin").looking_as("guest")
    assert "price" not in reading.get(app.application, looking, "ticket", ticket.id)
    for change in (
        lambda: app.update("ticket", ticket, report="x", as_=looking),
        lambda: app.take("ticket", ticket, "wait", reason="r", as_=looking),
        lambda: app.delete("ticket", ticket, as_=looking),
        lambda: app.press("ticket", ticket, "drop_forgotten", as_=looking),
    ):
        with pytest.raises(Denied, match="You are looking as Guest; nothing can be changed\\."):
            change()


def test_a_role_that_is_taken_away_is_gone_at_once(app, ticket):
    table = app.application.tables.user_role
    with app.application.database.write() as conn:
        conn.execute(sa.delete(table).where(table.c.user_id == app.id_of("bob")))
    with pytest.raises(Denied):
        app.update("ticket", ticket, subject="x", as_="bob")


def test_roles_through_a_group_count(app, ticket):
    tables = app.application.tables
    app.person("gina")
    with app.application.database.write() as conn:
        group = conn.execute(sa.insert(tables.group).values(name="bosses")).inserted_primary_key[0]
        conn.execute(sa.insert(tables.group_role).values(group_id=group, role="boss"))
        conn.execute(sa.insert(tables.group_member).values(group_id=group, user_id=app.id_of("gina")))
    app.update("ticket", ticket, subject="x", as_="gina")
    assert app.actor("gina").groups == {"bosses"}
