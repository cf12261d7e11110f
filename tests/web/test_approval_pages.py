"""Approvals on the pages and over the API: who sees what, and what the buttons do."""

from __future__ import annotations

import html
from textwrap import dedent
from typing import Any

import pytest
import visiting
from approval_desk import DESK, PEOPLE, approves, asked, decide, question_of
from visiting import Grounds

STEPS = "- {label: Lead, to: [lead]}\n- {label: Money, to: [money], needs: all}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_grounds: Any) -> Grounds:
    text = dedent(DESK) + "rules:" + approves(STEPS, batch="true").replace("\n    ", "\n")
    found: Grounds = make_grounds(text, people=PEOPLE)
    found.made.create("paper", name="Printer", cost="5000", secret="hidden plan", as_="admin")
    return found


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def test_what_waits_for_me_is_listed_with_what_i_may_see(site: Grounds) -> None:
    shown = text(site.visitor("lea").get("/approvals"))
    assert ("Printer" in shown, "€5,000.00" in shown, "hidden plan" in shown) == (True, True, False)
    assert "Nothing waits for your approval." in text(site.visitor("max").get("/approvals"))
    assert "Printer" in text(site.visitor("admin").get("/approvals?box=mine"))
    decide(site.made, "lea")
    assert "Printer" in text(site.visitor("lea").get("/approvals?box=done"))


def test_one_approval_shows_amounts_before_its_buttons(site: Grounds) -> None:
    page = site.visitor("lea").get("/approvals/1").text
    assert page.index("€5,000.00") < page.index('value="approve"')
    assert "hidden plan" not in page
    assert 'value="approve"' not in site.visitor("max").get("/approvals/1").text
    assert site.visitor("kim").get("/approvals/1").status_code == 200
    assert site.visitor("lea").get("/approvals/9").status_code == 404


def test_the_message_is_for_those_who_take_part(site: Grounds) -> None:
    """It may tell of what others who read the record may not see."""
    read = {
        who: (text(site.visitor(who).get("/approvals/1")), api_message(site, who))
        for who in ("lea", "admin", "kim")
    }  # fmt: skip
    asked_of = "May Printer be signed?"
    assert {who: (asked_of in page, message == asked_of) for who, (page, message) in read.items()} == {
        "lea": (True, True), "admin": (True, True), "kim": (False, False),
    }  # fmt: skip
    assert read["kim"][1] in read["kim"][0]


def api_message(site: Grounds, who: str) -> str:
    headers = {"Authorization": f"Bearer {site.token(who, None)}"}
    return str(site.web.test_client().get("/api/v1/approvals/1", headers=headers).json["message"])


def test_home_and_record_lead_to_it_instead_of_deciding_unseen(site: Grounds) -> None:
    lea = site.visitor("lea")
    for path in ("/", "/paper/1", "/notifications"):
        shown = lea.get(path).text
        assert 'href="/approvals/1"' in shown, path
        assert 'value="approve"' not in shown, path


def test_the_steps_are_drawn_on_the_record_with_who_waits(site: Grounds) -> None:
    decide(site.made, "lea", comment="fine by me")
    site.made.update("paper", 1, cost="6000")
    shown = text(site.visitor("bea").get("/paper/1"))
    for part in ("Contract approval", "fine by me", "changed since:", "€5,000.00", "€6,000.00", "Max", "May", "is asked"):
        assert part in shown, part
    assert "hidden plan" not in text(site.visitor("leo").get("/approvals/1"))


def test_buttons_decide_hand_over_and_withdraw(site: Grounds) -> None:
    lea, question = site.visitor("lea"), question_of(site.made, "lea")
    handed = lea.post("/approvals/1/hand_over", {"question": question, "person": "Dan (dan)"})
    assert (handed.status_code, sorted(asked(site.made))) == (303, ["dan", "leo"])
    site.visitor("dan").post("/approvals/1/answer", {"question": question, "answer": "approve"})
    site.visitor("dan").post("/approvals/1/answer", {"question": question, "answer": "approve"})
    site.made.deliver()
    assert sorted(asked(site.made)) == ["max", "may"]
    assert site.visitor("lea").post("/approvals/1/withdraw").status_code == 403
    site.visitor("admin").post("/approvals/1/withdraw", {"comment": "enough"})
    site.made.deliver()
    assert site.made.get("paper", 1)["outcome"] == "withdrawn enough"
    assert "Contract approval: withdrawn" in text(site.visitor("bea").get("/paper/1/events"))


def test_several_are_approved_at_once_where_the_definition_allows_it(site: Grounds) -> None:
    for name in ("B", "C"):
        site.made.create("paper", name=name, as_="kim")
    lea = site.visitor("lea")
    assert lea.get("/approvals").text.count('type="checkbox" name="question"') == 3
    done = lea.post("/approvals/batch", {"question": ["1", "2", "99"]})
    assert done.status_code == 303
    site.made.deliver()
    assert sum(1 for row in site.made.ledger("asked") if row["answer"] == "approve") == 2
    assert "Not possible: 1" in html.unescape(lea.get("/approvals").text)


def test_standing_in_is_set_on_ones_own_page_and_by_administrators(site: Grounds) -> None:
    today = site.made.clock().date().isoformat()
    form = {"person": "Dan (dan)", "from": today, "until": today, "waiting": "1"}
    lea = site.visitor("lea")
    assert lea.post("/me/standing_in", {**form, "person": "nobody"}).status_code == 422
    assert lea.post("/me/standing_in", form).status_code == 303
    assert sorted(asked(site.made)) == ["dan", "leo"]
    assert "You decide for Lea" in text(site.visitor("dan").get("/approvals/1"))
    assert "Dan" in text(lea.get("/me/standing_in"))
    assert lea.get(f"/admin/users/{site.made.id_of('leo')}/standing_in").status_code in (403, 404)
    admin = site.visitor("admin")
    assert admin.post(f"/admin/users/{site.made.id_of('leo')}/standing_in", form).status_code == 303
    assert lea.post("/me/standing_in/1/end").status_code == 303
    assert lea.post("/me/standing_in/2/end").status_code == 404


def test_the_api_reads_and_decides(site: Grounds) -> None:
    client, headers = site.web.test_client(), {"Authorization": f"Bearer {site.token('lea', None)}"}
    listed = client.get("/api/v1/approvals", headers=headers).json
    assert [one["record"] for one in listed["approvals"]] == ["Printer"]
    one = client.get("/api/v1/approvals/1", headers=headers).json
    assert [fact["text"] for fact in one["shows"]] == ["Printer", "€5,000.00"]
    assert (one["answers"], [step["mark"] for step in one["steps"]]) == (["approve", "refuse", "return"], ["waiting", "ahead"])
    at = "/api/v1/approvals/1"
    wrong = client.post(f"{at}/answer", json={"question": one["question"], "answer": "refuse"}, headers=headers)
    assert wrong.status_code == 422
    assert client.post(f"{at}/withdraw", headers=headers).status_code == 403
    handed = client.post(f"{at}/hand_over", json={"question": one["question"], "to": "dan"}, headers=headers)
    assert (handed.status_code, handed.json) == (200, {"id": 1, "state": "open"})
    own = {"Authorization": f"Bearer {site.token('dan', ['read'])}"}
    refused = client.post(f"{at}/answer", json={"question": one["question"], "answer": "approve"}, headers=own)
    assert refused.status_code == 403
