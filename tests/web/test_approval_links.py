"""The address of an approval: in mails, behind the sign-in, and as a link for one decision of one person."""

from __future__ import annotations

import datetime as dt
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa
import visiting
from approval_desk import DESK, PEOPLE, approves, asked, question_of
from making import Made, Recorder
from visiting import Grounds

from engine import answering
from engine.approvals import deeds
from engine.errors import Refused
from engine.secrets import Sources, read_address

POST = """
    connections:
      post: {type: smtp, host: mail.example.com, sender: desk@example.com}
"""
SITE = "http://localhost"
MAILED = {"mail": "post", "one_time": "2d"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def make_desk(make_grounds: Any) -> Any:
    def make(address: str = SITE, **more: Any) -> Grounds:
        site: Grounds = make_grounds(whole(approves(**more)), people=PEOPLE)
        object.__setattr__(site.app, "sources", Sources(address=address))
        with site.app.database.write() as conn:
            user = site.app.tables.user
            conn.execute(sa.update(user).values(email=user.c.login + "@example.com"))
        return site

    return make


def mails(made: Made) -> dict[str, str]:
    """Who got which text."""
    box = Recorder()
    made.deliver(box)
    return {task.data["to"][0]["address"].partition("@")[0]: task.data["text"] for task in box.tasks}


def link_in(text: str) -> str:
    return next(word.removeprefix(SITE) for word in text.split() if word.startswith(SITE))


def test_those_who_are_asked_get_a_mail_with_what_they_may_see_and_the_link(make_desk: Any) -> None:
    made = make_desk(mail="post").made
    made.create("paper", name="A", cost="5000", secret="plan", as_="admin")
    sent = mails(made)
    assert sorted(sent) == ["lea", "leo"]
    assert sent["lea"] == (
        "May A be signed?\n\nA\n\nName: A\nCost: €5,000.00\n\nDecide here: http://localhost/approvals/1\n"
    )


def test_the_word_link_stands_where_the_message_wants_it(make_desk: Any) -> None:
    site = make_desk(mail="post")
    other = approves(mail="post").replace("May {{ record.name }} be signed?", "See {{ link }} soon")
    site.made.redefine(whole(other))
    object.__setattr__(site.made.application, "sources", Sources(address=SITE))
    site.made.create("paper", name="A", as_="kim")
    assert mails(site.made)["lea"].startswith("See http://localhost/approvals/1 soon\n")
    assert ("lea", "See /approvals/1 soon") in site.made.messages()


def whole(rules: str) -> str:
    return dedent(DESK) + dedent(POST) + "rules:" + rules.replace("\n    ", "\n")


def test_without_an_address_no_link_is_made_and_it_says_so(make_desk: Any) -> None:
    made = make_desk(address="", mail="post").made
    made.create("paper", name="A", as_="kim")
    assert mails(made) == {}
    (dead, _other) = [row for row in made.ledger("message") if row["kind"] == "mail"]
    assert (dead["state"], "--address" in dead["error"]) == ("dead", True)
    assert sorted(asked(made)) == ["lea", "leo"]


@pytest.mark.parametrize(("text", "read"), [("", ""), ("https://a.example.com/", "https://a.example.com")])
def test_the_address_is_read_strictly(text: str, read: str) -> None:
    assert read_address(text) == read
    for wrong in ("a.example.com", "ftp://a", "https://u@a", "https://a/?x=1"):
        with pytest.raises(Refused):
            read_address(wrong)


# --- for one decision ------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(make_desk: Any) -> tuple[Grounds, str]:
    """A desk where lea got a link for one decision."""
    site = make_desk(**MAILED)
    site.made.create("paper", name="A", cost="5000", secret="plan", as_="admin")
    return site, link_in(mails(site.made)["lea"])


def test_it_shows_just_that_approval_and_opening_it_decides_nothing(linked: tuple[Grounds, str]) -> None:
    site, link = linked
    stranger = site.visitor()
    shown = stranger.get(link)
    text = visiting.text(shown)
    assert (shown.status_code, "May A be signed?" in text, "€5,000.00" in text, "plan" in text) == (200, True, True, False)
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert stranger.get(f"{link}?answer=approve").status_code == 200
    assert "lea" in asked(site.made)
    assert stranger.get("/approvals/1").location.startswith("/sign_in")
    assert stranger.get("/paper/1").location.startswith("/sign_in")


def test_it_decides_once_and_only_with_its_own_token(linked: tuple[Grounds, str]) -> None:
    site, link = linked
    stranger = site.visitor()
    stranger.get(link)
    assert stranger.post(link, {"answer": "approve"}, token="wrong").status_code == 403
    assert stranger.post(link, {"answer": "refuse"}).status_code == 422
    assert stranger.post(link, {"answer": "refuse", "comment": "no"}).status_code == 200
    site.made.deliver()
    assert site.made.get("paper", 1)["outcome"] == "refused no"
    assert stranger.post(link, {"answer": "approve"}).status_code == 409
    assert "is over" in visiting.text(stranger.get(link))
    links = site.made.ledger("decision_link")
    assert sum(row["used_at"] is not None for row in links) == 1
    assert link.rpartition("/")[2] not in str(links)


@pytest.mark.parametrize("how", ["late", "handed over", "answered by another", "withdrawn", "kept out"])
def test_it_is_over_when_the_decision_is_no_longer_theirs(linked: tuple[Grounds, str], how: str) -> None:
    site, link = linked
    made, app = site.made, site.app
    stranger = site.visitor()
    stranger.get(link)
    if how == "late":
        made.clock.advance(days=2)
    elif how == "handed over":
        deeds.hand_over(app, made.actor("lea"), question_of(made, "lea"), made.id_of("dan"))
    elif how == "answered by another":
        answering.answer(app, made.actor("leo"), question_of(made, "leo"), "approve")
    elif how == "withdrawn":
        deeds.withdraw(app, made.actor("admin"), 1)
    else:
        with app.database.write() as conn:
            conn.execute(sa.update(app.tables.user).where(app.tables.user.c.login == "lea").values(active=False))
    answer = stranger.post(link, {"answer": "approve"})
    assert answer.status_code == (404 if how == "kept out" else 409)
    given = [row for row in made.ledger("asked") if row["answer"] and row["user_id"] == made.id_of("lea")]
    assert given == []


def test_a_link_nobody_made_leads_nowhere(linked: tuple[Grounds, str]) -> None:
    site, _link = linked
    assert site.visitor().get("/decide/" + "x" * 43).status_code == 404
    assert dt.timedelta(days=2) == site.made.ledger("decision_link")[0]["until_at"] - site.made.clock()
