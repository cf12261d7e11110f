"""Records under calendars: when they are due, what pauses, and the ladder that follows when nobody comes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from fake_clock import FakeClock
from making import Made, MakeApp
from timing_world import deliver, messages

from engine.builtin import default_registry
from engine.load import examine

PLANT = """\
app: plant
label: Plant
languages: [en]
timezone: Asia/Shanghai
roles:
  fitter: {label: Fitter}
  chief: {label: Chief}
calendars:
  plant:
    label: Plant
    default: true
    shifts: {mon-fri: ["08:00-12:00", "13:30-17:30"]}
    holidays: cn_public
  hotline: {label: Hotline, shifts: {mon-sun: ["08:00-20:00"]}}
forms:
  repair:
    label: Repair
    fields:
      name: {type: text, required: true}
      wanted_on: {type: date}
      fitter: {type: user}
      parts: {type: rollup, of: part.arrives_on, via: repair, fold: max}
    permissions:
      fitter: {create: true, read: true, update: true}
      chief: {read: true, update: true}
    workflow:
      initial: new
      states:
        new: {label: New, owner: fitter, owner_expression: record.fitter, within: 4wh, due_by: record.wanted_on - days(1)}
        called: {label: Called, within: 4wh, calendar: hotline}
        parts: {label: Waiting for parts, due_by: record.parts}
        asked: {label: Asked the customer, aside: true, pauses: true}
        open: {label: Open, within: 2wd}
        done: {label: Done, final: true}
      transitions:
        call: {label: Call, from: [new], to: called, roles: [fitter]}
        order: {label: Order, from: [called], to: parts, roles: [fitter]}
        ask: {label: Ask, from: [new, called, open], to: asked, roles: [fitter]}
        answer: {label: Answer, from: [asked], to: previous, roles: [fitter]}
        begin: {label: Begin, from: [called, parts], to: open, roles: [fitter]}
        finish: {label: Finish, from: [open], to: done, roles: [fitter]}
        escalate: {label: Escalate, from: [new], to: open, roles: [chief]}
  part:
    label: Part
    fields:
      name: {type: text}
      repair: {type: link, form: repair}
      arrives_on: {type: date}
    permissions: {fitter: {create: true, read: true, update: true}}
"""
LADDER = """
  remind:
    trigger: {type: timeout, form: repair, state: new, before: 1wh}
    actions: [{type: notify, to: [record.owner], message: "One hour left"}]
  reassign:
    trigger: {type: timeout, form: repair, state: new}
    actions: [{type: reassign, to: chief, reason: "'nobody came'"}]
  escalate:
    trigger: {type: timeout, form: repair, state: new, after: 4wh}
    actions: [{type: take, transition: escalate, reason: "'late for half a day'"}]
"""


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}:00+08:00").astimezone(dt.UTC)


def shown(moment: dt.datetime | None) -> str | None:
    return None if moment is None else f"{moment + dt.timedelta(hours=8):%m-%d %H:%M}"


def due(app: Made, record: Any) -> tuple[str | None, str | None]:
    row = app.get("repair", record)
    return shown(row["state_due"]), shown(row["forecast_at"])


@pytest.fixture
def app(make_app: MakeApp) -> Made:
    """On Wednesday 4 March 2026, 09:30."""
    return make_app(PLANT, rules=LADDER, people={"li": "fitter", "mei": "fitter", "chen": "chief"})


def test_each_state_is_counted_by_its_calendar(app: Made, clock: FakeClock) -> None:
    clock.now = at("2026-04-30T16:30")  # a Thursday; holidays until 5 May
    record = app.create("repair", name="Press", as_="li")
    # new 4wh → 6 May 11:00, called 4h of the hotline → 15:00, open two working days → 8 May
    assert due(app, record) == ("05-06 11:00", "05-08 15:00")
    app.take("repair", record, "call", as_="li")
    assert due(app, record)[0] == "05-01 08:30"  # three and a half hours today
    app.take("repair", record, "begin", as_="li")
    assert due(app, record) == ("05-07 16:30", "05-07 16:30")


def test_the_earlier_of_the_time_allowed_and_the_date_counts(app: Made, clock: FakeClock) -> None:
    record = app.create("repair", name="Press", wanted_on="2026-03-20", as_="li")
    assert due(app, record)[0] == "03-04 15:00"
    app.update("repair", record, wanted_on="2026-03-04", as_="li")  # by the end of work the day before
    assert due(app, record)[0] == "03-03 17:30"
    fires = {one["key"].split(":")[1]: shown(one["due_at"]) for one in messages(app)}
    assert fires == {"remind": "03-03 16:30", "reassign": "03-03 17:30", "escalate": "03-04 12:00"}
    assert [shown(visit["due_at"]) for visit in app.stays("repair", record)] == ["03-03 17:30"]
    app.update("repair", record, wanted_on=None, as_="li")
    assert due(app, record)[0] == "03-04 15:00"


def test_a_date_worked_out_from_other_records_moves_with_them(app: Made) -> None:
    record = app.create("repair", name="Press", as_="li")
    app.take("repair", record, "call", as_="li")
    app.take("repair", record, "order", as_="li")
    assert due(app, record)[0] is None
    part = app.create("part", name="Seal", repair=record.id, arrives_on="2026-03-10", as_="li")
    assert due(app, record) == ("03-10 17:30", "03-12 17:30")
    app.update("part", part, arrives_on="2026-03-14", as_="li")  # a Saturday
    assert due(app, record)[0] == "03-13 17:30"
    assert [shown(visit["due_at"]) for visit in app.stays("repair", record)][-1] == "03-13 17:30"
    assert app.get("repair", record)["version"] == 3  # nobody changed it


def test_time_stands_still_while_a_record_is_aside(app: Made, clock: FakeClock) -> None:
    record = app.create("repair", name="Press", as_="li")  # 09:30, due at 15:00
    clock.now = at("2026-03-04T11:30")  # two of four hours are gone
    app.take("repair", record, "ask", as_="li")
    assert due(app, record) == (None, None)
    clock.now = at("2026-03-09T16:00")  # Monday
    app.take("repair", record, "answer", as_="li")
    assert due(app, record)[0] == "03-10 08:30"  # an hour and a half today
    clock.now = at("2026-03-09T17:00")
    app.take("repair", record, "ask", as_="li")
    clock.now = at("2026-03-10T10:00")
    app.take("repair", record, "answer", as_="li")
    app.update("repair", record, wanted_on="2026-06-01", as_="li")  # working it out anew forgets none of it
    assert due(app, record)[0] == "03-10 11:00"

    clock.now = at("2026-03-10T14:30")  # late for two hours of work
    app.take("repair", record, "ask", as_="li")
    clock.now = at("2026-03-11T10:30")
    app.take("repair", record, "answer", as_="li")
    assert due(app, record)[0] == "03-11 08:30"


def test_a_ladder_reminds_reassigns_and_escalates(app: Made, clock: FakeClock) -> None:
    li, mei = app.id_of("li"), app.id_of("mei")
    record = app.create("repair", name="Press", fitter=li, as_="li")
    clock.now = at("2026-03-04T14:00")
    deliver(app)
    assert app.messages() == [("li", "One hour left")]

    clock.now = at("2026-03-04T15:00")
    deliver(app)
    row = app.get("repair", record)
    assert (row["owner"], row["owner_role"], row["state"]) == (None, "chief", "new")
    visit = app.stays("repair", record)[-1]
    assert (visit["owner"], visit["owner_role"], visit["reassigned_at"]) == (None, "chief", clock.now)
    event = app.events("repair", record)[-1]
    assert (event.kind, event.rule, event.reason) == ("reassigned", "reassign", "nobody came")
    assert event.changes == {"_owner": [[li, None], [None, "chief"]]}

    app.update("repair", record, fitter=mei, as_="mei")  # whom the state would choose does not count any more
    assert app.get("repair", record)["owner_role"] == "chief"

    clock.now = at("2026-03-05T09:29")
    deliver(app)
    assert app.get("repair", record)["state"] == "new"
    clock.now = at("2026-03-05T09:30")
    deliver(app)
    row = app.get("repair", record)
    assert (row["state"], row["owner_role"]) == ("open", None)


def test_handing_over_to_nobody_leaves_the_owner(make_app: MakeApp) -> None:
    rule = """
      hand_on:
        trigger: {type: updated, form: repair, field: wanted_on}
        actions: [{type: reassign, to: record.fitter}]
    """
    app = make_app(PLANT, rules=rule, people={"li": "fitter", "mei": "fitter"})
    record = app.create("repair", name="Press", as_="li")
    app.update("repair", record, wanted_on="2026-03-20", as_="li")
    assert [event.kind for event in app.events("repair", record)] == ["created", "updated"]
    app.update("repair", record, fitter=app.id_of("mei"), wanted_on="2026-03-21", as_="li")
    assert [event.kind for event in app.events("repair", record)] == ["created", "updated", "updated"]  # mei already


def test_a_new_calendar_moves_what_is_expected_and_keeps_what_was_promised(app: Made) -> None:
    record = app.create("repair", name="Press", as_="li")
    assert due(app, record) == ("03-04 15:00", "03-06 17:30")
    app.redefine(PLANT.replace("holidays: cn_public", 'closed: ["2026-03-05..2026-03-06"]'), rules=LADDER)
    assert due(app, record) == ("03-04 15:00", "03-10 17:30")


def test_expressions_count_by_the_default_calendar(app: Made) -> None:
    plans = app.application.plans
    with app.application.database.read() as conn:
        from engine.sight import Sight

        names = Sight(app.application, conn, app.actor("li")).names
        for source, value in (
            ("add_workdays(date('2026-04-30'), 1)", dt.date(2026, 5, 6)),
            ("workdays_between(date('2026-04-30'), date('2026-05-09'))", 4),
            ("working_hours_between(now(), now() + days(1))", 8),
        ):
            assert plans.compile(source).evaluate(names) == value
    table = app.application.tables.form["repair"]
    app.create("repair", name="Press", wanted_on="2026-05-06", as_="li")
    from engine.expressions import to_sql

    compiled = plans.compile("record.wanted_on == add_workdays(date('2026-04-30'), 1)")
    form = app.application.definition.forms["repair"]
    clause = to_sql(compiled, form, app.application.tables, app.actor("li"), app.clock)
    with app.application.database.read() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(table).where(clause)) == 1


def findings(text: str) -> list[str]:
    found = examine(text, default_registry(), "plant.yaml")[2]
    return [f"{one.severity} {one.path}: {one.message}" for one in found if one.severity != "note"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('["08:00-20:00"]', '["8:00-20:00"]',
         "error calendars.hotline.shifts.mon-sun.0: '8:00-20:00' is no shift; expected one such as \"08:00-12:00\"."),
        ('["08:00-20:00"]', '["08:00-12:00", "11:00-20:00"]',
         "error calendars.hotline.shifts.mon-sun.1: The shifts 08:00-12:00 and 11:00-20:00 overlap."),
        ("mon-sun:", "mon-fri: [\"08:00-12:00\"], wed:",
         "error calendars.hotline.shifts.wed: wed has its shifts in 'mon-fri' already."),
        ("mon-sun:", "sun-mon:",
         "error calendars.hotline.shifts.sun-mon: 'sun-mon' names no weekdays; expected some such as mon-fri or sat."),
        ("label: Hotline,", "label: Hotline, default: true,",
         "error calendars.hotline.default: The calendar 'plant' is the default one already; only one can be."),
        ("label: Hotline,", 'label: Hotline, open: {"2026-05-09": []},',
         "error calendars.hotline.open.2026-05-09: Without shifts nothing is worked; leave it out, or name the days in "
         "`closed`."),
        ("calendar: hotline", "calendar: hot_line",
         "error forms.repair.workflow.states.called.calendar: There is no calendar 'hot_line'; did you mean 'hotline'?"),
        ("    default: true\n", "",
         "error forms.repair.workflow.states.new.within: Working hours need a calendar: name one here, or make one of "
         "them the default."),
        ("due_by: record.parts", "due_by: today() + days(2)",
         "error forms.repair.workflow.states.parts.due_by: A time to be done by cannot follow the clock; take it from "
         "fields."),
        ("due_by: record.parts", "due_by: record.name",
         "error forms.repair.workflow.states.parts.due_by: Expected a date or a moment, such as record.due_on - days(3)."),
        ("open: {label: Open,", "open: {label: Open, pauses: true,",
         "error forms.repair.workflow.states.open.pauses: Only an aside state can let the time of another stand still."),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_said(before: str, after: str, said: str) -> None:
    assert findings(PLANT) == []
    assert before in PLANT
    assert said in findings(PLANT.replace(before, after))
