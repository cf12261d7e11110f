"""A definition comes into force over records that are there already."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from timing_world import DESK, deliver, messages, notices

from engine.timing.reconcile import Progress, catch_up, reconcile

UTC = dt.UTC
LATE = """
  late:
    trigger: {type: timeout, form: ticket, state: open, %s}
    actions: [{type: notify, to: [clerk], message: "{{ record.name }}"}]
"""
REMIND = """
  remind:
    trigger: {type: date, form: ticket, field: %s, before: 1d}
    actions: [{type: notify, to: [clerk], message: "{{ record.name }}"}]
"""


def waiting(made: Made) -> list[tuple[str, str]]:
    return [(one["key"], f"{one['due_at']:%d %H:%M}") for one in messages(made) if one["state"] == "waiting"]


def test_records_that_are_in_the_state_already_get_their_messages(make_app: MakeApp) -> None:
    made = make_app(DESK)
    for n in range(7):
        made.create("ticket", name=f"T{n}")
    made.take("ticket", 3, "close", as_="li")
    made.delete("ticket", 5)
    made.clock.advance(hours=1)
    made.redefine(DESK, rules=LATE % "after: 1h")
    told: list[Progress] = []
    done = reconcile(made.application, told.append, batch=2)
    assert done == [Progress("late", 5, 5, 5)]
    assert [(one.seen, one.posted) for one in told] == [(2, 2), (4, 4), (5, 5)]
    assert {due for _key, due in waiting(made)} == {"04 06:30"}
    assert reconcile(made.application) == [], "nothing changed since"
    assert len(messages(made)) == 5


def test_what_is_late_already_is_told_at_once(make_app: MakeApp) -> None:
    made = make_app(DESK)
    made.create("ticket", name="T")
    made.clock.advance(days=3)
    made.redefine(DESK, rules=LATE % "within: 1d, every: 1d")
    reconcile(made.application)
    assert deliver(made) == 1
    assert [text for _who, text in notices(made)] == ["T"]
    assert waiting(made) == [("timeout:late:1:3", "08 01:30")]


def test_dates_that_are_there_already_get_their_messages(make_app: MakeApp) -> None:
    made = make_app(DESK)
    for name, due_on in (("past", "2026-02-01"), ("soon", "2026-03-04"), ("later", "2026-03-20"), ("none", None)):
        made.create("ticket", name=name, due_on=due_on)
    made.clock.now = dt.datetime(2026, 3, 3, 20, tzinfo=UTC)
    made.redefine(DESK, rules=REMIND % "due_on")
    assert reconcile(made.application) == [Progress("remind", 3, 3, 2)]
    deliver(made)
    assert [text for _who, text in notices(made)] == ["soon"]
    assert waiting(made) == [("date:remind:3:2026-03-20", "19 00:00")]


def test_a_changed_time_moves_what_waits_and_a_rule_that_is_gone_takes_it_back(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=LATE % "after: 1h")
    reconcile(made.application)
    made.create("ticket", name="T")
    assert waiting(made) == [("timeout:late:1", "04 06:30")]
    made.redefine(DESK, rules=(LATE % "after: 1h").replace("record.name", "record.note"))
    assert reconcile(made.application) == [], "other words, the same time"
    made.redefine(DESK, rules=LATE % "after: 3h")
    assert reconcile(made.application) == [Progress("late", 1, 1, 1)]
    assert waiting(made) == [("timeout:late:1", "04 08:30")]
    made.redefine(DESK)
    reconcile(made.application)
    assert waiting(made) == []
    made.redefine(DESK, rules=LATE % "after: 3h")
    reconcile(made.application)
    assert waiting(made) == [("timeout:late:1", "04 08:30")]


def test_a_changed_repetition_goes_on_for_visits_that_were_told_before(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=LATE % "within: 1h, every: 1d")
    reconcile(made.application)
    made.create("ticket", name="T")
    for _ in range(3):
        made.clock.now = messages(made)[-1]["due_at"]
        deliver(made)
    made.redefine(DESK, rules=LATE % "within: 1h, every: 2d")
    reconcile(made.application)
    assert waiting(made) == [("timeout:late:1:2@2026-03-08T02:30:00+00:00", "08 02:30")]
    made.clock.now = messages(made)[-1]["due_at"]
    deliver(made)
    assert waiting(made) == [("timeout:late:1:3", "10 02:30")]


def test_it_goes_on_where_it_was_interrupted(make_app: MakeApp) -> None:
    made = make_app(DESK)
    for n in range(6):
        made.create("ticket", name=f"T{n}")
    made.redefine(DESK, rules=LATE % "after: 1h")

    class Power(Exception):
        pass

    def goes_off(progress: Progress) -> None:
        if progress.seen == 4:
            raise Power

    with pytest.raises(Power):
        reconcile(made.application, goes_off, batch=2)
    assert len(messages(made)) == 4
    reconcile(made.application, batch=2)
    assert len(messages(made)) == 6


def test_dates_worked_out_anew_are_gone_through_again(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=REMIND % "remind_on")
    reconcile(made.application)
    made.create("ticket", name="T", due_on="2026-03-20")
    assert waiting(made) == [("date:remind:1:2026-03-18", "17 00:00")]
    made.redefine(DESK.replace("due_on - days(2)", "due_on - days(5)"), rules=REMIND % "remind_on")
    assert reconcile(made.application) == [Progress("remind", 1, 1, 1)]
    made.clock.now = dt.datetime(2026, 3, 14, tzinfo=UTC)
    deliver(made)
    assert len(notices(made)) == 1
    made.clock.now = dt.datetime(2026, 3, 17, tzinfo=UTC)
    deliver(made)
    assert len(notices(made)) == 1, "the former date says nothing"


def test_what_another_process_did_meanwhile_under_the_former_definition_is_caught_up(make_app: MakeApp) -> None:
    made = make_app(DESK)
    former = made.application
    made.redefine(DESK, rules=LATE % "after: 1h" + REMIND % "due_on")
    current = made.application
    reconcile(current)
    made.clock.advance(seconds=1)
    made.application = former
    made.create("ticket", name="T", due_on="2026-03-20")
    made.application = current
    assert waiting(made) == []
    made.clock.advance(seconds=10)
    assert catch_up(current) == 2
    assert waiting(made) == [("timeout:late:1", "04 06:30"), ("date:remind:1:2026-03-20", "19 00:00")]
    assert catch_up(current) == 2, "the same messages once more, which changes nothing"
    assert len(messages(made)) == 2


def test_a_process_with_a_former_definition_leaves_it_to_the_others(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=LATE % "after: 1h")
    former = made.application
    made.create("ticket", name="T")
    made.redefine(DESK)
    reconcile(made.application)
    assert reconcile(former) == []
    table = made.application.tables.timer
    with made.application.database.read() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(table)) == 0
