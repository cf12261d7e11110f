"""How values look to one person: language and time zone, with the patterns worked out once.

Babel knows the conventions but takes 20 to 60 µs a value; the few patterns that Appmill needs are written out here
(0.3 to 1.5 µs) and held against Babel by tests/fields/test_formats.py.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.numbers import get_currency_precision, get_currency_symbol, is_currency

MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWO = tuple(f"{n:02d}" for n in range(61))
_RELATIVE = (  # seconds in one, English, Chinese
    (365 * 86400, ("year", "years"), "年"),
    (30 * 86400, ("month", "months"), "个月"),
    (86400, ("day", "days"), "天"),
    (3600, ("hour", "hours"), "小时"),
    (60, ("minute", "minutes"), "分钟"),
)
_DURATION = {"zh": ("天", "小时", "分钟", "秒"), "en": (" d", " h", " min", " s")}


@dataclass(frozen=True)
class Reader:
    """For whom a value is parsed or formatted.

    ``language`` is ``zh`` or ``en``; ``timezone`` an IANA name; ``currency`` the application's own (ISO 4217).
    """

    language: str = "zh"
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.timezone)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC)


# --- numbers: zh and en write them alike -----------------------------------------------------------------------------


def integer(value: int) -> str:
    return f"{value:,d}"


def decimal(value: Decimal, scale: int | None = None) -> str:
    """``scale`` digits after the point, more when the value has more; None: as many as the value needs."""
    text = f"{value:,f}"
    if scale is None:
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits = len(text) - text.index(".") - 1 if "." in text else 0
    return text if digits >= scale else f"{value:,.{scale}f}"


def money(value: Decimal, currency: str, language: str, scale: int | None = None) -> str:
    """¥1,234.50; ``scale`` None: the digits the currency has."""
    digits = decimal(value, precision(currency) if scale is None else scale)
    symbol = currency_symbol(currency, language)
    return f"-{symbol}{digits[1:]}" if digits[0] == "-" else symbol + digits


def percent(value: Decimal, scale: int | None = None) -> str:
    """12.5 → ``12.5%``: the value is the number in front of the sign, not a fraction."""
    return decimal(value, scale) + "%"


@lru_cache(maxsize=512)
def currency_symbol(currency: str, language: str) -> str:
    """The sign as Babel writes it, with a no-break space after a sign of letters, such as CHF."""
    symbol = get_currency_symbol(currency, locale=_locale(language))
    return symbol + "\xa0" if symbol[-1:].isalpha() else symbol


@lru_cache(maxsize=512)
def precision(currency: str) -> int:
    """Digits after the point: 2 for CNY, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


@lru_cache(maxsize=512)
def known_currency(currency: str) -> bool:
    return is_currency(currency)


@lru_cache(maxsize=512)
def country(text: str, language: str) -> str:
    """The name of a country given by its two letters (ISO 3166-1): CN → 中国, China. Others stay as they are."""
    return str(_locale(language).territories.get(text.upper(), text)) if len(text) == 2 else text


def _locale(language: str) -> Locale:
    return Locale.parse("zh_CN" if language == "zh" else "en_US")


# --- time ------------------------------------------------------------------------------------------------------------


def date(value: dt.date, language: str) -> str:
    """zh 2026-11-22, en 22 Nov 2026."""
    if language == "en":
        return f"{value.day} {MONTHS[value.month]} {value.year:04d}"
    return value.isoformat()[:10]


def time(value: dt.time) -> str:
    """09:05, with seconds only where there are some."""
    text = f"{_TWO[value.hour]}:{_TWO[value.minute]}"
    return f"{text}:{_TWO[value.second]}" if value.second else text


def moment(value: dt.datetime, reader: Reader) -> str:
    """An aware datetime, to the minute, on the reader's clock."""
    local = value.astimezone(zone(reader.timezone))
    if reader.language == "en":
        return f"{date(local, 'en')} {_TWO[local.hour]}:{_TWO[local.minute]}"
    return local.isoformat(" ", "minutes")[:16]


def duration(value: dt.timedelta, language: str) -> str:
    """1 h 30 min, 2 d; 1小时30分钟, 2天."""
    rest = abs(value.days * 86400 + value.seconds)
    words = _DURATION["zh" if language == "zh" else "en"]
    parts = []
    for size, word in zip((86400, 3600, 60, 1), words, strict=True):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{word}")
    text = ("" if language == "zh" else " ").join(parts) or f"0{words[2]}"
    return f"-{text}" if value.days < 0 else text


def relative(then: dt.datetime, now: dt.datetime, language: str) -> str:
    """5 minutes ago, in 2 days; 5分钟前, 2天后. Both datetimes are aware."""
    seconds = (then - now).total_seconds()
    for size, (one, many), zh in _RELATIVE:
        count = int(abs(seconds) // size)
        if count:
            if language == "zh":
                return f"{count}{zh}{'后' if seconds > 0 else '前'}"
            words = f"{count} {one if count == 1 else many}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "刚刚" if language == "zh" else "just now"


def size(count: int) -> str:
    """A number of bytes: 812 B, 14 KB, 3.2 MB."""
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KB"
    return f"{count / (1024 * 1024):.1f} MB"


# --- what is kept from view ------------------------------------------------------------------------------------------


MASK = "••••"  # instead of a sensitive value
HIDDEN = "•••"  # instead of the title of something the reader may not see


def mask(text: str) -> str:
    """Dots for a sensitive text; eight characters and more show their last four."""
    if not text:
        return ""
    return MASK + (text[-4:] if len(text) >= 8 else "")
