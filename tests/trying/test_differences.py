"""Where a back-test and the ledger differ, the reason is told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from trying_world import WORLD

from engine import going_on
from engine.errors import Denied, Missing, Refused
from engine.timing.clockwork import tick
from engine.trying import jobs
from engine.trying.back import back_test
from engine.trying.naming import rule_of_draft

BIG = """
      big:
        trigger: {type: changed, form: ticket}
        when: record.amount >= %s
        actions: [{type: notify, to: [chief], message: "{{ record.name }}"}]
"""


def compared(made: Made, rule: Any = "big") -> dict[str, Any]:
    found = back_test(made.application, made.actor("admin"), rule, 30).compared
    assert found is not None
    return dict(found)


def test_a_rule_that_was_changed_since(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=BIG % 100)
    made.create("ticket", name="A", amount="50")
    made.create("ticket", name="B", amount="150")
    made.redefine(WORLD, rules=BIG % 40)
    made.create("ticket", name="C", amount="45")
    found = compared(made)
    assert (found["ran"], found["reproduced"], found["reasons"]) == (2, 2, {"changed": 1})
    assert (found["differences"][0]["record_id"], found["differences"][0]["kind"]) == (1, "only_now")


def test_a_rule_that_was_switched_off_or_not_there(make_app: MakeApp) -> None:
    made = make_app(WORLD)
    made.create("ticket", name="A", amount="150")
    made.redefine(WORLD, rules=(BIG % 100).replace("when:", "enabled: false\n        when:"))
    made.create("ticket", name="B", amount="150")
    made.redefine(WORLD, rules=BIG % 100)
    assert compared(made)["reasons"] == {"absent": 1, "off": 1}


def test_a_rule_in_the_shadow_or_paused_is_reproduced_with_what_became_of_it(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=(BIG % 100).replace("when:", "shadow: true\n        when:"))
    made.create("ticket", name="A", amount="150")
    made.redefine(WORLD, rules=BIG % 100)
    made.create("ticket", name="B", amount="150")
    assert compared(made)["states"] == {"shadow": 1, "done": 1}


def test_a_sensitive_value_is_not_known_any_more(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      big:
        trigger: {type: updated, form: ticket, field: note}
        when: record.pin == '1'
        actions: [{type: notify, to: [chief], message: "x"}]
    """)  # fmt: skip
    made.create("ticket", name="A", pin="1")
    made.update("ticket", 1, note="now")
    made.update("ticket", 1, pin="2")
    assert compared(made)["reasons"] == {"masked": 1}


def test_a_figure_over_other_records_and_roles_are_those_of_today(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      busy:
        trigger: {type: updated, form: project}
        when: record.tickets >= 1
        actions: [{type: notify, to: [chief], message: "{{ record.tickets }}"}]
      chiefs:
        trigger: {type: updated, form: ticket}
        when: "'chief' in user.roles"
        actions: [{type: notify, to: [clerk], message: "x"}]
    """)  # fmt: skip
    made.create("project", name="P")
    made.update("project", 1, budget="5")
    made.create("ticket", name="A", project=1)
    made.update("ticket", 1, as_="bob", note="x")
    app = made.application
    with app.database.write() as conn:
        conn.execute(app.tables.user_role.delete().where(app.tables.user_role.c.user_id == made.id_of("bob")))
    assert compared(made, "busy")["reasons"] == {"figure": 1}
    assert compared(made, "chiefs")["reasons"] == {"people": 1}


def test_linked_records_are_read_as_they_were(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      big:
        trigger: {type: created, form: ticket}
        when: record.project.budget > 10
        actions: [{type: notify, to: [chief], message: "{{ record.project }}"}]
    """)  # fmt: skip
    made.create("project", name="Old name", budget="50")
    made.create("ticket", name="A", project=1)
    made.update("project", 1, name="New name", budget="1")
    made.create("ticket", name="B", project=1)
    found = compared(made)
    assert (found["ran"], found["reproduced"], found["reasons"]) == (1, 1, {})


def test_adopted_records_wake_nobody_and_are_counted(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=BIG % 100)
    made.adopt("ticket", name="A", amount="150")
    found = back_test(made.application, made.actor("admin"), "big", 7).found
    assert (found["fired"], found["passed_over"]) == (0, {"adopted": 1})


def test_a_draft_is_asked_of_what_happened_and_of_the_other_rules(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      note_it:
        trigger: {type: created, form: ticket}
        actions: [{type: set, values: {note: "'old'"}}]
      begin_it:
        trigger: {type: created, form: ticket}
        when: record.urgent
        actions: [{type: take, transition: begin}]
    """)  # fmt: skip
    for day, urgent in enumerate([True, False, True]):
        made.create("ticket", name=f"T{day}", urgent=urgent)
        made.clock.advance(days=1)
    draft = rule_of_draft(made.application, DRAFT, "mine")
    test = back_test(made.application, made.actor("admin"), draft, 7)
    assert (test.compared, test.found["fired"], test.found["records"], test.found["refused"]) == (None, 3, 3, 3)
    assert test.found["days"] == {"2026-03-04": 1, "2026-03-05": 1, "2026-03-06": 1}
    assert test.found["effects"] == {"set ticket": 3, "notify": 3, "mail": 3, "take ticket": 3, "refuse": 3}
    assert test.found["messages"] == [
        {"who": "Bob", "total": 3, "most_a_day": 1,
         "days": {"2026-03-04": 1, "2026-03-05": 1, "2026-03-06": 1}},
        {"who": "x@example.org", "total": 3, "most_a_day": 1,
         "days": {"2026-03-04": 1, "2026-03-05": 1, "2026-03-06": 1}},
    ]  # fmt: skip
    assert [(one["rule"], one["kind"], one["what"], one["count"]) for one in test.found["conflicts"]] == [
        ("note_it", "sets", "ticket.note", 3), ("begin_it", "takes", "ticket: finish, begin", 2),
        ("begin_it", "refuses", "begin", 2),
    ]  # fmt: skip
    assert test.found["shown"][0]["title"] == "T2"


DRAFT = (
    WORLD
    + """
    rules:
      mine:
        trigger: {type: created, form: ticket}
        actions:
          - {type: set, values: {note: "'mine'"}}
          - {type: notify, to: [chief], message: "x"}
          - {type: mail, connection: post, to: ["'x@example.org'"], subject: "s", message: "m"}
          - {type: take, transition: finish}
          - {type: refuse, message: "No."}
"""
)


def test_a_schedule_fires_at_its_due_times_and_is_compared_with_its_runs(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules="""
      morning:
        trigger: {type: schedule, at: ["08:00"]}
        actions: [{type: notify, to: [chief], message: "{{ today() }}"}]
      soon:
        trigger: {type: date, form: ticket, field: due_on}
        actions: [{type: notify, to: [chief], message: "x"}]
    """)  # fmt: skip
    app = made.application
    tick(app)
    made.clock.now = dt.datetime(2026, 3, 5, 7, 0, 10, tzinfo=dt.UTC)  # 08:00 in Berlin
    tick(app)
    with app.database.write() as conn:
        message = conn.execute(sa.select(app.tables.message)).mappings().one()
        going_on.fire(app, conn, "morning", message["key"], given=message["effect"]["given"])
    made.clock.advance(days=3)
    test = back_test(app, made.actor("admin"), "morning", 7)
    assert test.found["days"] == {f"2026-03-0{day}": 1 for day in range(2, 9)}
    assert test.compared is not None
    assert (test.compared["ran"], test.compared["reproduced"], test.compared["reasons"]) == (
        1, 1, {"absent": 2, "idle": 4}
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        back_test(app, made.actor("admin"), "soon", 7)
    assert str(refused.value) == (
        "A rule with the trigger date cannot be tried on what happened; try it on a record."
    )


def test_only_administrators_look_at_what_everybody_did(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=BIG % 1)
    with pytest.raises(Denied):
        back_test(made.application, made.actor("ann"), "big", 7)
    with pytest.raises(Missing):
        back_test(made.application, made.actor("admin"), "bigger", 7)


def test_a_back_test_is_a_job_with_a_result_that_stays(make_app: MakeApp) -> None:
    made = make_app(WORLD, rules=BIG % 100)
    for number in range(5):
        made.create("ticket", name=f"T{number}", amount="150")
    app, admin = made.application, made.actor("admin")
    job = jobs.begin(app, admin, "big", 7)
    assert jobs.load(app, admin, job).state == "waiting"
    jobs.work(app, admin, job)
    done = jobs.load(app, admin, job)
    assert (done.state, done.progress, done.result and done.result["compared"]["reproduced"]) == ("done", 5, 5)
    jobs.work(app, admin, job)  # it is over: nothing happens
    assert jobs.recent(app, admin, "big") == [done]
    with pytest.raises(Missing):
        jobs.load(app, made.actor("ann"), job)


def test_a_back_test_that_is_stopped_says_how_far_it_came(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_app(WORLD, rules=BIG % 100)
    for number in range(5):
        made.create("ticket", name=f"T{number}", amount="150")
    app, admin = made.application, made.actor("admin")
    job = jobs.begin(app, admin, "big", 7)
    jobs.cancel(app, admin, job)
    jobs.work(app, admin, job)
    stopped = jobs.load(app, admin, job)
    assert (stopped.state, stopped.progress) == ("cancelled", 0)
    assert stopped.result is not None
    assert stopped.result["complete"] is False


def test_a_long_history_is_taken_back_across_batches(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.trying.back.BATCH", 7)
    made = make_app(WORLD, rules="""
      big:
        trigger: {type: updated, form: ticket}
        when: old.score < 20 and record.score >= 20
        actions: [{type: notify, to: [chief], message: "{{ record.score }}"}]
    """)  # fmt: skip
    for _record in range(3):
        id = made.create("ticket", name="A", score=0).id
        for score in range(1, 30):
            made.update("ticket", id, score=score)
    found = compared(made)
    assert (found["ran"], found["reproduced"], found["reasons"]) == (3, 3, {})
