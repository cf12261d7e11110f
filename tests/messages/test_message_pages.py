"""My messages: what I choose holds for me alone; what went out is shown to me and to administrators."""

from __future__ import annotations

import html
from typing import Any

import pytest
import visiting
from reaching_world import ADDRESS, HEAD, MORNING, REACH, Outbox, registry_with
from visiting import Grounds

from engine.secrets import Sources

LOCKED = REACH.replace("asked: {at_once: [mail], urgent: true}", "asked: {at_once: [mail], urgent: true, locked: true}")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def site(make_grounds: Any, outbox: Outbox) -> Grounds:
    found: Grounds = make_grounds(HEAD + LOCKED, registry=registry_with(outbox), now=MORNING)
    object.__setattr__(found.made.application, "sources", Sources(address=ADDRESS))
    return found


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def test_what_somebody_chooses_holds_for_them_alone(site: Grounds, outbox: Outbox) -> None:
    wu = site.visitor("wu")
    assert "At once" in text(wu.get("/me/messages"))
    form = {"told.chat": "at_once", "told.mail": "never", "address.chat": "wu-on-ding", "quiet": "own", "from": "18:00",
            "to": "08:00", "digest_at": "09:30", "paused": "", "asked.mail": "never"}  # fmt: skip
    assert wu.post("/me/messages", form).status_code == 303
    (row,) = site.made.ledger("reach_wish")
    assert (row["user_id"], row["choices"]) == (site.made.id_of("wu"), {"told": {"chat": "at_once", "mail": "never"}})
    assert row["quiet"] == {"from": "18:00", "to": "08:00", "days_off": False}
    assert 'value="wu-on-ding"' in wu.get("/me/messages").text
    assert "wu-on-ding" not in site.visitor("chen").get("/me/messages").text


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        ({"digest_at": "noon"}, "Write a time such as 08:00."),
        ({"quiet": "own", "from": "08:00", "to": "08:00"}, "Quiet hours end at another time than they begin."),
        ({"paused": "soon"}, "Write a day such as 2026-05-01."),
        ({"paused": "2029-05-01"}, "A pause lasts a year at most."),
        ({"address.chat": "a<b"}, "Group chat: this is nobody's name."),
        ({"address.chat": "@All"}, "Group chat: this is nobody's name."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_kept(site: Grounds, wrong: dict[str, str], because: str) -> None:
    answer = site.visitor("wu").post("/me/messages", {"quiet": "usual", "digest_at": "08:00", "paused": "", **wrong})
    assert answer.status_code == 422
    assert because in text(answer)
    assert site.made.ledger("reach_wish") == []


def test_trying_a_way_out_tells_what_came_of_it(site: Grounds, outbox: Outbox) -> None:
    wu = site.visitor("wu")
    outbox.fails["ding"] = "no such robot"
    wu.post("/me/messages/try", {"way": "chat"})
    assert "Group chat: waits" in text(wu.get("/me/messages"))
    site.made.deliver()
    assert "Group chat: failed: no such robot" in text(wu.get("/me/messages/tried/chat"))
    outbox.fails.clear()
    wu.post("/me/messages/try", {"way": "chat"})
    site.made.deliver()
    assert "Group chat: sent 10:00" in text(wu.get("/me/messages/tried/chat"))
    assert [values["text"] for _name, values in outbox.sent] == ["Wu, you tried out how Workshop reaches you."]
    for _time in range(4):
        wu.post("/me/messages/try", {"way": "chat"})
    assert wu.post("/me/messages/try", {"way": "chat"}).status_code == 409


def test_how_it_went_out_stands_with_the_notice_and_for_administrators(site: Grounds, outbox: Outbox) -> None:
    job = site.made.create("job", name="Saw")
    site.made.press("job", job, "tell")
    assert "E-mail: no address" in text(site.visitor("wu").get("/notifications"))
    shown = text(site.visitor("admin").get(f"/admin/messages/{site.made.id_of('wu')}"))
    assert "E-mail: no address" in shown
    assert "Look at Saw" not in shown
    everybody = text(site.visitor("admin").get("/admin/messages"))
    assert "no address" in everybody
    assert site.visitor("wu").get("/admin/messages").status_code in (403, 404)


def test_an_approval_shows_how_each_of_those_who_are_asked_was_told(site: Grounds) -> None:
    site.made.press("job", site.made.create("job", name="Saw"), "sign")
    assert "E-mail: no address" in text(site.visitor("chen").get("/approvals/1"))


def test_without_reach_there_is_nothing_to_choose(make_grounds: Any) -> None:
    site = make_grounds(HEAD.replace("        one_time: 2d\n", ""), registry=registry_with(Outbox()))
    assert site.visitor("wu").get("/me/messages").status_code == 404
    assert "/me/messages" not in site.visitor("wu").get("/me").text


def test_a_dead_letter_stands_in_the_queue_as_every_other(site: Grounds, outbox: Outbox) -> None:
    table = site.app.tables.user
    with site.app.database.write() as conn:
        conn.execute(table.update().values(email="wu@example.com"))
    outbox.fails["post"] = "550 no such user"
    site.made.press("job", site.made.create("job", name="Saw"), "tell")
    site.made.deliver()
    (row,) = site.made.ledger("message")
    admin = site.visitor("admin")
    assert "Message to a person" in text(admin.get("/admin/automation/queue"))
    assert "550 no such user" in text(admin.get(f"/admin/automation/queue/{row['id']}"))
    assert "E-mail: failed: 550 no such user" in text(site.visitor("wu").get("/notifications"))
