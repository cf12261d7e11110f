"""Operations on calendars: a weekday gets its shifts, a day is closed, worked otherwise or as usual.

Shifts are typed as people say them: ``08:00-12:00, 13:30-17:30``; nothing for a day that is closed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from designer.forms.starters import text_in
from designer.forms.steps import Steps, languages, sibling_labels
from designer.naming import label_value, name_for, text_of
from designer.operations import Made, operation
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.calendars import Mistake, each_day, read_days, read_shift, read_weekdays
from engine.calendars.declared import WEEKDAYS
from engine.errors import message
from engine.yamlfile import Path

USUAL = ["08:00-12:00", "13:30-17:30"]
NEW = message("New calendar").pattern


@operation("calendar.add")
def add(workspace: Workspace, label: str = "") -> Made:
    """A new calendar with a usual week; the first is the default one."""
    there = workspace.map_at(("calendars",))
    texts = {workspace.language: label.strip()} if label.strip() else text_in(workspace, NEW)
    name = name_for(text_of(texts, "en"), there, "calendar")
    written = label_value(texts, sibling_labels(workspace, ("calendars", name)), languages(workspace))
    calendar: dict[str, Any] = {"label": written} | ({} if there else {"default": True})
    steps = Steps(workspace)
    steps.set(("calendars", name), calendar | {"shifts": {"mon-fri": USUAL}})
    said = message("{label} is added", label=text_of(written, workspace.language))
    return Made(steps.edits, said, ("calendars", name))


@operation("calendar.week")
def week(workspace: Workspace, calendar: str, weekday: str, shifts: str) -> Made:
    """Give a weekday its shifts; days that follow each other with the same ones are written as one."""
    path: Path = ("calendars", calendar, "shifts")
    if weekday not in WEEKDAYS:
        raise EditRefused(message("There is no weekday {name}.", name=weekday), path)
    days = by_weekday(workspace.map_at(path))
    days[WEEKDAYS.index(weekday)] = read(shifts, path)
    if not any(days):
        raise EditRefused(message("A calendar needs a day on which something is worked."), path)
    steps = Steps(workspace)
    steps.set(path, grouped(days))
    return Made(steps.edits, message("The week of {name} is changed", name=calendar), ("calendars", calendar))


@operation("calendar.day")
def day(workspace: Workspace, calendar: str, day: str, way: str, shifts: str = "") -> Made:
    """Close a day, let it be worked otherwise (``open``, with shifts), or as ``usual``."""
    path: Path = ("calendars", calendar)
    _refuse_no_day(day, path)
    steps = Steps(workspace)
    opened = _without(workspace.map_at((*path, "open")), day) | _opened(way, day, shifts, path)
    steps.set((*path, "open"), opened or None)
    closed = _closed(workspace, path, day) if way != "open" else list(workspace.at((*path, "closed")) or [])
    steps.set((*path, "closed"), [*closed, day] if way == "closed" else closed or None)
    return Made(steps.edits, message("{day} in {name} is changed", day=day, name=calendar), path)


def _opened(way: str, day: str, shifts: str, path: Path) -> dict[str, list[str]]:
    if way != "open":
        return {}
    found = read(shifts, path)
    if not found:
        raise EditRefused(message("Say when it is worked, such as 08:00-12:00."), path)
    return {day: found}


def _without(days: Mapping[str, Any], day: str) -> dict[str, Any]:
    return {name: value for name, value in days.items() if name != day}


def _closed(workspace: Workspace, path: Path, day: str) -> list[str]:
    """The closed days without this one; one in the middle of several parts them."""
    found: list[str] = []
    for text in workspace.at((*path, "closed")) or ():
        try:
            days = [one.isoformat() for one in each_day(str(text))]
        except Mistake:
            days = []
        if day not in days:
            found.append(str(text))
        else:
            place = days.index(day)
            found += [_span(part) for part in (days[:place], days[place + 1 :]) if part]
    return found


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]}..{days[-1]}"


def _refuse_no_day(day: str, path: Path) -> None:
    try:
        first, last = read_days(day)
    except Mistake as mistake:
        raise EditRefused(mistake.said, path) from mistake
    if first != last:
        raise EditRefused(message("One day at a time: '{text}' are several.", text=day), path)


# --- texts


def read(text: str, path: Path) -> list[str]:
    """``08:00-12:00, 13:30-17:30`` as shifts, in order; raises EditRefused."""
    try:
        return sorted((one for one in re.split(r"[\s,;，；、]+", text) if one), key=read_shift)
    except Mistake as mistake:
        raise EditRefused(mistake.said, path) from mistake


def by_weekday(shifts: Mapping[str, Any]) -> list[list[str]]:
    """The shifts of Monday to Sunday as the draft has them; what means nothing is left out."""
    found: list[list[str]] = [[] for _day in WEEKDAYS]
    for names, texts in shifts.items():
        try:
            for place in read_weekdays(names):
                found[place] = [str(text) for text in texts or ()]
        except Mistake:
            continue
    return found


def grouped(days: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """``{"mon-fri": […], "sat": […]}``."""
    groups: list[tuple[int, int]] = []
    for place, shifts in enumerate(days):
        if groups and groups[-1][1] == place - 1 and days[groups[-1][0]] == shifts:
            groups[-1] = groups[-1][0], place
        elif shifts:
            groups.append((place, place))
    names = {(first, last): WEEKDAYS[first] + (f"-{WEEKDAYS[last]}" if last > first else "") for first, last in groups}
    return {names[group]: list(days[group[0]]) for group in groups}
