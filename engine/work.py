"""What waits for a person: open records they or one of their roles are responsible for, and what they did last.

At most one query per form, each bounded, each with the person's own row filter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form, State
from engine.people import Actor
from engine.permissions import may, row_filter
from engine.subtitles import subtitles

PER_FORM = 50
RECENT_EVENTS = 3000  # how far back "lately" looks: an index range, whatever the size of the history


@dataclass(frozen=True)
class Task:
    """An open record that waits. ``mine``: for this person by name, not by role."""

    form: Form
    id: int
    title: str
    state: State
    due: dt.datetime | None
    mine: bool
    overdue: bool
    subtitle: str = ""


@dataclass(frozen=True)
class Shelf:
    """The open records of one form by state; ``waiting`` is cut at ``PER_FORM`` and then ``more`` is set."""

    form: Form
    waiting: tuple[Task, ...]
    more: bool
    counts: tuple[tuple[State, int], ...]

    @property
    def open(self) -> int:
        return sum(count for _state, count in self.counts)


@dataclass(frozen=True)
class Recent:
    form: Form
    id: int
    title: str
    at: dt.datetime


def shelves(app: Application, actor: Actor, conn: sa.Connection) -> list[Shelf]:
    """For every form with a life cycle that the actor may read: what waits, and how many stand in each open state."""
    forms = (form for form in app.definition.forms.values() if form.workflow and not form.parent_form)
    now = app.clock()
    return [_shelf(app, actor, conn, form, now) for form in forms if may(app, actor, "read", form).allowed]


def _shelf(app: Application, actor: Actor, conn: sa.Connection, form: Form, now: dt.datetime) -> Shelf:
    tasks = _tasks(app, actor, conn, form, now)
    said = subtitles(app, actor, conn, form, [task.id for task in tasks[:PER_FORM]])
    waiting = tuple(replace(task, subtitle=said.get(task.id, "")) for task in tasks[:PER_FORM])
    return Shelf(form, waiting, len(tasks) > PER_FORM, _counts(app, actor, conn, form))


def _open_states(form: Form) -> dict[str, State]:
    states = form.workflow.states if form.workflow else {}
    return {name: state for name, state in states.items() if not state.final}


def _readable(app: Application, actor: Actor, form: Form) -> Iterable[sa.ColumnElement[bool]]:
    table = app.tables.form[form.name]
    limits = row_filter(app, actor, "read", form)
    return (table.c.deleted_at.is_(None), *(() if limits is None else (limits,)))


def _tasks(app: Application, actor: Actor, conn: sa.Connection, form: Form, now: dt.datetime) -> list[Task]:
    table, states = app.tables.form[form.name], _open_states(form)
    roles = sorted(actor.roles)
    responsible = sa.or_(table.c.owner == actor.id, sa.and_(table.c.owner.is_(None), table.c.owner_role.in_(roles)))
    columns = (table.c.id, table.c["_title"], table.c.state, table.c.state_due, table.c.owner)
    rows = conn.execute(
        sa.select(*columns)
        .where(*_readable(app, actor, form), table.c.state.in_(list(states)), responsible)
        .order_by(table.c.state_due.is_(None), table.c.state_due, table.c.id)
        .limit(PER_FORM + 1)
    )
    return [_task(form, states, row, actor, now) for row in rows]


def _task(form: Form, states: Mapping[str, State], row: Any, actor: Actor, now: dt.datetime) -> Task:
    late = row.state_due is not None and row.state_due < now
    return Task(form, row.id, row[1] or f"#{row.id}", states[row.state], row.state_due, row.owner == actor.id, late)


def _counts(app: Application, actor: Actor, conn: sa.Connection, form: Form) -> tuple[tuple[State, int], ...]:
    table, states = app.tables.form[form.name], _open_states(form)
    rows = conn.execute(
        sa.select(table.c.state, sa.func.count())
        .where(*_readable(app, actor, form), table.c.state.in_(list(states)))
        .group_by(table.c.state)
    ).all()
    found: dict[str, int] = {row[0]: row[1] for row in rows}
    return tuple((state, found[name]) for name, state in states.items() if name in found)


def in_order(shelves: Iterable[Shelf]) -> list[Task]:
    """All that waits, the most urgent first; what has no date comes last."""
    waiting = [task for shelf in shelves for task in shelf.waiting]
    return sorted(waiting, key=lambda task: (task.due is None, task.due.timestamp() if task.due else 0, -task.id))


def recent(app: Application, actor: Actor, conn: sa.Connection, limit: int = 8) -> list[Recent]:
    """The records the actor changed last, those they may still read."""
    event = app.tables.event
    newest = conn.execute(sa.select(sa.func.max(event.c.id))).scalar() or 0
    rows = conn.execute(
        sa.select(event.c.form, event.c.record_id, sa.func.max(event.c.at).label("at"))
        .where(event.c.id > newest - RECENT_EVENTS, event.c.actor_id == actor.id, event.c.actor_kind == "user")
        .group_by(event.c.form, event.c.record_id)
        .order_by(sa.func.max(event.c.id).desc())
        .limit(limit * 3)
    ).all()
    known = _titles(app, actor, conn, [(row.form, row.record_id) for row in rows])
    places = [(row, known.get((row.form, row.record_id))) for row in rows]
    forms = app.definition.forms
    return [Recent(forms[row.form], row.record_id, title, row.at) for row, title in places if title is not None][:limit]


def _titles(
    app: Application, actor: Actor, conn: sa.Connection, records: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], str]:
    by_form: dict[str, list[int]] = {}
    for name, record_id in records:
        by_form.setdefault(name, []).append(record_id)
    found: dict[tuple[str, int], str] = {}
    for name, ids in by_form.items():
        form = app.definition.forms.get(name)
        if form is None or form.parent_form or not may(app, actor, "read", form).allowed:
            continue
        table = app.tables.form[name]
        statement = sa.select(table.c.id, table.c["_title"]).where(*_readable(app, actor, form), table.c.id.in_(ids))
        found |= {(name, row.id): row[1] or f"#{row.id}" for row in conn.execute(statement)}
    return found
