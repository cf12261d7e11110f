"""Questions of rules on the pages and over the API: who sees them, what an answer leads to, who is kept out."""

from __future__ import annotations

import html
from typing import Any

import pytest
import visiting
from visiting import TICKETS, Grounds

PEOPLE = {"ann": "agent", "bob": "lead", "lea": "lead", "gus": "guest"}
RULES = """
rules:
  approve:
    label: {zh: 审批, en: Approval}
    trigger: {type: created, form: ticket}
    actions:
      - type: ask
        to: [lead, guest]
        message: {zh: "做{{ record.subject }}吗？", en: "Do {{ record.subject }}?"}
        answers:
          yes: {label: {zh: 同意, en: Approve}, style: primary}
          no: {label: {zh: 驳回, en: Reject}, style: danger, comment: required}
        at_most: 3d
        as: decision
      - {type: set, values: {subject: "record.subject + ': ' + (results.decision.answer or 'nobody')"}}
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(TICKETS + RULES, people=PEOPLE)
    found.made.create("ticket", subject="Printer", as_="ann")
    return found


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def answer(site: Grounds, who: str, name: str, **more: str) -> Any:
    return site.visitor(who).post("/notifications/questions/1", {"answer": name, **more})


@pytest.mark.parametrize("path", ["/", "/notifications", "/notifications/questions", "/ticket/1"])
def test_a_question_stands_with_its_buttons_wherever_it_is_met(site: Grounds, path: str) -> None:
    shown = site.visitor("bob").get(path)
    assert "Do Printer?" in text(shown)
    assert shown.text.count('action="/notifications/questions/1"') == 2  # the answers, and the one that asks for why
    assert 'value="yes">Approve</button>' in shown.text


def test_whoever_is_not_asked_or_may_not_see_the_record_finds_no_buttons(site: Grounds) -> None:
    for who in ("ann", "admin", "gus"):
        assert "/notifications/questions/1" not in site.visitor(who).get("/").text
        assert answer(site, who, "yes").status_code == 404
    assert "Nothing waits for your answer." in text(site.visitor("gus").get("/notifications/questions"))


def test_an_answer_leads_back_and_lets_the_run_go_on(site: Grounds) -> None:
    bob = site.visitor("bob")
    given = bob.post("/notifications/questions/1", {"answer": "no", "comment": "Too dear", "next": "/ticket/1"})
    assert (given.status_code, given.location) == (303, "/ticket/1")
    site.made.deliver()
    assert site.made.get("ticket", 1)["subject"] == "Printer: no"
    assert "Do Printer?" not in text(bob.get("/ticket/1"))
    assert "Reject · Bob" in text(site.visitor("lea").get("/notifications"))
    story = text(bob.get("/ticket/1/events"))
    assert "Bob answered “Reject” to the rule “Approval” just now Too dear" in story


def test_whoever_is_late_is_told_who_was_faster(site: Grounds) -> None:
    assert answer(site, "bob", "yes").status_code == 303
    lea = site.visitor("lea")
    late = lea.post("/notifications/questions/1", {"answer": "no", "comment": "so", "next": "/ticket/1"})
    assert (late.status_code, late.location) == (303, "/ticket/1")
    assert "Bob has answered already: Approve." in html.unescape(lea.get("/ticket/1").text)
    assert site.made.ledger("question")[0]["answer"] == "yes"


def test_a_missing_comment_is_asked_for(site: Grounds) -> None:
    bob = site.visitor("bob")
    bob.post("/notifications/questions/1", {"answer": "no"})
    assert "“Reject” needs a comment." in html.unescape(bob.get("/").text)
    assert site.made.ledger("question")[0]["state"] == "open"


def test_no_answer_leads_to_another_site(site: Grounds) -> None:
    assert answer(site, "bob", "yes", next="//evil.example").location == "/notifications/questions"


def test_the_run_tells_who_was_asked_and_what_is_missing(site: Grounds) -> None:
    admin = site.visitor("admin")
    shown = text(admin.get("/admin/automation/runs/1"))
    assert "Question waiting for answers Do Printer? the first answer decides · due" in shown
    assert shown.count("no answer yet") == 3
    answer(site, "bob", "no", comment="Too dear")
    shown = text(admin.get("/admin/automation/runs/1"))
    assert "Bob: Reject" in shown
    assert "Too dear" in shown
    assert "Ask Lead, Guest" in text(admin.get("/admin/automation/rules/approve"))


def test_a_record_says_whose_answer_it_waits_for(site: Grounds) -> None:
    assert "Waits for an answer of Bob, Gus, Lea" in text(site.visitor("ann").get("/ticket/1/events"))


def test_a_person_who_is_deactivated_is_not_waited_for(make_grounds: Any) -> None:
    site = make_grounds(TICKETS + RULES.replace("at_most: 3d", "needs: all").replace(", guest]", "]"), people=PEOPLE)
    site.made.create("ticket", subject="Printer", as_="ann")
    answer(site, "bob", "yes")
    lea = site.made.id_of("lea")
    assert site.visitor("admin").post(f"/admin/users/{lea}/active", {"active": "no"}).status_code == 303
    site.made.deliver()
    assert site.made.get("ticket", 1)["subject"] == "Printer: yes"


# --- the API


def call(site: Grounds, who: str, method: str, path: str = "", json: Any = None, scopes: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {site.token(who, scopes)}"}
    address = f"/api/v1/notifications/questions{path}"
    return site.web.test_client().open(address, method=method, headers=headers, json=json)


def test_programs_list_and_answer_questions(site: Grounds) -> None:
    listed = call(site, "bob", "GET").get_json()
    question = listed["questions"][0]
    assert (question["message"], question["form"], question["record_id"], question["record"], question["needs"]) == (
        "Do Printer?", "ticket", 1, "Printer", "any",
    )  # fmt: skip
    assert [(one["name"], one["comment"]) for one in question["choices"]] == [("yes", "optional"), ("no", "required")]
    assert [one["name"] for one in question["people"]] == ["Bob", "Gus", "Lea"]
    said = {"id": 1, "answer": "yes", "settled": True}
    for _ in range(2):
        given = call(site, "bob", "POST", "/1/answer", {"answer": "yes"})
        assert (given.status_code, given.get_json()) == (200, said)
    assert call(site, "bob", "GET").get_json() == {"questions": [], "before": None}


@pytest.mark.parametrize(
    ("who", "path", "sent", "scopes", "status"),
    [
        ("bob", "/1/answer", {"answer": "maybe"}, None, 422),
        ("bob", "/1/answer", {"answer": "no"}, None, 422),
        ("bob", "/1/answer", {}, None, 422),
        ("bob", "/1/answer", {"answer": "yes", "more": 1}, None, 422),
        ("bob", "/1/answer", {"answer": "yes"}, ["read"], 403),
        ("bob", "/2/answer", {"answer": "yes"}, None, 404),
        ("bob", "/x/answer", {"answer": "yes"}, None, 404),
        ("ann", "/1/answer", {"answer": "yes"}, None, 404),
        ("gus", "/1/answer", {"answer": "yes"}, None, 404),
    ],
)
def test_what_a_program_cannot_answer(
    site: Grounds, who: str, path: str, sent: Any, scopes: Any, status: int
) -> None:
    assert call(site, who, "POST", path, sent, scopes).status_code == status
    assert site.made.ledger("question")[0]["state"] == "open"


def test_a_program_that_is_late_is_refused(site: Grounds) -> None:
    site.made.clock.advance(days=3)
    late = call(site, "bob", "POST", "/1/answer", {"answer": "yes"})
    assert (late.status_code, late.get_json()["error"]["message"]) == (409, "The time to answer is over.")
    assert call(site, "bob", "GET").get_json()["questions"] == []
