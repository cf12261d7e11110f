"""What is stored because it was worked out equals what is worked out now, from nothing but what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engine.errors import message
from engine.expressions import no_time
from engine.invariants.looking import Broken, Looking
from engine.people import system_actor
from engine.plans import FormPlan
from engine.recomputing import CHUNK, worked_out
from engine.sight import Sight
from engine.storage.rollups import figure, rollups_over

AS_IT_WAS = "it is worked out from other records as they were when it was saved"


def rollups(looking: Looking) -> Iterator[Broken]:
    """Figures over other records, each by one statement."""
    tables = looking.app.tables
    for source in looking.form_names:
        for rollup in rollups_over(tables, source):
            table, name = tables.form[rollup.form.name], rollup.field.name
            new = figure(tables, rollup, None, no_time)
            query = sa.select(table.c.id, table.c[name].label("found"), new.label("expected"))
            for row in looking.rows(query.where(table.c[name].is_distinct_from(new))):
                said = message("{field} is {found}, but worked out anew it is {expected}.", field=name,
                               found=str(row.found), expected=str(row.expected))  # fmt: skip
                yield Broken(said, rollup.form.name, row.id)


def computed(looking: Looking) -> Iterator[Broken]:
    """Stored computed fields, each by its expression over the record and its lines."""
    for name in looking.form_names:
        plan = looking.app.plans.form(name)
        names = frozenset(one for one in plan.computed if _decidable(looking, plan, one))
        for left in plan.computed.keys() - names:
            looking.unsure(f"{name}.{left}: {AS_IT_WAS}")
        if names:
            yield from _of_form(looking, plan, names)


def _of_form(looking: Looking, plan: FormPlan, names: frozenset[str]) -> Iterator[Broken]:
    last, table = 0, plan.table
    while True:
        query = sa.select(table).where(table.c.id > last, table.c.deleted_at.is_(None)).order_by(table.c.id)
        rows = [dict(row) for row in looking.conn.execute(query.limit(CHUNK)).mappings()]
        sight = Sight(looking.app, looking.conn, system_actor())
        for lines in plan.lines.values() if rows else ():
            sight.prime_lines(lines.plan.form.name, [row["id"] for row in rows])
        for row in rows:
            yield from _of_row(plan, row, worked_out(sight, plan, row, names))
        if len(rows) < CHUNK:
            return
        last = rows[-1]["id"]


def _of_row(plan: FormPlan, row: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Broken]:
    for name, value in new.items():
        if name != "id" and row.get(name) != value:
            said = message("{field} is {found}, but worked out anew it is {expected}.", field=name,
                           found=str(row.get(name)), expected=str(value))  # fmt: skip
            yield Broken(said, plan.form.name, row["id"])


# --- what can be told now --------------------------------------------------------------------------------------------


def _decidable(looking: Looking, plan: FormPlan, name: str) -> bool:
    """Whether it is made of the record and its lines alone: linked records, people and the time move on without it."""
    compiled = plan.computed[name].compiled
    if compiled.reads_time or "user" in compiled.variables:
        return False
    return all(_own(looking, plan, path[1:]) for path in compiled.paths if path[0] == "record")


def _own(looking: Looking, plan: FormPlan, path: tuple[str, ...]) -> bool:
    if not path:
        return True
    field = plan.fields.get(path[0])
    if field is None:
        return path[0] not in ("parent", "owner", "created_by", "updated_by", "state")
    if path[0] in plan.lines:
        return _own(looking, plan.lines[path[0]].plan, path[1:])
    if field.type == "lookup" or (len(path) > 1 and field.kind in ("link", "links", "user", "users")):
        return False
    if field.type == "computed" and path[0] not in plan.columns:
        inner = looking.app.plans.compile(field.value)  # type: ignore[attr-defined]
        return not inner.reads_time and all(_own(looking, plan, one[1:]) for one in inner.paths if one[0] == "record")
    return True
