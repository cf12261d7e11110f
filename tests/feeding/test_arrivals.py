"""What arrived is taken once, by the newest version, through the same walk as every change."""

from __future__ import annotations

from typing import Any

import pytest
from feeding_world import DESK, arrivals, desk, feed, item, tickets
from making import Made, MakeApp

from engine.connectors import Item
from engine.feeding import finding, replaying, standing, taking
from engine.feeding.keeping import keep
from engine.web.timeline import Teller

V = ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"]


def arrive(made: Made, *items: Item, of: str = "east", take: bool = True) -> int:
    app = made.application
    with app.database.write() as conn:
        found = keep(app, conn, app.definition.feeds["tickets"], of, items, "pulled")
    if take:
        made.deliver()
    return found


def test_a_thing_becomes_a_record_and_its_newer_version_changes_it(make_app: MakeApp) -> None:
    made = desk(make_app)
    first = item("7", V[0], price="12.50", level="H", buyer={"address": {"city": "Xi'an"}}, steps=[{"code": "a", "count": 2}])
    assert arrive(made, first) == 1
    assert tickets(made, "source", "number", "name", "level", "note") == [("east", "7", "Ticket 7", "high", "Xi'an")]
    (record,) = made.ledger("arrival")
    assert (record["state"], record["form"], record["record_id"], record["reason"]) == ("taken", "ticket", 1, None)
    arrive(made, item("7", V[1], name="New", level="L"))
    assert tickets(made, "name", "price", "level", "note") == [("New", None, "low", None)]
    assert made.lines("step", 1) == []
    told = [(event.kind, event.actor_kind, event.rule) for event in made.events("ticket", 1)]
    assert told == [("created", "feed", "tickets"), ("updated", "feed", "tickets")]


def test_the_same_again_and_what_changes_nothing_leave_no_event(make_app: MakeApp) -> None:
    made = desk(make_app)
    for _ in range(3):
        arrive(made, item("7", V[0], steps=[{"code": "a", "count": 2}]))
    arrive(made, item("7", V[1], steps=[{"code": "a", "count": 2}], unread="?"))
    assert [event.kind for event in made.events("ticket", 1)] == ["created"]
    assert arrivals(made, "version", "state", "repeats", "event_id") == [(V[0], "taken", 2, 1), (V[1], "taken", 0, None)]


def test_what_is_older_than_what_was_taken_is_skipped(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("7", V[1], name="second"))
    arrive(made, item("7", V[0], name="first"))
    arrive(made, item("7", V[0], name="first"), of="west")
    assert tickets(made) == [("east", "7", "second"), ("west", "7", "first")]
    assert arrivals(made, "state", "reason") == [
        ("taken", None), ("skipped", "Something newer was taken already."), ("taken", None)]  # fmt: skip


def test_without_versions_the_latest_word_counts_also_when_it_goes_back(make_app: MakeApp) -> None:
    made = desk(make_app)
    for name in ("a", "b", "a", "a"):
        arrive(made, item("7", name=name))
    assert tickets(made) == [("east", "7", "a")]
    assert len(made.events("ticket", 1)) == 3
    assert arrivals(made, "state", "repeats") == [("taken", 2), ("taken", 0)]


def test_lines_that_stay_keep_what_people_wrote_beside_them(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("7", V[0], steps=[{"code": "a", "count": 1}, {"code": "b", "count": 1}]))
    before = made.lines("step", 1)
    made.update("ticket", 1, steps=[{"id": row["id"], "seen": True} for row in before])
    arrive(made, item("7", V[1], steps=[{"code": "c", "count": 1}, {"code": "b", "count": 5}]))
    after = made.lines("step", 1)
    assert [(row["code"], row["count"], row["seen"]) for row in after] == [("c", 1, False), ("b", 5, True)]
    assert after[1]["id"] == before[1]["id"]


def test_what_cannot_be_taken_is_kept_in_words_and_the_others_go_on(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1", price="-3", steps=[{"count": "many"}]), item("2"), item("3", level="X", steps="none"))
    assert tickets(made) == [("east", "2", "Ticket 2")]
    (one, _two, three) = made.ledger("arrival")
    assert (one["state"], three["state"]) == ("failed", "failed")
    assert "steps.0.count: " in one["reason"]
    assert "price: " in one["reason"]
    assert three["reason"] == "steps: item.steps gives no list: none"
    assert [text for _login, text in made.messages()] == [
        f"“Tickets of others” could not take 1 of east: {one['reason']}"]  # fmt: skip


def test_an_empty_match_is_told(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, Item("x", "", {"name": "nameless"}))
    assert arrivals(made, "state", "reason") == [
        ("failed", "number: The record is found by this, but item.no gives nothing.")]  # fmt: skip


def test_replayed_after_it_was_mended(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1", steps="none"), item("2", V[0]), item("2", V[1], name="newest"))
    made.redefine(DESK.replace("of: item.steps", "of: item.no_steps").replace("name: item.name", "name: upper(item.name)"))
    app = made.application
    ids = replaying.chosen(app, app.definition.feeds["tickets"], states=("failed", "taken", "skipped"))
    assert replaying.replay(app, ids) == 3
    made.deliver()
    assert sorted(tickets(made)) == [("east", "1", "TICKET 1"), ("east", "2", "NEWEST")]
    assert replaying.replay(app, []) == 0


def test_unwanted_and_unchanging(make_app: MakeApp) -> None:
    made = desk(make_app, feed(DESK, "when: item.kind == 'big'\nchanges: false"))
    arrive(made, item("1"), item("2", kind="big"))
    arrive(made, item("2", kind="big", name="other"))
    assert tickets(made) == [("east", "2", "Ticket 2")]
    assert arrivals(made, "state", "reason") == [
        ("skipped", "Not wanted: `when` does not hold."), ("taken", None),
        ("skipped", "There is a record already, and this feed changes none."),
    ]  # fmt: skip


def test_what_a_person_deleted_does_not_come_back(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1", V[0]))
    made.delete("ticket", 1)
    arrive(made, item("1", V[1]))
    assert arrivals(made, "state", "reason")[1] == ("skipped", "Its record was deleted.")
    assert tickets(made) == []


def test_it_waits_for_its_record(make_app: MakeApp) -> None:
    made = desk(make_app, feed(DESK, "creates: false"))
    arrive(made, item("1", name="told"))
    assert arrivals(made, "state", "reason") == [("parked", "There is no record for it yet.")]
    made.create("ticket", source="east", number="2")
    assert made.deliver() == []
    made.create("ticket", source="east", number="1")
    made.deliver()
    assert ("east", "1", "told") in tickets(made)
    assert arrivals(made) == [("1", "taken")]


def test_it_waits_until_it_is_ready_and_for_so_long_only(make_app: MakeApp) -> None:
    made = desk(make_app, feed(DESK, "ready: record is not None and record.closed\nwaits: 1d"))
    made.create("ticket", source="east", number="1")
    made.create("ticket", source="east", number="2")
    arrive(made, item("1", name="told"), item("2", name="told"))
    made.update("ticket", 1, closed=True)
    made.deliver()
    assert arrivals(made) == [("1", "taken"), ("2", "parked")]
    for _ in range(30):
        made.clock.advance(hours=1)
        made.deliver()
    assert arrivals(made, "state", "reason")[1] == (
        "failed", "It waited too long. Not ready: record is not None and record.closed does not hold.")  # fmt: skip
    assert len(made.messages()) == 1
    parked = [row["attempts"] for row in made.ledger("message")]
    assert len(parked) == 2


def test_a_newer_version_settles_what_failed_before(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1", V[0], steps="none"))
    arrive(made, item("1", V[1]))
    assert arrivals(made, "state") == [("skipped",), ("taken",)]
    line = standing.standing(made.application)[0]
    assert (line.failed, line.waiting, line.parked) == (0, 0, 0)


def test_data_is_cleared_away_but_known_again(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1", V[0]))
    made.clock.advance(days=91)
    assert standing.clear(made.application, made.clock()) == 1
    assert arrivals(made, "data") == [(None,)]
    assert arrive(made, item("1", V[0])) == 0
    assert replaying.replay(made.application, [1]) == 0


def test_odd_characters_hold_up_nothing(make_app: MakeApp) -> None:
    made = desk(make_app)
    odd: Any = float("nan")
    arrive(made, item("1", name="a\x00b\ud800", price=odd))
    assert tickets(made, "name") == [("a\ufffdb?",)]


def test_a_feed_that_is_gone(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1"), take=False)
    made.redefine(DESK[: DESK.index("feeds:")])
    made.deliver()
    assert arrivals(made, "state", "reason") == [("skipped", "The feed is no longer in the definition.")]


def test_code_that_breaks_again_and_again_leaves_it_failed(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk(make_app)

    def broken(*_given: Any) -> Any:
        raise TypeError("a bug")

    monkeypatch.setattr(taking, "_walked", broken)
    arrive(made, item("1"), take=False)
    for _ in range(6):
        made.deliver()
        made.clock.advance(hours=2)
    (one,) = made.ledger("arrival")
    assert (one["state"], made.ledger("message")[0]["state"]) == ("failed", "dead")
    assert "a bug" in one["reason"]
    monkeypatch.undo()
    replaying.replay(made.application, [one["id"]])
    made.deliver()
    assert tickets(made) == [("east", "1", "Ticket 1")]


def test_history_says_which_feed_it_was(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1"))
    definition = made.application.definition
    reader = made.actor("admin").reader(definition)
    teller = Teller(definition, definition.forms["ticket"], lambda _form, _field: True, {}, reader)
    told = teller.tell(made.events("ticket", 1)[0])
    assert (told.feed, told.rule) == ("Tickets of others", None)


def test_a_thing_is_listed_with_what_became_of_it(make_app: MakeApp) -> None:
    made = desk(make_app)
    arrive(made, item("1"), item("2", steps="none"), item("3"))
    app, feed_ = made.application, made.application.definition.feeds["tickets"]

    def found(**search: Any) -> list[tuple[str, str]]:
        with app.database.read() as conn:
            lines = finding.arrivals(app, conn, feed_, finding.Search(**search), 2)
        return [(line.item_key, line.state) for line in lines]

    assert found() == [("3", "taken"), ("2", "failed")]
    assert found(before=2) == [("1", "taken")]
    assert found(state="failed") == [("2", "failed")]
    assert found(key="3", connection="east") == [("3", "taken")]
    east = standing.standing(app)[0]
    assert (east.connection.name, east.failed, east.lag) == ("east", 1, None)
