"""How moments, versions, links and bodies are written and read."""

from __future__ import annotations

import pytest
from fake_clock import START

from engine.connecting.expressing import Expressing
from engine.connecting.moments import version, written
from engine.connecting.paging import Page, Place, begun, turned
from engine.connecting.parts import Pages
from engine.connecting.told import link_to_next
from engine.connectors import Item
from engine.errors import DeliveryFailed
from engine.language import Template


@pytest.mark.parametrize(
    ("value", "how", "expected"),
    [
        ("2026-03-04T09:30:00+08:00", "iso", "2026-03-04T01:30:00.000000Z"),
        ("2026-03-04T01:30:00.5Z", "iso", "2026-03-04T01:30:00.500000Z"),
        ("2026-03-04 09:30:00", "plain", "2026-03-04T01:30:00.000000Z"),
        (1772587800, "seconds", "2026-03-04T01:30:00.000000Z"),
        ("1772587800250", "milliseconds", "2026-03-04T01:30:00.250000Z"),
        (17, "iso", "00000000000000000017"),
        ("17", "iso", "00000000000000000017"),
        (1.5, "iso", "00000000000000000001.5"),
        ("2026-03-04", "iso", "2026-03-04"),
        ("a9f", "iso", "a9f"),
        ("9" * 30, "seconds", "9" * 30),
        (1772587800250, "seconds", "00000001772587800250"),
        (None, "iso", ""),
    ],
)
def test_versions_sort_as_text(value, how, expected):
    assert version(value, how, "Asia/Shanghai") == expected


def test_moments_are_written_as_the_other_side_reads_them():
    moment = "2026-03-04T01:30:00.250000Z"
    assert [written(moment, how, "Asia/Shanghai") for how in ("iso", "plain", "seconds", "milliseconds")] == [
        "2026-03-04T01:30:00Z", "2026-03-04 09:30:00", 1772587800, 1772587800250,
    ]  # fmt: skip
    assert written(None, "iso", "UTC") is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<https://a.example/x?p=2>; rel="next"', "https://a.example/x?p=2"),
        ('</first>; rel=first, </x?a=1,2>; title="more"; rel=next', "/x?a=1,2"),
        ('</x>; rel="prev next"', "/x"),
        ('</x>; rel="nextish"', None),
        ('</x>; rel="last"', None),
        ("", None),
    ],
)
def test_the_next_page_of_a_link_header(header, expected):
    assert link_to_next({"link": header}) == expected


WORDS = Expressing("archive", START)


def test_dotted_names_make_groups_and_lists():
    named = {"a.b": "x", "a.c.0.d": "x + 1", "a.c.1.d": "None", "when": "now()", "e": "[1.50, 'y']", "none": "None", "t": "given"}
    assert WORDS.grouped(named, {"x": 1, "given": {"0": "kept"}}) == {
        "a": {"b": 1, "c": [{"d": 2}]}, "when": "2026-03-04T01:30:00Z", "e": ["1.50", "y"], "t": {"0": "kept"},
    }  # fmt: skip


def test_parameters_are_texts():
    named = {"n": "7", "many": "[1, 2.50]", "none": "None", "yes": "True", "price": "item.price"}
    assert WORDS.parameters(named, {"item": {"price": 19.99}}) == {
        "n": "7", "many": ["1", "2.50"], "yes": "true", "price": "19.99",
    }  # fmt: skip


def test_numbers_of_json_are_taken_as_they_were_written():
    assert WORDS.value("decimal(item.price) * 3", {"item": {"price": 19.99}}) == "59.97"


def test_more_without_a_way_there_is_a_failure():
    pages, at = Pages(by="cursor", next="answer.next", more="answer.more"), Place("2026-03-01T00:00:00.000000Z")
    with pytest.raises(DeliveryFailed, match=r"^there says that there is more, but not where\.$"):
        turned(pages, at, Page(things("v1"), None, True), "there", START)
    ended = turned(pages, Place(at.since, next="c1", pages=1), Page(things("v1"), "c1", False), "there", START)
    assert not ended.more


def read_by(pages, answers):
    """The keys that were taken when these pages are answered, one after the other."""
    at, taken, answers = begun(pages, "2026-03-01T00:00:00.000000Z", None), [], iter(answers)
    while True:
        page = next(answers)
        after = turned(pages, at, page, "there", START)
        taken += [item.key for item in page.items] if after.counts else []
        at = after.at
        if not after.more:
            return taken, list(answers)


def page(*keys, **said):
    return Page(tuple(Item(key, "v1", {}) for key in keys), **said)


def test_a_system_that_answers_its_last_page_for_ever_has_an_end():
    a, b = page("1", "2"), page("3", "4")
    assert read_by(Pages(by="page"), [a, b, b, b, b]) == (["1", "2", "3", "4"], [])
    with pytest.raises(DeliveryFailed, match="answers the same page again and again"):
        read_by(Pages(by="page"), [a] * 9)


def test_a_total_saves_the_question_after_the_last_page():
    a, b = page("1", "2", total=4), page("3", "4", total=4)
    assert read_by(Pages(by="page", size=2), [a, b, b]) == (["1", "2", "3", "4"], [b])


def test_empty_pages_of_which_there_are_more_do_not_go_on_for_ever():
    with pytest.raises(DeliveryFailed, match="says that there is more, but not where"):
        read_by(Pages(by="offset", more="answer.more"), [page("1", more=True), *[page(more=True)] * 9])


@pytest.mark.parametrize("value", ["../x", "a/b", "a?b#c", "%2e%2e", "a b", "中"])
def test_what_is_filled_into_a_path_stays_one_part_of_it(value):
    path = WORDS.path(Template({"": "/things/{{ thing }}/x"}), {"thing": value})
    assert path.count("/") == 3
    assert "?" not in path
    assert "#" not in path


def test_what_cannot_be_worked_out_names_the_connection():
    with pytest.raises(DeliveryFailed, match=r"^'archive': item\.a \+ 1 cannot be worked out: a text \+ a number cannot be"):
        WORDS.value("item.a + 1", {"item": {"a": "x"}})


def things(*versions):
    return tuple(Item(str(place), version, {}) for place, version in enumerate(versions))


def test_a_round_in_which_something_changed_is_read_again_but_not_for_ever():
    pages, at, rounds = Pages(by="page", size=2), begun(Pages(), "2026-03-01T00:00:00.000000Z", None), 0
    full, last = things("2026-03-02T00:00:00.000000Z", "2026-03-02T00:00:01.000000Z"), things("2026-03-04T01:30:00.000000Z")
    while True:
        after = turned(pages, turned(pages, at, Page(full), "there", START).at, Page(last), "there", START)
        rounds, at = rounds + 1, after.at
        if not after.more:
            break
    assert (rounds, at.since) == (3, "2026-03-04T01:30:00.000000Z")


def test_versions_that_are_no_moments_do_not_begin_rounds_anew():
    pages = Pages(by="page", size=2)
    at = turned(pages, begun(pages, "2026-03-01T00:00:00.000000Z", None), Page(things("v8", "v9")), "there", START).at
    after = turned(pages, at, Page(things("va")), "there", START)
    assert (after.more, after.at.since) == (False, "2026-03-01T00:00:00.000000Z")


def test_a_cursor_is_read_by_later_and_earlier_versions_of_it():
    assert Place.of({**Place("2026-03-01T00:00:00.000000Z").cursor(), "unknown": 1}) == Place("2026-03-01T00:00:00.000000Z")
