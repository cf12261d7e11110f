"""When a message may go out, on the clock of the person: pure arithmetic."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from engine.reaching.quiet import Hours, next_digest, out_at, read_time

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NIGHT = Hours(dt.time(20), dt.time(7))
LUNCH = Hours(dt.time(12), dt.time(13, 30))
FREE = Hours(dt.time(20), dt.time(7), days_off=True)


def weekday(day: dt.date) -> bool:
    return day.weekday() < 5


def local(text: str, zone: ZoneInfo = SHANGHAI) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("hours", "now", "out"),
    [
        (None, "2026-03-02 03:00", "2026-03-02 03:00"),
        (NIGHT, "2026-03-02 19:59", "2026-03-02 19:59"),
        (NIGHT, "2026-03-02 20:00", "2026-03-03 07:00"),
        (NIGHT, "2026-03-03 06:59", "2026-03-03 07:00"),
        (NIGHT, "2026-03-03 07:00", "2026-03-03 07:00"),
        (LUNCH, "2026-03-02 12:10", "2026-03-02 13:30"),
        (NIGHT, "2026-03-06 21:00", "2026-03-07 07:00"),  # a Friday evening
        (FREE, "2026-03-06 21:00", "2026-03-09 07:00"),
        (FREE, "2026-03-07 12:00", "2026-03-09 07:00"),
    ],
)
def test_it_goes_out_when_quiet_hours_end(hours: Hours | None, now: str, out: str) -> None:
    assert out_at(local(now), hours, SHANGHAI, weekday) == local(out)


def test_where_the_clocks_are_put_forward_it_still_goes_out_once_and_not_earlier() -> None:
    """On 29 March 2026 there is no 02:30 in Berlin."""
    hours = Hours(dt.time(22), dt.time(2, 30))
    out = out_at(local("2026-03-28 23:00", BERLIN), hours, BERLIN, weekday)
    assert out == dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC)


def test_quiet_for_ever_is_not_quiet_for_ever() -> None:
    """A calendar without working days must not keep messages back for years."""
    out = out_at(local("2026-03-02 12:00"), FREE, SHANGHAI, lambda _day: False)
    assert out - local("2026-03-02 12:00") < dt.timedelta(days=61)


@pytest.mark.parametrize(
    ("hours", "now", "digest"),
    [
        (None, "2026-03-02 07:59", "2026-03-02 08:00"),
        (None, "2026-03-02 08:00", "2026-03-03 08:00"),
        (NIGHT, "2026-03-06 09:00", "2026-03-07 08:00"),
        (FREE, "2026-03-06 09:00", "2026-03-09 08:00"),
    ],
)
def test_the_digest_is_once_a_day(hours: Hours | None, now: str, digest: str) -> None:
    assert next_digest(local(now), read_time("08:00"), hours, SHANGHAI, weekday) == local(digest)
