"""The builder of conditions as it is drawn."""

import pytest
from test_completing import DRAFT, JOB

from designer.conditions import Condition, Group, Value, parse
from designer.conditions.builder import drawn
from designer.scopes import scope_at
from engine.texts import say

SCOPE = scope_at(DRAFT, JOB)


def shown(group):
    return drawn(group if isinstance(group, Group) else parse(group, SCOPE), SCOPE, "zh")


def test_a_comparison_offers_what_fits_its_field():
    (row,) = shown("record.level in ('a', 'b')").block.parts
    assert (row.label, row.operator, row.takes) == ("等级", "one_of", "many")
    assert [slot.text for slot in row.slots] == ["a", "b"]
    assert row.slots[0].options == (("a", "高"), ("b", "b"))
    assert ("one_of", "属于") in row.operators


@pytest.mark.parametrize(
    ("left", "expression"),
    [
        ("record.level", "record.level == 'a'"),
        ("record.amount", "record.amount == 0"),
        ("record.created_at", "record.created_at == today()"),
        ("record.created_by", "record.created_by == user"),
        ("record.state.final", "record.state.final"),
        ("user.roles", "'planner' in user.roles"),
    ],
)
def test_what_nobody_said_yet_is_guessed(left, expression):
    assert shown(Group("all", (Condition(left, ""),))).expression == expression


def test_a_text_that_is_missing_is_waited_for():
    found = shown(Group("all", (Condition("record.name", "is", (Value("text", ""),)),)))
    assert (found.expression, found.problem) == (None, None)


def test_what_cannot_be_read_is_said():
    found = shown(Group("all", (Condition("record.amount", "is", (Value("number", "12a"),)),)))
    assert found.expression is None
    assert say(found.problem, "zh") == "12a 不是数字;请只用数字和小数点。"


def test_a_comparison_nobody_offers_is_kept():
    (row,) = shown("record.name").block.parts
    assert (row.operator, ("holds", "已填写") in row.operators) == ("holds", True)


def test_names_stand_under_headings():
    names = dict(shown("").names)
    assert ("record.amount", "数量") in names["此记录"]
    assert ("record.site.limit", "工地 › 上限") in names["此记录 › 工地"]
