"""Cards of pages: what they count, for whom, and that every figure leads to exactly the records it counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import ClassVar

import pytest
from list_world import PEOPLE, YAML, fill, numbers
from visiting import Grounds

from engine.builtin import default_registry
from engine.cards import FormCard
from engine.fields.number import IntegerField
from engine.language import FieldName, option
from engine.tallies import Tally
from engine.web.pagecards.groups import MOST_COLUMNS, across_of

CARDS = """
pages:
  wall:
    label: Wall
    filters:
      - {fields: [{form: ticket, field: client}]}
      - {label: Due, fields: [{form: ticket, field: due_on}]}
      - {fields: [{form: ticket, field: rank}]}
    cards:
      - {type: number, label: Due now, form: ticket, date: due_on, period: month, compare: true, target: 8}
      - {type: number, label: Money, form: ticket, fold: sum, field: amount, date: due_on, compare: true, better: less, target: 100}
      - {type: trend, label: Weeks, form: ticket, date: due_on, by: week, last: 4, ahead: 2}
      - {type: trend, label: Levels, form: ticket, date: due_on, by: month, last: 3, fold: mean, field: amount, group: level, shape: bars}
      - {type: breakdown, label: Clients, form: ticket, group: client, limit: 2, fold: sum, field: amount}
      - {type: breakdown, label: Levels, form: ticket, group: level, shape: ring, where: record.amount > 5}
      - {type: table, label: Figures, form: ticket, rows: level, figures: [{fold: count}, {fold: sum, field: amount}, {fold: max, field: cost}]}
      - {type: table, label: Cross, form: ticket, rows: client, columns: level}
      - {type: records, label: New, form: ticket, columns: [number, cost], sort: [-number], limit: 3}
      - {type: board, label: Board, form: ticket, view: board, limit: 1}
      - {type: gantt, label: Plan, form: ticket, view: plan, weeks: 8}
      - {type: text, label: Note, text: {en: "First <b>\\n\\nSecond"}, tone: warning}
      - {type: number, label: Cost, form: ticket, fold: sum, field: cost}
      - {type: trend, label: Made, form: ticket, date: created_at, by: day, last: 7}
      - {type: number, label: Clients, form: client, refresh: 30s}
      - {type: trend, label: Means, form: ticket, date: due_on, by: day, last: 3, ahead: 2, fold: mean, field: amount}
      - {type: trend, label: Bars, form: ticket, date: due_on, by: day, last: 3, ahead: 2, fold: mean, field: amount, shape: bars}
      - {type: trend, label: Sums, form: ticket, date: due_on, by: day, last: 3, ahead: 2, fold: sum, field: amount}
"""
NAMES = ("due", "money", "weeks", "means", "clients", "ring", "figures", "cross", "records", "board", "gantt", "note",
         "cost", "made", "others", "mean_line", "mean_bars", "sum_line")  # fmt: skip
PLACE = {name: place for place, name in enumerate(NAMES)}


@pytest.fixture
def wall(make_grounds):
    grounds = make_grounds(YAML[: YAML.index("pages:")] + CARDS, people=PEOPLE)
    grounds.ids = fill(grounds)
    return grounds


def card(wall, name, who="bob", more=""):
    answer = wall.visitor(who).get(f"/pages/wall/cards/{PLACE[name]}{more}")
    assert answer.status_code == 200, answer.text
    return answer.text


def words(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("CN¥", "¥").split())


def links(html):
    return [unescape(url) for url in re.findall(r'href="(/[a-z]+\?[^"]*)"', html)]


def behind(wall, url, who="bob"):
    answer = wall.visitor(who).get(url)
    assert answer.status_code == 200, f"{url}: {words(answer.text)}"
    return sorted(numbers(answer))


def test_a_number_counts_the_month_beside_its_target_and_the_month_before(wall):
    html = card(wall, "due")
    assert words(html) == "5 This month more last month 0 62% of 8"
    assert [behind(wall, url) for url in links(html)] == [["A1", "A2", "A3", "B1", "B2"], []]


def test_a_sum_says_whether_more_is_good(wall):
    wall.made.create("ticket", as_="bob", number="B4", due_on="2026-02-11", amount="55")
    html = card(wall, "money")
    assert words(html) == "¥137.50 This month 150% last month ¥55.00 at most ¥100.00"
    assert 'class="change bad"' in html
    assert [behind(wall, url) for url in links(html)] == [["A1", "A2", "A3", "B1", "B2"], ["B4"]]


def test_every_point_of_a_trend_leads_to_its_records(wall):
    html = card(wall, "weeks")
    rows = re.findall(r'<th scope="row">([^<]*)</th><td class="num">(.*?)</td>', html)
    assert [(label, words(cell)) for label, cell in rows] == [
        ("week of 9 Feb", "0"), ("week of 16 Feb", "0"), ("week of 23 Feb", "0"), ("week of 2 Mar", "3"),
        ("week of 9 Mar", "1"), ("week of 16 Mar", "1"),
    ]  # fmt: skip
    found = {words(cell): links(cell) for _label, cell in rows if links(cell)}
    assert behind(wall, found["3"][0]) == ["A1", "B1", "B2"]
    assert html.count('class="chart-dot') == 6
    assert "style=" not in html


def test_lines_by_a_choice_are_means_of_what_is_there(wall):
    html = card(wall, "means")
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th>(.*?)</tr>', html)
    assert (rows[-1][0], words(rows[-1][1])) == ("Mar 2026", "¥60.25 ¥8.50")
    low, high = links(rows[-1][1])
    assert behind(wall, low) == ["A2", "B1"]
    assert behind(wall, high) == ["A1", "A3", "B2"]


def test_days_without_a_mean_are_gaps_and_those_without_a_sum_are_nothing(wall):
    mean, bars, total = (card(wall, name) for name in ("mean_line", "mean_bars", "sum_line"))
    assert re.findall(r'class="chart-path [^"]*" d="([^"]*)"', mean) == ["M10.0 83.33 M70.0 10.83"]
    assert [mean.count('class="chart-dot'), bars.count('class="chart-bar'), total.count('class="chart-dot')] == [2, 2, 5]
    figures = re.findall(r'<th scope="row">[^<]*</th><td class="num">(.*?)</td>', mean)
    assert [words(one) for one in figures] == ["¥10.00", "–", "–", "¥53.50", "–"]
    assert re.findall(r'class="chart-path [^"]*" d="([^"]*)"', total)[0].count("L") == 4


def test_what_is_beyond_the_limit_stands_together_and_leads_there(wall):
    html = card(wall, "clients")
    assert words(html) == "Acme ¥110.00 Beta ¥20.50 Others ¥10.00"
    assert [behind(wall, url) for url in links(html)] == [["A1", "B1"], ["A2"], ["A3", "B2", "B3"]]


def test_a_ring_over_a_condition_no_view_has_leads_to_its_records(wall):
    html = card(wall, "ring")
    urls = links(html)
    assert len(urls) == 4  # two pieces, two entries of the legend
    assert "view=wall." in urls[0]
    assert [behind(wall, url) for url in urls[2:]] == [["A2", "B1"], ["A1", "B2"]]
    assert words(html) == "Low: 2 High: 2 Low 2 50% High 2 50%"


def test_the_list_behind_a_card_can_be_counted_searched_and_exported(wall):
    url = links(card(wall, "ring"))[-1]
    bob = wall.visitor("bob")
    assert bob.get(url.replace("/ticket?", "/ticket/count?")).text.strip() == "2 records"
    assert bob.get(url.replace("/ticket?", "/ticket/export.csv?")).text.count("\r\n") == 3
    gone = bob.get(url.replace("view=wall.", "view=wall.0"))
    assert gone.status_code == 404
    assert "The page this link came from has changed; open the page again." in gone.text


def test_a_table_of_figures_has_a_line_for_all(wall):
    html = card(wall, "figures")
    assert words(html) == ("Level Count Amount Cost (greatest) High 3 ¥17.00 ¥62.00 Low 2 ¥120.50 ¥61.00"
                           " – 1 ¥3.00 ¥63.00 All 6 ¥140.50 ¥63.00")  # fmt: skip
    assert behind(wall, links(html)[0]) == ["A1", "A3", "B2"]
    assert behind(wall, links(html)[-1]) == ["A1", "A2", "A3", "B1", "B2", "B3"]


def test_a_table_of_two_fields_leads_from_every_cell(wall):
    html = card(wall, "cross")
    assert words(html) == "Client Low High – All Acme 1 1 2 Hush 1 1 2 Beta 1 1 – 1 1"
    cells = {url: behind(wall, url) for url in links(html)}
    assert [found for url, found in cells.items() if "client.eq" in url and "level.eq" in url] == [
        ["B1"], ["A1"], ["A3"], ["A2"],
    ]  # fmt: skip


def test_a_table_says_that_columns_are_left_out_only_when_they_are():
    def across(count):
        cells = {(1, number): Tally("count", number) for number in range(1, count + 1)}
        return across_of(IntegerField(name="rank"), cells)

    assert across(MOST_COLUMNS) == ([*range(MOST_COLUMNS, 0, -1)], False)
    assert across(MOST_COLUMNS + 1) == ([*range(MOST_COLUMNS + 1, 1, -1)], True)


def test_a_board_shows_the_first_cards_and_how_many_there_are(wall):
    html = card(wall, "board")
    assert words(html).startswith("Open 6 A1 Acme ¥10.00 5 more In work 0 Done 0")
    assert behind(wall, links(html)[0]) == ["A1", "A2", "A3", "B1", "B2", "B3"]


def test_a_time_line_and_words_are_drawn(wall):
    assert "A1" in card(wall, "gantt")
    assert card(wall, "note").strip() == (
        '<div class="card-words"><p>First &lt;b&gt;</p><p>Second</p></div>'
    )


def test_days_are_those_of_the_readers_clock(wall):
    wall.made.create("ticket", as_="bob", number="B4")
    html = card(wall, "made")
    today = re.findall(r'<th scope="row">([^<]*)</th><td class="num">(.*?)</td>', html)[-1]
    assert words(today[1]) == "7"
    assert behind(wall, links(today[1])[0]) == ["A1", "A2", "A3", "B1", "B2", "B3", "B4"]


# --- who sees what ---------------------------------------------------------------------------------------------------


def test_figures_count_only_what_a_person_may_see(wall):
    assert words(card(wall, "due", "ann")).startswith("3 This month")
    html = card(wall, "clients", "ann")
    assert words(html) == "Beta ¥20.50 Acme ¥10.00 Others –"  # A3 belongs to a client she may not see
    assert behind(wall, links(html)[-1], "ann") == ["A3"]
    assert words(card(wall, "cross", "ann")) == "Client Low High All Acme 1 1 Beta 1 1 ••• 1 1"


def test_a_card_over_a_field_that_is_hidden_is_not_there(wall):
    ann = wall.visitor("ann")
    page = ann.get("/pages/wall").text
    assert f"card-{PLACE['cost']}" not in page
    assert f'id="card-{PLACE["due"]}"' in page
    assert ann.get(f"/pages/wall/cards/{PLACE['cost']}").status_code == 404
    assert "Cost" not in card(wall, "figures", "ann")
    assert wall.visitor("gus").get(f"/pages/wall/cards/{PLACE['due']}").status_code == 404


@dataclass(frozen=True, kw_only=True)
class Longest(FormCard):
    """The greatest of a number."""

    type: ClassVar[str] = "longest"
    number: FieldName = option("The number.")

    def draw(self, look):
        return {"figure": str(look.total("max", self.number)), "url": look.behind(), "lines": [("<all>", "/ticket")]}


def test_a_card_of_a_plugin_is_drawn_within_the_rights_of_its_reader(make_app):
    registry = default_registry()
    registry.card(Longest)
    cards = "".join(f"      - {{type: longest, label: {name}, form: ticket, number: {name}}}\n" for name in ("amount", "cost"))
    text = YAML[: YAML.index("pages:")] + f"pages:\n  wall:\n    label: Wall\n    cards:\n{cards}"
    wall = Grounds(make_app(text, people=PEOPLE, registry=registry))
    fill(wall)
    ann = wall.visitor("ann")
    html = ann.get("/pages/wall/cards/0").text
    assert words(html) == "20.50 <all>"
    assert behind(wall, links(html)[0], "ann") == ["A1", "A2", "A3"]
    assert ann.get("/pages/wall/cards/1").status_code == 404
    assert "63" in wall.visitor("bob").get("/pages/wall/cards/1").text


# --- what is chosen above --------------------------------------------------------------------------------------------


def test_a_choice_above_narrows_every_card_of_the_form_and_the_lists_behind(wall):
    chosen = f"?ticket.client={wall.ids['Acme']}"
    html = card(wall, "due", more=chosen)
    assert words(html).startswith("2 This month")
    assert behind(wall, links(html)[0]) == ["A1", "B1"]
    days = "?ticket.due_on.from=2026-03-05&ticket.due_on.to=2026-03-09"
    html = card(wall, "figures", more=days)
    assert behind(wall, links(html)[-1]) == ["A2", "B1", "B2"]
    page = wall.visitor("bob").get(f"/pages/wall{chosen}").text
    assert f'<option value="{wall.ids["Acme"]}" selected>Acme</option>' in page
    assert page.count("The filters above do not reach this card.</span>") == 1
    assert 'every 30s"' in page


def test_a_filter_over_a_hidden_field_is_none(wall):
    ann = wall.visitor("ann")
    assert "ticket.rank" not in ann.get("/pages/wall").text
    refused = ann.get("/pages/wall?ticket.rank=gold")
    assert refused.status_code == 422
    assert "There is no filter “ticket.rank” on this page" in refused.text
    assert wall.visitor("bob").get("/pages/wall?ticket.due_on=someday").status_code == 422


def test_a_page_without_scripts_has_its_first_cards_and_a_button_for_its_filters(wall):
    page = wall.visitor("bob").get("/pages/wall").text
    assert "This month" in page
    assert '<form class="page-filters" method="get" action="/pages/wall"' in page
    assert "style=" not in page[page.index("<main") :]
