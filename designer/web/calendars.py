"""Calendars: the shifts of a week, and a year in a picture in which days are closed or worked otherwise."""

from __future__ import annotations

import calendar as almanac
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, request

from designer.calendars.days import by_weekday
from designer.web.frame import draw, workspace
from designer.web.panels import asked_path, panel_context
from designer.workspace import Workspace
from engine.calendars import Calendar, Shifts
from engine.calendars.declared import WEEKDAYS
from engine.errors import message
from engine.holidays import public_holidays
from engine.texts import say
from engine.web.context import application, reader
from engine.web.render import render
from engine.worktime import calendars_of

blueprint = Blueprint("calendars", __name__)
FIRST, LAST = 1970, 2150
_WEEKDAYS = (
    message("Monday"), message("Tuesday"), message("Wednesday"), message("Thursday"), message("Friday"),
    message("Saturday"), message("Sunday"),
)  # fmt: skip
_MONTHS = (
    message("January"), message("February"), message("March"), message("April"), message("May"), message("June"),
    message("July"), message("August"), message("September"), message("October"), message("November"),
    message("December"),
)  # fmt: skip


@dataclass(frozen=True)
class Day:
    """A day of the picture. ``way``: open, closed, holiday, worked (it makes up for a holiday), overtime or shut (the
    calendar says so itself); ``shifts`` as they are typed."""

    date: str
    number: int
    way: str
    shifts: str
    words: str


@dataclass(frozen=True)
class Month:
    title: str
    before: int  # empty places before the first
    days: tuple[Day, ...]


@blueprint.get("/<int:id>/calendars")
def show(id: int) -> str:
    draft = workspace(id)
    context = _context(draft)
    return draw("calendars.html", draft, "settings", **context, **panel_context(draft, context["path"]))


@blueprint.get("/<int:id>/calendars/picture")
def picture(id: int) -> str:
    draft = workspace(id)
    return render("designer/calendar_picture.html", layout="fragment.html", change=draft.change, **_context(draft))


def _context(draft: Workspace) -> dict[str, object]:
    known = draft.definition.calendars if draft.definition else {}
    path = asked_path() or ()
    asked = str(path[1]) if len(path) > 1 and path[0] == "calendars" else ""
    name = asked if asked in known else next(iter(known), "")
    return {
        "calendars": known.values(), "name": name, "path": ("calendars", name) if name else None,
        **(_drawn(draft, known[name]) if name else {"months": (), "week": (), "year": 0}),
    }  # fmt: skip


def _drawn(draft: Workspace, found: Calendar) -> dict[str, object]:
    today = application().clock().astimezone(reader().zone).date()
    year = min(max(request.args.get("year", today.year, int), FIRST), LAST)
    shifts = by_weekday(draft.map_at(("calendars", found.name, "shifts")))
    week = [(name, say(words, reader().language), ", ".join(texts))
            for name, words, texts in zip(WEEKDAYS, _WEEKDAYS, shifts, strict=True)]  # fmt: skip
    announced = not found.holidays or year in public_holidays(found.holidays).years
    return {"year": year, "week": week, "months": tuple(_months(draft, found, year)), "announced": announced,
            "today": today.isoformat(), "holidays": found.holidays}  # fmt: skip


def _months(draft: Workspace, found: Calendar, year: int) -> Iterator[Month]:
    times = calendars_of(draft.definition).of(found.name)
    for month in range(1, 13):
        before, count = almanac.monthrange(year, month)
        days = (dt.date(year, month, number) for number in range(1, count + 1))
        title = say(_MONTHS[month - 1], reader().language)
        yield Month(title, before, tuple(_day(found, times, day) for day in days))


def _day(found: Calendar, times: object, day: dt.date) -> Day:
    assert isinstance(times, Shifts)  # what a declared calendar becomes
    spans = times.shifts_on(day)
    shifts = ", ".join(f"{_time(begin)}-{_time(end)}" for begin, end in spans)
    way = _way(found, day, bool(spans))
    words = message("{day}: {way}", day=day.isoformat(), way=_WAYS[way] if not shifts else message(
        "{way}, {shifts}", way=_WAYS[way], shifts=shifts))  # fmt: skip
    return Day(day.isoformat(), day.day, way, shifts, say(words, reader().language))


_WAYS = {
    "open": message("worked"), "closed": message("closed"), "holiday": message("public holiday"),
    "worked": message("worked to make up for a holiday"), "overtime": message("worked otherwise"),
    "shut": message("closed by this calendar"),
}  # fmt: skip


def _way(found: Calendar, day: dt.date, worked: bool) -> str:
    public = public_holidays(found.holidays) if found.holidays else None
    if day.isoformat() in found.open:
        return "overtime"
    if not worked:
        return "holiday" if public and day in public.closed else "closed" if not _shut(found, day) else "shut"
    return "worked" if public and day in public.worked else "open"


def _shut(found: Calendar, day: dt.date) -> bool:
    """Whether the calendar itself closes it; spans are compared as texts, which order as dates do."""
    text = day.isoformat()
    return any(span[:10] <= text <= (span[12:] or span) for span in found.closed)


def _time(minute: int) -> str:
    if minute == 24 * 60:
        return "24:00"
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"
