"""Feeds look for what is new: nothing is lost between reading and keeping, and nothing is read for ever."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from feeding_world import DESK, FakeConnection, arrivals, desk, feed, item, part, tickets
from making import Made, MakeApp

from engine import faults
from engine.connectors import Part
from engine.errors import DeliveryFailed, Refused, message
from engine.feeding import filling, knowing, looking, rows, standing

ONE = DESK.replace("from: [east, west]", "from: [east]")


class Killed(BaseException):
    """The process ended here."""


def look(made: Made, **later: float) -> Any:
    made.clock.advance(**(later or {"seconds": 0}))
    coming = looking.collect(made.application)
    made.deliver()
    return coming


def line(made: Made) -> standing.FeedLine:
    return standing.standing(made.application)[0]


def asked() -> list[dict[str, Any]]:
    return [dict(cursor) for _name, cursor in FakeConnection.asked]


def test_each_connection_is_read_part_by_part_and_again_when_due(make_app: MakeApp) -> None:
    made = desk(make_app)
    FakeConnection.script.update(east=[part(item("1"), more=True), part(item("2"))], west=[part(item("1"))])
    look(made)
    assert sorted(tickets(made)) == [("east", "1", "Ticket 1"), ("east", "2", "Ticket 2"), ("west", "1", "Ticket 1")]
    look(made, minutes=4)
    assert len(FakeConnection.asked) == 3
    look(made, minutes=2)
    assert len(FakeConnection.asked) == 5


def test_a_round_begins_where_the_last_began_less_the_overlap(make_app: MakeApp) -> None:
    made = desk(make_app, ONE)
    began = made.clock()
    seen = (began - dt.timedelta(hours=2)).isoformat()
    FakeConnection.script.update(east=[part(), part(item("1", seen)), part(item("2", (began + dt.timedelta(hours=1)).isoformat()))])
    for _ in range(4):
        look(made, minutes=5)
    since = [dt.datetime.fromisoformat(cursor["since"]) for cursor in asked()]
    minutes = dt.timedelta(minutes=1)
    assert since[0] == began + 5 * minutes - dt.timedelta(days=7)
    assert since[1] == began + 5 * minutes - dt.timedelta(days=1) - 2 * minutes  # nothing seen: as far back as clocks differ
    assert since[2] == dt.datetime.fromisoformat(seen) - 2 * minutes  # their clock may be behind ours
    assert since[3] == began + 15 * minutes - 2 * minutes  # never later than our own clock


def test_a_failure_keeps_the_cursor_and_waits_longer_each_time(make_app: MakeApp) -> None:
    made = desk(make_app, ONE)
    broken = DeliveryFailed(message("No answer with {key}", key="east-secret-key"))
    FakeConnection.script.update(east=[part(item("1"), more=True), broken, ValueError("east-secret-key"), part(item("2"))])
    look(made)
    assert (line(made).failures, line(made).error) == (1, "No answer with •••")
    assert line(made).next_look == made.clock() + dt.timedelta(seconds=10)
    look(made, seconds=11)
    assert line(made).failures == 2
    assert "east-secret-key" not in str(line(made).error)
    look(made, seconds=19)
    assert len(FakeConnection.asked) == 3
    look(made, seconds=2)
    assert [cursor["page"] for cursor in asked()] == [0, 1, 1, 1]
    assert (line(made).failures, line(made).error) == (0, None)
    assert len(tickets(made)) == 2


def test_who_is_told_to_wait_waits_exactly_so_long(make_app: MakeApp) -> None:
    made = desk(make_app, ONE)
    FakeConnection.script.update(east=[DeliveryFailed(message("Slower"), after=90.5)])
    look(made)
    assert line(made).next_look == made.clock() + dt.timedelta(seconds=90.5)
    assert (line(made).failures, made.ledger("connection")[0]["failures"]) == (0, 0)


def test_our_own_limit_is_no_failure_and_what_was_said_is_kept(make_app: MakeApp) -> None:
    made = desk(make_app, ONE.replace("east: {type: fake,", "east: {type: fake, limits: {tickets: {calls: 1, per: 1m}},"))
    FakeConnection.script.update(east=[part(item("1"), more=True), part(item("2"))])
    look(made)
    assert (line(made).failures, line(made).error, len(tickets(made))) == (0, None, 1)
    look(made, seconds=61)
    assert len(tickets(made)) == 2
    assert [(row["operation"], row["feed"], row["url"]) for row in made.ledger("exchange")] == [
        ("tickets", "tickets", "https://east.example/?key=•••")] * 2  # fmt: skip


def test_after_several_failures_the_connection_rests(make_app: MakeApp) -> None:
    made = desk(make_app, ONE)
    FakeConnection.script.update(east=[DeliveryFailed(message("Down"))] * 5 + [part(item("1"))])
    for _ in range(5):
        look(made, hours=1)
    assert made.ledger("connection")[0]["state"] == "open"
    rows.now_due(made.application, made.application.definition.feeds["tickets"], ["east"])
    look(made)
    assert len(FakeConnection.asked) == 5
    look(made, seconds=31)
    assert tickets(made) == [("east", "1", "Ticket 1")]
    assert made.ledger("connection")[0]["state"] == "closed"


@pytest.mark.parametrize("where", ["part read", "cursor kept", "arrivals kept", "before part is committed", "part kept"])
def test_killed_anywhere_another_process_goes_on_from_what_was_kept(
    make_app: MakeApp, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk(make_app, ONE)
    parts = [part(item("1"), item("2"), more=True), part(item("3"))]
    FakeConnection.script.update(east=[*parts])

    def die(passed: str) -> None:
        if passed == where:
            raise Killed

    monkeypatch.setattr(faults, "watcher", die)
    with pytest.raises(Killed):
        look(made)
    monkeypatch.setattr(faults, "watcher", None)
    FakeConnection.script.update(east=parts[1:] if where == "part kept" else [*parts])
    look(made, seconds=7)
    assert line(made).arrivals in (0, 2)  # the claim still holds
    look(made, seconds=2)
    assert sorted(tickets(made)) == [("east", str(no), f"Ticket {no}") for no in (1, 2, 3)]
    assert [row["repeats"] for row in made.ledger("arrival")] == [0, 0, 0]


def test_who_lost_the_claim_keeps_nothing(make_app: MakeApp) -> None:
    made = desk(make_app, ONE)

    def slow() -> Any:
        made.clock.advance(minutes=10)
        looking.collect(made.application)  # another process takes over
        return part(item("1", name="late"))

    FakeConnection.script.update(east=[slow, part(item("1", name="first"))])
    look(made)
    assert tickets(made) == [("east", "1", "first")]
    assert arrivals(made) == [("1", "taken")]


def test_a_stream_goes_on_from_the_cursor_of_the_other_side(make_app: MakeApp) -> None:
    made = desk(make_app, ONE.replace("read: tickets", "read: stream"))
    FakeConnection.script.update(east=[part(item("1"))])
    look(made)
    look(made, minutes=6)
    assert [cursor["page"] for cursor in asked()] == [0, 1]
    with pytest.raises(Refused):
        filling.begin(made.application, made.application.definition.feeds["tickets"], made.clock() - dt.timedelta(days=9))


def test_a_back_fill_reads_its_span_beside_the_feed(make_app: MakeApp) -> None:
    made = desk(make_app)
    look(made)
    since, until = made.clock() - dt.timedelta(days=30), made.clock() - dt.timedelta(days=20)
    job = filling.begin(made.application, made.application.definition.feeds["tickets"], since, until)
    FakeConnection.script.update(east=[part(item("1"), more=True), DeliveryFailed(message("Down"))], west=[part(item("2"))])
    FakeConnection.asked.clear()
    look(made)
    assert {cursor["until"] for cursor in asked()} == {until.isoformat()}
    assert [(fill.job, fill.items) for fill in line(made).fills] == [(job, 2)]
    FakeConnection.script.update(east=[part(item("3"))])
    look(made, seconds=11)
    assert [(row["state"], row["progress"]) for row in made.ledger("job")] == [("done", 3)]
    assert len(tickets(made)) == 3
    assert line(made).fills == ()


def test_a_back_fill_is_cancelled(make_app: MakeApp) -> None:
    made = desk(make_app, ONE)
    app = made.application
    FakeConnection.script.update(east=[part()])
    look(made)
    job = filling.begin(app, app.definition.feeds["tickets"], made.clock() - dt.timedelta(days=30))

    def cancelling() -> Any:
        assert filling.cancel(app, job)
        return part(item("1"), more=True)

    FakeConnection.script.update(east=[cancelling, part(item("2"))])
    look(made)
    assert [row["state"] for row in made.ledger("job")] == ["cancelled"]
    assert not filling.cancel(app, job)
    assert tickets(made) == [("east", "1", "Ticket 1")]
    assert len(made.ledger("feed")) == 1


def test_what_is_gone_from_the_definition_is_not_read(make_app: MakeApp) -> None:
    made = desk(make_app)
    look(made)
    made.redefine(feed(ONE, "id: old").replace("  tickets:\n    label: {en: Tickets", "  others:\n    label: {en: Tickets").replace("id: old", "id: tickets"))
    FakeConnection.asked.clear()
    look(made, minutes=6)
    assert [name for name, _cursor in FakeConnection.asked] == ["east"]
    assert line(made).feed.name == "others"
    assert [row["feed"] for row in made.ledger("feed")] == ["tickets", "tickets"]


def test_who_reads_keeps_its_claim_while_it_lives(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a call takes: its claim is renewed. One that died is followed when the claim is over."""
    monkeypatch.setattr(looking, "BEAT", 0.001)
    made = desk(make_app, ONE)

    def slow() -> Part:
        made.clock.advance(seconds=60)
        while made.ledger("feed")[0]["lease_until"] < made.clock():
            pass  # until the claim is renewed by the new time
        looking.collect(made.application)
        return part(item("1"))

    FakeConnection.script.update(east=[slow, part(item("2"))])
    look(made)
    assert len(FakeConnection.asked) == 1  # nobody else read meanwhile
    row = made.ledger("feed")[0]
    made.clock.advance(minutes=5)
    next(pair for pair in knowing.pairs(made.application) if pair[1].name == "east")
    assert rows.claim(made.application, SimpleNamespace(**row), made.clock(), looking.LEASE) is not None
    looking.collect(made.application)
    assert len(FakeConnection.asked) == 1  # it may still live
    look(made, seconds=9)
    assert len(FakeConnection.asked) == 2
    assert len(tickets(made)) == 2
