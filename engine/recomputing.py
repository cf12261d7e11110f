"""Working stored values out anew for records that are there already, when a definition changed how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.errors import Message, message
from engine.expressions import EvaluationFailed, plain
from engine.expressions.functions import text
from engine.faults import point
from engine.people import system_actor
from engine.plans import FormPlan
from engine.sight import Row, Sight
from engine.storage import records, rollups, search
from engine.storage.prepared import value

if TYPE_CHECKING:
    from engine.application import Application

CHUNK = 500


Told = Callable[[int, int, Message], None]  # (records done, of how many, what is being done)


def recompute(
    app: Application, conn: sa.Connection, wanted: Iterable[tuple[str, str]], told: Told = lambda *_said: None
) -> int:
    """Work out (form, field or ``_title``) for every record, lines before what they lie in; answers how many changed.

    It leaves no event and no new version: nobody changed the records. Figures may be made of sums over other records
    and those of figures, so where there are sums all is gone through twice.
    """
    by_form: dict[str, set[str]] = {}
    for form, name in wanted:
        by_form.setdefault(form, set()).add(name)
    sums = [(form, name) for form, names in by_form.items() for name in sorted(names) if _is_sum(app, form, name)]
    order = sorted(by_form, key=lambda name: app.definition.forms[name].parent_form is None)
    changed = 0
    for _pass in range(2 if sums else 1):
        _sum_up(app, conn, sums)
        changed += sum(_recompute_form(app, conn, app.plans.form(name), by_form[name], told) for name in order)
    _sum_up(app, conn, sums)
    return changed


def _is_sum(app: Application, form: str, name: str) -> bool:
    field = app.definition.forms[form].fields.get(name)
    return field is not None and field.type == "rollup"


def _sum_up(app: Application, conn: sa.Connection, sums: Sequence[tuple[str, str]]) -> None:
    for form, name in sums:
        rollups.refresh_all(conn, app.tables, form, name)


def _recompute_form(app: Application, conn: sa.Connection, plan: FormPlan, names: set[str], told: Told) -> int:
    total = int(conn.execute(sa.select(sa.func.count()).select_from(plan.table)).scalar_one())
    what = message("Values of {form} are worked out anew", form=plan.form.label)
    last = seen = count = 0
    while True:
        told(seen, total, what)
        point("values recomputed")
        query = sa.select(plan.table).where(plan.table.c.id > last).order_by(plan.table.c.id).limit(CHUNK)
        rows = [dict(row) for row in conn.execute(query).mappings()]
        sight = Sight(app, conn, system_actor())
        changed = [new for row in rows if (new := worked_out(sight, plan, row, names))]
        _write(app, conn, plan, changed)
        seen, count = seen + len(rows), count + len(changed)
        if "_title" in names and rows:
            _index(app, conn, plan, [row["id"] for row in rows])
        if len(rows) < CHUNK:
            return count
        last = rows[-1]["id"]


def recompute_rows(
    sight: Sight, plan: FormPlan, ids: Iterable[int], names: frozenset[str]
) -> list[tuple[Row | None, Row | None]]:
    """Work these fields out anew for some records; answers those that changed, before and after."""
    wanted = list(ids)
    sight.prime(plan.form.name, wanted)
    found: list[tuple[Row | None, Row | None]] = []
    for id in wanted:
        row = sight.load(plan.form.name, id)
        if row is None:
            continue
        new = worked_out(sight, plan, row, names)
        sight.remember(plan.form.name, {**row, **new})
        if new:
            found.append((row, {**row, **new}))
            _write(sight.app, sight.conn, plan, [new])
    return found


def worked_out(sight: Sight, plan: FormPlan, row: Row, names: Set[str]) -> dict[str, Any]:
    """The new values of one row, {} when all are as they were."""
    bare = {name: value for name, value in row.items() if name not in names}
    sight.remember(plan.form.name, bare)
    view = sight.view(plan.form, bare)
    found: dict[str, Any] = {}
    for name in names & plan.computed.keys():
        field: Any = plan.fields[name]
        try:
            found[name] = field.settled(plain(view.read(name)))
        except EvaluationFailed:
            found[name] = None  # the record says why when it is saved next
    if "_title" in names:
        found["_title"] = _title(sight, plan, {**bare, **found})
    changed = {name: value for name, value in found.items() if row.get(name) != value}
    return {"id": row["id"], **{name: found[name] for name in found}} if changed else {}


def _title(sight: Sight, plan: FormPlan, row: Row) -> str:
    if plan.title is None:
        return ""
    try:
        said = text(plan.title.compiled.run(sight.with_record(sight.view(plan.form, row))))
    except EvaluationFailed:
        return ""
    return " ".join(said.split())[:200]


def _write(app: Application, conn: sa.Connection, plan: FormPlan, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    table, names = plan.table, tuple(sorted(rows[0].keys() - {"id"}))

    def build() -> Any:
        new = {name: value(f"new_{name}", table.c[name].type) for name in names}
        return sa.update(table).where(table.c.id == value("id_")).values(new)

    prepared = app.tables.statements.get(("worked out", plan.form.name, names), conn.dialect, build)
    prepared.execute_many(conn, [{"id_": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows])


def _index(app: Application, conn: sa.Connection, plan: FormPlan, ids: Sequence[int]) -> None:
    rows = list(records.fetch_many(conn, app.tables, plan.form.name, ids).values())
    search.index_many(conn, app.tables, plan.form, rows)
