"""What comes in is parsed, refused by name or taken: all problems at once, nothing in silence."""

from pathlib import Path

import pytest
from making import reasons

from engine import service
from engine.errors import Denied, Invalid, Missing, Refused

TICKETS = Path(__file__).parents[1] / "apps" / "tickets.yaml"


@pytest.fixture
def app(make_app):
    return make_app(TICKETS)


@pytest.fixture
def project(app):
    return app.create("project", name="Bridge", budget="1000", as_="bob")


def test_a_record_is_stored_with_defaults_numbers_totals_and_title(app, project):
    made = app.create(
        "ticket", subject="Paint", project=project.id, as_="cleo",
        lines=[{"what": "Scrape", "hours": "1.5"}, {"what": "Paint", "hours": 2}],
    )  # fmt: skip

    row = app.get("ticket", made)
    assert (row["number"], row["_title"], str(row["opened_on"])) == ("T2026-001", "T2026-001 Paint", "2026-03-04")
    assert (str(row["hours"]), str(row["cost"]), row["urgent"]) == ("3.5", "350.00", False)
    assert [(line["what"], str(line["cost"])) for line in app.lines("ticket_line", made)] == [
        ("Scrape", "150.00"), ("Paint", "200.00"),
    ]  # fmt: skip
    assert (made.version, made.state, made.row["created_by"]) == (1, "open", app.id_of("cleo"))


def test_everything_wrong_is_said_at_once_with_its_place(app, project):
    with pytest.raises(Invalid) as error:
        app.create(
            "ticket", project=project.id, due_on="someday", urgent="perhaps", as_="cleo",
            lines=[{"what": "a", "hours": "x"}, {"hours": "-1"}],
        )  # fmt: skip

    assert reasons(error) == [
        "due_on: Due on must be a date such as 2026-11-22; got “someday”.",
        "urgent: Urgent must be yes or no; got “perhaps”.",
        "lines.0.hours: Hours must be a number such as 12.5; got “x”.",
        "lines.1.hours: Hours must be at least 0.0; got -1.0.",
        "subject: Subject is required.",
        "lines.1.what: What is required.",
    ]
    assert app.count("ticket") == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("id", "id is kept by the system and cannot be set."),
        ("version", "version is kept by the system and cannot be set."),
        ("state", "state is kept by the system and cannot be set."),
        ("owner", "owner is kept by the system and cannot be set."),
        ("created_by", "created_by is kept by the system and cannot be set."),
        ("deleted_at", "deleted_at is kept by the system and cannot be set."),
        ("number", "Number is worked out by itself and cannot be set."),
        ("cost", "Cost is worked out by itself and cannot be set."),
        ("_title", "Ticket has no field _title."),
        ("subjekt", "Ticket has no field subjekt; did you mean subject?"),
        ("is_admin", "Ticket has no field is_admin."),
        ("price", "You may not change Price."),
    ],
)
def test_nothing_is_set_that_was_not_offered(app, project, name, said):
    with pytest.raises(Invalid) as error:
        app.create("ticket", subject="A", project=project.id, as_="cleo", **{name: 1})
    assert reasons(error) == [f"{name}: {said}"]

    ticket = app.create("ticket", subject="A", project=project.id, as_="cleo")
    with pytest.raises(Invalid) as error:
        service.save(app.application, app.actor("cleo"), "ticket", {name: 1}, id=ticket.id)
    assert reasons(error) == [f"{name}: {said}"]


@pytest.mark.parametrize("name", ["_parent", "cost", "version", "rate"])
def test_lines_take_no_more_than_their_fields(app, project, name):
    with pytest.raises(Invalid) as error:
        app.create(
            "ticket", subject="A", project=project.id, as_="cleo", lines=[{"what": "a", "hours": 1, name: 7}]
        )  # fmt: skip
    assert [problem.where for problem in error.value.problems] == [f"lines.0.{name}"]


def test_a_field_one_may_not_read_does_not_exist(app, project):
    ticket = app.create("ticket", subject="A", project=project.id, as_="bob", price="5")
    with pytest.raises(Invalid) as error:
        app.update("ticket", ticket, price="6", as_="gus")
    assert reasons(error) == ["price: Ticket has no field price."]


def test_an_unknown_form_and_an_unknown_record_are_missing(app, project):
    with pytest.raises(Missing, match="There is no form tickets\\."):
        app.create("tickets")
    with pytest.raises(Missing, match="There is no Ticket 77, or you may not see it\\."):
        app.update("ticket", 77, subject="B", as_="bob")
    ticket = app.create("ticket", subject="A", project=project.id, as_="bob")
    with pytest.raises(Missing, match=f"There is no Ticket {ticket.id}, or you may not see it\\."):
        app.update("ticket", ticket, subject="B", as_="carl")


def test_lines_are_changed_added_and_removed_by_difference(app, project):
    ticket = app.create(
        "ticket", subject="A", project=project.id, as_="bob",
        lines=[{"what": "one", "hours": 1}, {"what": "two", "hours": 2}, {"what": "three", "hours": 3}],
    )  # fmt: skip
    one, two, three = app.lines("ticket_line", ticket)

    app.update("ticket", ticket, as_="bob", lines=[
        {"id": three["id"]}, {"id": one["id"], "hours": "1.5"}, {"what": "four", "hours": 4},
    ])  # fmt: skip

    after = app.lines("ticket_line", ticket)
    assert [(line["what"], str(line["hours"]), line["version"]) for line in after] == [
        ("three", "3.0", 2), ("one", "1.5", 2), ("four", "4.0", 1),
    ]  # fmt: skip
    assert [line["id"] for line in after[:2]] == [three["id"], one["id"]]
    assert str(app.get("ticket", ticket)["hours"]) == "8.5"
    before, now = app.events("ticket", ticket)[-1].changes["lines"]
    assert before == [
        {"id": two["id"], "what": "two", "hours": "2.0", "rate": "100.00", "cost": "200.00"},
        {"id": three["id"], "_position": 2},
        {"id": one["id"], "hours": "1.0", "cost": "100.00", "_position": 0},
    ]
    assert now == [
        {"id": three["id"], "_position": 0},
        {"id": one["id"], "hours": "1.5", "cost": "150.00", "_position": 1},
        {"what": "four", "hours": "4.0", "rate": "100.00", "cost": "400.00"},
    ]


def test_lines_of_another_record_cannot_be_taken(app, project):
    other = app.create("ticket", subject="A", project=project.id, as_="bob", lines=[{"what": "one", "hours": 1}])
    mine = app.create("ticket", subject="B", project=project.id, as_="bob")
    stolen = app.lines("ticket_line", other)[0]["id"]
    with pytest.raises(Invalid) as error:
        app.update("ticket", mine, as_="bob", lines=[{"id": stolen, "hours": 2}])
    assert reasons(error) == [f"lines.0.id: Lines has no line {stolen}."]


def test_a_line_is_changed_through_the_record_around_it(app, project):
    ticket = app.create("ticket", subject="A", project=project.id, as_="bob", lines=[{"what": "one", "hours": 1}])
    line = app.lines("ticket_line", ticket)[0]

    service.save(
        app.application, app.actor("bob"), "ticket_line", {"hours": 3}, id=line["id"], reason=" It took  longer "
    )

    assert str(app.get("ticket", ticket)["cost"]) == "300.00"
    told = [(event.kind, event.reason) for event in app.events("ticket", ticket)]
    assert told == [("created", None), ("updated", "It took longer")]
    with pytest.raises(Refused, match="Line: lines are added and removed with the record around them\\."):
        app.create("ticket_line", what="x", hours=1, as_="bob")
    with pytest.raises(Refused, match="Line: lines are added and removed with the record around them\\."):
        app.delete("ticket_line", line["id"], as_="bob")


def test_saving_without_a_difference_changes_nothing(app, project):
    ticket = app.create("ticket", subject="A", project=project.id, as_="bob")
    again = app.update("ticket", ticket, subject="A", project=project.id, as_="bob")
    assert (again.version, again.event_id) == (1, None)
    assert len(app.events("ticket", ticket)) == 1


def test_creating_needs_the_right_to(app, project):
    with pytest.raises(Denied) as error:
        app.create("ticket", subject="A", project=project.id, as_="gus")
    assert reasons(error) == ["Creating Ticket is not granted to your roles. It is granted to: Clerk, Boss."]
