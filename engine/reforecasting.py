"""Expected ends of records that are there already, when a definition says other times or another path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.forecasts import forecast_of, hold_against
from engine.plans import FormPlan
from engine.promises import TIMES

if TYPE_CHECKING:
    from engine.application import Application

CHUNK = 1000


def reforecast(app: Application, conn: sa.Connection, forms: Iterable[str]) -> int:
    """From when each record's state is due, which stays as it was promised. Leaves no event and no new version;
    answers how many records have another expected end now."""
    return sum(_form(app, conn, form) for form in forms)


def _form(app: Application, conn: sa.Connection, form: str) -> int:
    plan, last, count = app.plans.form(form), 0, 0
    table = plan.table
    promised = (plan.promise.field,) if plan.promise and plan.promise.field else ()
    names = dict.fromkeys(("id", "state", "state_since", *TIMES, *plan.planned.values(), *promised))
    new = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in TIMES[1:]}
    write = sa.update(table).where(table.c.id == sa.bindparam("id_")).values(new)
    while True:
        columns = (table.c[name] for name in names)
        query = sa.select(*columns).where(table.c.id > last).order_by(table.c.id).limit(CHUNK)
        rows = [dict(row) for row in conn.execute(query).mappings()]
        found = [(row, _anew(plan, row)) for row in rows]
        changed = [
            {"id_": row["id"], **{f"new_{name}": after[name] for name in new}} for row, after in found if after != row
        ]
        if changed:
            conn.execute(write, changed)
        count += len(changed)
        if len(rows) < CHUNK:
            return count
        last = rows[-1]["id"]


def _anew(plan: FormPlan, row: dict[str, Any]) -> dict[str, Any]:
    after = {**row, "forecast_at": forecast_of(plan, row)}
    hold_against(plan, after)
    return after
