"""What people type, on Chinese and Western keyboards, and the whole sentence where it cannot be read."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pytest
from field_samples import EN, OPTIONS, SAMPLES, ZH

from engine import fields
from engine.errors import Invalid
from engine.formats import Reader
from engine.language import Label
from engine.texts import say

UTC = dt.UTC


def refusal(field, raw, reader=ZH):
    with pytest.raises(Invalid) as caught:
        field.parse(raw, reader)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("integer", "１２３，４５６", 123456),
        ("integer", "1,234", 1234),
        ("integer", "-5", -5),
        ("integer", "3万", 30000),
        ("integer", 12.0, 12),
        ("decimal", "１２３，４５６．７", D("123456.700")),
        ("decimal", "1 234.5", D("1234.500")),
        ("decimal", "−2.5", D("-2.500")),
        ("decimal", ".5", D("0.500")),
        ("decimal", 0.1, D("0.100")),
        ("decimal", "-0", D("0.000")),
        ("money", "￥1，234.5", D("1234.50")),
        ("money", "-¥1,234.50", D("-1234.50")),
        ("money", "1234元", D("1234.00")),
        ("money", "CNY 12", D("12.00")),
        ("money", "1.2万", D("12000.00")),
        ("percent", "12.5%", D("12.5")),
        ("percent", "１２．５％", D("12.5")),
        ("quantity", "2.5 t", D("2500.000")),
        ("quantity", "2.5T", D("2500.000")),
        ("quantity", "500g", D("0.500")),
        ("quantity", "７ kg", D("7.000")),
        ("quantity", "3", D("3.000")),
        ("boolean", "是", True),
        ("boolean", "off", False),
        ("choice", "红", "red"),
        ("choice", " Green ", "green"),
        ("choices", "蓝,red", None),
        ("choices", "绿、red", ("red", "green")),
        ("colour", "ABC", "#aabbcc"),
        ("phone", "＋86 138 0013 8000", "+86 138 0013 8000"),
        ("phone", "0592-5123456转802", "0592-5123456转802"),
        ("phone", 13800138000.0, "13800138000"),
        ("email", "Li.Lei＠Example.COM", "Li.Lei@example.com"),
        ("url", "example.com/a", "https://example.com/a"),
        ("link", "#12", 12),
        ("link", {"id": 12, "title": "x"}, 12),
        ("links", "3, 1，3", (3, 1)),
        ("address", {"city": " 厦门 ", "street": ""}, {"city": "厦门"}),
        ("rating", "４", 4),
        ("json", '{"a": [1, null]}', {"a": [1, None]}),
        ("text", " a \n b ", "a b"),
        ("long_text", "a\r\nb ", "a\nb"),
    ],
)
def test_typed_text_becomes_the_value(name, typed, value):
    if value is None:
        with pytest.raises(Invalid):
            SAMPLES[name].parse(typed, ZH)
    else:
        assert SAMPLES[name].parse(typed, ZH) == value


@pytest.mark.parametrize(
    "typed",
    ["2026-11-22", "2026/11/22", "2026.11.22", "20261122", "2026年11月22日", "２０２６－１１－２２", "22 Nov 2026",
     "Nov 22, 2026", "22-November-2026", "2026-11-22 00:00:00", "2026-11-22T00:00"],
)  # fmt: skip
def test_dates(typed):
    assert SAMPLES["date"].parse(typed, EN) == dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("typed", "value"),
    [("9:5", dt.time(9, 5)), ("０９：０５", dt.time(9, 5)), ("0905", dt.time(9, 5)), ("9点半", dt.time(9, 30)),
     ("9点", dt.time(9)), ("下午3:30", dt.time(15, 30)), ("3:30 pm", dt.time(15, 30)), ("12:15 am", dt.time(0, 15)),
     ("23:59:58", dt.time(23, 59, 58))],
)  # fmt: skip
def test_times(typed, value):
    assert SAMPLES["time"].parse(typed, ZH) == value


@pytest.mark.parametrize(
    ("typed", "value"),
    [("1h30", dt.timedelta(minutes=90)), ("90m", dt.timedelta(minutes=90)), ("2d", dt.timedelta(days=2)),
     ("1.5 h", dt.timedelta(minutes=90)), ("1:30", dt.timedelta(minutes=90)), ("1小时30分钟", dt.timedelta(minutes=90)),
     ("2天4小时", dt.timedelta(days=2, hours=4)), ("1w 1d", dt.timedelta(days=8)), ("-45m", -dt.timedelta(minutes=45)),
     (3600, dt.timedelta(hours=1))],
)  # fmt: skip
def test_durations(typed, value):
    assert SAMPLES["duration"].parse(typed, ZH) == value


@pytest.mark.parametrize(
    ("typed", "reader", "value"),
    [
        ("2026-11-22 14:30", ZH, dt.datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        ("2026-11-22T14:30", ZH, dt.datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        ("2026年11月22日14点30分", ZH, dt.datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        ("2026-11-22T06:30:00Z", ZH, dt.datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        ("2026-11-22T01:30:00-05:00", EN, dt.datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
        ("2026-11-22", ZH, dt.datetime(2026, 11, 21, 16, 0, tzinfo=UTC)),
        ("22 Nov 2026, 3:30 pm", EN, dt.datetime(2026, 11, 22, 14, 30, tzinfo=UTC)),
        (dt.datetime(2026, 11, 22, 14, 30), ZH, dt.datetime(2026, 11, 22, 6, 30, tzinfo=UTC)),
    ],
)
def test_moments(typed, reader, value):
    assert SAMPLES["datetime"].parse(typed, reader) == value


def test_a_local_time_that_clocks_skip_is_refused():
    assert refusal(SAMPLES["datetime"], "2026-03-29 02:30", EN) == (
        "Datetime: 2026-03-29 02:30 does not exist in Europe/Berlin, clocks skip it; choose a time an hour later."
    )


def test_a_local_time_shown_twice_is_the_first_and_the_second_is_edited_with_its_offset():
    field, first = SAMPLES["datetime"], dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert field.parse("2026-10-25 02:30", EN) == first
    assert field.text(first, EN) == "2026-10-25T02:30"
    second = first + dt.timedelta(hours=1)
    assert field.text(second, EN) == "2026-10-25T02:30+01:00"
    assert field.parse("2026-10-25T02:30+01:00", EN) == second


PRICED = fields.DecimalField(name="price", label=Label({"zh": "单价", "en": "Price"}), scale=2, min=D(1), max=D(1000))
CODE = fields.TextField(name="code", min_length=3, max_length=5, pattern="[A-Z]{2}[0-9]+")


@pytest.mark.parametrize(
    ("field", "raw", "sentence"),
    [
        (PRICED, "abc", "Price must be a number such as 12.5; got “abc”."),
        (PRICED, "1e5", "Price must be a number such as 12.5; got “1e5”."),
        (PRICED, "NaN", "Price must be a number such as 12.5; got “NaN”."),
        (PRICED, float("inf"), "Price must be a number such as 12.5; got “inf”."),
        (PRICED, True, "Price must be a number such as 12.5; got “True”."),
        (PRICED, "0.5", "Price must be at least 1.00; got 0.50."),
        (PRICED, "1000.01", "Price must be at most 1,000.00; got 1,000.01."),
        (PRICED, "1.005", "Price must have at most 2 digits after the point; got “1.005”."),
        (PRICED, "1234567890123", "Price must be at most 999,999,999,999; got 1234567890123."),
        (PRICED, "1,23", "Price must be a number such as 12.5; got “1,23”."),
        (SAMPLES["money"], "$5", "Money must be a number such as 1234.50; got “$5”."),
        (SAMPLES["integer"], "1.5", "Integer must be a whole number; got “1.5”."),
        (SAMPLES["integer"], "9" * 20,
         "Integer must be at most 9,007,199,254,740,991; got 99,999,999,999,999,999,999."),
        (SAMPLES["quantity"], "3 lb", "Quantity must be a number and a unit (kg, t, g), such as 2.5 kg; got “3 lb”."),
        (CODE, "AB", "Code must have at least 3 characters; got 2."),
        (CODE, "AB1234", "Code must have at most 5 characters; got 6."),
        (CODE, "ab12", "Code must be of the form [A-Z]{2}[0-9]+; got “ab12”."),
        (CODE, ["AB1"], "Code must be a text; got “['AB1']”."),
        (CODE, "A\0B", "Code contains a character that cannot be stored."),
        (SAMPLES["choice"], "pink", "Choice must be one of Red, Green, blue; got “pink”."),
        (SAMPLES["date"], "31/12/2026", "Date must be a date such as 2026-11-22; got “31/12/2026”."),
        (SAMPLES["date"], "2026-02-30", "Date must be a date such as 2026-11-22; got “2026-02-30”."),
        (SAMPLES["time"], "25:00", "Time must be a time such as 09:30; got “25:00”."),
        (SAMPLES["datetime"], "soon", "Datetime must be a date and time such as 2026-11-22 14:30; got “soon”."),
        (SAMPLES["duration"], "1m 2h", "Duration must be a duration such as 1h30, 90m or 2d; got “1m 2h”."),
        (SAMPLES["boolean"], "maybe", "Boolean must be yes or no; got “maybe”."),
        (SAMPLES["email"], "a@b", "Email must be an e-mail address such as name@example.com; got “a@b”."),
        (SAMPLES["phone"], "call me", "Phone must be a phone number such as +86 138 0013 8000; got “call me”."),
        (SAMPLES["url"], "javascript:alert(1)",
         "Url must be a web address such as https://example.com; got “javascript:alert(1)”."),
        (SAMPLES["url"], "javascript://x.com/%0aalert(1)",
         "Url must be a web address such as https://example.com; got “javascript://x.com/%0aalert(1)”."),
        (SAMPLES["colour"], "blueish", "Colour must be a colour such as #2fb344; got “blueish”."),
        (SAMPLES["rating"], "6", "Rating must be 1 to 5 stars; got 6."),
        (SAMPLES["link"], "abc", "Link must be the number of a record, such as 12; got “abc”."),
        (SAMPLES["address"], {"planet": "x"},
         "Address has no part “planet”; an address has country, province, city, district, street, postcode."),
        (SAMPLES["json"], "{a}",
         "Json is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1); got “{a}”."),
        (SAMPLES["lines"], "x", "Lines must be a list of rows; got “x”."),
        (SAMPLES["signature"], [1, 2], "Signature takes at most 1; got 2."),
        (fields.BarcodeField(name="ean", symbology="ean13"), "6901234567890",
         "Ean: the last digit of 6901234567890 should be 2; one digit is wrong."),
        (fields.DateField(name="due", min="2026-01-01"), "2025-12-31",
         "Due must be 2026-01-01 or later; got 2025-12-31."),
        (fields.ChoicesField(name="tags", options=OPTIONS, max_count=1), "red,blue", "Tags takes at most 1; got 2."),
        (fields.JsonField(name="spec", schema={"type": "object", "required": ["a"]}), "{}",
         "Spec: $: 'a' is a required property."),
    ],
)  # fmt: skip
def test_a_refusal_says_what_was_expected_and_what_came(field, raw, sentence):
    assert refusal(field, raw) == sentence


def test_sentences_are_said_in_the_readers_language():
    with pytest.raises(Invalid) as caught:
        PRICED.parse("abc", ZH)
    assert say(caught.value.reason, "zh") == "“单价”应为数字（如 12.5），收到“abc”。"


def test_a_pattern_is_tried_on_narrow_letters_too():
    assert CODE.parse("ＡＢ１２", ZH) == "AB12"
    assert SAMPLES["text"].parse("ＡＢ１２", ZH) == "ＡＢ１２"


def test_a_barcode_gets_its_check_digit():
    field = fields.BarcodeField(name="ean", symbology="ean13")
    assert field.parse("690123456789", ZH) == "6901234567892"
    assert field.parse("6901234567892", ZH) == "6901234567892"


def test_a_foreign_currency_is_taken_off_only_where_it_is_the_fields():
    euro = fields.MoneyField(name="price", currency="EUR")
    assert euro.parse("€12,345.60", EN) == D("12345.60")
    assert fields.MoneyField(name="price").parse("12 EUR", Reader("en", "UTC", "EUR")) == D("12.00")
    yen = fields.MoneyField(name="price", currency="JPY")
    assert yen.parse("1200円", ZH) == D("1200")
    assert refusal(yen, "12.5") == "Price must have at most 0 digits after the point; got “12.5”."


def test_a_file_is_judged_by_its_name_and_size():
    field = SAMPLES["attachment"]
    field.check_file("plan.PDF", 1000)
    with pytest.raises(Invalid) as kind:
        field.check_file("plan.exe", 1000)
    assert str(kind.value) == "Attachment takes pdf, image; got “plan.exe”."
    with pytest.raises(Invalid) as size:
        field.check_file("plan.pdf", 30 * 1024 * 1024)
    assert str(size.value) == "Attachment takes files of at most 20 MB; “plan.pdf” has 30.0 MB."


@pytest.mark.parametrize("typed", ["\u200b", " \u200b\u2060 ", "\u202e", "\ufeff", "\u3000"])
def test_text_nobody_can_see_is_no_text(typed):
    assert fields.TextField(name="name").parse(typed, ZH) is None
    assert fields.LongTextField(name="note").parse(typed, ZH) is None


@pytest.mark.parametrize("typed", ["-", "…", "№", "😀", "👩‍👩‍👧‍👦", "客", "א"])
def test_marks_and_emoji_are_text(typed):
    assert fields.TextField(name="name").parse(typed, ZH) == typed
