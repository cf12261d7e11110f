"""From what people type to plain values, whatever their keyboard: full-width digits, Chinese dates, units of time.

Every function answers None where it cannot read; the field that called says so in a sentence.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x3002: 0x2E, 0xFFE5: 0xA5, 0xA0: 0x20}
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:[, '_]\d{3})+|\d{1,24})?(?:\.\d{0,24})?", re.ASCII)
_TEN_THOUSAND = {"万": Decimal(10**4), "亿": Decimal(10**8)}
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1)
    for name in names.split()
}  # fmt: skip
_DATES = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        r"(?P<y>\d{4})\s*([-/.])\s*(?P<m>\d{1,2})\s*\2\s*(?P<d>\d{1,2})",
        r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
        r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]?",
        r"(?P<d>\d{1,2})[\s-]+(?P<m>[a-z]{3,9})\.?,?[\s-]+(?P<y>\d{4})",
        r"(?P<m>[a-z]{3,9})\.?\s+(?P<d>\d{1,2}),?\s+(?P<y>\d{4})",
    )
)
_TIME = re.compile(
    r"(?P<half>上午|下午|晚上|am|pm)?\s*(?P<h>\d{1,2})"
    r"(?:\s*[:点时]\s*(?P<i>\d{1,2})?(?:\s*[:分]\s*(?P<s>\d{1,2})?(?:\.\d{1,6})?\s*秒?)?)?\s*(?P<end>am|pm)?",
    re.ASCII | re.IGNORECASE,
)
_COMPACT_TIME = re.compile(r"(?P<h>\d\d)(?P<i>\d\d)", re.ASCII)
_MOMENT = re.compile(
    r"(?P<date>.+?)(?:\s*[T,]\s*|\s+|(?<=[日号]))"
    r"(?P<time>[^\W\d]{0,2}\s*\d{1,2}\s*[:点时].{0,16}?|\d{4}|\d{1,2}\s*[ap]m)"
    r"\s*(?P<offset>Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d{1,6}):(\d{1,2})(?::(\d{1,2}))?", re.ASCII)
_PIECE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]+|[\u4e00-\u9fff]+)?\s*", re.ASCII | re.IGNORECASE)
_UNITS = {
    unit: seconds
    for seconds, units in (
        (604800, "w week weeks 周 星期 个星期"),
        (86400, "d day days 天 日"),
        (3600, "h hr hrs hour hours 小时 个小时 时 钟头 个钟头"),
        (60, "m min mins minute minutes 分 分钟"),
        (1, "s sec secs second seconds 秒 秒钟"),
    )
    for unit in units.split()
}
_NEXT_SMALLER = {604800: 86400, 86400: 3600, 3600: 60, 60: 1}


def narrow(text: str) -> str:
    """Full-width letters, digits and punctuation as ASCII, no space around: ``１２３，４５６．７`` → ``123,456.7``."""
    return text.translate(_WIDE).strip() if not text.isascii() else text.strip()


def number(text: str) -> Decimal | None:
    """``1,234.50``, ``1 234``, ``-3``, ``２．５``, ``1.2万``; never NaN, Infinity or an exponent."""
    text = narrow(text).replace("−", "-")
    factor = _TEN_THOUSAND.get(text[-1:])
    digits = text[:-1].rstrip() if factor else text
    if len(digits) > 40 or not _NUMBER.fullmatch(digits) or not any(map(str.isdigit, digits)):
        return None
    try:
        value = Decimal(re.sub(r"[, '_]", "", digits))
    except InvalidOperation:  # pragma: no cover - the pattern admits nothing else
        return None
    return value * factor if factor else value


def date(text: str) -> dt.date | None:
    """2026-11-22, 2026/11/22, 2026.11.22, 20261122, 2026年11月22日, 22 Nov 2026, Nov 22, 2026."""
    text = narrow(text)
    if len(text) > 40:
        return None
    for pattern in _DATES:
        if found := pattern.fullmatch(text):
            month = found["m"]
            number_of_month = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
            try:
                return dt.date(int(found["y"]), number_of_month, int(found["d"]))
            except ValueError:
                return None
    return None


def time(text: str) -> dt.time | None:
    """9:5, 09:05, 9:05:30, 0905, 9点, 9点30分, 下午3:30, 3:30 pm."""
    text = narrow(text).replace("半", "30分") if len(text) <= 40 else ""
    found = _COMPACT_TIME.fullmatch(text) or _TIME.fullmatch(text)
    if not found or (text.isdigit() and len(text) != 4):
        return None
    parts = found.groupdict()
    hour, minute, second = (int(parts.get(key) or 0) for key in "his")
    half = (parts.get("half") or parts.get("end") or "").lower()
    if half and hour > 12:
        return None
    if half in ("下午", "晚上", "pm"):
        hour = hour % 12 + 12
    elif half:
        hour %= 12
    try:
        return dt.time(hour, minute, second)
    except ValueError:
        return None


def moment(text: str, zone: ZoneInfo) -> dt.datetime | None:
    """A date and a time on the clocks of ``zone``, or with an offset of its own → aware datetime.

    A date alone is its first minute. The answer is not yet in UTC, so that the caller can look at ``skipped``.
    """
    text = narrow(text)
    if len(text) > 60:
        return None
    day = date(text)
    if day is not None:
        return dt.datetime.combine(day, dt.time(), zone)
    found = _MOMENT.fullmatch(text)
    if not found or (day := date(found["date"])) is None or (clock := time(found["time"])) is None:
        return None
    offset = found["offset"]
    return dt.datetime.combine(day, clock, zone if offset is None else _offset(offset))


def _offset(text: str) -> dt.timezone:
    if text == "Z":
        return dt.UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return dt.timezone(dt.timedelta(minutes=min(minutes, 1439) * (-1 if text[0] == "-" else 1)))


def skipped(local: dt.datetime) -> bool:
    """Whether clocks go forward over this local time, so that it never is."""
    return local.astimezone(dt.UTC).astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None)


def duration(text: str) -> dt.timedelta | None:
    """1h30, 90m, 2d, 1:30 (hours and minutes), 1小时30分钟, 1.5h; a bare number after hours is minutes, and so on."""
    text = narrow(text).lower()
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-").strip() if len(text) <= 60 else ""
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return _timedelta(sign * (hours * 3600 + minutes * 60 + seconds)) if minutes < 60 and seconds < 60 else None
    total, last, at = Decimal(0), 0, 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            return None
        unit = _UNITS.get(found[2], 0) if found[2] else _NEXT_SMALLER.get(last, 0)
        if not unit or (last and unit >= last):
            return None
        total, last, at = total + Decimal(found[1]) * unit, unit, found.end()
    return _timedelta(sign * int(total.to_integral_value())) if at else None


def _timedelta(seconds: int) -> dt.timedelta | None:
    return dt.timedelta(seconds=seconds) if abs(seconds) <= 86400 * 365 * 1000 else None
