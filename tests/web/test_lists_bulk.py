"""Several records at once, and one cell in place: each record takes the walk on its own and says what became of it."""

from __future__ import annotations

import re
import threading

import pytest
from list_world import PEOPLE, YAML, body_rows, fill
from visiting import text

from engine.bulk import make_change
from engine.web import bulk


@pytest.fixture
def desk(make_grounds):
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


def ids(desk, *names):
    return [str(desk.ids[name]) for name in names]


def test_the_question_says_how_many_and_nothing_happens_yet(desk):
    answer = desk.visitor("bob").post("/ticket/bulk", {"action": "delete", "id": ids(desk, "A1", "B1")})
    assert "Delete 2 records" in answer.text
    assert desk.made.count("ticket") == 6


def test_a_field_of_many_records_is_changed(desk):
    data = {"action": "edit", "go": "1", "field": "level", "level": "low", "id": ids(desk, "A1", "B2")}
    answer = desk.visitor("bob").post("/ticket/bulk", data)
    assert "2 changed" in text(answer)
    assert [desk.made.get("ticket", desk.ids[name])["level"] for name in ("A1", "B2")] == ["low", "low"]


def test_a_step_is_taken_where_it_can_be_and_the_others_say_why(desk):
    desk.made.take("ticket", desk.ids["B1"], "start", as_="bob")
    data = {"action": "take", "go": "1", "transition": "start", "id": ids(desk, "A1", "B1")}
    answer = desk.visitor("bob").post("/ticket/bulk", data)
    assert "1 changed" in text(answer)
    assert "1 not changed" in text(answer)
    assert re.search(r">B1</a><span[^>]*>[^<]*In work", answer.text)
    assert desk.made.get("ticket", desk.ids["A1"])["state"] == "work"


def test_the_steps_offered_are_those_that_begin_where_the_records_stand(desk):
    desk.made.take("ticket", desk.ids["B1"], "start", as_="bob")
    answer = desk.visitor("bob").post("/ticket/bulk", {"action": "take", "id": ids(desk, "A1", "B1")})
    assert re.findall(r'name="transition" value="(\w+)"', answer.text) == ["start", "finish", "drop"]
    assert answer.text.count("1 of 2") == 3


def test_a_reason_is_asked_for_once(desk):
    data = {"action": "take", "go": "1", "transition": "drop", "id": ids(desk, "A1")}
    answer = desk.visitor("bob").post("/ticket/bulk", data)
    assert answer.status_code == 422
    assert "Drop needs a reason." in answer.text
    assert "1 changed" in text(desk.visitor("bob").post("/ticket/bulk", {**data, "reason": "twice"}))


def test_all_that_match_are_meant_when_all_is_said(desk):
    desk.visitor("bob").post("/ticket/bulk?where.level.eq=high", {"action": "delete", "go": "1", "all": "1"})
    assert desk.made.count("ticket") == 3


def test_more_than_two_hundred_become_a_job_that_reports(desk, monkeypatch):
    monkeypatch.setattr(bulk, "IN_REQUEST", 2)
    bob = desk.visitor("bob")
    answer = bob.post("/ticket/bulk", {"action": "edit", "go": "1", "field": "level", "level": "low", "all": "1"})
    assert answer.location == "/ticket/bulk/1"
    for thread in threading.enumerate():
        if thread.name.startswith("bulk"):
            thread.join(20)
    assert "6 changed" in text(bob.get("/ticket/bulk/1"))
    assert desk.visitor("ann").get("/ticket/bulk/1").status_code == 404


def test_a_job_stops_between_two_records_when_asked_to(desk):
    app, bob = desk.app, desk.made.actor("bob")
    form = app.definition.forms["ticket"]
    change = make_change(form, "edit", {"level": "low"})
    table = app.tables.job
    with app.database.write() as conn:
        conn.execute(table.insert().values(
            kind="bulk", state="running", total=6, params={"form": "ticket", "back": "/ticket"}, user_id=bob.id,
            created_at=app.clock(), cancel=True,
        ))  # fmt: skip
    bulk.run_job(app, bob, change, [desk.ids["A1"]], 1)
    assert "Stopped" in desk.visitor("bob").get("/ticket/bulk/1").text
    assert desk.made.get("ticket", desk.ids["A1"])["level"] == "high"


def test_nothing_is_picked_or_an_action_is_unknown(desk):
    bob = desk.visitor("bob")
    assert "Pick at least one record first." in bob.post("/ticket/bulk", {"action": "delete"}).text
    assert bob.post("/ticket/bulk", {"action": "eat", "id": ids(desk, "A1")}).status_code == 422
    assert bob.post("/ticket/bulk", {"action": "delete", "id": ["x", "-1", "9" * 30]}).status_code == 422


# --- one cell --------------------------------------------------------------------------------------------------------


def test_a_cell_is_changed_and_the_fresh_row_comes_back(desk):
    bob, address = desk.visitor("bob"), f"/ticket/{desk.ids['A1']}/cell?field=amount"
    assert 'name="amount"' in bob.get(address).text
    answer = bob.post(address, {"amount": "12.5", "version": "1"})
    assert answer.status_code == 200
    assert "CN¥12.50" in answer.text
    assert 'data-v="2"' in answer.text


def test_a_wrong_value_is_told_beside_the_cell(desk):
    answer = desk.visitor("bob").post(f"/ticket/{desk.ids['A1']}/cell?field=amount", {"amount": "lots", "version": "1"})
    assert answer.status_code == 422
    assert "Amount must be a number such as 1234.50; got “lots”." in answer.text
    assert 'value="lots"' in answer.text


def test_who_comes_second_sees_both_values_and_may_keep_theirs(desk):
    bob, address = desk.visitor("bob"), f"/ticket/{desk.ids['A1']}/cell?field=amount"
    desk.made.update("ticket", desk.ids["A1"], as_="ann", amount="11")
    answer = bob.post(address, {"amount": "12", "version": "1"})
    assert answer.status_code == 409
    assert "Ann changed this meanwhile" in answer.text
    assert "CN¥11.00" in answer.text
    assert "CN¥12.00" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert bob.post(address, {"amount": "12", "version": "2"}).status_code == 200


def test_a_cell_that_may_not_be_changed_offers_nothing(desk):
    bob = desk.visitor("bob")
    for name in ("locked", "twice", "state", "phone"):
        assert bob.get(f"/ticket/{desk.ids['A1']}/cell?field={name}").status_code == 422, name


def test_rows_may_be_picked_only_where_something_can_be_done(desk):
    assert body_rows(desk.visitor("ann").get("/client"))[0][0] == "Acme"
