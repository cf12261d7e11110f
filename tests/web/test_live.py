"""What appears by itself: one cheap question, then only the rows that changed, each with the rights of whoever looks."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from tower_world import PEOPLE, YAML, fill

from engine import live


@pytest.fixture
def shop(make_grounds: Any) -> Any:
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds.made)
    return grounds


def start_of(text: str) -> int:
    """The event a page begins from."""
    return int(re.search(r'data-after="(\d+)"', text)[1])  # type: ignore[index]


def test_while_nothing_happens_the_answer_is_empty(shop: Any) -> None:
    ann = shop.visitor("ann")
    after = start_of(ann.get("/job").text)
    first = ann.get(f"/live?forms=job&after={after}")
    assert (first.status_code, first.data) == (204, b"")
    again = ann.get(f"/live?forms=job&after={after}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.headers["ETag"]) == (204, first.headers["ETag"])


def test_a_change_is_told_by_the_forms_it_concerns(shop: Any) -> None:
    ann = shop.visitor("ann")
    after = start_of(ann.get("/job").text)
    client = shop.made.create("customer", name="Acme", as_="ann")
    told = ann.get(f"/live?forms=job,receipt,nothing&after={after}").json
    assert told["changed"] == ["job"]  # its titles stand in jobs
    shop.made.update("customer", client, name="Apex", as_="ann")
    assert ann.get(f"/live?forms=receipt&after={told['after']}").json["changed"] == []
    assert shop.visitor("cam").get(f"/live?forms=customer&after={after}").json["changed"] == []  # not hers to see


def test_only_the_rows_that_changed_are_drawn_again(shop: Any) -> None:
    ann, ids = shop.visitor("ann"), shop.ids
    after = start_of(ann.get("/job?view=all").text)
    shop.made.update("job", ids["near"], line="two", as_="ann")
    new = shop.made.create("job", number="MORE", as_="ann").id
    shown = ",".join(str(ids[name]) for name in ("late", "near", "fine", "slow"))
    fresh = ann.get(f"/job/fresh?view=all&since={after}&shown={shown}").json
    assert set(fresh["rows"]) == {str(ids["near"]), str(new)}
    assert f'<tr id="r{ids["near"]}" data-v="2"' in fresh["rows"][str(ids["near"])]
    assert fresh["order"].index(new) == sorted(["LATE", "NEAR", "FINE", "SLOW", "FREE", "MORE"]).index("MORE")
    assert fresh["gone"] == []


def test_a_row_that_no_longer_belongs_there_is_gone(shop: Any) -> None:
    cam, ids = shop.visitor("cam"), shop.ids
    after = start_of(cam.get("/job?view=all").text)
    shop.made.update("job", ids["near"], line="two", as_="ann")
    fresh = cam.get(f"/job/fresh?view=all&since={after}&shown={ids['near']},{ids['late']}").json
    assert fresh["gone"] == [ids["near"]]
    assert str(ids["near"]) not in fresh["rows"]
    shop.made.update("job", ids["near"], number="SECRET", as_="ann")
    again = cam.get(f"/job/fresh?view=all&since={after}&shown=")
    assert "SECRET" not in again.text
    assert str(ids["near"]) not in again.json["rows"]


def test_a_card_goes_to_its_lane_and_lanes_are_counted(shop: Any) -> None:
    ann, ids = shop.visitor("ann"), shop.ids
    after = start_of(ann.get("/job?view=board").text)
    shop.made.take("job", ids["fine"], "cut", as_="ann")
    fresh = ann.get(f"/job/fresh?view=board&since={after}&shown={ids['fine']}").json
    assert fresh["lanes"][str(ids["fine"])] == "cutting"
    assert (fresh["counts"]["planned"], fresh["counts"]["cutting"]) == ("4", "1")


def test_the_tower_draws_rows_and_counts_again(shop: Any) -> None:
    ann, ids = shop.visitor("ann"), shop.ids
    after = start_of(ann.get("/job?view=tower").text)
    shop.made.update("job", ids["late"], due_on="2030-01-01", as_="ann")
    fresh = ann.get(f"/job/fresh?view=tower&since={after}&shown={ids['late']}").json
    assert "tone-green" in fresh["rows"][str(ids["late"])]
    assert 'data-risk="late">0<' in fresh["parts"]["tw-chips"]
    assert fresh["order"][0] == ids["slow"]
    assert ann.get(f"/job/fresh?view=tower&group=line&since={after}&shown=").json == {"whole": True}


def test_a_record_page_is_told_who_changed_it_and_nobody_else(shop: Any) -> None:
    ann, cam, ids = shop.visitor("ann"), shop.visitor("cam"), shop.ids
    page = cam.get(f"/job/{ids['fine']}").text
    after, version = start_of(page), int(re.search(r'data-record="\d+" data-v="(\d+)"', page)[1])  # type: ignore[index]
    asked = f"/live?forms=job&after={after}&record={ids['fine']}&version={version}"
    shop.made.update("job", ids["near"], note="other", as_="ann")
    assert "version" not in cam.get(asked).json
    shop.made.update("job", ids["fine"], note="mine", as_="ann")
    told = cam.get(asked).json
    assert (told["by"], told["version"]) == ("Ann", version + 1)
    shop.made.update("job", ids["fine"], line="two", as_="ann")
    assert cam.get(asked).json["gone"] is True
    assert ann.get(asked).json["version"] == version + 2


def test_an_event_that_was_numbered_earlier_and_comes_later_is_noticed(shop: Any) -> None:
    ann, app = shop.visitor("ann"), shop.made.application
    after = start_of(ann.get("/job").text)
    with app.database.read() as conn:
        beat = live.pulse(conn, app.tables, after)
    one_less = live.Pulse(beat.last, beat.behind - 1).tag
    told = ann.get(f"/live?forms=job&after={after}", headers={"If-None-Match": one_less}).json
    assert told["changed"] == ["job"]
    assert told["since"] < after


def test_asking_does_not_keep_a_session_alive(shop: Any, clock: Any) -> None:
    ann = shop.visitor("ann")
    after = start_of(ann.get("/job").text)
    for _ in range(8):
        clock.now += dt.timedelta(minutes=5)
        answer = ann.get(f"/live?forms=job&after={after}")
    assert (answer.status_code, answer.location) == (303, f"/sign_in?next=/live%3Fforms%3Djob%26after%3D{after}")
