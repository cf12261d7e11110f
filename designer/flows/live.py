"""How the records in force stand in the states of a draft: how many, how old, how many late. Never more than the reader
may see, and never more than a few bounded queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.people import Actor
from engine.permissions import may, readable_fields, row_filter

MOST = 200_000  # records of a state whose ages are sorted for the one in the middle
VISITS = 200  # finished visits that say how long it usually takes
RECENT = 2_000  # of these many latest ones


@dataclass(frozen=True)
class Figure:
    """The records in one state. ``middle``: half of them are there for longer; ``usual``: how long finished visits of
    late took, in the middle. Seconds; None where there is nothing to tell."""

    count: int
    late: int = 0
    middle: int | None = None
    longest: int | None = None
    usual: int | None = None

    @property
    def heat(self) -> str:
        """How bad it is: empty, ``warm`` where some are late, ``hot`` where a third is."""
        if not self.late:
            return ""
        return "hot" if self.late * 3 >= self.count else "warm"


def figures(app: Application, actor: Actor, form: str, names: Mapping[str, str]) -> dict[str, Figure] | None:
    """State of the draft → Figure. ``form``: the stable id of a form; ``names``: state of the draft → its stable id.

    None where there is no such form in force, or the actor may not see where its records stand.
    """
    found = next((one for one in app.definition.forms.values() if one.stable_id == form), None)
    if found is None or found.workflow is None or not may(app, actor, "read", found):
        return None
    if not all(readable_fields(app, actor, found).always(name) for name in ("state", "state_since", "state_due")):
        return None
    kept = {state.stable_id: state.name for state in found.workflow.states.values()}
    wanted = {name: kept[id] for name, id in names.items() if id in kept}
    with app.database.read() as conn:
        told = _Asking(app, actor, found, conn).told()
    return {name: told.get(stored, Figure(0)) for name, stored in wanted.items()}


class _Asking:
    def __init__(self, app: Application, actor: Actor, form: Form, conn: sa.Connection) -> None:
        self.app, self.form, self.conn = app, form, conn
        self.table, self.stay, self.now = app.tables.form[form.name], app.tables.stay, app.clock()
        allowed = row_filter(app, actor, "read", form)
        self.clauses = [self.table.c.deleted_at.is_(None), *([] if allowed is None else [allowed])]

    def told(self) -> dict[str, Figure]:
        assert self.form.workflow is not None  # figures looked
        table = self.table
        late = sa.func.sum(sa.case((table.c.state_due < self.now, 1), else_=0))
        oldest = sa.type_coerce(sa.func.min(table.c.state_since), table.c.state_since.type)
        select = sa.select(table.c.state, sa.func.count(), late, oldest).where(*self.clauses).group_by(table.c.state)
        found = {row[0]: row for row in self.conn.execute(select)}
        ends = {name for name, state in self.form.workflow.states.items() if state.final}
        return {
            name: Figure(row[1]) if name in ends else Figure(
                row[1], row[2] or 0, self._middle(name, row[1]), self._age(row[3]), self._usual(name)
            )
            for name, row in found.items()
        }  # fmt: skip

    def _middle(self, state: str, count: int) -> int | None:
        if count > MOST:
            return None
        table = self.table
        select = sa.select(table.c.state_since).where(*self.clauses, table.c.state == state)
        ordered = select.order_by(table.c.state_since.desc()).limit(1).offset(count // 2)
        return self._age(self.conn.execute(ordered).scalar())

    def _age(self, since: Any) -> int | None:
        return max(0, int((self.now - since).total_seconds())) if isinstance(since, dt.datetime) else None

    def _usual(self, state: str) -> int | None:
        stay = self.stay
        latest = (
            sa.select(stay.c.record_id, stay.c.dwell_seconds)
            .where(stay.c.form == self.form.name, stay.c.state == state, stay.c.left_at.is_not(None))
            .order_by(stay.c.entered_at.desc())
            .limit(RECENT)
            .subquery()
        )
        seen = sa.select(self.table.c.id).where(*self.clauses)
        select = sa.select(latest.c.dwell_seconds).where(latest.c.record_id.in_(seen)).limit(VISITS)
        lengths = [length for length in self.conn.scalars(select) if length is not None]
        return int(median(lengths)) if lengths else None
