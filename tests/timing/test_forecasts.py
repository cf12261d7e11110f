"""When a record is expected to be done: written with its state, and followed from there."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from fake_clock import FakeClock
from making import Made, MakeApp

from engine.errors import DefinitionError
from engine.forecasts import steps_of

REPAIRS = """\
app: repairs
label: Repairs
languages: [en]
timezone: Asia/Shanghai
roles:
  fitter: {label: Fitter}
forms:
  repair:
    label: Repair
    fields:
      name: {type: text, required: true}
      due_on: {type: date}
    views:
      soonest: {type: list, columns: [name, forecast_at], sort: [forecast_at], where: "record.forecast_at > now()"}
    permissions: {fitter: {create: true, read: true, update: true}}
    workflow:
      initial: new
      states:
        new: {label: New, within: 4h}
        parked: {label: Parked, aside: true}
        planned: {label: Planned}
        open: {label: Open, within: 2wd}
        tested: {label: Tested, within: 1d}
        done: {label: Done, final: true}
        scrapped: {label: Scrapped, final: true}
      transitions:
        plan: {label: Plan, from: [new], to: planned, roles: [fitter]}
        begin: {label: Begin, from: [planned], to: open, roles: [fitter]}
        test: {label: Test, from: [open], to: tested, roles: [fitter]}
        finish: {label: Finish, from: [tested], to: done, roles: [fitter]}
        park: {label: Park, from: [new, planned, open], to: parked, roles: [fitter]}
        resume: {label: Resume, from: [parked], to: previous, roles: [fitter]}
        scrap: {label: Scrap, from: [new, open], to: scrapped, roles: [fitter]}
"""


def at(text: str) -> dt.datetime:
    """On the clocks of the application."""
    return dt.datetime.fromisoformat(f"{text}:00+08:00").astimezone(dt.UTC)


@pytest.fixture
def app(make_app: MakeApp) -> Made:
    return make_app(REPAIRS, people={"li": "fitter"})  # Wednesday 4 March 2026, 09:30


def test_a_record_is_expected_to_go_the_main_path(app: Made, clock: FakeClock) -> None:
    record = app.create("repair", name="Press", as_="li")
    row = app.get("repair", record)
    assert (row["state_due"], row["forecast_at"]) == (at("2026-03-04T13:30"), at("2026-03-07T13:30"))

    clock.now = at("2026-03-05T10:00")  # late already
    app.take("repair", record, "plan", as_="li")
    row = app.get("repair", record)  # nothing says how long planning takes: none
    assert (row["state_due"], row["forecast_at"]) == (None, at("2026-03-10T10:00"))

    app.take("repair", record, "park", as_="li")
    assert app.get("repair", record)["forecast_at"] is None
    clock.now = at("2026-03-09T08:00")
    app.take("repair", record, "resume", as_="li")
    assert app.get("repair", record)["forecast_at"] == at("2026-03-12T08:00")

    app.take("repair", record, "begin", as_="li")
    app.take("repair", record, "scrap", as_="li")
    assert app.get("repair", record)["forecast_at"] is None


def steps(app: Made, record: Any, now: str) -> list[tuple[str, str, dt.datetime | None, dt.datetime | None]]:
    plan = app.application.plans.form("repair")
    found = steps_of(plan, app.get("repair", record), at(now))
    return [(step.state.name, step.place, step.start, step.end) for step in found]


def test_the_steps_to_come_follow_a_late_one(app: Made, clock: FakeClock) -> None:
    record = app.create("repair", name="Press", as_="li")
    assert steps(app, record, "2026-03-04T10:00") == [
        ("new", "here", at("2026-03-04T09:30"), at("2026-03-04T13:30")),
        ("planned", "ahead", at("2026-03-04T13:30"), at("2026-03-04T13:30")),
        ("open", "ahead", at("2026-03-04T13:30"), at("2026-03-06T13:30")),
        ("tested", "ahead", at("2026-03-06T13:30"), at("2026-03-07T13:30")),
        ("done", "ahead", at("2026-03-07T13:30"), at("2026-03-07T13:30")),
    ]
    assert steps(app, record, "2026-03-05T10:00")[-1][3] == at("2026-03-10T10:00")
    app.take("repair", record, "plan", as_="li")
    app.take("repair", record, "park", as_="li")
    assert [(name, place) for name, place, *_times in steps(app, record, "2026-03-05T10:00")] == [
        ("new", "done"), ("planned", "ahead"), ("open", "ahead"), ("tested", "ahead"), ("done", "ahead"),
    ]  # fmt: skip


def test_records_from_before_get_an_expected_end(app: Made) -> None:
    record = app.create("repair", name="Press", as_="li")
    parked = app.create("repair", name="Saw", as_="li")
    app.take("repair", parked, "park", as_="li")
    with app.application.database.write() as conn:
        conn.execute(sa.update(app.application.tables.form["repair"]).values(forecast_at=None))
    app.redefine(REPAIRS.replace("within: 1d", "within: 3d"))
    assert app.get("repair", record)["state_due"] == at("2026-03-04T13:30")
    assert app.get("repair", record)["forecast_at"] == at("2026-03-09T13:30")
    assert app.get("repair", parked)["forecast_at"] is None
    assert app.get("repair", record)["version"] == 1


def test_an_adopted_record_counts_from_its_last_visit(app: Made) -> None:
    record = app.adopt(
        "repair", name="Old", state="open", as_="admin",
        history=[{"state": "new", "entered_at": "2026-03-02T08:00:00+08:00", "left_at": "2026-03-03T08:00:00+08:00"}],
    )  # fmt: skip
    assert app.get("repair", record)["forecast_at"] == at("2026-03-06T08:00")


PLANNED = REPAIRS.replace("due_on: {type: date}", "due_on: {type: date}\n      ends_on: {type: date}\n      moved_at: {type: datetime}").replace(
    "open: {label: Open, within: 2wd}", "open: {label: Open, within: 2wd, planned: ends_on}"
).replace("tested: {label: Tested, within: 1d}", "tested: {label: Tested, within: 1d, planned: moved_at}")  # fmt: skip


def test_a_plan_stands_in_the_place_of_the_usual_time_from_the_first_state_on(make_app: MakeApp) -> None:
    app = make_app(PLANNED, people={"li": "fitter"})
    record = app.create("repair", name="Press", ends_on="2026-03-20", as_="li")
    row = app.get("repair", record)
    assert (row["state_due"], row["forecast_at"]) == (at("2026-03-04T13:30"), at("2026-03-21T23:59"))
    assert steps(app, record, "2026-03-04T10:00")[2][3] == at("2026-03-20T23:59")

    app.update("repair", record, ends_on="2026-03-10", as_="li")
    assert app.get("repair", record)["forecast_at"] == at("2026-03-11T23:59")
    app.update("repair", record, moved_at="2026-03-30T08:00+08:00", as_="li")
    assert app.get("repair", record)["forecast_at"] == at("2026-03-30T08:00")
    app.update("repair", record, ends_on=None, moved_at=None, as_="li")
    assert app.get("repair", record)["forecast_at"] == at("2026-03-07T13:30")


def test_the_state_itself_is_due_when_it_is_planned_to_be_left(make_app: MakeApp) -> None:
    app = make_app(PLANNED, people={"li": "fitter"})
    record = app.create("repair", name="Press", ends_on="2026-03-20", as_="li")
    for step in ("plan", "begin"):
        app.take("repair", record, step, as_="li")
    row = app.get("repair", record)
    assert (row["state_due"], row["forecast_at"]) == (at("2026-03-20T23:59"), at("2026-03-21T23:59"))
    app.update("repair", record, ends_on="2026-03-24", as_="li")
    assert app.get("repair", record)["state_due"] == at("2026-03-24T23:59")


def test_a_plan_before_what_comes_first_does_not_shorten_it(make_app: MakeApp) -> None:
    app = make_app(PLANNED, people={"li": "fitter"})
    record = app.create("repair", name="Press", ends_on="2026-03-02", as_="li")
    assert app.get("repair", record)["forecast_at"] == at("2026-03-05T13:30")


def test_forecasts_follow_a_definition_that_begins_to_plan(make_app: MakeApp) -> None:
    before = PLANNED.replace(", planned: ends_on", "")
    app = make_app(before, people={"li": "fitter"})
    record = app.create("repair", name="Press", ends_on="2026-03-20", as_="li")
    assert app.get("repair", record)["forecast_at"] == at("2026-03-07T13:30")
    app.redefine(PLANNED)
    assert app.get("repair", record)["forecast_at"] == at("2026-03-21T23:59")


@pytest.mark.parametrize("field", ["name", "nowhere"])
def test_what_is_planned_is_a_stored_date(make_app: MakeApp, field: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        make_app(PLANNED.replace("planned: ends_on", f"planned: {field}"))
    assert [finding.path for finding in refused.value.findings] == ["forms.repair.workflow.states.open.planned"]
