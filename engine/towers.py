"""How far open records are from their promise, as a condition for the database and as a word for one row.

What late, will_be_late and at_risk mean, and from when a record is it, is worked out in ``promises``; on_time is the
rest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.columns import Columns
from engine.definition import Form
from engine.errors import Message, Problem, message
from engine.promises import LATE, MOMENTS, Promise
from engine.storage.prepared import value
from engine.views import TowerView, View

KEYS = ("risk", "group", "show", "wall")
SHOWN_AS = ("table", "kanban", "timeline")
ALWAYS_GROUPS = ("state", "risk")
NONE = dt.timedelta(0)
FEW = 200  # records that are sorted sooner than found in order among very many others

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
    """``risks``: only these, none said is all; ``group``: a column or ``risk``; ``show``: one of SHOWN_AS; ``few``: of
    the one risk there are but FEW (nobody asks it, it was counted)."""

    risks: tuple[str, ...] = ()
    group: str = ""
    show: str = "table"
    wall: bool = False
    few: bool = False

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


def read_asked(form: Form, view: View | None, columns: Columns, args: Any, problems: list[Problem]) -> Asked | None:
    """None for other views; what is not understood is a problem."""
    if not isinstance(view, TowerView):
        return None
    if not tells_promise(form, columns):
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


def tells_promise(form: Form, columns: Columns) -> bool:
    """Whether the person may see, on every record, what its risk is told by."""
    promised = form.workflow.promised if form.workflow else None
    return promised is None or (promised in columns and promised not in columns.sometimes)


def _last(args: Any, key: str) -> str:
    values = args.getlist(key)
    return str(values[-1]) if values else ""


def _unknown(key: str, got: str, known: Sequence[str]) -> Problem:
    said = message("“{key}” is one of {known}, not “{got}”.", key=key, known=tuple(known), got=got[:40])
    return Problem(key, said)


# --- the promise, and what it is held against ------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """What the risk of a form's records depends on beside their rows."""

    promise: Promise
    now: dt.datetime

    @property
    def promised(self) -> str | None:
        return self.promise.field

    @property
    def today(self) -> dt.date:
        return self.day(self.now)

    def day(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.promise.times.zone).date()

    def promised_day(self, promised: Any) -> dt.date:
        return self.day(promised) if isinstance(promised, dt.datetime) else promised

    def end(self, promised: Any) -> dt.datetime:
        """The moment a promise is broken."""
        return self.promise.end(promised)


def terms_of(app: Application, form: str) -> Terms:
    promise = app.plans.form(form).promise
    assert promise is not None  # towers are of forms with a workflow: the checks say so
    return Terms(promise, app.clock())


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
    for name, column in _REACHED:
        moment = row[column]
        if moment is not None and moment <= terms.now:
            return name
    return "on_time"


_REACHED = tuple(zip(RISKS, reversed(MOMENTS), strict=False))  # a risk and from when it is, the worst first


def conditions(table: sa.Table, now: Element) -> dict[str, Clause]:
    """Risk → what holds of exactly its records; the four leave nothing out and nothing twice. Each moment is at or
    before the next: what is past the last is past all."""
    risk, will, late = (table.c[name] for name in MOMENTS)
    return {
        "late": late <= now,
        "will_be_late": sa.and_(will <= now, late > now),
        "at_risk": sa.and_(risk <= now, sa.or_(will.is_(None), will > now)),
        "on_time": sa.or_(risk.is_(None), risk > now),
    }


def clause(app: Application, form: str, risks: Sequence[str]) -> Clause:
    """That a record is at one of these risks, whenever it is asked; kept per definition."""
    kept, key = app.plans.kept, ("risk", form, tuple(risks))
    found: Clause | None = kept.get(key)
    if found is None:
        table = app.tables.form[form]
        every = conditions(table, _clock(app, table))
        found = kept[key] = sa.or_(*(every[name] for name in risks))
    return found


def _clock(app: Application, table: sa.Table) -> Element:
    """The moment at which a statement is executed: one value, however many clauses name it."""
    kept, key = app.plans.kept, ("clock", table.name)
    found: Element | None = kept.get(key)
    if found is None:
        found = kept[key] = sa.bindparam("now", None, table.c[LATE].type, unique=True, callable_=app.clock)
    return found


# --- finding and counting them ---------------------------------------------------------------------------------------


def _ranges(table: sa.Table, now: Element, *, promised: bool) -> Iterator[tuple[str, sa.Select[Any]]]:
    """Risk → its ids, as ranges of an index each. Whatever became so last is read first: it is the likeliest to be so
    still, and not something worse. Nothing is late without a promise."""
    every, (risk, will, late), id = conditions(table, now), (table.c[name] for name in MOMENTS), table.c.id
    if promised:
        yield "late", sa.select(id).where(every["late"]).order_by(late.desc())
        yield "will_be_late", sa.select(id).where(every["will_be_late"]).order_by(will.desc())
    yield "at_risk", sa.select(id).where(every["at_risk"]).order_by(risk.desc())
    yield "on_time", sa.select(id).where(risk > now).order_by(risk)
    yield "on_time", sa.select(id).where(risk.is_(None)).order_by(risk, id)


def counts(app: Application, conn: sa.Connection, form: Form, clauses: Sequence[Clause], most: int) -> dict[str, int]:
    """Risk → how many records meet the clauses, counted to a little more than ``most``; one statement."""
    table, promise = app.tables.form[form.name], app.plans.form(form).promise
    promised = promise is not None and promise.field is not None
    every = (table.c.deleted_at.is_(None), *clauses)

    def build() -> Any:
        ranges = _ranges(table, value("now_", table.c[LATE].type), promised=promised)
        parts = ((name, found.where(*every).limit(most + 1).subquery()) for name, found in ranges)
        return sa.union_all(*(sa.select(sa.literal(name).label("risk"), sa.func.count().label("n")).select_from(some)
                              for name, some in parts))  # fmt: skip

    key = ("risks", form.name, most)
    prepared, values = app.tables.statements.with_clauses(key, conn.dialect, clauses, build)
    found = dict.fromkeys(RISKS, 0)
    for row in prepared.rows(conn, {**values, "now_": app.clock()}):
        found[row["risk"]] += row["n"]
    return found


def picked(app: Application, form: Form, risk: str, clauses: Sequence[Clause]) -> Clause:
    """That a record is one of the few at this risk, which are found by it and then sorted: in the order of the promise
    they would have to be looked for among all others."""
    table, kept, key = app.tables.form[form.name], app.plans.kept, ("ranges", form.name)
    ranges: list[tuple[str, sa.Select[Any]]] | None = kept.get(key)
    if ranges is None:
        ranges = kept[key] = [
            (name, found.where(table.c.deleted_at.is_(None)).limit(2 * FEW))
            for name, found in _ranges(table, _clock(app, table), promised=True)
        ]
    parts = [found.where(*clauses).subquery() for name, found in ranges if name == risk]
    return table.c.id.in_(sa.union_all(*(sa.select(part.c.id) for part in parts)))


def start(app: Application, form: Form, risks: Sequence[str]) -> Clause | None:
    """Where records at these risks begin in the order of the promise: not before those that are late."""
    table, promise = app.tables.form[form.name], app.plans.form(form).promise
    if not risks or "late" in risks or promise is None or not promise.field:
        return None
    clause: Clause = table.c[LATE] > _clock(app, table)
    return clause
