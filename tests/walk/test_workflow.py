"""A record moves by its transitions only, and every closed door says all that keeps it closed."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from making import reasons

from engine.calendars import due_after, seconds_of
from engine.errors import Denied, Invalid, Refused, Stale
from engine.language import Duration

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


def obstacles(door):
    return [(one.kind, str(one.message)) for one in door.obstacles]


def test_every_transition_out_of_the_state_is_listed_with_its_obstacles(app, ticket):
    doors = app.doors("ticket", ticket, as_="cleo")
    assert list(doors) == ["start", "wait", "drop"]
    assert (doors["start"].open, obstacles(doors["start"])) == (True, [("field", "Worker must be filled.")])
    assert (doors["drop"].open, obstacles(doors["drop"])) == (False, [("role", "Only rules take this step.")])
    assert doors["start"].obstacles[0].field == "worker"


def test_all_obstacles_are_said_clause_by_clause_with_values(app, project):
    app.update("project", project, budget="100", as_="bob")
    ticket = app.create("ticket", subject="A", project=project.id, lines=[{"what": "x", "hours": 2}], as_="cleo")
    ticket = app.take("ticket", ticket, "start", worker=app.id_of("cleo"), as_="cleo")

    door = app.doors("ticket", ticket, as_="cleo")["finish"]

    assert not door.open
    assert obstacles(door) == [
        ("role", "This step is for: Boss."),
        ("guard", "Cost: CN¥200.00, Project › Budget: CN¥100.00; needed: Cost ≤ Project › Budget"),
        ("deliverable", "Report must be there before the state is left."),
    ]
    assert door.obstacles[1].clause == "record.cost <= record.project.budget"
    assert door.obstacles[1].field == "cost"
    assert door.obstacles[2].asked


def test_a_refused_step_says_the_same_as_its_door(app, project):
    ticket = app.create("ticket", subject="A", project=project.id, as_="cleo")
    app.take("ticket", ticket, "start", worker=app.id_of("cleo"), as_="cleo")
    with pytest.raises(Denied) as error:
        app.take("ticket", ticket, "finish", as_="cleo")
    assert reasons(error) == ["“Finish” cannot be taken: This step is for: Boss."]
    with pytest.raises(Refused) as error:
        app.take("ticket", ticket, "finish", as_="bob")
    assert reasons(error) == [
        "hours: Hours: 0.0; needed: Hours > 0",
        "report: Report must be there before the state is left.",
    ]


def test_what_a_step_asks_for_must_be_given_and_may_be_given_by_whoever_takes_it(app, ticket):
    with pytest.raises(Invalid) as error:
        app.take("ticket", ticket, "start", as_="cleo")
    assert reasons(error) == ["worker: Worker must be filled."]
    app.take("ticket", ticket, "start", worker=app.id_of("carl"), as_="cleo")
    assert app.get("ticket", ticket)["state"] == "working"


def test_a_reason_is_required_kept_and_tidied(app, ticket):
    with pytest.raises(Invalid) as error:
        app.take("ticket", ticket, "wait", reason="  ", as_="cleo")
    assert reasons(error) == ["reason: A reason is required."]
    app.take("ticket", ticket, "wait", reason=" no \n paint ", as_="cleo")
    event = app.events("ticket", ticket)[-1]
    assert (event.kind, event.transition, event.from_state, event.to_state, event.reason) == (
        "taken", "wait", "open", "waiting", "no paint",
    )  # fmt: skip


def test_a_step_is_taken_from_its_states_only(app, ticket):
    with pytest.raises(Refused) as error:
        app.take("ticket", ticket, "finish", as_="bob")
    assert reasons(error) == [
        "“Finish” cannot be taken: Ticket T2026-001 Paint is in the state “Open”; it is taken from: In work."
    ]
    with pytest.raises(Invalid, match="Ticket has no step fly\\."):
        app.take("ticket", ticket, "fly", as_="bob")


def test_a_step_aside_leads_back_to_where_it_came_from(app, ticket):
    app.take("ticket", ticket, "start", worker=app.id_of("cleo"), as_="cleo")
    app.take("ticket", ticket, "wait", reason="paint", as_="bob")  # no report needed to step aside
    assert app.get("ticket", ticket)["_previous"] == "working"
    app.take("ticket", ticket, "resume", as_="bob")
    row = app.get("ticket", ticket)
    assert (row["state"], row["_previous"]) == ("working", None)
    app.take("ticket", ticket, "reopen", as_="bob")  # nor to step back
    assert app.get("ticket", ticket)["state"] == "open"


def test_visits_owners_and_due_times_are_kept(app, ticket, clock):
    cleo, carl, bob = (app.id_of(login) for login in ("cleo", "carl", "bob"))
    clock.advance(hours=2)
    app.take("ticket", ticket, "start", worker=carl, as_="cleo")
    row = app.get("ticket", ticket)
    assert (row["owner"], row["owner_role"]) == (carl, None)
    assert row["state_due"] - row["state_since"] == dt.timedelta(hours=4)

    app.update("ticket", ticket, worker=cleo, as_="bob")
    assert app.get("ticket", ticket)["owner"] == cleo
    app.update("ticket", ticket, worker=None, as_="bob")
    row = app.get("ticket", ticket)
    assert (row["owner"], row["owner_role"]) == (None, "boss")

    clock.advance(minutes=30)
    app.take("ticket", ticket, "reopen", as_="bob")
    visits = [
        (visit["state"], visit["entered_by"], visit["left_by"], visit["dwell_seconds"], visit["owner_role"])
        for visit in app.stays("ticket", ticket)
    ]
    assert visits == [
        ("open", cleo, cleo, 7200, "clerk"), ("working", cleo, bob, 1800, "boss"), ("open", bob, None, None, "clerk"),
    ]  # fmt: skip


def test_an_old_version_is_stale_at_every_door(app, ticket):
    app.update("ticket", ticket, due_on="2026-05-01", as_="cleo")
    said = "Someone else saved this record first: it is at version 2, you started from 1\\."
    with pytest.raises(Stale, match=said) as error:
        app.update("ticket", ticket, due_on="2026-06-01", version=1, as_="cleo")
    assert error.value.current_version == 2
    with pytest.raises(Stale, match=said):
        app.take("ticket", ticket, "wait", reason="r", version=1, as_="cleo")


def test_a_record_is_adopted_in_any_state_with_its_history(app, project):
    moment = "2026-03-0{}T08:00:00+08:00".format
    ticket = app.adopt(
        "ticket", subject="Old", project=project.id, number="T2025-017", state="waiting", as_="bob",
        history=[
            {"state": "open", "entered_at": moment(1), "left_at": moment(2)},
            {"state": "working", "entered_at": moment(2), "left_at": moment(3)},
        ],
    )  # fmt: skip

    row = app.get("ticket", ticket)
    assert (row["state"], row["_previous"], row["number"]) == ("waiting", "working", "T2025-017")
    assert row["state_since"] == dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    assert [(visit["state"], visit["dwell_seconds"]) for visit in app.stays("ticket", ticket)] == [
        ("open", 86400), ("working", 86400), ("waiting", None),
    ]  # fmt: skip
    assert [event.kind for event in app.events("ticket", ticket)] == ["adopted"]
    app.take("ticket", ticket, "resume", as_="bob")
    assert app.get("ticket", ticket)["state"] == "working"


def test_numbers_that_were_brought_along_are_not_drawn_again(app, project):
    app.adopt("ticket", subject="Old", project=project.id, number="T2026-041", as_="bob")
    app.adopt("ticket", subject="Older", project=project.id, number="whatever", as_="bob")
    ticket = app.create("ticket", subject="New", project=project.id, as_="bob")
    assert ticket.row["number"] == "T2026-042"


def test_adopting_needs_the_right_to_import_and_a_sensible_history(app, project):
    with pytest.raises(Denied, match="Importing Ticket is not granted to your roles\\. It is granted to: Boss\\."):
        app.adopt("ticket", subject="Old", project=project.id, as_="cleo")
    with pytest.raises(Invalid) as error:
        app.adopt("ticket", subject="Old", project=project.id, state="gone", as_="bob")
    assert reasons(error) == ["state: There is no state gone."]
    with pytest.raises(Invalid) as error:
        app.adopt(
            "ticket", subject="Old", project=project.id, state="done", as_="bob",
            history=[{"state": "open", "entered_at": "2027-01-01T00:00:00Z", "left_at": "2027-01-02T00:00:00Z"}],
        )  # fmt: skip
    assert reasons(error) == ["history.0: The visits must follow each other and lie in the past."]


SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
FRIDAY = dt.datetime(2026, 3, 6, 10, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "within", "due"),
    [
        (FRIDAY, "30 m", dt.datetime(2026, 3, 6, 10, 30, tzinfo=SHANGHAI)),
        (FRIDAY, "20 h", dt.datetime(2026, 3, 7, 6, tzinfo=SHANGHAI)),
        (FRIDAY, "2 d", dt.datetime(2026, 3, 8, 10, tzinfo=SHANGHAI)),
        (FRIDAY, "1 w", dt.datetime(2026, 3, 13, 10, tzinfo=SHANGHAI)),
        (FRIDAY, "1 wd", dt.datetime(2026, 3, 9, 10, tzinfo=SHANGHAI)),
        (FRIDAY + dt.timedelta(days=1), "1 wd", dt.datetime(2026, 3, 9, 10, tzinfo=SHANGHAI)),
        (FRIDAY, "6 wd", dt.datetime(2026, 3, 16, 10, tzinfo=SHANGHAI)),
        (dt.datetime(2026, 3, 28, 9, tzinfo=BERLIN), "1 d", dt.datetime(2026, 3, 29, 9, tzinfo=BERLIN)),
    ],
)
def test_when_it_is_due(start, within, due):
    amount, unit = within.split()
    assert due_after(start.astimezone(dt.UTC), Duration(int(amount), unit), due.tzinfo) == due


def test_holidays_can_be_told():
    holiday = dt.date(2026, 3, 9)
    due = due_after(FRIDAY, Duration(1, "wd"), SHANGHAI, lambda day: day.weekday() < 5 and day != holiday)
    assert due == dt.datetime(2026, 3, 10, 10, tzinfo=SHANGHAI)


@pytest.mark.parametrize(("length", "seconds"), [("90 s", 90), ("2 h", 7200), ("1 d", 86400), ("2 w", 1_209_600)])
def test_how_long_that_is_in_seconds(length, seconds):
    amount, unit = length.split()
    assert seconds_of(Duration(int(amount), unit)) == seconds
