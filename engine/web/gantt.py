"""Records as bars on a time line, drawn as SVG: lanes by group, bars that overlap stand under each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.columns import Columns
from engine.definition import Form
from engine.errors import Invalid, message
from engine.fields.base import Field, Operator
from engine.fields.operators import midnight
from engine.formats import HIDDEN
from engine.queries import Filter, ListQuery, Sort
from engine.web import cards
from engine.web.context import application, reader
from engine.web.months import MONTH_NAMES, day_of

MOST = 400  # bars
ROW = 30
HEAD = 44
LABEL = 190


@dataclass(frozen=True)
class Zoom:
    name: str
    days: int
    width: int  # px of a day
    step: int  # days the arrows move by


ZOOMS = {each.name: each for each in (Zoom("week", 42, 32, 14), Zoom("month", 184, 9, 61))}


@dataclass(frozen=True)
class Bar:
    """``start`` and ``end`` are days from the window's first, the end not meant; both cut to the window."""

    id: int
    title: str
    start: int
    end: int
    colour: str
    late: bool
    span: str
    inside: bool  # the title fits into the bar
    reach: int  # the day from which the line is free again, the title beside a short bar included


@dataclass(frozen=True)
class Lane:
    label: str
    bars: tuple[tuple[int, Bar], ...]  # (line within the lane, bar)
    lines: int


@dataclass(frozen=True)
class Mark:
    """Something on the scale, at a day of the window."""

    day: int
    label: str
    days: int = 1


def show(form: Form, view: Any, args: Any) -> str:
    query, columns = cards.asked(form, args, ("from", "zoom"))
    start, end = cards.group_field(columns, view.start), cards.group_field(columns, view.end)
    group = cards.group_field(columns, view.group) if view.group else None
    zoom = _zoom(args.get("zoom", ""))
    today = application().clock().astimezone(reader().zone).date()
    first = first_day(args.get("from", ""), today)
    with application().database.read() as conn:
        rows, found = rows_between(conn, query, columns, start, end, group, first, first + dt.timedelta(days=zoom.days))
        lanes = lanes_of(rows, start, end, group, first, zoom, columns, found)
        return cards.show_board(
            "gantt.html", conn, query, columns,
            **picture(lanes, first, zoom, today, reader().language),
            zooms=_zoom_links(query, first, zoom), full=len(rows) >= MOST,
            previous_url=_url(query, first - dt.timedelta(days=zoom.step), zoom),
            next_url=_url(query, first + dt.timedelta(days=zoom.step), zoom), today_url=_url(query, None, zoom),
        )  # fmt: skip


def picture(lanes: Sequence[Lane], first: dt.date, zoom: Zoom, today: dt.date, language: str) -> dict[str, Any]:
    """What ``macros/gantt.html`` draws."""
    return {
        "lanes": list(_placed(lanes)), "zoom": zoom, "months": months_of(first, zoom.days, language),
        "weeks": _scale(first, zoom), "weekends": _weekends(first, zoom),
        "today": (today - first).days if 0 <= (today - first).days < zoom.days else None,
        "width": zoom.days * zoom.width, "height": HEAD + max(1, sum(lane.lines for lane in lanes)) * ROW,
        "head": HEAD, "row": ROW, "label_width": LABEL,
    }  # fmt: skip


# --- what is asked ---------------------------------------------------------------------------------------------------


def _zoom(text: str) -> Zoom:
    if text and text not in ZOOMS:
        raise Invalid(message("zoom is week or month, not “{got}”.", got=text[:20]))
    return ZOOMS[text or "week"]


def first_day(text: str, today: dt.date) -> dt.date:
    """The Monday the window begins with: of the named day's week, or of last week."""
    day = today - dt.timedelta(days=7)
    if text:
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            day = dt.date.min
        if not 1900 <= day.year <= 2200:
            raise Invalid(message("from is a day such as 2026-11-22, not “{got}”.", got=text[:20]))
    return day - dt.timedelta(days=day.weekday())


def rows_between(
    conn: sa.Connection,
    query: ListQuery,
    columns: Columns,
    begin: Field,
    finish: Field,
    group: Field | None,
    first: dt.date,
    end: dt.date,
    most: int = MOST,
) -> tuple[list[Any], Any]:
    """The records whose bar touches the window; one without an end is a bar of one day."""
    low, high = _bound(begin, first), _bound(begin, end)
    table = application().tables.form[query.form.name]
    other = table.c[finish.name]
    floor = _bound(finish, first)
    touches = Operator(
        "touches",
        "touches",
        lambda column, value: sa.and_(column < high, sa.or_(other >= floor, sa.and_(other.is_(None), column >= low))),
    )
    names = tuple(field.name for field in (begin, finish, group) if field is not None)
    within = Filter(begin.name, touches, (), None)
    asked = replace(query, filters=(*query.filters, within), sort=(Sort(begin.name, False),), limit=most)
    page, found = cards.rows_of(conn, asked, columns, names)
    return page.rows, found


def _bound(field: Field, day: dt.date) -> Any:
    return midnight(day, reader().zone) if field.kind == "datetime" else day


# --- what is drawn ---------------------------------------------------------------------------------------------------


def lanes_of(
    rows: Sequence[Any],
    start: Field,
    end: Field,
    group: Field | None,
    first: dt.date,
    zoom: Zoom,
    columns: Columns,
    found: Any,
) -> list[Lane]:
    """One lane per group, or per record without a group."""
    bars = [(row, _bar(row, start, end, first, zoom, columns)) for row in rows]
    if group is None:
        return [Lane(bar.title, ((0, bar),), 1) for _row, bar in bars]
    by_group: dict[str, list[Bar]] = {}
    for row, bar in bars:
        by_group.setdefault(_group_label(group, row, found), []).append(bar)
    return [_lane(label, by_group[label]) for label in sorted(by_group)]


def _group_label(group: Field, row: Any, found: Any) -> str:
    value = row[group.name]
    if value is None:
        return "–"
    if group.kind == "link":
        visible = found.get(group.name)
        return str(row.get(f"{group.name}.title") or f"#{value}") if visible is None or value in visible else HIDDEN
    extra = row.get(f"{group.name}.title") if group.kind == "user" else found.get(group.name)
    return group.format(value, reader(), extra)


def _lane(label: str, bars: Iterable[Bar]) -> Lane:
    """Each bar on the first line that is free where it begins."""
    free: list[int] = []
    placed = []
    for bar in sorted(bars, key=lambda each: (each.start, each.end)):
        line = next((place for place, end in enumerate(free) if end <= bar.start), len(free))
        if line == len(free):
            free.append(bar.reach)
        else:
            free[line] = bar.reach
        placed.append((line, bar))
    return Lane(label, tuple(placed), max(1, len(free)))


def _bar(row: Any, start: Field, end: Field, first: dt.date, zoom: Zoom, columns: Columns) -> Bar:
    begin = day_of(row[start.name])
    finish = day_of(row[end.name]) if row[end.name] is not None else begin
    low = max(0, (begin - first).days)
    high = max(low + 1, min(zoom.days, (max(begin, finish) - first).days + 1))
    state: Any = columns.get("state")
    option = state.options.get(row["state"]) if state is not None and row.get("state") else None
    due = row.get("state_due")
    late = due is not None and due < application().clock()
    span = f"{start.format(row[start.name], reader())} – {end.format(row[end.name], reader()) or '…'}"
    title = row["_title"] or f"#{row['id']}"
    written = text_width(title)
    inside = written + 16 <= (high - low) * zoom.width
    reach = high if inside else high + -(-(written + 12) // zoom.width)
    return Bar(row["id"], title, low, high, option.colour if option else "blue", late, span, inside, reach)


def text_width(text: str) -> int:
    """About how many px the text takes at 12.5 px: Chinese characters are square, others about 7."""
    return sum(13 if ord(character) > 0x2E7F else 7 for character in text)


def _placed(lanes: Sequence[Lane]) -> Iterable[tuple[int, Lane]]:
    """Each lane with how far down it begins, in lines."""
    line = 0
    for lane in lanes:
        yield line, lane
        line += lane.lines


def months_of(first: dt.date, days: int, language: str) -> list[Mark]:
    found: list[Mark] = []
    day = 0
    while day < days:
        date = first + dt.timedelta(days=day)
        following = (date.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        length = min(days - day, (following - date).days)
        label = f"{date.year}年{date.month}月" if language == "zh" else f"{MONTH_NAMES[date.month][:3]} {date.year}"
        found.append(Mark(day, label if length > 3 else "", length))
        day += length
    return found


def _scale(first: dt.date, zoom: Zoom) -> list[Mark]:
    """Days in the near view, the Mondays in the far one."""
    step = 1 if zoom.name == "week" else 7
    return [Mark(day, str((first + dt.timedelta(days=day)).day), step) for day in range(0, zoom.days, step)]


def _weekends(first: dt.date, zoom: Zoom) -> list[int]:
    return [day for day in range(0, zoom.days) if (first + dt.timedelta(days=day)).weekday() == 5]


def _url(query: ListQuery, first: dt.date | None, zoom: Zoom) -> str:
    address = query.url()
    more = f"zoom={zoom.name}" + (f"&from={first.isoformat()}" if first else "")
    return f"/{query.form.name}{address}{'&' if address else '?'}{more}"


def _zoom_links(query: ListQuery, first: dt.date, now: Zoom) -> list[tuple[str, str, bool]]:
    return [(each.name, _url(query, first, each), each is now) for each in ZOOMS.values()]
