"""Visits of records to states folded into figures: how long, how often too long, where next. One statement each, over
the records of a query that the actor may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.cards import CycleCard, Point
from engine.fields import visited
from engine.fields.base import Field
from engine.fields.operators import midnight
from engine.spans import Span
from engine.tallies import Asking, day_of, place_of, within

Column = sa.ColumnElement[Any]
DAY = 86_400


@dataclass(frozen=True)
class Spread:
    """How long, in seconds. ``median`` is the middle (of two their mean), ``p90`` the least that nine of ten do not
    exceed (nearest rank)."""

    count: int
    total: int
    median: Decimal
    p90: int

    @property
    def mean(self) -> Decimal:
        return Decimal(self.total) / self.count


def spread(conn: sa.Connection, lengths: Any, keys: Sequence[str]) -> dict[tuple[Any, ...], Spread]:
    """By the columns ``keys`` of a subquery whose ``seconds`` is how long; no row where it is empty."""
    by = [lengths.c[key] for key in keys]
    seconds = lengths.c.seconds
    ranked = sa.select(
        *by, seconds, sa.func.row_number().over(partition_by=by, order_by=seconds).label("rank"),
        sa.func.count().over(partition_by=by).label("many"),
    ).where(seconds.is_not(None)).subquery()  # fmt: skip
    rank, many = ranked.c.rank, ranked.c.many

    def at(wanted: Any) -> Column:
        return sa.func.max(sa.case((rank == wanted, ranked.c.seconds)))

    keys_again = [ranked.c[key] for key in keys]
    select = sa.select(
        *keys_again, sa.func.count(), sa.cast(sa.func.sum(ranked.c.seconds), sa.BigInteger),
        at((many + 1) // 2), at(many // 2 + 1), at((many * 9 + 9) // 10),
    ).group_by(*keys_again)  # fmt: skip
    found = {}
    for row in conn.execute(select):
        *of, count, whole, low, high, p90 = row
        if count:
            found[tuple(of)] = Spread(count, int(whole), Decimal(int(low) + int(high)) / 2, int(p90))
    return found


def bounds_of(span: Span, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    return midnight(span.first, zone), midnight(span.end, zone)


# --- from one point to another ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cycle:
    """What is asked: the points of the card, with the fields they name, and a further field to group by."""

    card: CycleCard
    start: Field | None
    end: Field | None
    group: str | None = None


def cycle_times(asking: Asking, cycle: Cycle, spans: Sequence[Span], zone: ZoneInfo) -> dict[tuple[int, Any], Spread]:
    """(place among consecutive spans, value of the group or None) → how long records took that ended there.

    Time on the calendar: to the second where both points are moments, else in whole days. Working time would be
    another ``seconds`` of ``_lengths``; nothing else asks how long it is.
    """
    keys = ["place", *(["of"] if cycle.group else [])]
    found = spread(asking.conn, _lengths(asking, cycle, spans, zone), keys)
    return {(key[0], key[1] if cycle.group else None): one for key, one in found.items()}


def _lengths(asking: Asking, cycle: Cycle, spans: Sequence[Span], zone: ZoneInfo) -> Any:
    table, window = asking.table, Span("own", spans[0].first, spans[-1].end)
    arrived = None
    if cycle.end is None:
        arrived = _arrivals(asking, str(cycle.card.to.state), *bounds_of(window, zone))
        end: Any = arrived.c.moment
    else:
        end = table.c[cycle.end.name]
    start = table.c[cycle.start.name] if cycle.start is not None else _departure(asking, cycle.card.start)
    sort = cycle.end or _Moment
    place = place_of(end, sort, [*(span.first for span in spans), window.end], zone)  # type: ignore[arg-type]
    seconds = _between(asking.conn.dialect.name, (start, cycle.start or _Moment), (end, sort), window, zone)
    group = [table.c[cycle.group].label("of")] if cycle.group else []
    select = sa.select(place.label("place"), *group, seconds.label("seconds")).select_from(table)
    if arrived is not None:
        select = select.join(arrived, arrived.c.record_id == table.c.id)
    dated = within(end, sort, window, zone)  # type: ignore[arg-type]
    return select.where(*asking.clauses, *dated, start.is_not(None)).subquery()


class _Moment:
    """A visit begins at a moment, as a field of this kind would."""

    kind = "datetime"


def _arrivals(asking: Asking, state: str, low: dt.datetime, high: dt.datetime) -> Any:
    """The beginning of each record's last visit to a state, where that is in the window."""
    stay = asking.app.tables.stay
    last = sa.func.max(stay.c.entered_at)
    visits = (stay.c.form == asking.query.form.name, stay.c.state == state, stay.c.entered_at >= low)
    found = sa.select(stay.c.record_id, last.label("moment")).where(*visits)
    return found.group_by(stay.c.record_id).having(last < high).subquery()


def _departure(asking: Asking, point: Point) -> Any:
    """The beginning of the record's first visit to a state."""
    stay = asking.app.tables.stay.alias()
    found = sa.select(sa.func.min(stay.c.entered_at))
    mine = (stay.c.form == asking.query.form.name, stay.c.record_id == asking.table.c.id, stay.c.state == point.state)
    return sa.type_coerce(found.where(*mine).correlate(asking.table).scalar_subquery(), stay.c.entered_at.type)


def _between(dialect: str, start: tuple[Any, Any], end: tuple[Any, Any], window: Span, zone: ZoneInfo) -> Column:
    if start[1].kind == end[1].kind == "datetime":
        return _seconds(end[0], dialect) - _seconds(start[0], dialect)
    far = Span("own", window.first - dt.timedelta(days=3660), window.end)  # clocks are asked for so long
    days = [column if sort.kind == "date" else day_of(column, far, zone, dialect) for column, sort in (start, end)]
    if dialect == "sqlite":
        began, ended = (sa.func.julianday(sa.type_coerce(day, sa.Text), type_=sa.Float) for day in days)
        return sa.cast(ended - began, sa.Integer) * DAY
    return sa.cast(sa.type_coerce(days[1], sa.Date) - sa.type_coerce(days[0], sa.Date), sa.Integer) * DAY


def _seconds(column: Any, dialect: str) -> Column:
    """Whole seconds since 1970."""
    if dialect == "sqlite":
        return sa.cast(sa.func.strftime("%s", sa.type_coerce(column, sa.Text)), sa.Integer)
    return sa.cast(sa.func.floor(sa.extract("epoch", column)), sa.BigInteger)


# --- visits of a span ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visits:
    """The visits to one state that ended in a span: how many too long, to somebody else next, and not the first."""

    late: int
    handed_on: int
    again: int


def _of_query(asking: Asking, visit: Any) -> list[Any]:
    seen = sa.select(asking.table.c.id).where(*asking.clauses)
    return [visit.c.form == asking.query.form.name, visit.c.record_id.in_(seen)]


def _left(visit: Any, span: Span, zone: ZoneInfo) -> list[Any]:
    return [visit.c.left_at.is_not(None), *visited.within(visit.c.left_at, *bounds_of(span, zone))]


def dwells(asking: Asking, span: Span, zone: ZoneInfo) -> dict[str, Spread]:
    """State → how long visits that ended in the span were."""
    visit = visited.visits()
    found = sa.select(visit.c.state, visit.c.dwell_seconds.label("seconds"))
    lengths = found.where(*_of_query(asking, visit), *_left(visit, span, zone)).subquery()
    return {key[0]: one for key, one in spread(asking.conn, lengths, ["state"]).items()}


def losses(asking: Asking, span: Span, zone: ZoneInfo) -> dict[str, Visits]:
    """State → what was lost in those visits."""
    visit = visited.visits()
    told = sa.select(
        visit.c.state, sa.case((visited.is_late(visit), 1)).label("late"),
        sa.case((visited.is_handed_on(visit), 1)).label("handed"), sa.case((visited.is_again(visit), 1)).label("again"),
    ).where(*_of_query(asking, visit), *_left(visit, span, zone)).subquery()  # fmt: skip
    counts = [sa.func.count(told.c[name]) for name in ("late", "handed", "again")]
    rows = asking.conn.execute(sa.select(told.c.state, *counts).group_by(told.c.state))
    return {row[0]: Visits(*map(int, row[1:])) for row in rows}


@dataclass(frozen=True)
class Steps:
    """What records did in a span. ``edges``: (state, next) → (how often, seconds in the state before on average);
    ``came``: how often each state was entered; ``began`` and ``ended``: where records began, and where they are now
    having come to a final state."""

    edges: Mapping[tuple[str, str], tuple[int, Decimal]]
    came: Mapping[str, int]
    began: Mapping[str, int]
    ended: Mapping[str, int]


def steps(asking: Asking, span: Span, zone: ZoneInfo, final: Sequence[str]) -> Steps:
    visit = visited.visits()
    mine, low_high = _of_query(asking, visit), bounds_of(span, zone)
    entered = visited.within(visit.c.entered_at, *low_high)
    came = sa.select(visit.c.state, sa.func.count()).where(*mine, *entered)
    began = came.where(visited.is_first(visit))
    ended = came.where(visited.is_last(visit), visit.c.state.in_(list(final)))
    by_state = [_counts(asking, each.group_by(visit.c.state)) for each in (came, began, ended)]
    return Steps(_edges(asking, visit, [*mine, *_left(visit, span, zone)]), *by_state)


def _counts(asking: Asking, select: Any) -> dict[str, int]:
    return {state: int(count) for state, count in asking.conn.execute(select)}


def _edges(asking: Asking, visit: Any, where: Sequence[Any]) -> dict[tuple[str, str], tuple[int, Decimal]]:
    went = sa.select(visit.c.state, visited.following(visit, "state").label("next"),
                     visit.c.dwell_seconds.label("seconds")).where(*where).subquery()  # fmt: skip
    totals = (sa.func.count(), sa.cast(sa.func.coalesce(sa.func.sum(went.c.seconds), 0), sa.BigInteger))
    select = sa.select(went.c.state, went.c.next, *totals).where(went.c.next.is_not(None))
    rows = asking.conn.execute(select.group_by(went.c.state, went.c.next))
    return {(row[0], row[1]): (int(row[2]), Decimal(int(row[3])) / int(row[2])) for row in rows}
