"""What is wrong with a feed is said when the definition is read, with what to write instead."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from feeding_world import DESK, SHARED, feed
from hypothesis import given
from hypothesis import strategies as st

from engine.expressions import EvaluationFailed, compile_expression
from engine.load import examine


def said(source: str, severity: str = "error") -> list[str]:
    _definition, _source, findings = examine(source, SHARED)
    return [f"{one.path}: {one.message}" for one in findings if one.severity == severity and one.path.startswith("feeds")]


def test_a_feed_that_is_right() -> None:
    assert said(DESK) == []


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("read: tickets", "read: tikets", "read: 'east' has nothing called 'tikets' to read; did you mean 'tickets'?"),
        ("[east, west]", "[east, east]", "from.1: 'east' is named twice."),
        ("[east, west]", "[east, post]", "from.1: 'post' is a connection of type smtp, of which nothing can be read."),
        ("unique: [[source, number]]", "unique: [[name, number]]",
         "match: Two records of 'ticket' may have the same in source, number, so a thing could become two records; write"
         " `unique: [[source, number]]` at the form."),
        ("name: item.name", "nam: item.name", "values.nam: 'ticket' has no field 'nam'; did you mean 'name'?"),
        ("name: item.name", "both: item.name", "values.both: 'both' is worked out by itself and cannot be set."),
        ("name: item.name", "steps: item.name", "values.steps: 'steps' holds lines; write it under `lines`."),
        ("count: line.count", "cont: line.count", "lines.steps.values.cont: 'step' has no field 'cont'; did you mean 'count'?"),
        ("codes.level", "codes.levels", "values.level: There is no code table 'levels'; did you mean 'level'?"),
        ("name: item.name", "name: line.name", "values.name: There is no name line here"),
        ("name: item.name", "name: record.name", "values.name: There is no name record here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(old: str, new: str, wanted: str) -> None:
    source = DESK.replace(
        "      note: {type: text,", "      both: {type: computed, result: {type: text}, value: record.name, label: {en: B, zh: 二}}\n      note: {type: text,"
    ).replace("connections:\n", "connections:\n  post: {type: smtp, host: mail.example.com, sender: a@example.com}\n")
    assert old in source
    assert f"feeds.tickets.{wanted}" in " ".join(said(source.replace(old, new)))


@pytest.mark.parametrize("option", ["every", "since", "waits"])
def test_lengths_of_time(option: str) -> None:
    assert said(feed(DESK, f"{option}: 5s")) == [f"feeds.tickets.{option}: 10 seconds (10s) at least."]


def test_what_nobody_tells_may_be_a_slip() -> None:
    assert said(DESK.replace("name: item.name", "name: item.nmae"), "warning") == [
        "feeds.tickets.values.name: Nothing that is read is called 'nmae'; did you mean 'name'?"]  # fmt: skip


def test_record_is_known_in_ready_and_when() -> None:
    assert said(feed(DESK, "ready: record.closed\nwhen: record is None or record.name != 'x'")) == []
    assert "clsed" in said(feed(DESK, "ready: record.clsed"))[0]


# --- decode and convert


def value(source: str, **names: Any) -> Any:
    return compile_expression(source, SHARED).evaluate(names)


def test_decode() -> None:
    table = {"H": "high", "1": "one", "true": "yes"}
    assert [value("decode(x, t)", x=x, t=table) for x in ("H", 1, True, None, "")] == ["high", "one", "yes", None, None]
    assert value("decode(x, t, 'low')", x="?", t=table) == "low"
    with pytest.raises(EvaluationFailed, match="The code “\\?” is in no row of the table; it has H, 1, true"):
        value("decode(x, t)", x="?", t=table)


def test_convert() -> None:
    wanted = {
        "convert(1, 'lb', 'kg')": "0.45359237", "convert('2.5', 'kg', 'g')": "2500", "convert(3, 'dozen', 'pcs')": "36",
        "convert(90, 'min', 'h')": "1.5", "convert(1, 'm3', 'L')": "1000", "convert(1, 'ft2', 'm2')": "0.09290304",
        "convert(10, '斤', 'kg')": "5", "convert(1, 'm', 'ft')": "3.280839895013",
    }  # fmt: skip
    assert {source: str(value(source)) for source in wanted} == wanted
    assert value("convert(x, 'kg', 'g')", x=None) is None
    for source, part in {
        "convert(1, 'kg', 'm')": "one is mass, the other length", "convert(1, 'stone', 'kg')": "There is no unit stone",
        "convert('x', 'kg', 'g')": "“x” is no number",
    }.items():  # fmt: skip
        with pytest.raises(EvaluationFailed, match=part):
            value(source)


@given(st.decimals(-10**6, 10**6, places=4), st.sampled_from(["kg", "lb", "oz", "t", "g"]))
def test_there_and_back(amount: Decimal, unit: str) -> None:
    there = value("convert(x, u, 'g')", x=amount, u=unit)
    assert abs(value("convert(x, 'g', u)", x=there, u=unit) - amount) < Decimal("0.00000001")


# --- scenarios

STORIES = """
scenarios:
  told:
    label: {en: Two tell of one thing, zh: 两处同物}
    given:
      - {create: ticket, as: old, by: clerk, values: {source: west, number: "9"}}
    steps:
      - {arrives: tickets, item: {no: "1", name: first}}
      - {arrives: tickets, connection: west, item: {no: "1", name: first}}
      - {arrives: tickets, item: {no: "1", name: second}}
      - {arrives: tickets, connection: west, item: {no: "9", name: known}}
      - {arrives: tickets, item: {no: "3", price: "-1"}, refused: price}
    then:
      - {count: 3, form: ticket}
      - {count: 1, form: ticket, where: record.name == 'second'}
      - {of: old, values: {name: known}}
"""


def test_a_scenario_says_what_arrives(tmp_path: Path) -> None:
    from engine.load import load_text
    from engine.scenarios.running import run_scenarios as run

    results = run(load_text(DESK + STORIES, SHARED), SHARED)
    assert [str(failure) for result in results for failure in result.failures] == []
    (wrong,) = run(load_text(DESK + STORIES.replace(", refused: price", ""), SHARED), SHARED)
    assert len(wrong.failures) >= 1


def test_a_scenario_that_cannot_be_played() -> None:
    def wrong(old: str, new: str) -> list[str]:
        return [str(one.message) for one in examine(DESK + STORIES.replace(old, new, 1), SHARED)[2]]

    assert "There is no feed 'tickts'; did you mean 'tickets'?" in wrong("arrives: tickets", "arrives: tickts")
    assert "'item' is missing: 'arrives' needs it." in wrong(', item: {no: "1", name: first}', "")
