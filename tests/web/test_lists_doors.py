"""Nothing hidden passes any door of lists, boards, pages, search and exports: no record, no field, no hint."""

from __future__ import annotations

import re

import pytest
from list_world import PEOPLE, YAML, body_rows, fill, messages, numbers

LISTS = (
    "/ticket", "/ticket?view=all", "/ticket?view=board", "/ticket?view=levels", "/ticket?view=days&month=2026-03",
    "/ticket?view=plan&from=2026-03-01", "/ticket/cards?view=board&lane=open", "/pages/wall/cards/4", "/search?q=B1",
    "/search?q=A1",
)  # fmt: skip


@pytest.fixture
def desk(make_grounds):
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


def test_hidden_records_and_fields_appear_nowhere(desk):
    ann = desk.visitor("ann")
    for path in LISTS:
        text = ann.get(path).text
        main = text[text.find("<main") :] if "<main" in text else text
        assert not re.search(r"\bB[123]\b", main.replace('value="B1"', "").replace("“B1”", "")), path
        for hidden in ("Cost", "Rank", "Hush", "61.00"):
            assert hidden not in main, path


def test_who_may_see_nothing_is_told_there_is_nothing(desk):
    gus = desk.visitor("gus")
    for path in LISTS:
        answer = gus.get(path)
        assert answer.status_code == (200 if path.startswith("/search") else 404), path
        assert not re.search(r">[AB][123]<", answer.text[answer.text.find("<main") :]), path


def test_counts_and_sums_are_of_what_may_be_seen(desk):
    ann = desk.visitor("ann")
    assert ann.get("/ticket/count").text == "3 records"
    totals = ann.get("/ticket/totals").text
    assert "CN¥30.50" in totals
    assert ">186" not in totals
    assert re.findall(r'quick-count">(\d+)', ann.get("/ticket/quick?by=level").text) == ["1", "2"]
    assert "3" in ann.get("/pages/wall/cards/0").text
    state = ann.get("/pages/wall/cards/2").text
    assert re.findall(r'class="figure">(\d+)', state) == ["3"]


USES = (
    "/ticket?where.{}.eq=61", "/ticket?where.{}.gt=1", "/ticket?where.{}.empty=1", "/ticket?sort={}",
    "/ticket?sort=-{}",
    "/ticket?columns={}", "/ticket/filter?field={}", "/ticket/quick?by={}", "/ticket/options?field={}",
    "/ticket/1/cell?field={}", "/ticket/count?where.{}.eq=61", "/ticket/totals?sort={}",
    "/ticket?view=board&where.{}.eq=1",
    "/ticket?view=days&where.{}.eq=1", "/ticket?view=plan&sort={}",
    "/ticket/filter_by?field={}&operator=eq&value=61",
)  # fmt: skip


def test_a_field_that_may_not_be_read_is_answered_like_one_that_does_not_exist(desk):
    ann = desk.visitor("ann")
    for use in USES:
        hidden, unknown = ann.get(use.format("cost")), ann.get(use.format("cosy"))
        assert hidden.status_code == unknown.status_code == 422, use
        assert [text.replace("cost", "cosy") for text in messages(hidden)] == messages(unknown), use


def test_a_board_or_card_over_a_hidden_field_is_refused(desk):
    ann = desk.visitor("ann")
    assert ann.get("/ticket?view=ranks").status_code == 422
    assert ann.get("/pages/wall/cards/1").status_code == 404
    assert ">186" not in ann.get("/pages/wall/cards/1").text
    assert "Ranks" not in ann.get("/ticket").text
    assert "cards/1" not in ann.get("/pages/wall").text
    assert "Ranks" in desk.visitor("bob").get("/ticket").text


def test_a_field_hidden_on_some_records_is_shown_where_it_may_be_and_never_filters(desk):
    desk.made.take("ticket", desk.ids["A1"], "start", as_="ann")
    ann = desk.visitor("ann")
    assert body_rows(ann.get("/ticket?columns=number,margin&where.number.eq=A1"))[0][2] == ""
    said = "Margin is hidden on some records, so lists cannot be filtered or sorted by it."
    for use in ("where.margin.eq=7", "sort=margin"):
        assert messages(ann.get(f"/ticket?{use}")).count(said) >= 1
    assert body_rows(desk.visitor("bob").get("/ticket?columns=number,margin&where.number.eq=A1"))[0][2] == "7"


def test_a_sensitive_value_is_masked_and_cannot_be_felt_for(desk):
    bob = desk.visitor("bob")
    assert "13812345678" not in bob.get("/ticket?columns=number,phone").text
    assert "••••5678" in bob.get("/ticket?columns=number,phone").text
    assert bob.get("/ticket?where.phone.contains=138").status_code == 422
    assert bob.get("/ticket?sort=phone").status_code == 422
    assert numbers(bob.get("/ticket?where.phone.eq=13812345678")) == ["B3"]
    assert "13812345678" not in bob.get("/ticket/export.csv?columns=number,phone").text


def test_the_title_of_a_record_one_may_not_see_is_not_told(desk):
    ann, hush = desk.visitor("ann"), desk.ids["Hush"]
    rows = {row[1]: row[2] for row in body_rows(ann.get("/ticket"))}
    assert rows == {"A1": "Acme", "A2": "Beta", "A3": "•••"}
    assert ann.get("/ticket?sort=client").status_code == 422  # the order would tell it
    assert "Hush" not in ann.get(f"/ticket?where.client.eq={hush}").text
    assert "Hush" not in ann.get("/pages/wall/cards/3").text
    assert [one["title"] for one in ann.get("/ticket/options?field=client").json] == ["Beta", "Acme"]
    assert ann.get("/ticket/options?field=client&q=Hush").json == []


def test_only_who_may_export_exports(desk):
    for suffix in ("csv", "xlsx"):
        assert desk.visitor("ann").get(f"/ticket/export.{suffix}").status_code == 403
        assert desk.visitor("gus").get(f"/ticket/export.{suffix}").status_code == 404


def test_what_is_changed_goes_through_the_same_rights(desk):
    ann, ids = desk.visitor("ann"), desk.ids
    assert ann.get(f"/ticket/{ids['B1']}/cell?field=number").status_code == 404
    assert ann.post(f"/ticket/{ids['B1']}/cell?field=number", {"number": "X", "version": "1"}).status_code in (403, 404)
    assert ann.post(f"/ticket/{ids['B1']}/move?view=board", {"to": "work"}).status_code in (404, 409)
    answer = ann.post(
        "/ticket/bulk", {"action": "edit", "go": "1", "field": "number", "number": "X", "id": [str(ids["B1"])]}
    )
    assert answer.status_code == 422
    assert ann.post("/ticket/bulk", {"action": "delete", "id": [str(ids["A1"])]}).status_code == 422
    assert desk.made.get("ticket", ids["B1"])["number"] == "B1"
    assert desk.made.get("ticket", ids["B1"])["state"] == "open"


def test_pages_are_for_their_roles_and_cards_for_who_may_read_their_form(desk):
    assert desk.visitor("gus").get("/pages/wall/cards/0").status_code == 404
    assert "None of the cards of this page is for your roles." in desk.visitor("gus").get("/pages/wall").text
