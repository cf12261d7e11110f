"""Public holidays as they were announced, kept as data beside this file: one YAML per list, see its head."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from engine.calendars import each_day

FOLDER = Path(__file__).parent
LISTS = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@dataclass(frozen=True)
class PublicHolidays:
    """Days closed, and days at a weekend that are worked instead. ``years``: those the list knows; in any other only
    the weekday tells."""

    closed: frozenset[dt.date]
    worked: frozenset[dt.date]
    years: frozenset[int]


@cache
def public_holidays(name: str) -> PublicHolidays:
    """The list of this name; KeyError where there is none."""
    if name not in LISTS:
        raise KeyError(name)
    # The engine's own file, not one of the user's.
    years = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["years"]
    return PublicHolidays(_days(years, "closed"), _days(years, "worked"), frozenset(years))


def _days(years: dict[int, dict[str, list[str]]], kind: str) -> frozenset[dt.date]:
    return frozenset(day for year in years.values() for text in year[kind] for day in each_day(text))
