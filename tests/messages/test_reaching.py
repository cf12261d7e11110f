"""What people are told in the application also reaches them outside, once, the way each of them wants it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from reaching_world import ADDRESS, MORNING, REACH, World, world

from engine import inbox
from engine.reaching import choices


@pytest.fixture
def shop(make_app: Any) -> World:
    return world(make_app)


def told(shop: World, name: str = "Saw") -> int:
    job = shop.made.create("job", name=name)
    shop.made.press("job", job, "tell")
    return job.id


def test_what_a_rule_tells_goes_out_as_a_mail_in_the_language_of_its_receiver(shop):
    told(shop)
    assert shop.deliver() == [("post", "Workshop: Look at Saw")]
    _connection, mail = shop.outbox.sent[0]
    assert mail["to"] == [{"name": "Wu", "address": "wu@example.com"}]
    assert mail["text"] == (
        f"Look at Saw\n\nOpen: {ADDRESS}/notifications/1\n\n"
        f"-- \nWorkshop sends you this. Change what it sends, and when: {ADDRESS}/me/messages\n"
    )
    assert shop.states() == [["E-mail: sent 02 02:00"]]


def test_many_of_one_kind_within_a_minute_are_one_message(shop):
    for name in ("Saw", "Drill", "Lathe"):
        told(shop, name)
    assert shop.deliver() == [("post", "Workshop: 3 new for you")]
    assert "- Look at Drill" in shop.outbox.sent[0][1]["text"]
    told(shop, "Press")
    told(shop, "Mill")
    assert shop.deliver() == []
    assert shop.later(minutes=1) == [("post", "Workshop: 2 new for you")]
    assert shop.later(hours=3) == []


def test_what_was_read_in_the_application_before_is_not_sent(shop):
    told(shop)
    shop.read_all("wu")
    assert shop.deliver() == []
    assert shop.states() == [["E-mail: not sent, it was read before"]]


QUIET = REACH + '  quiet: {from: "20:00", to: "07:00", days_off: true}\n'


def test_in_quiet_hours_it_waits_until_they_end_and_is_collected(make_app):
    shop = world(make_app, QUIET, MORNING + dt.timedelta(hours=12))  # 22:00
    told(shop)
    shop.made.clock.now += dt.timedelta(hours=2)
    told(shop, "Drill")
    assert shop.deliver() == []
    assert shop.states() == [["E-mail: waits until 02 23:00"], ["E-mail: waits until 02 23:00"]]
    shop.at(dt.datetime(2026, 3, 2, 23, 0, tzinfo=dt.UTC))  # 07:00
    assert shop.deliver() == [("post", "Workshop: 2 new for you")]


def test_the_digest_is_one_mail_a_day_of_what_is_unread_then(make_app):
    shop = world(make_app, REACH.replace("told: {at_once: [mail]}", "told: {digest: [mail]}"))
    told(shop, "Saw")
    with shop.app.database.write() as conn:
        inbox.mark_read(conn, shop.app.tables, shop.made.id_of("wu"), shop.app.clock())
    told(shop, "Drill")
    assert shop.deliver() == []
    shop.at(dt.datetime(2026, 3, 3, 0, 0, tzinfo=dt.UTC))  # 08:00 on Tuesday
    assert shop.deliver() == [("post", "Workshop: your digest, 1 new")]
    assert "Look at Drill" in shop.outbox.sent[0][1]["text"]
    assert "Saw" not in shop.outbox.sent[0][1]["text"]
    told(shop)
    shop.read_all("wu")
    assert shop.later(days=1) == []


def test_who_becomes_responsible_through_somebody_else_is_told(shop):
    job = shop.made.create("job", name="Saw", hands=shop.made.id_of("wu"))
    assert shop.deliver() == [("post", "Workshop: You are responsible for Job Saw now: Open")]
    shop.made.update("job", job, name="Big saw")
    shop.made.create("job", as_="wu", name="Mine", hands=shop.made.id_of("wu"))
    shop.made.create("job", name="Secret", hidden=True, hands=shop.made.id_of("wu"))
    assert shop.later(minutes=5) == []


def test_who_may_not_read_the_record_any_more_is_told_nothing_of_it(shop):
    job = told(shop)
    shop.made.update("job", job, hidden=True)
    assert shop.deliver() == [("post", "Workshop: There is something new for you in Workshop.")]
    assert "Saw" not in str(shop.outbox.sent)


def test_an_approval_carries_the_one_time_link_and_what_the_receiver_may_see(shop):
    job = shop.made.create("job", name="Saw", cost=12)
    shop.made.press("job", job, "sign")
    shop.deliver()
    (_connection, mail), *_rest = shop.outbox.sent
    assert mail["subject"] == "工坊: Saw 可以开工吗?"
    assert "费用: 12" in mail["text"]
    link = next(line for line in mail["text"].splitlines() if line.startswith("去审批"))
    assert f"{ADDRESS}/decide/" in link
    stored = str(shop.made.ledger("message"))
    assert link.rpartition("/")[2] not in stored


GROUP = REACH.replace("asked: {at_once: [mail], urgent: true}", "asked: {at_once: [chat], urgent: true}")


def test_a_group_reads_no_record_and_the_button_asks_to_sign_in(make_app):
    shop = world(make_app, GROUP)
    shop.made.press("job", shop.made.create("job", name="Saw", cost=12), "sign")
    shop.deliver()
    assert shop.outbox.sent == [("ding", {
        "title": "请我决定", "text": "Chen: 请我决定", "mentions": ["13800000002"],
        "buttons": [{"label": "去审批", "url": f"{ADDRESS}/approvals/1"}],
    })]  # fmt: skip


def test_a_chat_of_the_person_alone_has_the_button_that_decides(make_app):
    shop = world(make_app, GROUP.replace("connection: ding}", "connection: im, alone: true}"))
    shop.made.press("job", shop.made.create("job", name="Saw", cost=12), "sign")
    shop.deliver()
    ((_connection, values),) = shop.outbox.sent
    assert values["to"] == "13800000002"
    assert "费用: 12" in values["text"]
    assert values["buttons"][0]["url"].startswith(f"{ADDRESS}/decide/")


def test_a_way_that_fails_is_followed_by_the_next_one_the_person_has(make_app):
    shop = world(make_app, REACH.replace("told: {at_once: [mail]}", "told: {at_once: [chat], digest: [mail]}"))
    shop.outbox.fails["ding"] = "no robot there"
    told(shop)
    assert shop.deliver() == [("post", "Workshop: Look at Saw")]
    assert [row["state"] for row in shop.made.ledger("message") if row["connection"] == "ding"] == ["dead"]
    assert shop.later(days=1) == []  # the digest would tell it again


def test_the_next_way_is_taken_once(make_app):
    shop = world(make_app, REACH.replace("told: {at_once: [mail]}", "told: {at_once: [chat], locked: true}"))
    shop.outbox.fails["ding"] = "no robot there"
    told(shop)
    assert shop.deliver() == [("post", "Workshop: Look at Saw")]
    assert shop.states() == [["Group chat: failed: no robot there", "E-mail: sent 02 02:00"]]
    assert shop.later(days=1) == []


def test_without_an_address_the_next_way_is_taken(make_app):
    shop = world(make_app, REACH.replace("told: {at_once: [mail]}", "told: {at_once: [mail], locked: true}"))
    shop.account("wu", email=None)
    told(shop)
    assert shop.deliver() == [("ding", "Told by a rule")]
    assert sorted(shop.states()[0]) == ["E-mail: no address", "Group chat: sent 02 02:00"]


def choose(shop: World, **values: Any) -> None:
    with shop.app.database.write() as conn:
        choices.keep(shop.app, conn, shop.made.id_of("wu"), **values)


def test_everybody_chooses_for_themselves(shop):
    choose(shop, choices={"told": {"mail": "never", "chat": "at_once"}}, addresses={"chat": "wu-on-ding"})
    told(shop)
    shop.deliver()
    assert [(name, values["mentions"]) for name, values in shop.outbox.sent] == [("ding", ["wu-on-ding"])]


def test_nothing_goes_out_before_a_pause_is_over(shop):
    choose(shop, paused_until=MORNING + dt.timedelta(days=2))
    told(shop)
    assert shop.later(days=1) == []
    assert shop.later(days=1) == [("post", "Workshop: Look at Saw")]


def test_what_is_locked_is_not_chosen(make_app):
    shop = world(make_app, REACH.replace("told: {at_once: [mail]}", "told: {at_once: [mail], locked: true}"))
    choose(shop, choices={"told": {"mail": "never"}})
    told(shop)
    assert shop.deliver() == [("post", "Workshop: Look at Saw")]
