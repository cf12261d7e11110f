"""Time-outs and dates of records: what is left to be done when, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from making import Made, MakeApp
from timing_world import DESK, deliver, messages, notices

UTC = dt.UTC


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """In March 2026, UTC; the clock starts on Wednesday the 4th at 01:30."""
    return dt.datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def rule(**trigger: Any) -> str:
    words = ", ".join(f"{name}: {value}" for name, value in trigger.items())
    return f"""
      watch:
        trigger: {{form: ticket, {words}}}
        actions: [{{type: notify, to: [clerk], message: "{{{{ record.name }}}} {{{{ due }}}}"}}]
    """


@pytest.mark.parametrize(
    ("words", "due"),
    [({"before": "1h"}, at(4, 4, 30)), ({"after": "1h"}, at(4, 6, 30)), ({}, at(4, 5, 30)),
     ({"within": "2wd"}, at(6, 1, 30))],
)  # fmt: skip
def test_a_time_out_is_due_by_the_visits_own_time(make_app: MakeApp, words: dict[str, str], due: dt.datetime) -> None:
    made = make_app(DESK, rules=rule(type="timeout", state="open", **words))
    ticket = made.create("ticket", name="A")
    found = messages(made)
    assert [(one["kind"], one["due_at"], one["record_id"], one["state"]) for one in found] == [
        ("fire", due, ticket.id, "waiting")
    ]
    assert found[0]["event_id"] == made.events("ticket", ticket)[0].id
    made.clock.now = due
    assert deliver(made) == 1
    assert len(notices(made)) == 1


def test_a_record_that_moved_on_is_left_alone(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=rule(type="timeout", state="open", after="1h"))
    ticket = made.create("ticket", name="A")
    made.take("ticket", ticket, "close", as_="li")
    made.take("ticket", ticket, "reopen", as_="li")
    assert [one["key"] for one in messages(made)] == ["timeout:watch:1", "timeout:watch:3"]
    made.clock.advance(days=1)
    assert deliver(made) == 2
    assert len(notices(made)) == 1, "the first visit is over, the second is not"


def test_a_time_out_repeats_while_the_record_stays(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=rule(type="timeout", state="open", within="2h", every="1d"))
    ticket = made.create("ticket", name="A")
    for _ in range(3):
        made.clock.now = messages(made)[-1]["due_at"]
        deliver(made)
    assert [one["due_at"] for one in messages(made)] == [at(4, 3, 30), at(5, 3, 30), at(6, 3, 30), at(7, 3, 30)]
    assert len(notices(made)) == 3
    made.clock.now = at(20, 0)  # down for two weeks: one, not thirteen
    deliver(made)
    assert messages(made)[-1]["due_at"] == at(20, 3, 30)
    assert len(notices(made)) == 4
    made.take("ticket", ticket, "close", as_="li")
    made.clock.advance(days=9)
    deliver(made)
    assert len(notices(made)) == 4
    assert [one["state"] for one in messages(made) if one["state"] == "waiting"] == []


def test_a_turn_that_fails_is_a_dead_letter_and_the_next_one_comes(make_app: MakeApp) -> None:
    made = make_app(DESK, rules="""
      watch:
        trigger: {type: timeout, form: ticket, state: open, within: 2h, every: 1d}
        actions: [{type: set, values: {name: "''"}}]
    """)
    made.create("ticket", name="A")
    made.clock.now = at(4, 3, 30)
    made.deliver()
    assert [(one["state"], one["due_at"]) for one in messages(made)] == [
        ("dead", at(4, 3, 30)), ("waiting", at(5, 3, 30))
    ]  # fmt: skip


def test_a_deleted_record_is_silent_and_comes_back_with_its_time_outs(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=rule(type="timeout", state="open", within="2h", every="1d"))
    ticket = made.create("ticket", name="A")
    made.delete("ticket", ticket)
    made.clock.advance(days=2)
    assert deliver(made) == 1
    assert notices(made) == []
    made.restore("ticket", ticket)
    assert [one["due_at"] for one in messages(made) if one["state"] == "waiting"] == [at(6, 3, 30)]


# --- dates


@pytest.mark.parametrize(
    ("words", "due"),
    [({}, at(20, 0)), ({"before": "3d"}, at(17, 0)), ({"after": "1wd", "at": '"12:30"'}, at(23, 4, 30)),
     ({"before": "2h", "at": '"00:00"'}, at(19, 14))],
)  # fmt: skip
def test_a_date_is_due_on_the_clock_of_the_application(
    make_app: MakeApp, words: dict[str, str], due: dt.datetime
) -> None:
    made = make_app(DESK, rules=rule(type="date", field="due_on", **words))
    made.create("ticket", name="A", due_on="2026-03-20")
    assert [one["due_at"] for one in messages(made)] == [due]
    made.clock.now = due
    deliver(made)
    assert len(notices(made)) == 1


def test_a_date_follows_its_field(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=rule(type="date", field="due_on"))
    ticket = made.create("ticket", name="A", due_on="2026-03-20")
    made.update("ticket", ticket, due_on="2026-03-25")
    made.update("ticket", ticket, name="B")
    assert [(one["key"], one["state"]) for one in messages(made)] == [
        ("date:watch:1:2026-03-20", "cancelled"), ("date:watch:1:2026-03-25", "waiting"),
    ]  # fmt: skip
    made.update("ticket", ticket, due_on="2026-03-20")
    assert [one["state"] for one in messages(made)] == ["waiting", "cancelled"]
    made.update("ticket", ticket, due_on=None)
    assert [one["state"] for one in messages(made)] == ["cancelled", "cancelled"]


def test_less_time_than_asked_for_is_told_at_once_and_the_past_is_left(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=rule(type="date", field="due_on", before="3d"))
    made.create("ticket", name="tomorrow", due_on="2026-03-05")
    made.create("ticket", name="long ago", due_on="2026-01-05")
    assert deliver(made) == 1
    assert [text.split()[0] for _who, text in notices(made)] == ["tomorrow"]


def test_a_date_that_is_worked_out_is_followed_too(make_app: MakeApp) -> None:
    made = make_app(DESK, rules="""
      watch:
        trigger: {type: date, form: ticket, field: remind_on, at: "09:00"}
        actions: [{type: set, values: {note: "'reminded'"}}]
    """)  # fmt: skip
    ticket = made.create("ticket", name="A", due_on="2026-03-20")
    assert [one["due_at"] for one in messages(made)] == [at(18, 1)]
    made.update("ticket", ticket, due_on="2026-03-21")
    assert [(one["due_at"], one["state"]) for one in messages(made)] == [
        (at(18, 1), "cancelled"), (at(19, 1), "waiting"),
    ]  # fmt: skip
    made.clock.now = at(19, 1)
    deliver(made)
    assert made.get("ticket", ticket)["note"] == "reminded"


def test_dates_of_lines_are_followed(make_app: MakeApp) -> None:
    made = make_app(DESK, rules="""
      watch:
        trigger: {type: date, form: step, field: done_by, at: "09:00"}
        actions: [{type: notify, to: [clerk], message: "{{ record.what }}"}]
    """)  # fmt: skip
    ticket = made.create("ticket", name="A", steps=[{"what": "one", "done_by": "2026-03-10"}, {"what": "two"}])
    assert [(one["key"], one["due_at"]) for one in messages(made)] == [("date:watch:1:2026-03-10", at(10, 1))]
    made.update("ticket", ticket, steps=[{"id": 1, "done_by": "2026-03-11"}, {"id": 2}])
    assert [one["state"] for one in messages(made)] == ["cancelled", "waiting"]
    made.clock.now = at(11, 1)
    deliver(made)
    assert [text for _who, text in notices(made)] == ["one"]


def test_a_deleted_record_has_no_dates_until_it_is_back(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=rule(type="date", field="due_on"))
    ticket = made.create("ticket", name="A", due_on="2026-03-05")
    made.delete("ticket", ticket)
    made.clock.now = at(5, 0)
    deliver(made)
    assert notices(made) == []


def test_imported_records_bring_what_is_still_to_come(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=rule(type="timeout", state="open", within="2d"))
    made.adopt("ticket", name="old", state="open", history=[{"state": "open", "entered_at": "2026-01-01T00:00+00:00"}])
    made.adopt("ticket", name="new", state="open", history=[{"state": "open", "entered_at": "2026-03-03T00:00+00:00"}])
    assert [(one["record_id"], one["due_at"]) for one in messages(made)] == [(2, at(5, 0))]


def test_other_forms_pay_nothing(make_app: MakeApp) -> None:
    made: Made = make_app(DESK)
    made.create("ticket", name="A", due_on="2026-03-20")
    assert messages(made) == []
