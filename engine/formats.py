"""How values look to one person: language and time zone, with the patterns worked out once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo


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
