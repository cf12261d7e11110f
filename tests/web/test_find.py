"""A number leads to its record: typed into the palette, scanned, or asked of /find."""

from __future__ import annotations

from typing import Any

import pytest
from tower_world import PEOPLE, YAML, fill

from engine.codes import LONGEST


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def shop(make_grounds: Any) -> Any:
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds.made)
    return grounds


def test_the_only_record_of_a_number_is_opened(shop: Any) -> None:
    ann = shop.visitor("ann")
    for typed in ("FINE", "fine", "  FINE "):
        answer = ann.get(f"/find?code={typed}")
        assert (answer.status_code, answer.location) == (303, f"/job/{shop.ids['fine']}")


def test_several_are_listed_and_none_is_searched_for(shop: Any) -> None:
    first = shop.made.create("customer", name="Acme", tag="X-1", as_="ann").id
    second = shop.made.create("customer", name="Apex", tag="X-1", as_="ann").id
    ann = shop.visitor("ann")
    text = ann.get("/find?code=X-1").text
    assert f"/customer/{first}" in text
    assert f"/customer/{second}" in text
    assert "Several records have exactly this number." in text
    assert "Acme" in ann.get("/find?code=acm").text  # the usual search
    assert ann.get("/find?code=").status_code == 200
    assert ann.get("/find?code=" + "x" * (LONGEST + 1)).status_code == 422


def test_what_one_may_not_see_is_not_found(shop: Any) -> None:
    cam = shop.visitor("cam")
    assert f"/job/{shop.ids['slow']}" not in cam.get("/find?code=SLOW").text
    assert cam.get(f"/find?code=/job/{shop.ids['slow']}").status_code == 200
    assert cam.get(f"/find?code=/job/{shop.ids['fine']}").location == f"/job/{shop.ids['fine']}"


def test_a_label_may_hold_a_whole_address_of_this_site_and_of_no_other(shop: Any) -> None:
    ann = shop.visitor("ann")
    assert ann.get(f"/find?code=http://localhost/job/{shop.ids['fine']}").location == f"/job/{shop.ids['fine']}"
    assert ann.get(f"/find?code=http://elsewhere.example/job/{shop.ids['fine']}").status_code == 200


def test_programs_get_the_hits_as_json(shop: Any) -> None:
    answer = shop.visitor("ann").get("/find?code=FINE", headers={"Accept": "application/json"})
    assert answer.json == {"hits": [{"title": "FINE", "url": f"/job/{shop.ids['fine']}", "form": "job"}]}


def test_the_palette_puts_the_exact_number_first(shop: Any) -> None:
    text = shop.visitor("ann").get("/search?q=FINE", headers={"HX-Request": "true"}).text
    assert text.index("data-exact") < text.index(f'href="/job/{shop.ids["fine"]}"') < text.index("Jobs")


def test_numbers_are_found_through_an_index(shop: Any) -> None:
    table = shop.made.application.tables.form["customer"]
    assert any([column.name for column in index.columns] == ["tag", "id"] for index in table.indexes)
