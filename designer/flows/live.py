"""How the records in force stand in the states of a draft: how many, how old, how many late. Never more than the reader
may see, and never more than two passes over the records, at most one in so many of which is sorted."""

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

SAMPLE = 4_000  # records whose ages are sorted to find the middle of each state
VISITS = 200  # finished visits that say how long it usually takes
RECENT = 1_000  # of these many latest ones


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
        found = {row[0]: tuple(row) for row in self.conn.execute(select)}
        ends = {name for name, state in self.form.workflow.states.items() if state.final}
        middles = self._middles(sum(row[1] for row in found.values()))
        return {
            name: Figure(count) if name in ends else Figure(
                count, late or 0, self._age(middles.get(name)), self._age(oldest), self._usual(name)
            )
            for name, count, late, oldest in found.values()
        }  # fmt: skip

    def _middles(self, count: int) -> dict[str, dt.datetime]:
        """Since when the one in the middle of each state is there; of very many every so-manieth is looked at."""
        table = self.table
        thinned = [table.c.id % ((count // SAMPLE) | 1) == 0] if count >= 2 * SAMPLE else []  # odd: no bias
        select = sa.select(table.c.state, table.c.state_since).where(*self.clauses, *thinned)
        ages: dict[str, list[dt.datetime]] = {}
        for state, since in self.conn.execute(select):
            if since is not None:
                ages.setdefault(state, []).append(since)
        return {state: sorted(found, reverse=True)[len(found) // 2] for state, found in ages.items()}

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
        seen = latest.join(self.table, self.table.c.id == latest.c.record_id)
        select = sa.select(latest.c.dwell_seconds).select_from(seen).where(*self.clauses).limit(VISITS)
        lengths = [length for length in self.conn.scalars(select) if length is not None]
        return int(median(lengths)) if lengths else None
