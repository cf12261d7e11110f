"""Boards: what stands where, and what a card dropped elsewhere does or why it goes back."""

from __future__ import annotations

import re

import pytest
from list_world import PEOPLE, YAML, fill, numbers

from engine.web.gantt import ZOOMS, text_width
from engine.web.months import weeks_of


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def desk(make_grounds):
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


def lanes(text):
    """Column → the numbers of its cards."""
    parts = re.findall(r'data-lane="([^"]+)"[^>]*>(.*?)</(?:div|td)>', text, re.S)
    return {name: re.findall(r">([AB][1-9])<", cards) for name, cards in parts}


def test_cards_stand_in_the_column_of_their_state_with_counts_and_sums(desk):
    desk.made.take("ticket", desk.ids["A1"], "start", as_="ann")
    text = desk.visitor("bob").get("/ticket?view=board").text
    assert lanes(text) == {"open": ["A2", "A3", "B1", "B2", "B3"], "work": ["A1"], "done": []}
    assert re.findall(r"data-count>(\d+)<", text) == ["5", "1", "0"]
    assert re.findall(r'lane-total">([^<]+)<', text) == ["CN¥130.50", "CN¥10.00"]


def test_a_dropped_card_takes_the_step_that_leads_there(desk):
    answer = desk.visitor("ann").post(f"/ticket/{desk.ids['A1']}/move?view=board", {"to": "work", "version": "1"})
    assert answer.status_code == 200
    assert 'data-v="2"' in answer.json["card"]
    assert desk.made.get("ticket", desk.ids["A1"])["state"] == "work"


def test_a_card_that_cannot_go_there_stays_and_is_told_why(desk):
    bob, id = desk.visitor("bob"), desk.ids["A1"]
    desk.made.take("ticket", id, "start", as_="ann")
    answer = bob.post(f"/ticket/{id}/move?view=board", {"to": "done"})
    assert answer.status_code == 409
    assert answer.json == {"refused": ["Finish: Report must be there before the state is left."]}
    assert bob.post(f"/ticket/{id}/move?view=board", {"to": "open"}).json == {
        "refused": ["No step leads from In work to Open."]
    }
    assert bob.post(f"/ticket/{id}/move?view=board", {"to": "moon"}).json == {
        "refused": ["There is no state “moon”; there is open, work, done."]
    }
    assert desk.made.get("ticket", id)["state"] == "work"


def test_a_step_that_asks_for_something_opens_its_dialog(desk):
    answer = desk.visitor("bob").post(f"/ticket/{desk.ids['A1']}/move?view=board", {"to": "done"})
    assert answer.json == {"dialog": f"/ticket/{desk.ids['A1']}/take/drop"}


def test_a_stale_card_goes_back(desk):
    desk.made.update("ticket", desk.ids["A1"], level="low")
    answer = desk.visitor("bob").post(f"/ticket/{desk.ids['A1']}/move?view=board", {"to": "work", "version": "1"})
    assert answer.status_code == 409
    assert desk.made.get("ticket", desk.ids["A1"])["state"] == "open"


def test_a_card_moved_between_choices_saves_the_choice(desk):
    bob, id = desk.visitor("bob"), desk.ids["A1"]
    assert bob.post(f"/ticket/{id}/move?view=levels", {"to": "low"}).status_code == 200
    assert desk.made.get("ticket", id)["level"] == "low"
    assert bob.post(f"/ticket/{id}/move?view=levels", {"to": "nothing"}).json == {
        "refused": ["Level must be one of Low, High; got “nothing”."]
    }


def test_more_cards_of_a_column_follow_by_place(desk):
    for number in range(30):
        desk.made.create("ticket", as_="bob", number=f"N{number:02}")
    bob = desk.visitor("bob")
    text = bob.get("/ticket?view=board").text
    address = re.search(r'hx-get="(/ticket/cards[^"]+)"', text).group(1).replace("&amp;", "&")
    more = bob.get(address).text
    assert "N18" not in more
    assert "N29" in more
    assert bob.get("/ticket/cards?view=board&lane=moon").status_code == 422
    assert bob.get("/ticket/cards?view=all&lane=open").status_code == 422


def test_the_calendar_shows_days_and_a_moved_entry_changes_its_day(desk):
    bob = desk.visitor("bob")
    days = lanes(bob.get("/ticket?view=days").text)
    assert {day: cards for day, cards in days.items() if cards} == {
        "2026-03-02": ["A1"], "2026-03-05": ["B1", "B2"], "2026-03-09": ["A2"], "2026-03-20": ["A3"],
    }  # fmt: skip
    assert bob.post(f"/ticket/{desk.ids['A1']}/move?view=days", {"to": "2026-03-11", "version": "1"}).status_code == 200
    assert str(desk.made.get("ticket", desk.ids["A1"])["due_on"]) == "2026-03-11"
    assert numbers(bob.get("/ticket?view=days&month=2026-01")) == []
    assert bob.get("/ticket?view=days&month=2026-13").status_code == 422


def test_a_month_is_whole_weeks_from_monday_to_sunday():
    import datetime as dt

    weeks = weeks_of(dt.date(2026, 2, 1))
    assert (weeks[0][0], weeks[-1][-1]) == (dt.date(2026, 1, 26), dt.date(2026, 3, 1))
    assert {len(week) for week in weeks} == {7}
    assert len(weeks_of(dt.date(2027, 2, 1))) == 4


def test_bars_stand_in_the_lane_of_their_group(desk):
    bob = desk.visitor("bob")
    desk.made.update("ticket", desk.ids["A1"], as_="bob", until="2026-03-10")
    text = bob.get("/ticket?view=plan&from=2026-03-02").text
    assert re.findall(r'class="gantt-name"><title>([^<]+)<', text) == ["Acme", "Beta", "Hush", "–"]
    bar = re.search(r"<title>A1 · ([^<]+)</title><rect[^>]* width=\"(\d+)\"", text)
    assert bar.group(1) == "2 Mar 2026 – 10 Mar 2026"
    assert int(bar.group(2)) == 9 * ZOOMS["week"].width - 4
    assert text_width("中文ab") == 40


def test_children_are_shown_below_their_parent(desk):
    bob = desk.visitor("bob")
    top = bob.get("/client?view=tree").text
    assert re.findall(r'class="open" href="[^"]+">(\w+)<', top) == ["Acme", "Hush"]
    below = bob.get(f"/client/children?view=tree&parent={desk.ids['Acme']}&level=2").text
    assert re.findall(r'class="open" href="[^"]+">(\w+)<', below) == ["Beta"]
    assert 'aria-level="2"' in below


def test_a_child_of_a_hidden_parent_stands_at_the_top(desk):
    desk.made.update("client", desk.ids["Beta"], as_="bob", above=desk.ids["Hush"])
    top = desk.visitor("ann").get("/client?view=tree").text
    assert re.findall(r'class="open" href="[^"]+">(\w+)<', top) == ["Acme", "Beta"]


def test_pages_show_figures_bars_and_records_with_a_way_to_the_list(desk):
    bob = desk.visitor("bob")
    assert ">6<" in bob.get("/pages/wall/cards/0").text
    assert ">CN¥186.00<" in bob.get("/pages/wall/cards/1").text
    bars = bob.get("/pages/wall/cards/3").text
    assert re.findall(r'bars-label" title="([^"]+)', bars)[:2] == ["Acme", "Beta"]
    assert f"/ticket?view=all&amp;where.client.eq={desk.ids['Acme']}" in bars
    assert numbers(bob.get("/pages/wall/cards/4")) == ["B3", "B2", "B1"]
    assert ">CN¥28.10<" in bob.get("/pages/wall/cards/5").text
