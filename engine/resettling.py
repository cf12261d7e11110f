"""Records that a migration moved to another state: when they should leave it, who is responsible, their time-outs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.forecasts import expect
from engine.passage import Walk
from engine.people import system_actor
from engine.plans import FormPlan
from engine.promises import TIMES
from engine.sight import Sight
from engine.timing import timeouts
from engine.workflow import owner_of

if TYPE_CHECKING:
    from engine.application import Application
    from engine.storage.migrate import Plan

CHUNK = 500


def resettle(app: Application, conn: sa.Connection, plan: Plan) -> int:
    """As the walk does when a record enters a state, rules aside: nobody took a step. Answers how many records."""
    return sum(_state(app, conn, plan, form, state) for form, state in dict.fromkeys(plan.restated))


def _state(app: Application, conn: sa.Connection, plan: Plan, form: str, state: str) -> int:
    of_form, last, count = app.plans.form(form), 0, 0
    table = of_form.table
    while True:
        query = sa.select(table).where(table.c.id > last, table.c.state == state, table.c.state_since == plan.now)
        rows = [dict(row) for row in conn.execute(query.order_by(table.c.id).limit(CHUNK)).mappings()]
        if rows:
            _settle(app, conn, of_form, rows)
        count += len(rows)
        if len(rows) < CHUNK:
            return count
        last = rows[-1]["id"]


def _settle(app: Application, conn: sa.Connection, plan: FormPlan, rows: Iterable[dict[str, Any]]) -> None:
    actor = system_actor()
    walk = Walk(app, conn, actor, app.clock(), Sight(app, conn, actor))
    settled = [_standing(walk, plan, row) for row in rows]
    names = (*TIMES, "owner", "owner_role")
    _write(conn, plan.table, plan.table.c.id, names, settled)
    stay = app.tables.stay
    of_form = sa.select(sa.func.max(stay.c.id).label("id"), stay.c.record_id)
    of_form = of_form.where(stay.c.form == plan.form.name, stay.c.record_id.in_([row["id"] for row in settled]))
    visits = {row.record_id: row.id for row in conn.execute(of_form.group_by(stay.c.record_id))}
    stays = [{**row, "id": visits[row["id"]], "due_at": row["state_due"]} for row in settled if row["id"] in visits]
    _write(conn, stay, stay.c.id, ("due_at", "owner", "owner_role"), stays)
    for row in settled:
        if row["deleted_at"] is None and row["id"] in visits:
            timeouts.entered(walk, plan.form.name, row, visits[row["id"]], None)


def _standing(walk: Walk, plan: FormPlan, row: Mapping[str, Any]) -> dict[str, Any]:
    state = row["state"]
    view = walk.sight.view(plan.form, dict(row))
    names = walk.sight.with_record(view)
    owner, role = owner_of(plan, state, names)
    there = {**row, "owner": owner, "owner_role": role}
    expect(plan, there, lambda: names)
    return there


def _write(
    conn: sa.Connection, table: sa.Table, key: Any, names: Iterable[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    statement = sa.update(table).where(key == sa.bindparam("id_")).values(values)
    given = [{"id_": row["id"], **{f"new_{name}": row[name] for name in values}} for row in rows]
    if given:
        conn.execute(statement, given)
