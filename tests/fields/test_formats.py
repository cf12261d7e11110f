"""The quick patterns say what Babel says."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import formats
from engine.formats import Reader

LOCALES = {"zh": "zh_CN", "en": "en_US"}
PATTERNS = {"zh": "yyyy-MM-dd", "en": "d MMM yyyy"}
languages = st.sampled_from(["zh", "en"])
amounts = st.decimals(min_value=-(10**11), max_value=10**11, places=2)


@settings(max_examples=200, deadline=None)
@given(amounts, languages, st.sampled_from(["CNY", "USD", "EUR", "GBP", "HKD"]))
def test_money(amount, language, currency):
    assert formats.money(amount, currency, language) == format_currency(amount, currency, locale=LOCALES[language])


def test_a_currency_sign_of_letters_stands_apart():
    """As CLDR's currencySpacing wants; Babel leaves the space out."""
    assert formats.money(Decimal("-12.5"), "CHF", "en") == "-CHF\xa012.50"


@settings(max_examples=100, deadline=None)
@given(amounts, languages)
def test_numbers(amount, language):
    assert formats.decimal(amount) == format_decimal(amount, format="#,##0.##", locale=LOCALES[language])
    assert formats.decimal(amount, 2) == format_decimal(amount, format="#,##0.00", locale=LOCALES[language])
    assert formats.integer(int(amount)) == format_decimal(int(amount), locale=LOCALES[language])


@settings(max_examples=200, deadline=None)
@given(st.dates(), languages)
def test_dates(day, language):
    assert formats.date(day, language) == format_date(day, PATTERNS[language], locale=LOCALES[language])


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(min_value=dt.datetime(1980, 1, 1), max_value=dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)),
    languages,
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_moments(moment, language, zone):
    babel = format_datetime(moment, f"{PATTERNS[language]} HH:mm", tzinfo=ZoneInfo(zone), locale=LOCALES[language])
    assert formats.moment(moment, Reader(language, zone)) == babel


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [(0, "0分钟", "0 min"), (90, "1分钟30秒", "1 min 30 s"), (5400, "1小时30分钟", "1 h 30 min"),
     (-86400 * 2, "-2天", "-2 d"), (90061, "1天1小时1分钟1秒", "1 d 1 h 1 min 1 s")],
)  # fmt: skip
def test_durations(seconds, zh, en):
    value = dt.timedelta(seconds=seconds)
    assert (formats.duration(value, "zh"), formats.duration(value, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [(-30, "刚刚", "just now"), (-300, "5分钟前", "5 minutes ago"), (3700, "1小时后", "in 1 hour"),
     (-86400 * 40, "1个月前", "1 month ago"), (86400 * 800, "2年后", "in 2 years")],
)  # fmt: skip
def test_relative(seconds, zh, en):
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    then = now + dt.timedelta(seconds=seconds)
    assert (formats.relative(then, now, "zh"), formats.relative(then, now, "en")) == (zh, en)


def test_digits_beyond_the_scale_are_shown_not_rounded():
    assert formats.decimal(Decimal("1.2345"), 2) == "1.2345"


@pytest.mark.parametrize(("text", "masked"), [("", ""), ("secret", "••••"), ("6222020012345678", "••••5678")])
def test_masks(text, masked):
    assert formats.mask(text) == masked


def test_formatting_is_quick_beside_babel():
    """A ratio within one run, so that a slow machine does not fail it: at least eight times quicker."""
    amount, day = Decimal("1234567.89"), dt.date(2026, 11, 22)

    def best(work):
        rounds = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(200):
                work()
            rounds.append(time.perf_counter() - start)
        return min(rounds)

    assert best(lambda: formats.money(amount, "CNY", "zh")) * 8 < best(
        lambda: format_currency(amount, "CNY", locale="zh_CN")
    )
    assert best(lambda: formats.date(day, "en")) * 8 < best(lambda: format_date(day, "d MMM yyyy", locale="en_US"))
