"""Ways to filter records by where they have been: the visits to states that ``_stay`` keeps.

A value is written ``state,next state,first day,day after the last``; what is left out at the end or between the commas
narrows nothing. They stand in the lists behind figures about the way of records; ``takes`` is ``visit``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.fields import reading
from engine.fields.base import Field, Operator
from engine.fields.columns import Moment
from engine.fields.operators import OPERANDS, midnight
from engine.formats import Reader, date

Clause = sa.ColumnElement[bool]
_STAY = sa.table(
    "_stay",
    *(sa.column(name, sa.BigInteger) for name in ("id", "record_id", "dwell_seconds", "owner")),
    *(sa.column(name, sa.Text) for name in ("form", "state", "owner_role")),
    *(sa.column(name, Moment()) for name in ("entered_at", "left_at", "due_at")),
)  # fmt: skip


@dataclass(frozen=True)
class Visited:
    """Which visits are meant. ``low`` and ``high`` (not included) bound the moment that counts; None: any."""

    state: str
    to: str = ""
    first: dt.date | None = None
    end: dt.date | None = None
    low: dt.datetime | None = None
    high: dt.datetime | None = None

    def shown(self, field: Field, reader: Reader) -> str:
        """Open → Done, 1 Nov 2026 – 30 Nov 2026."""
        way = " → ".join(field.format(each, reader) for each in (self.state, self.to) if each)
        last = self.end - dt.timedelta(days=1) if self.end else None
        days = [date(each, reader.language) if each else "…" for each in (self.first, last)]
        return f"{way}, {' – '.join(days)}" if self.first or self.end else way


def written(state: str, to: str = "", first: dt.date | None = None, end: dt.date | None = None) -> str:
    """The value as it stands in an address."""
    return ",".join((state, to, first.isoformat() if first else "", end.isoformat() if end else "")).rstrip(",")


def read(field: Field, operator: Operator, raw: Sequence[str], reader: Reader, now: dt.datetime) -> Visited:
    """What was typed; raises Invalid naming the state or the day that is none."""
    parts = [*(raw[-1] if raw else "").split(","), "", "", "", ""][:4]
    states = [field.parse(part.strip(), reader) for part in parts[:2]]
    first, end = (reading.date(part.strip()) if part.strip() else None for part in parts[2:])
    if not states[0]:
        raise field.wrong("{label}: the filter “{operator}” needs a state.", operator=operator.name)
    bounds = [midnight(each, reader.zone) if each else None for each in (first, end)]
    return Visited(states[0], states[1] or "", first, end, *bounds)


OPERANDS["visit"] = read


# --- what is asked of visits -----------------------------------------------------------------------------------------


def visits() -> Any:
    """The visits once more, under a name of their own."""
    return _STAY.alias()


def within(column: Any, low: dt.datetime | None, high: dt.datetime | None) -> list[Clause]:
    bounds = [column >= low] if low is not None else []
    return [*bounds, *([column < high] if high is not None else [])]


def _order(one: Any, other: Any) -> Clause:
    """``one`` is later than ``other``: visits of one moment are in the order they were written."""
    same = sa.and_(one.c.entered_at == other.c.entered_at, one.c.id > other.c.id)
    return sa.or_(one.c.entered_at > other.c.entered_at, same)


def _beside(visit: Any) -> tuple[Any, list[Clause]]:
    other = visits()
    return other, [other.c.form == visit.c.form, other.c.record_id == visit.c.record_id]


def following(visit: Any, column: str) -> Any:
    """A column of the visit of the same record that comes next; None for the last."""
    after, same = _beside(visit)
    found = sa.select(after.c[column]).where(*same, _order(after, visit))
    return found.order_by(after.c.entered_at, after.c.id).limit(1).scalar_subquery()


def is_first(visit: Any) -> Clause:
    before, same = _beside(visit)
    return ~sa.exists().where(*same, _order(visit, before))


def is_last(visit: Any) -> Clause:
    after, same = _beside(visit)
    return ~sa.exists().where(*same, _order(after, visit))


def is_again(visit: Any) -> Clause:
    """The record has been in this state before."""
    before, same = _beside(visit)
    return sa.exists().where(*same, before.c.state == visit.c.state, _order(visit, before))


def is_late(visit: Any) -> Clause:
    return visit.c.left_at > visit.c.due_at


def is_handed_on(visit: Any) -> Clause:
    """The next visit is somebody else's: another person, or another role where it is nobody's in particular."""
    mine = sa.func.coalesce(sa.cast(visit.c.owner, sa.Text), visit.c.owner_role, "")
    after, same = _beside(visit)
    theirs = sa.select(sa.func.coalesce(sa.cast(after.c.owner, sa.Text), after.c.owner_role, ""))
    found = theirs.where(*same, _order(after, visit)).order_by(after.c.entered_at, after.c.id).limit(1)
    clause: Clause = found.scalar_subquery() != mine
    return clause


# --- the ways to filter ----------------------------------------------------------------------------------------------


def _of(column: Any, narrowed: Callable[[Any, Visited], Sequence[Clause]], value: Visited) -> Clause:
    visit = visits()
    asked = (visit.c.form == column.table.name, visit.c.state == value.state, *narrowed(visit, value))
    clause: Clause = column.table.c.id.in_(sa.select(visit.c.record_id).where(*asked))
    return clause


def _left(visit: Any, value: Visited) -> list[Clause]:
    return [visit.c.left_at.is_not(None), *within(visit.c.left_at, value.low, value.high)]


def _next(visit: Any, value: Visited) -> list[Clause]:
    return [following(visit, "state") == value.to] if value.to else []


def _entered(visit: Any, value: Visited) -> list[Clause]:
    return within(visit.c.entered_at, value.low, value.high)


def _came_last(column: Any, value: Visited) -> Clause:
    """The last visit to the state began in the span."""
    visit = visits()
    found = sa.select(visit.c.record_id).where(visit.c.form == column.table.name, visit.c.state == value.state)
    found = found.where(*within(visit.c.entered_at, value.low, None)).group_by(visit.c.record_id)
    if value.high is not None:
        found = found.having(sa.func.max(visit.c.entered_at) < value.high)
    clause: Clause = column.table.c.id.in_(found)
    return clause


def _operator(name: str, label: str, narrowed: Callable[[Any, Visited], Sequence[Clause]]) -> Operator:
    return Operator(name, label, lambda column, value: _of(column, narrowed, value), "visit")


VISITS = (
    _operator("came", "came to", _entered),
    _operator("been", "was in", lambda visit, value: []),
    _operator("stayed", "stayed in", _left),
    _operator("late", "stayed too long in", lambda visit, value: [*_left(visit, value), is_late(visit)]),
    _operator("again", "was again in", lambda visit, value: [*_left(visit, value), is_again(visit)]),
    _operator("handed_on", "was handed on from", lambda visit, value: [*_left(visit, value), is_handed_on(visit)]),
    _operator("went", "went from", lambda visit, value: [*_left(visit, value), *_next(visit, value)]),
    _operator("began", "began in", lambda visit, value: [*_entered(visit, value), is_first(visit)]),
    _operator("ended", "ended in", lambda visit, value: [*_entered(visit, value), is_last(visit)]),
    Operator("came_last", "came last to", _came_last, "visit"),
)
