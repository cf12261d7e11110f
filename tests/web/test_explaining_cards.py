"""Cards that explain: rates, lead times, waiting, paths and ages. Every figure leads to its records, says how it was
worked out, and counts what its reader may see."""

from __future__ import annotations

import re

import pytest
from visiting import Grounds
from works_world import NAMES, PAGE, PEOPLE, PLACE, YAML, card, links, words

from engine.web.pagecards.maps import BEGIN, END, drawn_map


@pytest.fixture
def works(make_app):
    """Two machines, one of them secret; jobs of which four are done, one after it was sent back."""
    made = make_app(YAML + PAGE, people=PEOPLE)
    site = Grounds(made)
    machines = [made.create("machine", as_="bob", name=name, secret=name == "B").id for name in "AB"]
    reports = ((0, "2026-03-02", "7h", 100, 95), (1, "2026-03-03", "4h", 50, 50), (0, "2026-02-12", "8h", 90, 90))
    for machine, day, run, count, good in reports:
        made.create("report", as_="bob", machine=machines[machine], day=day, run=run, planned="8h", made=count, good=good)
    jobs = [made.create("job", as_="bob", number=f"J{place}", machine=machines[place % 2], ordered_on="2026-03-01",
                        due_on=f"2026-0{1 + place % 3}-1{place}", price="100.10") for place in range(6)]  # fmt: skip
    for place, job in enumerate(jobs[:4]):
        made.clock.advance(hours=5 + place)
        made.take("job", job, "submit", as_="bob")
        made.clock.advance(hours=3)
        if place == 1:
            made.take("job", job, "send_back", as_="bob")
            made.clock.advance(hours=30)
            made.take("job", job, "submit", as_="bob")
        made.take("job", job, "finish", as_="bob")
    return site


def behind(site, url, who="bob"):
    answer = site.visitor(who).get(url)
    assert answer.status_code == 200, f"{url}: {words(answer.text)[:200]}"
    return sorted(set(re.findall(r">(J\d|OLD)<", answer.text)))


def part(html, text):
    """The row of a table that begins with these words, and its links."""
    row = next(one for one in re.findall(r"<tr.*?</tr>", html, re.S) if words(one).startswith(text))
    return words(row), links(row)


def test_a_rate_is_worked_out_of_several_forms_by_group_beside_its_past(works):
    html = card(works, "oee")
    assert words(html).startswith("66.5% This month 33.5 points last month 100% wanted: 80% Feb 2026: 100% Mar 2026: 66.5%")
    assert "Run / planned × good / made = 11 / 16 × 145 / 150 = 66.5%" in words(html)
    assert part(html, "A ")[0] == "A 83.1% 7 h 8 h 95 100"
    assert part(html, "B ")[0] == "B 50% 4 h 8 h 50 50"
    run, *_rest = part(html, "A ")[1]
    assert re.findall(r"where\.[^&]*", run) == ["where.machine.eq=1", "where.day.gte=2026-03-01", "where.day.before=2026-04-01"]


def test_every_figure_of_a_rate_leads_to_its_records(works):
    html = card(works, "on_time")
    assert words(html) == ("50% This month How is this worked out? 1 − late / due = 1 − 1 / 2 = 50% late 1 due 2")
    assert [behind(works, url) for url in links(html)] == [["J5"], ["J2", "J5"]]


def test_a_rate_of_nothing_is_empty(works):
    assert words(card(works, "on_time", more="?period=month&on=2025-06-01")).startswith("– Jun 2025")


def test_lead_times_lead_to_the_records_that_were_finished(works):
    html = card(works, "cycle")
    assert words(html).startswith("45 h This month median 2.2 d · 9 of 10 below 2.8 d · 4 records at most 3 d")
    assert part(html, "A ")[0] == "A 2 32.5 h 32.5 h 2.4 d"
    assert behind(works, links(html)[0]) == ["J0", "J1", "J2", "J3"]
    assert behind(works, part(html, "B ")[1][0]) == ["J1", "J3"]
    days = card(works, "from_order")
    assert words(days) == "4.8 d This month median 5 d · 9 of 10 below 6 d · 4 records"


def test_compression_is_said_with_its_formula_and_its_numbers(works):
    long_ago = works.made.adopt("job", as_="bob", number="OLD", state="done", machine=1, history=[
        {"state": "open", "entered_at": "2026-01-05T00:00:00Z", "left_at": "2026-01-09T00:00:00Z"},
        {"state": "done", "entered_at": "2026-01-09T00:00:00Z"},
    ])  # fmt: skip
    html = card(works, "cycle")
    assert "(old mean − new mean) / old mean × 100%" in words(html)
    assert long_ago.state == "done"
    assert "= (4 d − 1.875 d) / 4 d × 100% = 53.1%" in words(html)
    assert behind(works, part(html, "1 Jan 2026")[1][0]) == ["OLD"]


def test_waiting_leads_to_the_records_that_waited(works):
    html = card(works, "dwell")
    row, urls = part(html, "Open")
    assert row == "Open expected 24 h 5 33.6 h 2.7 d 7 d 3 5 1"
    found = {url.split("where.state.")[1].split("=")[0]: behind(works, url) for url in urls}
    assert found == {"stayed": ["J0", "J1", "J2", "J3"], "late": ["J1", "J2", "J3"], "again": ["J1"],
                     "handed_on": ["J0", "J1", "J2", "J3"]}  # fmt: skip
    listed = works.visitor("bob").get(urls[-1]).text
    assert "was again in" in listed
    assert "Open, 1 Mar 2026 – 31 Mar 2026" in listed


def test_every_way_on_the_map_leads_to_the_records_that_took_it(works):
    html = card(works, "process")
    assert part(html, "Checking → Open")[0] == "Checking → Open 1 3 h"
    assert behind(works, part(html, "Checking → Open")[1][0]) == ["J1"]
    assert behind(works, part(html, "Checking → Done")[1][0]) == ["J0", "J1", "J2", "J3"]
    ends = {url.split("where.state.")[1].split("=")[0]: url for url in links(html)}
    assert behind(works, ends["began"]) == ["J0", "J1", "J2", "J3", "J4", "J5"]
    assert behind(works, ends["ended"]) == ["J0", "J1", "J2", "J3"]
    assert "No record went" in card(works, "process", more="?period=year&on=2020-01-01")


def test_ages_are_summed_by_group_and_every_cell_leads_to_its_records(works):
    html = card(works, "ages")
    assert part(html, "A ")[0] == "A ¥100.10 ¥100.10 ¥100.10 ¥300.30"
    whole, not_due, *_rest = part(html, "B ")[1]
    assert behind(works, whole) == ["J1", "J3", "J5"]
    assert behind(works, not_due) == ["J5"]
    assert words(card(works, "counts")) == "Not due 2 1–30 days 2 31–60 days 2 61–90 days 0 over 90 days 0"


def test_expected_money_adds_up_week_by_week(works):
    html = card(works, "forecast")
    assert part(html, "week of 16 Mar")[0] == "week of 16 Mar ¥200.20"
    last = part(html, "week of 30 Mar")
    assert (last[0], behind(works, last[1][0])) == ("week of 30 Mar ¥200.20", ["J2", "J5"])


def test_a_figure_before_and_after_a_day(works):
    for day, machine in (("2026-02-21", 1), ("2026-02-22", 2)):
        works.made.create("report", as_="bob", machine=machine, day=day, made=30)
    html = words(card(works, "change"))
    assert html.startswith("Until then 90 10 Feb 2026 – 19 Feb 2026 Since then 30 20 Feb 2026 – 1 Mar 2026 How it changed 67%")
    assert "made / machines = 60 / 2 = 30" in html


# --- who sees what, and what was chosen ------------------------------------------------------------------------------


def test_figures_are_of_what_a_person_may_see(works):
    assert [name for name in NAMES if works.visitor("ann").get(f"/pages/wall/cards/{PLACE[name]}").status_code == 404] == [
        "ages", "forecast",  # of a price she may not read
    ]  # fmt: skip
    page = works.visitor("ann").get("/pages/wall").text
    assert "Money to come" not in page
    html = card(works, "cycle", "ann")
    assert "2 records" in words(html)
    assert behind(works, links(html)[0], "ann") == ["J0", "J2"]
    assert part(card(works, "process", "ann"), "Open → Checking")[0] == "Open → Checking 2 29.5 h"


def test_a_chosen_span_and_filter_reach_every_card(works):
    assert words(card(works, "oee", more="?period=month&on=2026-02-10")).startswith("100% Feb 2026")
    own = "?period=own&from=2026-03-03&to=2026-03-04"
    assert words(card(works, "oee", more=own)).startswith("50% 3 Mar 2026 – 4 Mar 2026")
    chosen = "?job.machine=2"
    assert words(card(works, "oee", more=chosen)).startswith("50% This month")
    assert behind(works, part(card(works, "dwell", more=chosen), "Open")[1][0]) == ["J1", "J3"]
    page = works.visitor("bob").get(f"/pages/wall{own}").text
    assert 'name="from" value="2026-03-03"' in page
    assert "/pages/wall?period=own&amp;from=2026-03-01&amp;to=2026-03-02" in page


@pytest.mark.parametrize(("address", "said"), [
    ("?period=decade", "There is no period “decade”"),
    ("?period=month&on=soon", "Expected a day such as 2026-11-22; got “soon”."),
    ("?period=own&from=2026-03-02&to=2026-03-01", "The last day is before the first."),
])  # fmt: skip
def test_a_span_that_is_none_is_refused(works, address, said):
    answer = works.visitor("bob").get(f"/pages/wall{address}")
    assert answer.status_code == 422
    assert said in answer.text


@pytest.mark.parametrize("asked", ["gone", "open,gone", "open,,someday", ""])
def test_a_visit_that_is_none_is_refused(works, asked):
    assert works.visitor("bob").get(f"/job?where.state.went={asked}").status_code == 422


# --- the map ---------------------------------------------------------------------------------------------------------


def test_states_on_the_map_do_not_lie_upon_each_other():
    names = list("abcdef")
    edges = [(BEGIN, "a"), ("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("a", "e"), ("d", "a"), ("e", "e"),
             ("e", "f"), ("f", END)]  # fmt: skip
    plan = drawn_map(names, edges)
    assert set(plan.curves) == set(edges)
    boxes = list(plan.places.values())
    for at, one in enumerate(boxes):
        assert one.x >= 0
        assert one.x + one.width <= plan.width
        assert one.y + one.height <= plan.height
        for other in boxes[at + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    assert plan.places["a"].y < plan.places["b"].y < plan.places["d"].y < plan.places["e"].y
