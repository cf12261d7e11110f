"""Addresses with numbers no database holds, sessions that end in the middle of work, jobs whose process is gone, and
saved views that outlived a field."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from list_world import PEOPLE, YAML, fill, numbers
from visiting import text

from engine.web import bulk

ENORMOUS = "9" * 23


@pytest.fixture
def database_url(sqlite_url):
    """Nothing here depends on the database."""
    return sqlite_url


@pytest.fixture
def desk(make_grounds):
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


# --- numbers ---------------------------------------------------------------------------------------------------------


def addresses(web, number):
    """Every address with numbers in it, each of them ``number``, the other parts those of the tickets."""
    words = {"form_name": "ticket", "field_name": "client", "other_name": "ticket", "name": "x"}
    for rule in web.url_map.iter_rules():
        if not any(type(each).__name__ == "RecordNumber" for each in rule._converters.values()):
            continue
        path = rule.rule
        for name, converter in rule._converters.items():
            value = str(number) if type(converter).__name__ == "RecordNumber" else words.get(name, "x")
            path = path.replace(f"<{name}>", value)
            path = path.replace(f"<int:{name}>", value).replace(f"<int(max=9223372036854775807):{name}>", value)
        yield from ((method, path) for method in sorted(rule.methods or ()) if "<" not in path)


@pytest.mark.parametrize("number", [ENORMOUS, str(2**63), str(2**63 - 1), "0"])
def test_a_number_no_record_has_is_an_address_that_leads_nowhere(desk, number):
    admin = desk.visitor("admin")
    asked = list(addresses(desk.web, number))
    assert len(asked) > 60
    for method, path in asked:
        answer = admin.post(path, method=method) if method not in ("GET", "HEAD", "OPTIONS") else admin.client.open(path, method=method)
        assert answer.status_code < 500, (method, path)


@pytest.mark.parametrize("path", [f"/ticket/options/client?id={ENORMOUS}", f"/ticket/new?from={ENORMOUS}"])
def test_a_number_no_record_has_is_nothing_in_a_parameter_either(desk, path):
    assert desk.visitor("bob").get(path).status_code < 500


POSTED = [
    ("/ticket/{id}/take/start", {"_version": ENORMOUS}),
    ("/ticket/{id}/delete", {"_version": ENORMOUS}),
    ("/ticket/{id}", {"_version": ENORMOUS, "_seen": ENORMOUS}),
    ("/ticket/{id}/cell?field=client", {"version": "1", "client": ENORMOUS}),
    ("/ticket/{id}/cell?field=client", {"version": "1", "client": "²"}),
    ("/ticket/draft?id=" + ENORMOUS, {"number": "x"}),
    ("/ticket/react?id=" + ENORMOUS, {"number": "x"}),
    ("/ticket/bulk", {"action": "edit", "id": ENORMOUS}),
    ("/files", {"form": "ticket", "field": "papers", "id": ENORMOUS}),
]


@pytest.mark.parametrize(("path", "data"), POSTED)
@pytest.mark.parametrize("digits", [23, 5000])
def test_a_number_no_record_has_is_nothing_in_a_post(desk, path, data, digits):
    sent = {key: "9" * digits if value == ENORMOUS else value for key, value in data.items()}
    answer = desk.visitor("bob").post(path.format(id=desk.ids["A1"]), sent)
    assert answer.status_code < 500


def test_nobody_keeps_a_draft_of_what_they_may_not_save(desk):
    hidden = desk.ids["B1"]
    assert desk.visitor("ann").post(f"/ticket/draft?id={hidden}", {"number": "x"}).status_code == 404
    assert desk.visitor("gus").post("/ticket/draft", {"number": "x"}).status_code == 404
    assert desk.visitor("bob").post(f"/ticket/draft?id={hidden}", {"number": "x"}).status_code == 200


# --- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [{"HX-Request": "true"}, {"X-Requested-With": "fetch"}])
@pytest.mark.parametrize("path", ["/ticket/1", "/ticket/draft", "/ticket/react", "/ticket/1/comments", "/files"])
def test_a_page_with_something_typed_is_not_taken_away_when_its_session_ends(grounds, header, path):
    visitor = grounds.visitor("ann")
    grounds.made.clock.advance(minutes=31)
    answer = visitor.post(path, {"subject": "Typed"}, headers=header)
    assert answer.status_code == 401
    assert json.loads(answer.headers["HX-Trigger"]) == {"signed-out": {}}
    assert "HX-Redirect" not in answer.headers
    assert answer.text == "You have been signed out. What you typed is still here."


def test_that_holds_when_the_browser_forgot_the_cookie_too(grounds):
    visitor = grounds.visitor("ann")
    visitor.client.delete_cookie("appmill")
    answer = visitor.client.post("/ticket/new", data={"subject": "Typed"}, headers={"HX-Request": "true"})
    assert answer.status_code == 401


def test_signing_in_again_hands_the_page_its_new_token(grounds):
    visitor = grounds.visitor("ann")
    grounds.made.clock.advance(minutes=31)
    answer = visitor.sign_in("ann")
    token = answer.headers["X-CSRF-Token"]
    assert visitor.post("/ticket/new", {"subject": "Typed"}, token=token).location == "/ticket/1"


# --- jobs ------------------------------------------------------------------------------------------------------------


def orphan(desk, heard=None):
    """A job of Bob's that changed 7 of 300 and is at work no more."""
    app, bob = desk.app, desk.user("bob")
    params = {"form": "ticket", "back": "/ticket", "action": "edit", "heard_at": (heard or app.clock()).isoformat()}
    with app.database.write() as conn:
        made = conn.execute(
            sa.insert(app.tables.job).values(
                kind="bulk", state="running", total=300, progress=7, params=params, user_id=bob.id,
                result={"done": 7, "failed": 0, "failures": []}, created_at=app.clock(), started_at=app.clock(),
            )
        )  # fmt: skip
    return made.inserted_primary_key[0]


SAID = "The server stopped after about 7 of 300. What was changed so far stays changed; do it again for the others."


def test_a_job_whose_process_ended_is_interrupted_at_the_next_start(desk):
    job = orphan(desk)
    assert bulk.end_orphans(desk.app) == 1
    answer = desk.visitor("bob").get(f"/ticket/bulk/{job}")
    assert SAID in text(answer)
    assert "hx-trigger" not in answer.text.split('id="bulk-progress"')[1].split(">")[0]
    assert bulk.end_orphans(desk.app) == 0


def test_a_job_nobody_hears_of_any_more_is_shown_as_interrupted(desk):
    job = orphan(desk, desk.app.clock() - dt.timedelta(minutes=3))
    assert SAID in text(desk.visitor("bob").get(f"/ticket/bulk/{job}"))


def test_a_job_that_is_heard_of_is_at_work(desk):
    job = orphan(desk)
    assert "Working on 300 records" in text(desk.visitor("bob").get(f"/ticket/bulk/{job}"))


# --- saved views -----------------------------------------------------------------------------------------------------


def kept_view(desk, query):
    with desk.app.database.write() as conn:
        conn.execute(
            sa.insert(desk.app.tables.saved_view).values(
                form="ticket", owner=desk.user("bob").id, name="Old", query=query, shared=False, is_default=True
            )
        )


def test_a_saved_view_opens_with_what_still_works_and_says_what_is_gone(desk):
    kept_view(desk, "view=gone&where.level.in=high&where.colour.eq=red&sort=-colour&columns=number,colour")
    bob = desk.visitor("bob")
    first = bob.get("/ticket", follow_redirects=True)
    assert first.status_code == 200
    assert first.request.full_path == "/ticket?saved=1&view=all&where.level.in=high&columns=number"
    assert "There is no view “gone”" in first.text
    assert numbers(first) == numbers(bob.get("/ticket?view=all&where.level.in=high"))


def test_what_is_typed_into_the_address_itself_is_still_refused(desk):
    kept_view(desk, "view=all&where.level.in=high")
    assert desk.visitor("bob").get("/ticket?saved=1&where.colour.eq=red").status_code == 422
