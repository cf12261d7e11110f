"""Expected ends of records that are there already, when a definition says other times or another path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.forecasts import forecast_of

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
    columns = (table.c.id, table.c.state, table.c.state_since, table.c.state_due, table.c.forecast_at)
    new = sa.bindparam("new_", type_=table.c.forecast_at.type)
    write = sa.update(table).where(table.c.id == sa.bindparam("id_")).values(forecast_at=new)
    while True:
        query = sa.select(*columns).where(table.c.id > last).order_by(table.c.id).limit(CHUNK)
        rows = conn.execute(query).mappings().all()
        found = [(row, forecast_of(plan, row)) for row in rows]
        changed = [{"id_": row["id"], "new_": end} for row, end in found if end != row["forecast_at"]]
        if changed:
            conn.execute(write, changed)
        count += len(changed)
        if len(rows) < CHUNK:
            return count
        last = rows[-1]["id"]
