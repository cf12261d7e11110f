"""Many at once: exactly one approval, no lost update, no double or missing number, on both databases."""

import threading
from pathlib import Path

import pytest

from engine import service
from engine.errors import AppmillError, Invalid, Refused, Stale

TICKETS = Path(__file__).parents[1] / "apps" / "tickets.yaml"


def all_at_once(count, act):
    """``act(number)`` in ``count`` threads that start together; what each answered or raised."""
    gate, answers = threading.Barrier(count), [None] * count

    def run(number):
        gate.wait()
        try:
            answers[number] = act(number)
        except AppmillError as error:
            answers[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_one_of_twenty_approvals_wins(make_app):
    app = make_app(TICKETS)
    project = app.create("project", name="Bridge", as_="bob")
    ticket = app.create("ticket", subject="Paint", project=project.id, worker=app.id_of("carl"), as_="cleo")
    bob = app.actor("bob")

    answers = all_at_once(
        20, lambda n: service.take(app.application, bob, "ticket", ticket.id, ("start", "wait")[n % 2], reason="r")
    )

    won = [answer for answer in answers if not isinstance(answer, Exception)]
    starts = [answer for answer in won if answer.state == "working"]
    assert all(isinstance(answer, Stale | Refused) for answer in answers if isinstance(answer, Exception))
    # a start may be followed by one wait, which leaves both states; never two of a kind
    assert len(starts) <= 1
    assert len(won) - len(starts) == 1
    events = app.events("ticket", ticket)
    assert [event.from_state for event in events[1:]] == [event.to_state for event in events[:-1]]
    assert app.get("ticket", ticket)["version"] == 1 + len(won) == len(events)


def test_twenty_changes_from_the_same_version_are_one(make_app):
    app = make_app(TICKETS)
    project = app.create("project", name="Bridge", as_="bob")
    bob = app.actor("bob")
    answers = all_at_once(
        20, lambda n: service.save(app.application, bob, "project", {"budget": n + 1}, id=project.id, version=1)
    )
    assert sum(not isinstance(answer, Exception) for answer in answers) == 1
    assert sum(isinstance(answer, Stale) for answer in answers) == 19
    assert app.get("project", project)["version"] == 2


def test_a_unique_value_is_given_once_and_the_others_are_told(make_app):
    app = make_app(TICKETS)
    bob = app.actor("bob")
    answers = all_at_once(20, lambda n: service.save(app.application, bob, "project", {"name": "Bridge"}))
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 19
    assert {type(answer) for answer in refused} == {Invalid}
    assert {str(answer) for answer in refused} == {"Name: Bridge is taken by Project Bridge."}


def test_twenty_numbers_are_drawn_without_gap_or_double(make_app):
    app = make_app(TICKETS)
    project = app.create("project", name="Bridge", as_="bob")
    bob = app.actor("bob")
    saved = all_at_once(
        20,
        lambda n: service.save(
            app.application, bob, "ticket",
            {"subject": f"s{n}", "project": project.id, "lines": [{"what": "x", "hours": 1}]},
        ),
    )  # fmt: skip
    assert sorted(one.row["number"] for one in saved) == [f"T2026-{n:03d}" for n in range(1, 21)]
    assert str(app.get("project", project)["spent"]) == "2000.00"


def test_a_refused_save_gives_its_number_back(make_app):
    app = make_app(TICKETS, rules="""
        no:
          trigger: {type: created, form: ticket}
          when: record.subject == 'no'
          actions: [{type: refuse, message: No}]
    """)  # fmt: skip
    project = app.create("project", name="Bridge", as_="bob")
    app.create("ticket", subject="one", project=project.id, as_="bob")
    with pytest.raises(Refused, match="No"):
        app.create("ticket", subject="no", project=project.id, as_="bob")
    app.create("ticket", subject="two", project=project.id, as_="bob")
    assert app.create("ticket", subject="three", project=project.id, as_="bob").row["number"] == "T2026-003"


def test_rules_of_many_changes_meet_at_one_record_and_none_is_lost(make_app):
    app = make_app(TICKETS, rules="""
        count_up:
          trigger: {type: created, form: ticket}
          actions:
            - {type: update, form: note, where: "record.text == 'tally'", values: {count: record.count + 1}}
    """)  # fmt: skip
    project = app.create("project", name="Bridge", as_="bob")
    tally = app.create("note", text="tally", as_="bob")
    bob = app.actor("bob")
    answers = all_at_once(
        6, lambda n: service.save(app.application, bob, "ticket", {"subject": f"s{n}", "project": project.id})
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert app.get("note", tally)["count"] == 6
