"""A record to look at: one of the sample in the state that was asked for or, where there is none, one made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from designer.preview.worlds import World
from engine.application import Application
from engine.definition import Form
from engine.errors import Invalid
from engine.expressions import View
from engine.fields.base import Field
from engine.forecasts import expect
from engine.formats import Reader
from engine.people import Actor, system_actor
from engine.permissions import may_record, row_filter
from engine.plans import FormPlan
from engine.promises import TIMES
from engine.recomputing import recompute_rows
from engine.sight import Sight
from engine.storage import records, search, series
from engine.workflow import owner_of

Row = dict[str, Any]


def record_to_see(world: World, who: Actor, form: Form, state: str | None) -> int | None:
    """The newest record that ``who`` sees in this state (in any for None), else one that is made up and kept as long as
    the world is. None when not even that one may be seen."""
    here = _newest(world.app, who, form, state)
    if here is not None:
        return here
    key = (form.name, state, who.roles, who.id)
    if key not in world.imagined:
        world.imagined[key] = _imagined(world, who, form, state)
    id = world.imagined[key]
    return id if _sees(world.app, who, form, id) else None


def _newest(app: Application, who: Actor, form: Form, state: str | None) -> int | None:
    table, only = app.tables.form[form.name], row_filter(app, who, "read", form)
    select = sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id.desc()).limit(1)
    if only is not None:
        select = select.where(only)
    if state is not None:
        select = select.where(table.c.state == state)
    with app.database.read() as conn:
        return conn.execute(select).scalar()


def _sees(app: Application, who: Actor, form: Form, id: int) -> bool:
    with app.database.read() as conn:
        sight = Sight(app, conn, who)
        row = sight.load(form.name, id)
        return row is not None and may_record(app, who, "read", form, View(form, row, sight)).allowed


# --- made up ---------------------------------------------------------------------------------------------------------


def _imagined(world: World, who: Actor, form: Form, state: str | None) -> int:
    """Like the newest record there is, else of plain values; it is of ``who``, as far as it is anybody's."""
    with world.changing() as (app, conn):
        plan = app.plans.form(form)
        like = _newest(app, system_actor(), form, None)
        row = _alike(conn, app, plan, like) if like is not None else _plain(conn, app, plan)
        row |= _mine(app, plan, who) | _numbers(conn, app, plan)
        id = records.insert(conn, app.tables, form.name, row)
        if like is not None:
            _lines_alike(conn, app, plan, like, id)
        _enter(conn, app, plan, id, state, who)
        sight = Sight(app, conn, system_actor())
        recompute_rows(sight, plan, [id], frozenset({"_title", *plan.computed} & {"_title", *plan.table.c.keys()}))
        fresh = records.get(conn, app.tables, form.name, id)
        search.index_many(conn, app.tables, form, [fresh] if fresh else [])
        return id


def _alike(conn: sa.Connection, app: Application, plan: FormPlan, like: int) -> Row:
    row = records.get(conn, app.tables, plan.form.name, like) or {}
    once = {name for name, field in plan.fields.items() if field.unique}
    once.update(name for group in plan.form.unique for name in group)
    return {name: value for name, value in row.items() if name not in once | {"id", "version"}}


def _lines_alike(conn: sa.Connection, app: Application, plan: FormPlan, like: int, id: int) -> None:
    for lines in plan.lines.values():
        name = lines.plan.form.name
        for row in records.lines_of(conn, app.tables, name, [like])[like]:
            records.insert(conn, app.tables, name, {**_without(row, "id", "version"), "_parent": id})


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _mine(app: Application, plan: FormPlan, who: Actor) -> Row:
    """Grants often ask who somebody is: the record is of whoever looks."""
    now = app.clock()
    people = [name for name in plan.users if name in plan.columns]
    return {
        "created_at": now, "updated_at": now, "created_by": who.id, "updated_by": who.id, "deleted_at": None,
        **dict.fromkeys(people, who.id),
    }  # fmt: skip


def _numbers(conn: sa.Connection, app: Application, plan: FormPlan) -> Row:
    now, zone = app.clock(), reader_of(app).zone
    return {field.name: series.draw_text(conn, app.tables, plan.form.name, field, now, zone) for field in plan.series}


def reader_of(app: Application) -> Reader:
    return system_actor().reader(app.definition)


def _enter(conn: sa.Connection, app: Application, plan: FormPlan, id: int, state: str | None, who: Actor) -> None:
    """Put it into the state, since now."""
    workflow = plan.form.workflow
    if workflow is None:
        return
    name, now = state or workflow.initial, app.clock()
    found = workflow.states[name]
    sight = Sight(app, conn, who)
    row = records.get(conn, app.tables, plan.form.name, id) or {}
    view = sight.view(plan.form, {**row, "state": name})
    names = sight.with_record(view)
    owner, role = owner_of(plan, name, names)
    previous = workflow.initial if found.aside else None
    there = {"state": name, "state_since": now, "owner": owner, "owner_role": role}
    row.update(there)
    expect(plan, row, lambda: names)
    there.update({name: row[name] for name in TIMES})
    records.update(conn, app.tables, plan.form.name, id, None, {**there, "_previous": previous})
    visit = {"form": plan.form.name, "record_id": id, "state": name, "entered_at": now, "entered_by": who.id,
             "due_at": there["state_due"], "owner": owner, "owner_role": role}  # fmt: skip
    conn.execute(sa.insert(app.tables.stay).values(**visit))


# --- plain values ----------------------------------------------------------------------------------------------------


def _plain(conn: sa.Connection, app: Application, plan: FormPlan) -> Row:
    """What is required, and the texts titles are usually made of."""
    wanted = (plan.fields[name] for name in sorted(plan.columns) if name in plan.fields)
    return {
        field.name: _value(conn, app, field)
        for field in wanted
        if field.writable and not field.sensitive and (field.required or field.type == "text")
    }


def _value(conn: sa.Connection, app: Application, field: Field) -> Any:
    if field.kind == "link":
        target = app.tables.form[str(getattr(field, "form", ""))]
        return conn.execute(sa.select(target.c.id).order_by(target.c.id).limit(1)).scalar()
    raw = _raw(field, app)
    try:
        return None if raw is None else field.parse(raw, reader_of(app))
    except Invalid:
        return None  # a field with wishes of its own stays empty


def _raw(field: Field, app: Application) -> Any:
    options: Mapping[str, Any] = getattr(field, "options", None) or {}
    if options:
        return [next(iter(options))] if field.multiple else next(iter(options))
    if field.type in ("text", "long_text"):
        named = field.placeholder or field.label
        words = named.text(app.definition.languages[0]) if named else field.name
        return words[: getattr(field, "max_length", None) or 200]
    if field.kind == "date":
        return app.clock().astimezone(reader_of(app).zone).date().isoformat()
    return _USUAL.get(field.kind)


_USUAL: Mapping[str, Any] = {"number": "1", "boolean": True, "time": "09:00", "duration": "1h"}
