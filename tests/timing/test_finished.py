"""Rules that another rule's end wakes."""

from __future__ import annotations

import pytest
from making import MakeApp
from timing_world import DESK, deliver, messages, notices

from engine import going_on
from engine.errors import DefinitionError

FIRST = """
  first:
    trigger: {type: created, form: ticket}
    actions: [%s]
  then:
    trigger: {type: finished, rule: first%s}
    actions: [{type: notify, to: [clerk], message: "{{ run.rule }} {{ run.outcome }} {{ run.record_id }} {{ run.error }}"}]
"""
SET, WAIT = '{type: set, values: {note: "\'seen\'"}}', "{type: wait, for: 1h}"


def test_a_rule_that_is_done_at_once_wakes_who_watches_it(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=FIRST % (SET, ""))
    made.create("ticket", name="A")
    assert [(one["key"], one["state"]) for one in messages(made)] == [("finished:then:1", "waiting")]
    deliver(made)
    assert [text.split() for _who, text in notices(made)] == [["first", "done", "1"]]


def test_a_rule_that_takes_time_wakes_it_at_its_end(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=FIRST % (f"{WAIT}, {SET}", ""))
    made.create("ticket", name="A")
    assert deliver(made) == 0
    made.clock.advance(hours=1)
    assert deliver(made) == 2
    assert len(notices(made)) == 1


@pytest.mark.parametrize(("outcome", "told"), [("done", 0), ("failed", 1), ("any", 1)])
def test_it_may_watch_for_failures_only(make_app: MakeApp, outcome: str, told: int) -> None:
    made = make_app(DESK, rules=FIRST % (f"{WAIT}, {SET}", f", outcome: {outcome}"))
    made.create("ticket", name="A")
    app = made.application
    with app.database.write() as conn:
        going_on.fail(app, conn, 1, "no power")
    deliver(made)
    assert len(notices(made)) == told
    if told:
        assert notices(made)[0][1].endswith("first failed 1 no power")


def test_rules_that_watch_each_other_are_found(make_app: MakeApp) -> None:
    with pytest.raises(DefinitionError) as refused:
        make_app(DESK, rules="""
          one:
            trigger: {type: finished, rule: two}
            actions: [{type: notify, to: [clerk], message: One}]
          two:
            trigger: {type: finished, rule: one}
            actions: [{type: notify, to: [clerk], message: Two}]
        """)  # fmt: skip
    assert "These rules wake each other for ever: one → two → one." in str(refused.value)


def test_a_ring_that_the_check_cannot_judge_comes_to_an_end(make_app: MakeApp) -> None:
    made = make_app(DESK, rules="""
      start:
        trigger: {type: created, form: ticket}
        actions: [{type: notify, to: [clerk], message: Start}]
      one:
        trigger: {type: finished, rule: two}
        when: run.id > 0
        actions: [{type: notify, to: [clerk], message: One}]
      two:
        trigger: {type: finished, rule: one, outcome: any}
        when: run.id > 0
        actions: [{type: notify, to: [clerk], message: Two}]
      begin:
        trigger: {type: finished, rule: start}
        actions: [{type: notify, to: [clerk], message: Begin}]
    """)  # fmt: skip
    made.create("ticket", name="A")
    app = made.application
    with app.database.write() as conn:
        going_on.fire(app, conn, "one", "test", given={"run": {"id": 1}})
    with pytest.raises(Exception, match="Rules wake each other without end"):
        deliver(made)
