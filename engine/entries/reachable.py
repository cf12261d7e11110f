"""Which tasks a person has, and the records they may do them with: few, the latest first, as a phone holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import fetching
from engine.application import Application
from engine.codes import codes_of
from engine.definition import Form
from engine.errors import Missing, message
from engine.expressions import View
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import may, readable_fields, row_filter
from engine.sight import Sight
from engine.task import Task

MOST = 300  # records a phone holds for one task


def form_of(app: Application, task: Task) -> Form:
    return app.definition.forms[task.form]


def asked_fields(app: Application, task: Task) -> tuple[Field, ...]:
    """What the task asks for: its own fields, then what its step asks for."""
    form = form_of(app, task)
    step = form.workflow.transitions.get(task.transition or "") if form.workflow else None
    names = dict.fromkeys((*task.fields, *(step.ask if step else ())))
    return tuple(form.fields[name] for name in names if form.fields[name].kind != "lines")


def adding(app: Application, task: Task) -> frozenset[str]:
    """The fields whose values are added to those there are; files are always added."""
    files = (field.name for field in asked_fields(app, task) if field.kind == "files")
    return frozenset((*task.adds, *files)) if task.kind != "create" else frozenset()


def may_do(app: Application, who: Actor, task: Task) -> bool:
    """Whether somebody has the button: their role has it and the form lets them."""
    if task.roles and not who.boundless and who.roles.isdisjoint(task.roles):
        return False
    form = form_of(app, task)
    if task.kind == "create":
        return may(app, who, "create", form).allowed
    if not may(app, who, "read", form).allowed:
        return False
    if task.kind == "change":
        return may(app, who, "update", form).allowed
    step = form.workflow.transitions.get(task.transition or "") if form.workflow else None
    return step is not None and (who.is_admin or not who.roles.isdisjoint(step.roles))


def tasks_for(app: Application, who: Actor) -> tuple[Task, ...]:
    return tuple(task for task in app.definition.tasks.values() if may_do(app, who, task))


def task_for(app: Application, who: Actor, name: str) -> Task:
    """Raises Missing alike for a task there is not and one that is not this person's."""
    task = app.definition.tasks.get(name)
    if task is None or not may_do(app, who, task):
        raise Missing(message("There is no such task, or it is not for you."))
    return task


@dataclass(frozen=True)
class Reach:
    """A record a task may be done with. ``values``: of what the task asks for, ``card``: of what the form's cards show;
    both as far as the person may read it."""

    id: int
    title: str
    version: int
    state: str | None
    codes: tuple[str, ...]
    values: Mapping[str, Any]
    card: Mapping[str, Any]


def card_fields(form: Form) -> tuple[Field, ...]:
    """What tells records of the form apart beside their titles."""
    card = next((card for view in form.views.values() if (card := getattr(view, "card", ()))), ())
    found = (form.fields[name] for name in card if name in form.fields)
    return tuple(one for one in found if not one.sensitive and one.kind not in ("lines", "files", "series"))


def reach(
    conn: sa.Connection, app: Application, who: Actor, task: Task, *, only: int | None = None, limit: int = MOST
) -> list[Reach]:
    """The records a task may be done with; ``only``: that one, if it is among them."""
    form = form_of(app, task)
    table = app.tables.form[form.name]
    query = sa.select(table).where(table.c.deleted_at.is_(None), *_conditions(app, who, task, form))
    if only is not None:
        query = query.where(table.c.id == only)
    rows = [dict(row) for row in conn.execute(query.order_by(table.c.updated_at.desc(), table.c.id.desc())
                                              .limit(limit)).mappings()]  # fmt: skip
    codes = codes_of(conn, app, who, form, [row["id"] for row in rows])
    sight, readable = Sight(app, conn, who), readable_fields(app, who, form)
    names, on_card = ([field.name for field in fields if field.name in table.c]
                      for fields in (asked_fields(app, task), card_fields(form)))  # fmt: skip
    seen = [readable.of(View(form, row, sight)) for row in rows]
    return [
        Reach(row["id"], row["_title"] or f"#{row['id']}", row["version"], row.get("state"), codes.get(row["id"], ()),
              _values(row, names, known), _values(row, on_card, known))
        for row, known in zip(rows, seen, strict=True)
    ]  # fmt: skip


def _conditions(app: Application, who: Actor, task: Task, form: Form) -> list[sa.ColumnElement[bool]]:
    found = [
        row_filter(app, who, "read", form),
        row_filter(app, who, "update", form) if task.kind == "change" else None,
    ]
    clauses = [one for one in found if one is not None]
    if task.where:
        clauses.append(fetching.where_sql(app, who, form, task.where))
    if task.kind == "take" and form.workflow:
        leaves = form.workflow.transitions[task.transition or ""].from_
        clauses.append(app.tables.form[form.name].c.state.in_(leaves))
    return clauses


def _values(row: Mapping[str, Any], names: list[str], readable: frozenset[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if name in readable}
