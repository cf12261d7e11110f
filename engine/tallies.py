"""Records of a query folded into figures by group or by day: one statement each, within what the actor may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.application import Application
from engine.fetching import conditions
from engine.fields.base import Field
from engine.fields.operators import midnight
from engine.people import Actor
from engine.queries import ListQuery
from engine.spans import Span

Column = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Asking:
    """Whom is asked, by whom, of which records."""

    app: Application
    actor: Actor
    query: ListQuery
    conn: sa.Connection

    @property
    def table(self) -> sa.Table:
        return self.app.tables.form[self.query.form.name]

    @property
    def clauses(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (self.table.c.deleted_at.is_(None), *conditions(self.app, self.actor, self.query))


@dataclass(frozen=True)
class Measure:
    """``fold``: count, sum, min, max or mean of ``field``."""

    fold: str
    field: str | None = None

    def columns(self, table: sa.Table) -> tuple[Column, ...]:
        """What is selected: how many records, how many with a value, and the folded value."""
        if self.fold == "count" or self.field is None:
            return (sa.func.count(),)
        column = table.c[self.field]
        fold: Any = {"min": sa.func.min, "max": sa.func.max}.get(self.fold, sa.func.sum)
        as_own = sa.cast if isinstance(column.type, sa.Integer) else sa.type_coerce  # PostgreSQL sums them as NUMERIC
        return sa.func.count(), sa.func.count(column), as_own(fold(column), column.type)

    def tally(self, parts: Sequence[Any]) -> Tally:
        return Tally(self.fold, *parts)


@dataclass(frozen=True)
class Tally:
    """A figure that can be added to another of its kind. ``filled``: how many records have a value."""

    fold: str
    records: int = 0
    filled: int = 0
    folded: Any = None

    @property
    def value(self) -> Any:
        """The figure; None for the sum, least, greatest or mean of nothing."""
        if self.fold == "count":
            return self.records
        if self.folded is None or self.fold != "mean":
            return self.folded
        return Decimal(self.folded) / self.filled if isinstance(self.folded, int) else self.folded / self.filled

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.fold, self.records + other.records, self.filled + other.filled, self._with(other))

    def _with(self, other: Tally) -> Any:
        if self.folded is None or other.folded is None:
            return other.folded if self.folded is None else self.folded
        if self.fold in ("min", "max"):
            return (min if self.fold == "min" else max)(self.folded, other.folded)
        return self.folded + other.folded

    def without(self, other: Tally) -> Tally:
        """What is left of a count or sum when a part is taken away."""
        filled = self.filled - other.filled
        rest = None if self.folded is None or not filled else self.folded - (other.folded or self.folded * 0)
        return Tally(self.fold, self.records - other.records, filled, rest)


# --- by group --------------------------------------------------------------------------------------------------------


def in_groups(
    asking: Asking, measures: Sequence[Measure], groups: Sequence[str], most: int
) -> list[tuple[tuple[Any, ...], tuple[Tally, ...]]]:
    """((value of each group, …), (tally of each measure, …)) of the ``most`` largest by the first measure."""
    table = asking.table
    keys = [table.c[name] for name in groups]
    parts = [part for measure in measures for part in measure.columns(table)]
    largest = measures[0].columns(table)[-1]
    select = sa.select(*keys, *parts).where(*asking.clauses).group_by(*keys)
    ends = (part for key in keys for part in (key.is_(None), key))
    select = select.order_by(largest.desc().nulls_last(), *ends).limit(most)
    return [(tuple(row[: len(keys)]), _tallies(measures, row[len(keys) :])) for row in asking.conn.execute(select)]


def total(asking: Asking, measures: Sequence[Measure]) -> tuple[Tally, ...]:
    """Over all records of the query."""
    table = asking.table
    parts = [part for measure in measures for part in measure.columns(table)]
    row = asking.conn.execute(sa.select(*parts).select_from(table).where(*asking.clauses)).one()
    return _tallies(measures, tuple(row))


def _tallies(measures: Sequence[Measure], parts: Sequence[Any]) -> tuple[Tally, ...]:
    found, at = [], 0
    for measure in measures:
        width = 1 if measure.fold == "count" or measure.field is None else 3
        found.append(measure.tally(parts[at : at + width]))
        at += width
    return tuple(found)


# --- by day ----------------------------------------------------------------------------------------------------------


def by_day(
    asking: Asking, measure: Measure, date: Field, window: Span, zone: ZoneInfo, group: str | None = None
) -> Iterator[tuple[dt.date, Any, Tally]]:
    """(day, value of the group or None, tally) for the days that have records, on the clocks of ``zone``."""
    table = asking.table
    column = table.c[date.name]
    day = column if date.kind == "date" else day_of(column, window, zone, asking.conn.dialect.name)
    keys = [day, *([table.c[group]] if group else [])]
    select = sa.select(*keys, *measure.columns(table)).where(*asking.clauses, *within(column, date, window, zone))
    for row in asking.conn.execute(select.group_by(*keys)):
        found = row[0] if isinstance(row[0], dt.date) else dt.date.fromisoformat(row[0])
        yield found, row[1] if group else None, measure.tally(tuple(row[len(keys) :]))


def by_bound(
    asking: Asking, measure: Measure, date: Field, bounds: Sequence[dt.date], zone: ZoneInfo, group: str | None = None
) -> dict[tuple[int, Any], Tally]:
    """(place, value of the group or None) → tally; place n holds the days from ``bounds[n]`` to before
    ``bounds[n + 1]``."""
    table = asking.table
    column = table.c[date.name]
    place = place_of(column, date, bounds, zone)
    keys = [place, *([table.c[group]] if group else [])]
    window = within(column, date, Span("own", bounds[0], bounds[-1]), zone)
    select = sa.select(*keys, *measure.columns(table)).where(*asking.clauses, *window).group_by(*keys)
    rows = asking.conn.execute(select)
    return {(row[0], row[1] if group else None): measure.tally(tuple(row[len(keys) :])) for row in rows}


def place_of(column: Column, date: Field, bounds: Sequence[dt.date], zone: ZoneInfo) -> Column:
    """Between which bounds a day is, counted from 0; what is before the second is in the first place."""
    edges = [midnight(each, zone) if date.kind == "datetime" else each for each in bounds[1:-1]]
    whens: list[Any] = [(column < edge, sa.literal_column(str(place))) for place, edge in enumerate(edges)]
    last = sa.literal_column(str(len(edges)), sa.Integer)
    return sa.case(*(whens or [(column.is_(None), last)]), else_=last)  # a bare number would be GROUP BY's first column


def within(column: Column, date: Field, window: Span, zone: ZoneInfo) -> tuple[sa.ColumnElement[bool], ...]:
    """The days of the window, as an index on the column answers it."""
    low: Any = midnight(window.first, zone) if date.kind == "datetime" else window.first
    high: Any = midnight(window.end, zone) if date.kind == "datetime" else window.end
    return column >= low, column < high


def day_of(column: Column, window: Span, zone: ZoneInfo, dialect: str) -> Column:
    """The day a moment is on. SQLite knows no zones: it is told when the clocks of this one were put back or forth."""
    if dialect != "sqlite":
        return sa.cast(sa.func.timezone(str(zone), column), sa.Date)
    return sa.func.date(sa.type_coerce(column, sa.Text), _shift(column, window, zone), type_=sa.Text)


def _shift(column: Column, window: Span, zone: ZoneInfo) -> Any:
    changes = list(_changes(window, zone))
    if len(changes) == 1:
        return f"{changes[0][1]:+d} minutes"
    ways = [(column < until, f"{minutes:+d} minutes") for until, minutes in changes[:-1]]
    return sa.case(*ways, else_=f"{changes[-1][1]:+d} minutes")


def _changes(window: Span, zone: ZoneInfo) -> Iterator[tuple[dt.datetime, int]]:
    """(until when, minutes before UTC), in order; found to the hour, which is when clocks change."""
    moment, end = midnight(window.first, zone), midnight(window.end, zone)
    offset = _offset(moment, zone)
    while moment < end:
        following = min(moment + dt.timedelta(days=7), end)
        if _offset(following, zone) != offset:
            following = _first_change(moment, following, offset, zone)
            yield following, offset
            offset = _offset(following, zone)
        moment = following
    yield end, offset


def _first_change(low: dt.datetime, high: dt.datetime, offset: int, zone: ZoneInfo) -> dt.datetime:
    while high - low > dt.timedelta(minutes=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return high.replace(second=0, microsecond=0)


def _offset(moment: dt.datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return round((offset or dt.timedelta()).total_seconds() / 60)
