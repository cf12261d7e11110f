"""Reading records as one actor may: rows without what is hidden, found by id, by values or by a condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.errors import Denied, Invalid, Missing, Problem, message
from engine.expressions import plain, to_sql
from engine.people import Actor, inside
from engine.permissions import may, may_record, readable_fields, row_filter
from engine.plans import FormPlan
from engine.sight import Row, Sight
from engine.storage.indexes import sort_keys

MOST, CHUNK = 1000, 5000


def get(app: Application, actor: Actor, form: Form | str, id: int) -> Row:
    """The record with every field the actor may see, lines and live figures too; raises Missing."""
    plan = app.plans.form(form)
    with app.database.read() as conn:
        sight = Sight(app, conn, actor)
        row = sight.load(plan.form.name, id)
        if row is None or row["deleted_at"] is not None or not _readable(app, actor, plan, sight, row):
            raise Missing(message("There is no {form} {id}, or you may not see it.", form=plan.form.label, id=id))
        return whole(app, actor, plan, sight, row)


def find(app: Application, actor: Actor, form: Form | str, values: Mapping[str, Any]) -> Row | None:
    """The oldest record that has these values, by field name; None when there is none the actor may see."""
    plan = app.plans.form(form)
    _refuse_unreadable(app, actor, plan, values)
    conditions = [plan.table.c[name] == value for name, value in values.items()]
    found = _select(app, actor, plan, conditions, [plan.table.c.id], 1)
    return found[0] if found else None


def records(
    app: Application,
    actor: Actor,
    form: Form | str,
    *,
    where: str | None = None,
    sort: Sequence[str] = (),
    limit: int = 100,
) -> list[Row]:
    """The records for which the expression ``where`` holds, at most 1,000; ``sort``: fields, ``-`` for descending."""
    plan = app.plans.form(form)
    conditions = []
    if where is not None:
        conditions.append(to_sql(app.plans.compile(where), plan.form, app.tables, actor, app.clock))
    keys = sort_keys(sort)
    _refuse_unreadable(app, actor, plan, [key.name for key in keys])
    order = [plan.table.c[key.name].desc() if key.descending else plan.table.c[key.name] for key in keys]
    return _select(app, actor, plan, conditions, [*order, plan.table.c.id], min(limit, MOST))


def every(
    app: Application,
    actor: Actor,
    form: Form | str,
    *,
    where: str | None = None,
    ids: Iterable[int] | None = None,
) -> Iterator[Row]:
    """All records, or lines, for which ``where`` holds, or all of these ``ids``, in the order of their ids, however
    many: some thousand at a time, so that what is changed meanwhile may be seen or not."""
    plan = app.plans.form(form)
    holds = to_sql(app.plans.compile(where), plan.form, app.tables, actor, app.clock) if where else sa.true()
    id = plan.table.c.id
    if ids is not None:
        wanted = sorted(set(ids))
        for place in range(0, len(wanted), MOST):
            yield from _select(app, actor, plan, [holds, id.in_(wanted[place : place + MOST])], [id], MOST)
        return
    last, full = 0, True
    while full:
        found = _select(app, actor, plan, [holds, id > last], [id], CHUNK)
        yield from found
        last, full = found[-1]["id"] if found else last, len(found) == CHUNK


def users_of(app: Application) -> list[tuple[str, int]]:
    """(sign-in name, id) of everyone who may sign in."""
    user = app.tables.user
    with app.database.read() as conn:
        found = conn.execute(
            sa.select(user.c.login, user.c.id).where(user.c.active, inside(app.tables)).order_by(user.c.id)
        )
        return [(login, id) for login, id in found]


def whole(app: Application, actor: Actor, plan: FormPlan, sight: Sight, row: Row) -> Row:
    """A row with its links fields, live fields and lines, without what the actor may not see."""
    view = sight.view(plan.form, row)
    readable = readable_fields(app, actor, plan.form).of(view)
    found = {name: value for name, value in row.items() if name in readable}
    found["_title"] = row["_title"]
    for name in plan.fields:
        if name in readable and name not in plan.columns:
            found[name] = (
                [
                    whole(app, actor, plan.lines[name].plan, sight, line)
                    for line in sight.lines(_line_form(plan, name), row["id"])
                ]
                if name in plan.lines
                else plain(view.read(name))
            )
    return found


def _line_form(plan: FormPlan, name: str) -> str:
    return plan.lines[name].plan.form.name


def _readable(app: Application, actor: Actor, plan: FormPlan, sight: Sight, row: Row) -> bool:
    return may_record(app, actor, "read", plan.form, sight.view(plan.form, row)).allowed


def _refuse_unreadable(app: Application, actor: Actor, plan: FormPlan, names: Any) -> None:
    """A field that is hidden is answered as one that does not exist."""
    readable = readable_fields(app, actor, plan.form)
    for name in names:
        if name not in plan.table.c or not readable.always(name):
            reason = message("{form} has no field {name}.", form=plan.form.label, name=name)
            raise Invalid(reason, [Problem(name, reason)])


def _select(
    app: Application, actor: Actor, plan: FormPlan, conditions: Sequence[Any], order: Sequence[Any], limit: int
) -> list[Row]:
    verdict = may(app, actor, "read", plan.form)
    if not verdict.allowed:
        raise Denied(verdict.reason)
    allowed = row_filter(app, actor, "read", plan.form)
    query = sa.select(plan.table).where(plan.table.c.deleted_at.is_(None), *conditions)
    if allowed is not None:
        query = query.where(allowed)
    readable = readable_fields(app, actor, plan.form)
    with app.database.read() as conn:
        sight = Sight(app, conn, actor)
        rows = [dict(row) for row in conn.execute(query.order_by(*order).limit(limit)).mappings()]
        return [_shown(plan, sight, readable, row) for row in rows]


def _shown(plan: FormPlan, sight: Sight, readable: Any, row: Row) -> Row:
    names = readable.constant
    if names is None:
        names = readable.of(sight.view(plan.form, row))
    return {name: value for name, value in row.items() if name in names or name in ("_title", "_parent", "_position")}
