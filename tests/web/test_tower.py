"""The control tower: what stands on it, in which order, and how much at risk."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from tower_world import PEOPLE, YAML, fill

from engine.towers import RISKS


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The rest of it is asked of both in test_tower_risk.py."""
    return sqlite_url


@pytest.fixture
def shop(make_grounds: Any) -> Any:
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds.made)
    return grounds


def rows(text: str) -> list[tuple[str, str]]:
    """(risk, number) of each row, in order."""
    found = re.findall(r'<tr id="r\d+"[^>]*tone-(\w+)">.*?class="open"[^>]*>([^<]+)<', text, re.S)
    return [(next(name for name, one in RISKS.items() if one.colour == colour), number) for colour, number in found]


def counts(text: str) -> list[str]:
    return re.findall(r'data-risk="\w+">([^<]+)<', text)


def test_open_records_stand_by_risk_and_then_by_promise(shop: Any) -> None:
    text = shop.visitor("ann").get("/job?view=tower").text
    assert rows(text) == [("late", "LATE"), ("will_be_late", "SLOW"), ("at_risk", "NEAR"),
                          ("on_time", "FINE"), ("on_time", "FREE")]  # fmt: skip
    assert counts(text) == ["1", "1", "1", "2"]


def test_a_record_at_its_end_is_no_longer_on_it(shop: Any) -> None:
    for step in ("cut", "pack", "send"):
        shop.made.update("job", shop.ids["late"], note="n", as_="ann")
        shop.made.take("job", shop.ids["late"], step, as_="ann")
    assert "LATE" not in shop.visitor("ann").get("/job?view=tower").text


def test_a_risk_filters_counts_and_exports_alike(shop: Any) -> None:
    ann = shop.visitor("ann")
    assert rows(ann.get("/job?view=tower&risk=late&risk=at_risk").text) == [("late", "LATE"), ("at_risk", "NEAR")]
    assert ann.get("/job/count?view=tower&risk=late").text == "1 record"
    csv = ann.get("/job/export.csv?view=tower&risk=late").text
    assert "LATE" in csv
    assert "SLOW" not in csv
    assert ann.get("/job?view=tower&risk=red").status_code == 422
    assert ann.get("/job?view=all&risk=late").status_code == 422


def test_pages_go_on_across_the_risks_without_a_gap(shop: Any) -> None:
    ann, address, seen = shop.visitor("ann"), "/job?view=tower&limit=2", []
    while address:
        text = ann.get(address).text
        seen += [number for _risk, number in rows(text)]
        more = re.search(r'href="([^"]+)"[^>]*rel="next"', text)
        address = more[1].replace("&amp;", "&") if more else ""
    assert seen == ["LATE", "SLOW", "NEAR", "FINE", "FREE"]


def test_the_step_its_time_and_what_comes_next_are_told(shop: Any) -> None:
    shop.made.take("job", shop.ids["fine"], "cut", as_="ann")
    shop.made.clock.now += dt.timedelta(days=3)
    text = shop.visitor("ann").get("/job?view=tower&q=FINE").text
    assert (
        '<i class="past" title="Planned"></i><i class="now" title="Cutting"></i><i class="" title="Packed"></i>' in text
    )
    assert "3 d / 2 d" in text
    assert 'class="over"' in text
    assert "Packed" in text.split("tw-next", 1)[1]


def test_a_record_aside_stands_halted_where_it_would_go_on(shop: Any) -> None:
    shop.made.take("job", shop.ids["fine"], "cut", as_="ann")
    shop.made.take("job", shop.ids["fine"], "halt", as_="ann")
    text = shop.visitor("ann").get("/job?view=tower&q=FINE").text
    assert '<i class="past" title="Planned"></i><i class="halted" title="Cutting"></i>' in text
    assert "Halted" in text


def test_it_says_what_is_waited_for_in_words(shop: Any) -> None:
    shop.made.update("job", shop.ids["free"], short=True, as_="ann")
    text = shop.visitor("ann").get("/job?view=tower&q=FREE").text
    waits = re.findall(r'tw-wait"[^>]*>.*?</svg>([^<]+)<', text, re.S)
    assert waits == ["Material", "A price", "The material must be there"]
    shop.made.take("job", shop.ids["fine"], "cut", as_="ann")
    assert "Note" in shop.visitor("ann").get("/job?view=tower&q=FINE").text.split("tw-waits", 1)[1]


def test_what_is_waited_for_may_be_read_from_a_linked_record(make_grounds: Any) -> None:
    asks = YAML.replace("when: record.price is None", "when: record.client.tag is None and record.line == 'one'")
    grounds = make_grounds(asks, people=PEOPLE)
    ids, made = fill(grounds.made), grounds.made
    tagged = made.create("customer", name="Tagged", tag="T1", as_="ann")
    for name in ("late", "near"):
        made.update("job", ids[name], client=tagged.id if name == "late" else None, as_="ann")
    text = grounds.visitor("ann").get("/job?view=tower").text
    told = {row.split("<", 1)[0] for row in re.split(r'class="open"[^>]*>', text)[1:] if "A price" in row}
    assert told == {"NEAR", "FINE", "FREE"}


ASKING = """
  colour:
    label: {zh: 问颜色, en: Colour}
    trigger: {type: updated, form: job}
    actions:
      - type: ask
        to: [planner]
        message: {zh: 什么颜色？, en: Which colour?}
        answers: {red: {label: {zh: 红, en: Red}}, blue: {label: {zh: 蓝, en: Blue}}}
        as: decision
"""


def test_of_records_with_the_same_values_the_one_with_a_question_says_so(make_grounds: Any) -> None:
    grounds = make_grounds(YAML.replace("\npages:", f"{ASKING}pages:"), people=PEOPLE)
    ids = fill(grounds.made)
    for name in ("near", "fine"):  # equal in all that a tower reads of them
        grounds.made.update("job", ids[name], note="ask", as_="ann")
    grounds.made.deliver()
    grounds.visitor("ann").post("/notifications/questions/2", {"answer": "red", "next": "/"})
    rows = re.split(r'class="open"[^>]*>', grounds.visitor("ann").get("/job?view=tower").text)[1:]
    assert {row.split("<", 1)[0]: "Which colour?" in row for row in rows} == {
        "LATE": False, "SLOW": False, "NEAR": True, "FINE": False, "FREE": False}  # fmt: skip


def test_nobody_is_told_what_depends_on_a_field_they_may_not_see(shop: Any) -> None:
    assert "A price" in shop.visitor("ann").get("/job?view=tower&q=FREE").text
    text = shop.visitor("cam").get("/job?view=tower").text
    assert "A price" not in text
    assert "SLOW" not in text
    assert counts(text) == ["1", "0", "1", "2"]


def test_records_are_grouped_under_headings_with_counts(shop: Any) -> None:
    text = shop.visitor("ann").get("/job?view=tower&group=line").text
    heads = re.findall(r'tw-group">.*?<th[^>]*><span>(.*?)</span>.*?lane-count">(\d+)<', text, re.S)
    assert [(re.sub("<.*?>", "", label), count) for label, count in heads] == [("one", "4"), ("two", "1")]
    assert shop.visitor("ann").get("/job?view=tower&group=price").status_code == 422


def test_the_same_records_as_lanes_and_as_a_time_line(shop: Any) -> None:
    ann = shop.visitor("ann")
    lanes = ann.get("/job?view=tower&show=kanban").text
    assert re.findall(r'data-lane="(\w+)"', lanes) == list(RISKS)
    assert re.findall(r'data-lane="(\w+)"', ann.get("/job?view=tower&show=kanban&group=state").text) == [
        "planned", "cutting", "halted", "packed"]  # fmt: skip
    line = ann.get("/job?view=tower&show=timeline").text
    assert line.count('class="tw-line') == 5
    assert line.count('rect class="tw-promise') == 4


def test_what_people_wrote_is_shown_as_they_wrote_it(shop: Any) -> None:
    client = shop.made.create("customer", name="C & <i>", as_="ann")
    shop.made.create("job", number="A & <b>", client=client.id, as_="ann")
    for look in ("", "&show=kanban", "&show=timeline", "&wall=1"):
        text = shop.visitor("ann").get(f"/job?view=tower{look}").text
        assert "A &amp; &lt;b&gt;<" in text, look
        assert not any(raw in text for raw in ("A & <b>", "C & <i>", "&amp;amp;")), look
    assert 'aria-label="Message about A &amp; &lt;b&gt;"' in shop.visitor("ann").get("/job?view=tower").text


def test_a_message_to_whoever_is_responsible_begins_with_their_name(shop: Any) -> None:
    shop.made.take("job", shop.ids["fine"], "cut", as_="ann")
    ann = shop.visitor("ann")
    dialog = ann.get(f"/job/{shop.ids['fine']}/nudge").text
    assert "@cam" in dialog
    assert f'action="/job/{shop.ids["fine"]}/comments"' in dialog
    assert ann.post(f"/job/{shop.ids['fine']}/comments", {"body": "@cam when?"}).status_code == 303
    assert shop.made.messages() == [("cam", "Ann mentioned you at FINE")]
    assert shop.visitor("cam").get(f"/job/{shop.ids['slow']}/nudge").status_code == 404


def test_a_tower_told_by_a_hidden_field_is_none_for_whoever_may_not_see_it(make_grounds: Any) -> None:
    grounds = make_grounds(
        YAML.replace("price: {read: false}", "price: {read: false}, due_on: {read: false}"), people=PEOPLE
    )
    fill(grounds.made)
    cam = grounds.visitor("cam")
    for path in ("/job?view=tower", "/job/count?view=tower&risk=late", "/job/fresh?view=tower&since=0&shown=1"):
        assert cam.get(path).status_code == 422, path
    assert "view=tower" not in cam.get("/job").text
