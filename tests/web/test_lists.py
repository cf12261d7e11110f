"""The list: what it shows, how it is narrowed, sorted and paged, and what is refused in a query string."""

from __future__ import annotations

import re

import pytest
from list_world import PEOPLE, YAML, body_rows, fill, messages, numbers


@pytest.fixture
def desk(make_grounds):
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


def test_the_first_view_shows_its_columns_in_its_order_with_readable_values(desk):
    page = desk.visitor("bob").get("/ticket")
    assert page.status_code == 200
    rows = body_rows(page)
    assert rows[0] == ["", "A1", "Acme", "2 Mar 2026", "High", "CN¥10.00", "", "Open"]
    assert [row[1] for row in rows] == ["A1", "B1", "B2", "A2", "A3", "B3"]


def test_filters_search_and_sort_narrow_and_order_the_list(desk):
    bob = desk.visitor("bob")
    assert numbers(bob.get("/ticket?where.level.eq=high")) == ["A1", "B2", "A3"]
    assert numbers(bob.get("/ticket?where.level.in=high&where.level.in=low&where.amount.gte=20&sort=-amount")) == [
        "B1",
        "A2",
    ]
    assert numbers(bob.get("/ticket?where.due_on.this_week=1")) == ["A1", "B1", "B2"]
    assert numbers(bob.get("/ticket?q=B1")) == ["B1"]
    assert numbers(bob.get(f"/ticket?where.client.eq={desk.ids['Hush']}")) == ["A3", "B3"]
    assert numbers(bob.get("/ticket?sort=-client,number")) == ["A3", "B3", "A2", "A1", "B1", "B2"]


def test_links_in_a_table_of_their_own_are_filtered_too(desk):
    bob, urgent = desk.visitor("bob"), desk.ids["urgent"]
    assert numbers(bob.get(f"/ticket?where.tags.has={urgent}&columns=number,tags")) == ["B2"]
    assert numbers(bob.get(f"/ticket?where.tags.has_not={urgent}")) == ["A1", "B1", "A2", "A3", "B3"]
    assert numbers(bob.get("/ticket?where.tags.not_empty=1")) == ["B2"]
    assert "urgent" in body_rows(bob.get(f"/ticket?where.tags.has={urgent}&columns=number,tags"))[0][2]


def test_values_without_a_column_of_their_own_are_worked_out(desk):
    rows = body_rows(desk.visitor("bob").get("/ticket?columns=number,twice,grade&where.number.eq=A1"))
    assert rows == [["", "A1", "CN¥20.00", "5"]]


def test_pages_follow_each_other_in_both_directions(desk):
    bob = desk.visitor("bob")
    first = bob.get("/ticket?limit=4")
    following = re.search(r'href="(/ticket\?[^"]*after=[^"]*)"', first.text).group(1).replace("&amp;", "&")
    second = bob.get(following)
    assert numbers(first) == ["A1", "B1", "B2", "A2"]
    assert numbers(second) == ["A3", "B3"]
    back = re.search(r'href="(/ticket\?[^"]*before=[^"]*)"', second.text).group(1).replace("&amp;", "&")
    assert numbers(bob.get(back)) == ["A1", "B1", "B2", "A2"]
    assert "next" not in re.findall(r'rel="(\w+)"', second.text)


def test_a_page_costs_the_same_few_statements_however_many_rows(desk):
    bob = desk.visitor("bob")
    bob.get("/ticket")
    asked: list[str] = []
    import sqlalchemy as sa

    sa.event.listen(desk.app.database.engine, "before_cursor_execute", lambda c, cur, text, *rest: asked.append(text))
    bob.get("/ticket?limit=1")
    one = len([text for text in asked if text.lstrip().upper().startswith("SELECT")])
    asked.clear()
    bob.get("/ticket?limit=100")
    assert len([text for text in asked if text.lstrip().upper().startswith("SELECT")]) == one <= 4


def test_count_and_totals_come_on_their_own(desk):
    bob = desk.visitor("bob")
    assert bob.get("/ticket/count?where.level.eq=high").text == "3 records"
    assert "CN¥140.50" in bob.get("/ticket/totals").text
    assert "CN¥186.00" in bob.get("/ticket/totals").text


def test_quick_filters_carry_counts(desk):
    text = desk.visitor("bob").get("/ticket/quick?by=level").text
    assert re.findall(r'in" value="(\w+)".*?quick-count">(\d+)', text, re.S) == [("low", "2"), ("high", "3")]


def test_a_late_record_is_marked(desk):
    desk.made.clock.advance(hours=5)
    assert desk.visitor("bob").get("/ticket").text.count('class="overdue" title="Overdue"') == 6


def test_an_empty_list_says_what_to_do_next(desk):
    assert "Clear the filters" in desk.visitor("bob").get("/ticket?q=nowhere").text
    for ticket in ("A1", "A2", "A3"):
        desk.made.delete("ticket", desk.ids[ticket])
    assert "No records here yet" in desk.visitor("ann").get("/ticket").text


NOT_UNDERSTOOD = (
    ("where.nothing.eq=1", "There is no field “nothing” to use here; there is"),
    ("where.number.near=1", "There is no operator “near” for this field; there is"),
    ("where.due_on.eq=soon", "Due on must be a date"),
    ("sort=nothing", "There is no field “nothing” to use here; there is"),
    ("columns=number,nothing", "There is no field “nothing” to use here; there is"),
    ("limit=1000", "limit is a number from 1 to 100, not “1000”."),
    ("wher.level.eq=high", "There is no parameter “wher.level.eq”; there is"),
    ("after=x&before=y", "Give either after or before, not both."),
    ("after=%00", "The place in the list cannot be read"),
    ("where.amount.eq=", "Amount: the filter “eq” needs a value."),
)


def test_what_is_not_understood_is_refused_by_name(desk):
    bob = desk.visitor("bob")
    for query, said in NOT_UNDERSTOOD:
        answer = bob.get(f"/ticket?{query}")
        assert answer.status_code == 422
        assert any(text.startswith(said) for text in messages(answer)), (query, messages(answer))


GARBAGE = (
    "view=",
    "view=nothing",
    "sort=,,,",
    "sort=-",
    "columns=,",
    "limit=-1",
    "limit=٣",
    "after=W10",
    "after=" + "A" * 5000,
    "where.=1",
    "where..=",
    "where.id.eq=99999999999999999999",
    "where.id.eq=-1",
    "where.number.contains=%00",
    "q=%00",
    "q=" + "x" * 300,
    "q=%27%22%3B--",
    "where.created_at.after=9999-12-31T23:59",
    "where.client.in=1,2,x",
    "&".join("where.number.eq=1" for _ in range(30)),
    "where.number.in=" + "a," * 500,
    "where.level.eq=%F0%9F%92%A9",
    "where.amount.between=1",
    "where.amount.between=,",
    "saved=x",
    "%00=1",
    "view=days",
    "where.tags.has=x",
)
PATHS = (
    "",
    "/count",
    "/totals",
    "/filter",
    "/columns",
    "/saved",
    "/export.csv",
    "/cards",
    "/children",
    "/quick",
    "/options",
)


def test_garbage_in_a_query_string_never_breaks_anything(desk):
    bob = desk.visitor("bob")
    answers = {(path, query): bob.get(f"/ticket{path}?{query}").status_code for path in PATHS for query in GARBAGE}
    assert {place: status for place, status in answers.items() if status >= 500} == {}


def test_columns_are_chosen_and_kept_in_the_address(desk):
    page = desk.visitor("bob").get("/ticket?columns=level,number")
    assert body_rows(page)[0][1:3] == ["High", "A1"]
    assert "columns=level%2Cnumber" in page.text


def test_a_condition_is_made_step_by_step_without_a_script(desk):
    bob = desk.visitor("bob")
    assert "/ticket/filter?view=all&amp;field=level" in bob.get("/ticket/filter").text
    asked = bob.get("/ticket/filter?field=level")
    assert 'name="value" value="high"' in asked.text
    answer = bob.get("/ticket/filter_by?field=level&operator=in&value=high&sort=-number")
    assert answer.status_code == 303
    assert answer.location == "/ticket?view=all&where.level.in=high&sort=-number"
    quick = bob.htmx("GET", "/ticket/filter_by?field=level&operator=in&value=high")
    assert quick.headers["HX-Push-Url"] == "/ticket?view=all&where.level.in=high"
    assert numbers(quick) == ["A1", "B2", "A3"]


# --- saved views -----------------------------------------------------------------------------------------------------


def test_a_view_is_saved_shared_and_opened_first(desk):
    ann, bob = desk.visitor("ann"), desk.visitor("bob")
    made = bob.post("/ticket/saved", {"name": "High ones", "query": "view=all&where.level.in=high", "shared": "1"})
    assert made.status_code == 303
    assert made.location == "/ticket?saved=1&view=all&where.level.in=high"
    assert "High ones" in ann.get("/ticket").text
    bob.post("/ticket/saved/1", {"do": "open"})
    assert bob.get("/ticket").location == "/ticket?saved=1&view=all&where.level.in=high"
    assert ann.get("/ticket").status_code == 200
    assert ann.post("/ticket/saved/1", {"do": "delete"}).status_code == 404
    bob.post("/ticket/saved/1", {"do": "keep"})
    assert "High ones" not in ann.get("/ticket").text


def test_a_view_with_a_field_of_no_ones_is_not_saved(desk):
    answer = desk.visitor("bob").post("/ticket/saved", {"name": "x", "query": "where.nothing.eq=1"})
    assert answer.status_code == 422
