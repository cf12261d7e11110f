"""How far open records are from their promise, as a condition for the database and as a word for one row.

late: the promise is past. will_be_late: the forecast lies after it. at_risk: the present step is over its time, or
less than ``slack`` lies between forecast and promise. on_time: the rest. What the present step takes too long moves the
forecast, which is never in the past. A promise that is a date lasts until that day is over where the application is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from engine import formats
from engine.application import Application
from engine.calendars import seconds_of
from engine.columns import Columns
from engine.errors import Message, Problem, message
from engine.expressions.sql_elements import Piece
from engine.fields.operators import midnight
from engine.views import TowerView, View

KEYS = ("risk", "group", "show", "wall")
SHOWN_AS = ("table", "kanban", "timeline")
ALWAYS_GROUPS = ("state", "risk")
NONE = dt.timedelta(0)
YEARS_AHEAD = 3  # of changes of the clock that are known to a statement

Clause = sa.ColumnElement[bool]
Element = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Risk:
    """A degree of danger, the worst first in ``RISKS``."""

    name: str
    label: Message
    colour: str


RISKS: Mapping[str, Risk] = {
    one.name: one
    for one in (
        Risk("late", message("Late"), "red"),
        Risk("will_be_late", message("Will be late"), "orange"),
        Risk("at_risk", message("At risk"), "yellow"),
        Risk("on_time", message("On time"), "green"),
    )
}


# --- what a query string asks of a tower -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """``risks``: only these, none said is all; ``group``: a column or ``risk``; ``show``: one of SHOWN_AS."""

    risks: tuple[str, ...] = ()
    group: str = ""
    show: str = "table"
    wall: bool = False

    def pairs(self) -> list[tuple[str, str]]:
        """The query string again, what is usual left out."""
        pairs = [("risk", name) for name in self.risks]
        pairs += [("group", self.group)] if self.group else []
        pairs += [("show", self.show)] if self.show != "table" else []
        return pairs + ([("wall", "1")] if self.wall else [])


def groups_of(view: TowerView, columns: Columns) -> tuple[str, ...]:
    """What this actor may group by."""
    open_ = (name for name in view.groups if name in columns.sortable and name not in columns.sometimes)
    return tuple(dict.fromkeys((*ALWAYS_GROUPS, *open_)))


def read_asked(view: View | None, columns: Columns, args: Any, problems: list[Problem]) -> Asked | None:
    """None for other views; what is not understood is a problem."""
    if not isinstance(view, TowerView):
        return None
    if view.promised and (view.promised not in columns or view.promised in columns.sometimes):
        problems.append(Problem("view", message("This control tower is told by a field you may not see.")))
    risks = tuple(name for name in RISKS if name in args.getlist("risk"))
    group, show = _last(args, "group"), _last(args, "show") or "table"
    problems.extend(_unknown("risk", one, tuple(RISKS)) for one in args.getlist("risk") if one not in RISKS)
    if group and group not in groups_of(view, columns):
        problems.append(_unknown("group", group, groups_of(view, columns)))
        group = ""
    if show not in SHOWN_AS:
        problems.append(_unknown("show", show, SHOWN_AS))
        show = "table"
    return Asked(risks if len(risks) < len(RISKS) else (), group, show, _last(args, "wall") == "1")


def _last(args: Any, key: str) -> str:
    values = args.getlist(key)
    return str(values[-1]) if values else ""


def _unknown(key: str, got: str, known: Sequence[str]) -> Problem:
    said = message("“{key}” is one of {known}, not “{got}”.", key=key, known=tuple(known), got=got[:40])
    return Problem(key, said)


# --- the promise, and what it is held against ------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """What the risk of a view's records depends on beside their rows."""

    promised: str | None
    by_day: bool
    slack: dt.timedelta
    zone: ZoneInfo
    now: dt.datetime

    @property
    def today(self) -> dt.date:
        return self.day(self.now)

    def day(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.zone).date()

    def promised_day(self, promised: Any) -> dt.date:
        return self.day(promised) if isinstance(promised, dt.datetime) else promised

    def end(self, promised: Any) -> dt.datetime:
        """The moment a promise is broken."""
        if isinstance(promised, dt.datetime):
            return promised
        return midnight(promised + dt.timedelta(days=1), self.zone)


def terms_of(app: Application, view: TowerView, table: sa.Table) -> Terms:
    promised = str(view.promised) if view.promised else None
    by_day = promised is not None and isinstance(table.c[promised].type, sa.Date)
    slack = dt.timedelta(seconds=seconds_of(view.slack))
    zone = formats.zone(app.definition.timezone)
    return Terms(promised, by_day, slack, zone, app.clock())


def expected_end(row: Mapping[str, Any], terms: Terms) -> dt.datetime | None:
    """The forecast as it looks now: what the present step takes too long moves it, and it is never in the past."""
    due: dt.datetime | None = row["state_due"]
    forecast: dt.datetime | None = row["forecast_at"]
    if forecast is None:
        return None
    late = terms.now - due if due is not None and due < terms.now else NONE
    return max(forecast + late, terms.now)


def risk_of(row: Mapping[str, Any], terms: Terms) -> str:
    """The risk of one row; the same as ``conditions`` in SQL."""
    due = row["state_due"]
    over = due is not None and due < terms.now
    promised = row[terms.promised] if terms.promised else None
    if promised is None:
        return "at_risk" if over else "on_time"
    expected = expected_end(row, terms) or terms.now
    if _broken(promised, terms.now, terms):
        return "late"
    if _broken(promised, expected, terms):
        return "will_be_late"
    return "at_risk" if over or _broken(promised, expected + terms.slack, terms) else "on_time"


def _broken(promised: Any, at: dt.datetime, terms: Terms) -> bool:
    return bool(terms.day(at) > promised if terms.by_day else at > promised)


# --- the same in SQL -------------------------------------------------------------------------------------------------


class EitherWay(Piece):
    """The first part on SQLite, the second on PostgreSQL."""

    inherit_cache = True


@compiles(EitherWay)
def _either_way(element: EitherWay, compiler: SQLCompiler, **kw: Any) -> str:
    part = element.parts[0 if compiler.dialect.name == "sqlite" else 1]
    return f"({compiler.process(part, **kw)})"


def conditions(table: sa.Table, terms: Terms) -> dict[str, Clause]:
    """Risk → what holds of exactly its records; the four leave nothing out and nothing twice."""
    over = sa.func.coalesce(table.c.state_due < sa.literal(terms.now, table.c.state_due.type), sa.false())
    if terms.promised is None:
        return {"late": sa.false(), "will_be_late": sa.false(), "at_risk": over, "on_time": sa.not_(over)}
    promised, forecast, due = table.c[terms.promised], table.c.forecast_at, table.c.state_due
    kept = promised >= _bound(promised, terms.now, terms)
    beyond = _certain(
        sa.or_(_after(promised, forecast, terms), sa.and_(over, _after(promised, forecast, terms, due=due)))
    )
    near = sa.or_(
        promised < _bound(promised, terms.now + terms.slack, terms),
        _after(promised, forecast, terms, slack=terms.slack),
    )
    close = sa.or_(over, _certain(near))
    return {
        "late": promised < _bound(promised, terms.now, terms),
        "will_be_late": sa.and_(kept, beyond),
        "at_risk": sa.or_(sa.and_(kept, sa.not_(beyond), close), sa.and_(promised.is_(None), over)),
        "on_time": sa.or_(sa.and_(kept, sa.not_(beyond), sa.not_(close)), sa.and_(promised.is_(None), sa.not_(over))),
    }


def _certain(clause: Clause) -> Clause:
    return sa.func.coalesce(clause, sa.false())


def _bound(promised: sa.Column[Any], moment: dt.datetime, terms: Terms) -> Element:
    return sa.literal(terms.day(moment) if terms.by_day else moment, promised.type)


def _after(
    promised: Element,
    forecast: Element,
    terms: Terms,
    *,
    slack: dt.timedelta = dt.timedelta(0),
    due: Element | None = None,
) -> Clause:
    """Whether the forecast and ``slack`` lie after the promise; with ``due``, moved by what has passed since then."""
    moved = bool(slack) or due is not None
    text: Element = sa.type_coerce(forecast, sa.Text)
    later = forecast
    if moved:
        text = sa.func.strftime("%Y-%m-%d %H:%M:%f000", forecast, *_moves(slack, due, terms), type_=sa.Text)
        later = forecast + sa.literal(slack, sa.Interval())
        later = later if due is None else later + (sa.literal(terms.now, forecast.type) - due)
    stored = sa.type_coerce(promised, sa.Text)
    if not terms.by_day:
        return EitherWay(text > stored, later > promised)
    on_sqlite = _day_on_sqlite(text, terms) > stored
    if not moved:
        # a moment's text comes after its own day's: comparing the texts first spares reading dates of nearly all rows
        on_sqlite = sa.and_(text > stored, on_sqlite)
    return EitherWay(on_sqlite, sa.cast(sa.func.timezone(terms.zone.key, later), sa.Date) > promised)


def _moves(slack: dt.timedelta, due: Element | None, terms: Terms) -> list[Any]:
    """By how much SQLite moves a moment."""
    moves: list[Any] = [f"{int(slack.total_seconds()):+d} seconds"] if slack else []
    if due is not None:
        passed = sa.literal(int(terms.now.timestamp()), sa.Integer) - sa.cast(sa.func.strftime("%s", due), sa.Integer)
        moves.append(sa.cast(passed, sa.Text) + sa.literal(" seconds", sa.Text))
    return moves


def _day_on_sqlite(moment: Element, terms: Terms) -> Element:
    """The local date of a moment's text; SQLite knows no time zones, so the offsets are told."""
    offsets = offsets_of(terms.zone, terms.now.date())

    def day(offset: int) -> Element:
        return sa.func.date(moment, f"{offset:+d} seconds", type_=sa.Text)

    ends = [begin for begin, _offset in offsets[1:]]
    cases = [(moment < _text_of(end), day(offset)) for end, (_begin, offset) in zip(ends, offsets, strict=False)]
    return sa.case(*cases, else_=day(offsets[-1][1])) if cases else day(offsets[-1][1])


def _text_of(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


@lru_cache(maxsize=16)
def offsets_of(zone: ZoneInfo, day: dt.date) -> list[tuple[dt.datetime, int]]:
    """(from when, seconds ahead of UTC) for the years around ``day``; places without summer time have one."""
    found: list[tuple[dt.datetime, int]] = []
    start = dt.datetime.combine(day, dt.time(), dt.UTC) - dt.timedelta(days=366)
    for count in range(366 * (YEARS_AHEAD + 1)):
        moment = start + dt.timedelta(days=count)
        offset = _offset(moment, zone)
        if not found:
            found.append((moment, offset))
        elif found[-1][1] != offset:
            hours = (moment - dt.timedelta(hours=back) for back in range(24))
            found.append((min(hour for hour in hours if _offset(hour, zone) == offset), offset))
    return found


def _offset(moment: dt.datetime, zone: ZoneInfo) -> int:
    found = moment.astimezone(zone).utcoffset()
    return int(found.total_seconds()) if found is not None else 0


def clause(app: Application, view: TowerView, form: str, risks: Sequence[str]) -> Clause:
    """That a record is at one of these risks."""
    table = app.tables.form[form]
    every = conditions(table, terms_of(app, view, table))
    return sa.or_(*(every[name] for name in risks))
