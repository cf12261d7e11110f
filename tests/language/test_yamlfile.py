"""Reading a definition file: what it means, where it stands, and what is refused."""

from decimal import Decimal
from pathlib import Path

import pytest
from deep import DEEP
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine import yamlfile
from engine.yamlfile import Span, read_source


def findings(text):
    return [f"{one.line}:{one.column}: {one.message}" for one in read_source(text).findings]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("22:22", "22:22"),
        ("2026-11-01", "2026-11-01"),
        ("01234", "01234"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("1e3", "1e3"),
        (".nan", ".nan"),
        ("12", 12),
        ("-3", -3),
        ("0.10", Decimal("0.10")),
        ("-1.50", Decimal("-1.50")),
        ('"12"', "12"),
        ("'true'", "true"),
        ("", None),
        ("null", None),
        ("~", None),
    ],
)
def test_scalars_are_read_as_in_yaml_1_2(written, read):
    value = read_source(f"a: {written}\n").data["a"]
    assert (value, type(value)) == (read, type(read))


def test_a_question_mark_between_brackets_is_text():
    assert read_source("{zh: 确定?, en: Sure?}").data == {"zh": "确定?", "en": "Sure?"}


def test_every_key_and_value_has_its_place():
    text = "# first\na:\n  b: 'x'  # note\n  c: [1, {d: 2}]\n\n# behind\n"
    source = read_source(text)
    assert source.keys["a", "b"] == Span(13, 14, 3, 3, "")
    assert source.values["a", "b"] == Span(16, 19, 3, 6, "'")
    assert source.values["a", "c", 1, "d"] == Span(41, 42, 4, 14, "")
    assert text[slice(*source.values[("a",)][:2])] == "b: 'x'  # note\n  c: [1, {d: 2}]"


def test_the_place_of_what_is_not_written_is_that_of_what_stands_around_it():
    source = read_source("a:\n  b: 1\n")
    assert source.value_at(("a", "x", "y")).line == 2
    assert source.key_at(("a", "x")).line == 1


def test_a_byte_order_mark_and_windows_line_ends_are_fine():
    source = read_source(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n")
    assert source.data == {"a": 1, "b": {"c": 2}}
    assert source.values["b", "c"][2:4] == (3, 6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", ["3:1: 'a' stands twice, in lines 1 and 3; keep one."]),
        ("é: 1\ne\u0301: 2\n", ["2:1: 'e\u0301' stands twice, in lines 1 and 2; keep one."]),
        ("a: &x 1\n", ["1:4: '&x' is an anchor; leave it out."]),
        ("b: *x\n", ["1:4: '*x' is an alias; write the value here again."]),
        ("a: {<<: {b: 1}}\n", ["1:5: '<<' merges mappings; write the keys here again."]),
        ("a: !!int 5\n", ["1:4: '!!int' is a tag; leave it out."]),
        ("a: !secret x\n", ["1:4: '!secret' is a tag; leave it out."]),
        ("a: 1\n---\nb: 2\n", ["2:1: A second document starts here; a file holds one definition."]),
        ("? [a, b]\n: 1\n", ["1:3: A key must be a plain name, not a list, a mapping or an alias."]),
        ("{'': 1}\n", ["1:2: A key is empty."]),
        ("a:\n\tb: 1\n", ["2:1: A tab; indent with spaces."]),
        ("a: b: c\n", ["1:5: A ':' where none can stand: check the indentation, or put the text in quotes."]),
        ('a: "x\n', ["2:1: A quote or bracket is opened and never closed."]),
        ("a: x\u202ey\n", ["1:5: The character U+202E (RIGHT-TO-LEFT OVERRIDE) cannot be seen and is not allowed."]),
        ('a: "x\\u200by"\n', ["1:4: The character U+200B (ZERO WIDTH SPACE) cannot be seen and is not allowed."]),
        ("a: x\x00y\n", ["1:5: The character U+0000 (CONTROL) cannot be seen and is not allowed."]),
        (b"a: 1\nb: \xff\n", ["2:4: The file is not UTF-8 text: byte 0xff cannot be read."]),
        ("a: " + "9" * 50, ["1:4: A number of 50 digits; put it in quotes if it is a text."]),
        ("", ["1:1: The file is empty; expected a definition that starts with 'app:'."]),
        ("# nothing\n", ["1:1: The file is empty; expected a definition that starts with 'app:'."]),
        ("[" * 60, ["1:42: Nested deeper than 40 levels."]),
        ("[1,\n" * 3, ["4:1: A quote or bracket is opened and never closed."]),
        ("x" * 1_000_001, ["1:1: The file has 1000001 bytes; at most 1000000 are read."]),
    ],
)  # fmt: skip
def test_what_a_definition_may_not_hold_is_said_with_its_place(text, said):
    assert findings(text) == said


PIECES = [
    "", "{}", "[1, 2]", "{a: b}", "'it''s'", '"\\u4e2d"', "? ", "- ", "|\n  x\n", ">-\n  y\n", "# no\n", "\r\n", "\n\n", ",", ":",
    "Sure?", "中", "...", "\\", "  ",
]  # fmt: skip
EXAMPLES = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parents[1].glob("apps/*.yaml"))]


@settings(max_examples=1500 if DEEP else 150, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.data())
def test_both_parsers_see_the_same(data):
    """What the quick one answers for is what the other one reads, place by place."""
    text = data.draw(st.sampled_from(EXAMPLES))[:2500]
    for _ in range(data.draw(st.integers(0, 2))):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[start + data.draw(st.integers(0, 9)) :]
    quick = yamlfile._quickly("definition.yaml", text)
    slow = yamlfile._Composer("definition.yaml", text).compose(yamlfile._Parser)
    assert quick is None or quick == slow or quick.findings == slow.findings != ()


def test_the_definitions_of_people_are_read_by_the_quick_parser():
    assert all(yamlfile._quickly("definition.yaml", text) for text in EXAMPLES if "broken" not in text)
