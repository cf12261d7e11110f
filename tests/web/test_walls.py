"""Wall screens: a link an administrator makes, which shows one tower as a role sees it and opens nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tower_world import PEOPLE, YAML, fill


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def shop(make_grounds: Any) -> Any:
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds.made)
    return grounds


def make(shop: Any, **change: str) -> Any:
    values = {"name": "Hall 1", "address": "/job?view=tower&where.line.eq=one", "role": "cutter", "language": "en"}
    return shop.visitor("admin").post("/admin/walls", {**values, **change})


def link(shop: Any) -> str:
    return re.search(r"http://localhost(/wall/[\w-]+)", make(shop).text)[1]  # type: ignore[index]


def test_a_screen_shows_its_tower_without_anybody_signed_in(shop: Any) -> None:
    client = shop.web.test_client()
    answer = client.get(link(shop))
    assert (answer.status_code, answer.location) == (303, "/job?view=tower&where.line.eq=one&wall=1")
    page = client.get(answer.location)
    assert page.status_code == 200
    assert "LATE" in page.text
    assert "SLOW" not in page.text
    assert "shell-body" not in page.text  # no frame around it
    after = re.search(r'data-after="(\d+)"', page.text)[1]  # type: ignore[index]
    assert client.get(f"/live?forms=job&after={after}").status_code == 204


def test_it_opens_nothing_else_and_changes_nothing(shop: Any) -> None:
    client = shop.web.test_client()
    address = client.get(link(shop)).location
    for path in ("/", "/job", "/job?view=tower&wall=1", f"/job/{shop.ids['late']}", "/job/export.csv", "/api/v1/records/job",
                 "/search?q=LATE", "/find?code=LATE", "/files/1", "/admin/walls"):  # fmt: skip
        assert client.get(path).status_code in (303, 401), path
    assert client.post(f"/job/{shop.ids['late']}/take/cut").status_code in (303, 401, 403)
    assert client.get(address + "&limit=3").status_code == 200


def test_its_pages_follow_one_another(shop: Any) -> None:
    client = shop.web.test_client()
    address = client.get(link(shop)).location
    first = client.get(address + "&limit=3")
    further = re.search(r'data-next="([^"]+)"', first.text)[1].replace("&amp;", "&")  # type: ignore[index]
    second = client.get(further)
    assert "wall=1" in further
    assert ("LATE" in first.text, "FREE" in first.text) == (True, False)
    assert ("LATE" in second.text, "FREE" in second.text) == (False, True)


def test_a_revoked_link_goes_dark_at_once(shop: Any) -> None:
    client, way = shop.web.test_client(), link(shop)
    address = client.get(way).location
    assert client.get(address).status_code == 200
    admin = shop.visitor("admin")
    assert "Hall 1" in admin.get("/admin/walls").text
    assert admin.post("/admin/walls/1/revoke", {}).status_code == 303
    assert client.get(address).status_code == 303
    assert shop.web.test_client().get(way).status_code == 404
    assert admin.post("/admin/walls/1/revoke", {}).status_code == 404


def test_only_administrators_make_them_and_only_for_towers(shop: Any) -> None:
    assert shop.visitor("ann").get("/admin/walls").status_code == 403
    assert shop.visitor("ann").post("/admin/walls", {"name": "x"}).status_code == 403
    for change in ({"address": "/job?view=all"}, {"address": "/customer"}, {"address": "http://elsewhere.example/job"},
                   {"role": "admin"}, {"role": "nobody"}, {"name": " "}):  # fmt: skip
        assert make(shop, **change).status_code == 422, change
    stored = shop.made.ledger("wall")
    assert stored == []
    assert make(shop).status_code == 200
    assert "http" not in str(shop.made.ledger("wall"))
