"""A calendar: the records of a month on its days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from engine.columns import Columns
from engine.definition import Form
from engine.errors import Invalid, message
from engine.fields.base import Field, Operator
from engine.fields.operators import midnight, month_span
from engine.permissions import updatable_fields
from engine.queries import Filter, ListQuery, Sort
from engine.web import cards
from engine.web.context import actor, application, reader

MOST = 600  # records of a month
ON_A_DAY = 4
WITHIN = Operator("within", "within", lambda column, pair: sa.and_(column >= pair[0], column < pair[1]), "pair")


@dataclass(frozen=True)
class Day:
    date: dt.date
    inside: bool  # of the month, not of its neighbours
    today: bool
    cards: Markup
    more: int
    more_url: str


def show(form: Form, view: Any, args: Any) -> str:
    query, columns = cards.asked(form, args, ("month",))
    field = cards.group_field(columns, view.date)
    today = application().clock().astimezone(reader().zone).date()
    first = _month(args.get("month", ""), today)
    weeks = weeks_of(first)
    plan = cards.card_plan(form, columns, view.card)
    with application().database.read() as conn:
        rows, found = _rows(conn, query, columns, field, plan.names, weeks[0][0], weeks[-1][-1])
        now = application().clock()
        by_day: dict[dt.date, list[Markup]] = {}
        for row in rows:
            by_day.setdefault(day_of(row[field.name]), []).append(plan.draw(row, found, now))
        drawn = [[_day(query, field, day, first, today, by_day.get(day, [])) for day in week] for week in weeks]
        return cards.show_board(
            "calendar.html", conn, query, columns,
            weeks=drawn, title=month_title(first), previous_url=_url(query, first, -1), next_url=_url(query, first, 1),
            today_url=_url(query, today, 0), days=[week_day(day) for day in weeks[0]], full=len(rows) >= MOST,
            movable=not field.readonly and updatable_fields(application(), actor(), form).ever(field.name),
        )  # fmt: skip


def _month(text: str, today: dt.date) -> dt.date:
    """The first day of the month named as 2026-11; this month for no name; raises Invalid."""
    if not text:
        return today.replace(day=1)
    try:
        found = dt.datetime.strptime(text[:7], "%Y-%m").date() if len(text) == 7 else None
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2200:
        raise Invalid(message("month is a month such as 2026-11, not “{got}”.", got=text[:20]))
    return found


def weeks_of(first: dt.date) -> list[list[dt.date]]:
    """The weeks, Monday to Sunday, that the month touches."""
    start = first - dt.timedelta(days=first.weekday())
    _first, end = month_span(dt.datetime.combine(first, dt.time()), 0)
    count = ((end - start).days + 6) // 7
    return [[start + dt.timedelta(days=7 * week + day) for day in range(7)] for week in range(count)]


def _rows(
    conn: sa.Connection,
    query: ListQuery,
    columns: Columns,
    field: Field,
    names: tuple[str, ...],
    start: dt.date,
    last: dt.date,
) -> tuple[list[Any], Any]:
    """The records between two days, both meant."""
    end = last + dt.timedelta(days=1)
    zone = reader().zone
    span: Any = (midnight(start, zone), midnight(end, zone)) if field.kind == "datetime" else (start, end)
    within = Filter(field.name, WITHIN, (), span)
    whole = replace(query, filters=(*query.filters, within), sort=(Sort(field.name, False),), limit=MOST)
    page, found = cards.rows_of(conn, whole, columns, tuple(dict.fromkeys((field.name, *names))))
    return page.rows, found


def day_of(value: Any) -> dt.date:
    """The day of a date, or of a moment on the reader's clock."""
    return value.astimezone(reader().zone).date() if isinstance(value, dt.datetime) else value


def _day(query: ListQuery, field: Field, day: dt.date, first: dt.date, today: dt.date, cards: list[Markup]) -> Day:
    hidden = len(cards) - ON_A_DAY if len(cards) > ON_A_DAY else 0
    shown = Markup("").join(cards[:ON_A_DAY])
    return Day(
        day, day.month == first.month, day == today, shown, hidden, _day_url(query, field, day) if hidden else ""
    )


def _day_url(query: ListQuery, field: Field, day: dt.date) -> str:
    """The list of what is on that day."""
    wanted = "on" if field.kind == "datetime" else "eq"
    operator = next(each for each in field.operators if each.name == wanted)
    only = Filter(field.name, operator, (day.isoformat(),), None)
    view = next((each for each in query.form.views.values() if each.type == "list"), None)
    return f"/{query.form.name}{query.url(view=view, filters=(*query.filters, only))}"


def _url(query: ListQuery, first: dt.date, months: int) -> str:
    start, _end = month_span(dt.datetime.combine(first, dt.time()), months)
    address = query.url()
    return f"/{query.form.name}{address}{'&' if address else '?'}month={start:%Y-%m}"


def month_title(first: dt.date) -> str:
    if reader().language == "zh":
        return f"{first.year}年{first.month}月"
    return f"{MONTH_NAMES[first.month]} {first.year}"


MONTH_NAMES = (
    "", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = {"zh": "一二三四五六日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}


def week_day(day: dt.date) -> str:
    return _DAYS["zh" if reader().language == "zh" else "en"][day.weekday()]
