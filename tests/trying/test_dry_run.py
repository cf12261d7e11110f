"""A dry run tells what a rule would do for a record, and to each person only what they may see."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from trying_world import WORLD

from engine.errors import Missing
from engine.trying.dry import Trial, dry_run
from engine.trying.naming import rule_of_draft
from engine.trying.supposing import Supposed

STEPS = """
      go:
        trigger: {type: updated, form: ticket, field: amount}
        when: record.amount > 100 and record.project.budget > 50
        actions:
          - {type: set, values: {note: "'big: ' + record.name", score: "record.amount / 4"}}
          - {type: mail, connection: post, to: [chief, "'x@example.org'"], subject: "About {{ record.name }}",
             message: "It is {{ record.amount }} now."}
          - {type: wait, for: 2d}
          - {type: branch, when: record.urgent, then: [{type: notify, to: [chief], message: "Still {{ record.note }}"}]}
          - {type: take, transition: reopen}
"""


def trial(made: Made, rule: Any, record: Any, *, as_: str = "admin", change: Supposed | None = None) -> Trial:
    id = record if record is None or isinstance(record, int) else record.id
    return dry_run(made.application, made.actor(as_), rule, "ticket", id, change=change)


@pytest.fixture
def desk(make_app: MakeApp) -> Made:
    made = make_app(WORLD, rules=STEPS)
    project = made.create("project", name="P", budget="80")
    made.create("ticket", name="A", amount="150", urgent=True, project=project.id)
    return made


def test_every_clause_and_step_is_told_and_nothing_done(desk: Made) -> None:
    before = desk.get("ticket", 1)
    found = trial(desk, "go", 1)
    assert (found.matched, found.held, found.would_act, found.in_force) == (True, True, True, True)
    assert found.clauses == (
        {"text": "record.amount > 100", "holds": True, "values": {"record.amount": "150.00"}},
        {"text": "record.project.budget > 50", "holds": True, "values": {"record.project.budget": "80.00"}},
    )
    assert [step.effect for step in found.steps[:2]] == [
        {"set": "ticket", "id": 1, "values": {"note": "big: A", "score": "37.50"}},
        {"mail": "post", "data": {
            "to": [{"name": "", "address": "x@example.org", "language": ""}], "cc": [], "subject": "About A",
            "text": "It is CN¥150.00 now.", "attachments": []}},
    ]  # fmt: skip
    assert desk.get("ticket", 1) == before
    assert desk.messages() == []


def test_what_follows_a_wait_is_worked_out_over_the_record_as_it_would_be(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=STEPS.replace("record.amount / 4", "7"))
    project = made.create("project", name="P", budget="80")
    made.create("ticket", name="A", amount="150", urgent=True, project=project.id)
    found = trial(made, "go", 1)
    due = made.clock() + dt.timedelta(days=2)
    assert found.steps[2].effect == {"wait": due.isoformat(), "holds": None}
    told = found.steps[3]
    assert told.effect["message"] == {"": "Still big: A"}
    assert told.after == ({"wait": due.isoformat(), "holds": None},)
    assert found.steps[4].after == told.after


def test_what_would_refuse_is_told(desk: Made) -> None:
    score = trial(desk, "go", 1).steps[0]
    assert [str(one).partition(";")[0] for one in score.refusals] == ["Score must be a whole number"]


def test_a_closed_transition_says_what_is_missing(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      back:
        trigger: {type: created, form: ticket}
        actions: [{type: take, transition: stop}, {type: take, transition: begin}]
    """)  # fmt: skip
    made.create("project", name="P")
    draft = made.application.definition.rules["back"]
    with made.application.database.write() as conn:
        conn.execute(sa.insert(made.application.tables.form["ticket"]).values(
            name="A", state="open", version=1, created_at=made.clock(), updated_at=made.clock(), _title="A"))  # fmt: skip
    stop, begin = trial(made, draft, 1).steps
    assert (stop.open, [str(one) for one in stop.refusals]) == (
        False, ["It does not lead out of the state the record is in."]
    )  # fmt: skip
    assert (begin.open, begin.refusals) == (True, ())


def test_a_supposed_change_wakes_the_rule_or_not(desk: Made) -> None:
    small = trial(desk, "go", 1, change=Supposed({"amount": "20"}))
    assert (small.matched, small.held) == (True, False)
    assert small.clauses[-1] == {"text": "record.amount > 100", "holds": False, "values": {"record.amount": "20.00"}}
    assert trial(desk, "go", 1, change=Supposed({"amount": "120"})).would_act
    assert not trial(desk, "go", 1, change=Supposed({"note": "x"})).matched


def test_a_supposed_change_that_would_be_refused_says_why(desk: Made) -> None:
    found = trial(desk, "go", 1, change=Supposed({"name": "", "amount": "120"}))
    assert ([str(one) for one in found.refusals], found.would_act) == (["Name is required."], False)


def test_a_transition_can_be_supposed_and_a_new_record_too(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      begun:
        trigger: {type: entered, form: ticket, state: doing}
        when: record.hours > 3
        actions: [{type: set, values: {note: "record.state + ' by ' + user.name"}}]
      fresh:
        trigger: {type: created, form: ticket}
        when: count(step for step in record.steps) == 2 and record.hours == 5
        actions: [{type: set, values: {note: "record.name"}}]
    """)  # fmt: skip
    ticket = made.create("ticket", name="A", steps=[{"what": "a", "hours": "4"}])
    found = trial(made, "begun", ticket, as_="bob", change=Supposed(transition="begin"))
    assert (found.matched, found.held) == (True, True)
    assert found.steps[0].effect["values"] == {"note": "doing by Bob"}
    new = Supposed({"name": "N", "steps": [{"what": "x", "hours": "2"}, {"what": "y", "hours": "3"}]})
    fresh = trial(made, "fresh", None, change=new)
    assert (fresh.matched, fresh.held, fresh.steps[0].effect["values"]) == (True, True, {"note": "N"})
    assert made.count("ticket") == 1


def test_records_that_would_be_changed_are_counted_and_the_first_named(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      spread:
        trigger: {type: updated, form: ticket, field: urgent}
        actions:
          - {type: update, form: ticket, where: "record.amount == source.amount", values: {note: "'same'"}, limit: 10}
          - type: for_each
            form: ticket
            where: record.amount == source.amount
            actions: [{type: set, values: {note: "'like ' + source.name + ': ' + record.name"}}]
    """)  # fmt: skip
    for number in range(25):
        made.create("ticket", name=f"T{number}", amount="5")
    update, each = trial(made, "spread", 1).steps
    assert update.records is not None
    assert (update.records["count"], update.records["refused"], len(update.records["shown"])) == (25, True, 20)
    assert update.records["shown"][0] == {"id": 1, "title": "T0"}
    assert each.inner[0].effect["values"] == {"note": "like T0: T0"}


def test_what_waits_for_an_answer_is_marked(make_app: MakeApp) -> None:
    made = make_app(WORLD.replace("connections:", """connections:
      erp: {type: http, base_url: "https://erp.example.org"}""", 1), rules="""
      ask:
        trigger: {type: created, form: ticket}
        actions:
          - {type: http, connection: erp, path: "/t", json: {name: record.name}, as: answer}
          - {type: set, values: {note: "results.answer.status", score: "1"}}
          - type: branch
            when: results.answer.status == 200
            then: [{type: notify, to: [chief], message: "got {{ results.answer.status }}"}]
            otherwise: [{type: notify, to: [clerk], message: "no"}]
    """)  # fmt: skip
    made.create("ticket", name="A")
    asked, noted, good, bad = trial(made, "ask", 1).steps
    assert asked.effect["data"]["json"] == {"name": "A"}
    assert noted.effect["values"] == {"note": "⟨results.answer.status⟩", "score": 1}
    assert (noted.depends, noted.after) == (("results.answer",), ({"answer": "answer", "of": "http"},))
    assert (good.only_if, bad.only_if) == (
        ("results.answer.status == 200",), ("not (results.answer.status == 200)",)
    )  # fmt: skip
    assert good.effect["message"] == {"": "got ⟨ results.answer.status ⟩".replace("⟨ ", "⟨").replace(" ⟩", "⟩")}


SECRETIVE = WORLD.replace(
    "clerk: {create: true, read: true, update: true, delete: true}",
    "clerk: {create: true, read: true, update: true, delete: true, fields: {amount: {read: false}}}",
)


def test_what_a_person_may_not_see_is_kept_back(make_app: MakeApp) -> None:
    made = make_app(SECRETIVE, rules="""
      tell:
        trigger: {type: updated, form: ticket}
        when: record.name == 'A'
        actions:
          - {type: set, values: {note: "'it is ' + str(record.amount)", amount: "3"}}
          - {type: notify, to: [chief], message: "{{ record.name }}: {{ record.amount }}"}
      guess:
        trigger: {type: updated, form: ticket}
        when: record.amount > 100
        actions: [{type: set, values: {note: "'rich'"}}]
    """)  # fmt: skip
    made.create("ticket", name="A", amount="150")
    mine, theirs = trial(made, "tell", 1, as_="bob"), trial(made, "tell", 1, as_="ann")
    assert mine.steps[1].effect["message"] == {"": "A: CN¥150.00"}
    assert theirs.steps[0].effect["values"] == {"note": "••••", "amount": "••••"}
    assert theirs.steps[1].effect["message"] == {"": "A: ••••"}
    assert all(step.masked for step in theirs.steps)
    guessed = trial(made, "guess", 1, as_="ann")
    assert (guessed.held, guessed.steps) == (None, ())
    assert guessed.clauses == ({"text": "record.amount > 100", "holds": None, "values": {"record.amount": "••••"}},)
    draft = rule_of_draft(made.application, DRAFT, "probe")
    assert trial(made, draft, 1, as_="ann").held is None


DRAFT = (
    SECRETIVE
    + """
    rules:
      probe:
        trigger: {type: updated, form: ticket}
        when: record.doubled > 1 and record.amount == 150
        actions: [{type: set, values: {note: "'x'"}}]
"""
)


def test_sensitive_values_are_masked_for_everybody(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      tell:
        trigger: {type: updated, form: ticket}
        when: record.pin == '1234'
        actions: [{type: notify, to: [chief], message: "pin {{ record.pin }}"}]
    """)  # fmt: skip
    made.create("ticket", name="A", pin="1234")
    found = trial(made, "tell", 1)
    assert found.clauses == ({"text": "record.pin == '1234'", "holds": True, "values": {"record.pin": "••••"}},)
    assert found.steps[0].effect["message"] == {"": "pin ••••"}


def test_a_record_that_may_not_be_seen_is_not_tried(make_app: MakeApp) -> None:
    hidden = WORLD.replace("clerk: {create: true, read: true, update: true, delete: true}", "clerk: {create: true}")
    made = make_app(hidden, rules=STEPS)
    made.create("ticket", name="A")
    with pytest.raises(Missing) as refused:
        trial(made, "go", 1, as_="ann")
    assert str(refused.value) == "There is no Ticket 1, or you may not see it."


def test_a_rule_of_a_draft_is_tried_without_being_in_force(desk: Made) -> None:
    draft = rule_of_draft(desk.application, DRAFT, "probe")
    found = trial(desk, draft, 1)
    assert (found.in_force, found.held, found.steps[0].effect["values"]) == (False, True, {"note": "x"})
    assert found.json("en")["steps"][0]["path"] == ["actions", 0]
