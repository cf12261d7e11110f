"""Every type: what was parsed survives JSON and the edit box; any input becomes a value or a sentence."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from field_samples import EN, SAMPLES, ZH
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.builtin import default_registry
from engine.errors import Invalid

WITH_INPUT = [name for name in SAMPLES if name not in ("lines", "lookup", "computed", "rollup")]
texts = st.text(max_size=60)
decimals = st.decimals(min_value=-(10**9), max_value=10**9, places=1, allow_nan=False)
moments = st.datetimes(
    min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2400, 1, 1), timezones=st.just(dt.UTC)
).map(lambda moment: moment.replace(microsecond=0))
ids = st.integers(min_value=1, max_value=2**63 - 1)
id_lists = st.lists(ids, min_size=1, max_size=5, unique=True)
GOOD = {
    "text": texts, "long_text": st.text(max_size=300), "rich_text": st.text(max_size=100),
    "integer": st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1),
    "decimal": decimals, "money": decimals, "percent": decimals, "quantity": decimals,
    "boolean": st.booleans(), "choice": st.sampled_from(["red", "绿", "Blue"]),
    "choices": st.lists(st.sampled_from(["red", "green", "blue"]), min_size=1),
    "date": st.dates(), "time": st.times().map(lambda time: time.replace(microsecond=0)), "datetime": moments,
    "duration": st.integers(min_value=-(10**9), max_value=10**9),
    "series": st.from_regex("[A-Z]{2}[0-9]{1,9}", fullmatch=True),
    "link": ids, "links": id_lists, "user": ids, "role": st.sampled_from(["sales", "finance"]),
    "phone": st.from_regex(r"\+[1-9][0-9]{1,2} [0-9]{6,11}", fullmatch=True),
    "email": st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9})?@[a-z]{1,9}\.(com|cn|example)", fullmatch=True),
    "url": st.from_regex(r"(https?://)?[a-z]{1,9}\.(com|cn)(/[a-zA-Z0-9_?=&-]{0,20})?", fullmatch=True),
    "address": st.dictionaries(st.sampled_from(["province", "city", "street", "postcode"]), texts),
    "colour": st.from_regex("#?([0-9a-fA-F]{3}){1,2}", fullmatch=True),
    "rating": st.integers(min_value=1, max_value=5), "barcode": texts,
    "signature": st.lists(ids, min_size=1, max_size=1), "attachment": id_lists, "image": id_lists,
    "json": st.recursive(
        st.none() | st.booleans() | st.integers(-(10**12), 10**12) | texts
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8,
    ),
}  # fmt: skip


def parsed(field, raw, reader):
    try:
        return field.parse(raw, reader)
    except Invalid:
        return None


@pytest.mark.parametrize("name", WITH_INPUT)
def test_what_is_parsed_survives_json_and_the_edit_box(name):
    field = SAMPLES[name]
    schema = Draft202012Validator(dict(field.value_schema()))

    @settings(max_examples=60, deadline=None)
    @given(raw=GOOD[name], reader=st.sampled_from([ZH, EN]))
    def survives(raw, reader):
        value = parsed(field, raw, reader)
        if value is None:
            return
        dumped = json.loads(json.dumps(field.dump(value)))
        if not (name == "json" and isinstance(value, str)):  # a JSON string would be read as JSON text
            assert field.parse(dumped, reader) == value
        assert field.parse(field.text(value, reader), reader) == value
        assert isinstance(field.format(value, reader), str)
        assert not list(schema.iter_errors(dumped))

    survives()


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(max_size=40), st.binary(max_size=5),
    st.dates(), st.datetimes(), st.times(), st.timedeltas(),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.none())),
    st.dictionaries(st.text(max_size=3), st.integers() | st.none()), st.tuples(st.integers()),
    st.from_regex(r"[-+]?[0-9.,:/年月日hmd%¥ ]{1,20}", fullmatch=True),
)  # fmt: skip


@pytest.mark.parametrize("name", [*WITH_INPUT, "lines", "computed", "rollup", "lookup"])
def test_whatever_comes_in_the_answer_is_a_value_or_a_sentence(name):
    field = SAMPLES[name]

    @settings(max_examples=120, deadline=None)
    @given(raw=ODD, reader=st.sampled_from([ZH, EN]))
    @example(raw=10**5000, reader=ZH)
    @example(raw="9" * 5000, reader=ZH)
    @example(raw="NaN", reader=ZH)
    @example(raw=float("inf"), reader=EN)
    @example(raw="\0", reader=EN)
    @example(raw="\ud800", reader=EN)
    @example(raw=[[[]]], reader=EN)
    @example(raw={"id": {"id": 3}}, reader=EN)
    @example(raw="1e999999", reader=EN)
    @example(raw=Decimal("1e999999"), reader=EN)
    @example(raw=Decimal("sNaN"), reader=EN)
    def answers(raw, reader):
        try:
            field.parse(raw, reader)
        except Invalid as invalid:
            sentence = str(invalid)
            assert sentence.endswith(".")
            assert len(sentence) < 500

    answers()


@pytest.mark.parametrize("name", SAMPLES)
def test_empty_is_none(name):
    field = SAMPLES[name]
    assert field.parse(None, ZH) is None
    assert field.parse("", ZH) is None
    assert field.text(None, ZH) == ""
    assert field.format(None, ZH) == ""
    assert field.cell(None, ZH) == ""
    assert field.dump(None) is None
    assert field.masked(None, ZH) == ""


def test_every_built_in_type_is_sampled_and_has_an_icon_of_the_set():
    registry = default_registry()
    assert set(registry.fields) == set(SAMPLES)
    with open("static/icons.svg", encoding="utf-8") as file:
        icons = file.read()
    assert [cls.icon for cls in registry.fields.values() if f'id="{cls.icon}"' not in icons] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_have_no_mistakes(name):
    assert [(at, str(text)) for at, text in SAMPLES[name].mistakes()] == []


def test_a_mark_that_cannot_be_seen_leaves_no_double_space():
    assert SAMPLES["text"].parse("0\r\x1b\r0", ZH) == "0 0"
