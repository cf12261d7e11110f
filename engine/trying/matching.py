"""Which records a condition means: how many, and the first of them, as far as somebody may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engine.expressions import EvaluationFailed, NotInSql, View, to_sql
from engine.passage import Walk
from engine.permissions import row_filter
from engine.plans import FormPlan
from engine.trying.eyes import CLEAR, Eyes

SHOWN = 20
LOOKED_AT = 5_000  # one by one, where the condition cannot be asked of the database


def matching(walk: Walk, form: str, where: str, names: Mapping[str, Any], eyes: Eyes) -> dict[str, Any]:
    """``count`` of the records, whether it is ``exact``, and the first as ``shown`` [{id, title}]. Records the actor
    may not see are not counted; where the condition reads what they may not see, nothing is told: count is None."""
    plan = walk.app.plans.form(form)
    any_one = View(plan.form, {}, walk.sight)
    others = {name: value for name, value in names.items() if isinstance(value, View) and name != "record"}
    if not eyes.actor.boundless and eyes.on(where, {**others, "record": any_one}) != CLEAR:
        return {"form": form, "count": None, "exact": False, "shown": []}
    ids, exact = _ids(walk, plan, where, names, eyes)
    titles = _titles(walk, plan, ids[:SHOWN])
    shown = [{"id": id, "title": titles.get(id, "")} for id in ids[:SHOWN]]
    return {"form": form, "count": len(ids), "exact": exact, "shown": shown}


def _ids(walk: Walk, plan: FormPlan, where: str, names: Mapping[str, Any], eyes: Eyes) -> tuple[list[int], bool]:
    app, table = walk.app, plan.table
    query = sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
    seen = row_filter(app, eyes.actor, "read", plan.form)
    query = query if seen is None else query.where(seen)
    compiled = app.plans.compile(where)
    try:
        given = {name: thing for name, thing in names.items() if name not in ("record", "user")}
        clause = to_sql(compiled, plan.form, app.tables, walk.actor, app.clock, names=given)
        return [row[0] for row in walk.conn.execute(query.where(clause))], True
    except NotInSql:
        ids = [row[0] for row in walk.conn.execute(query.limit(LOOKED_AT + 1))]
        return list(_one_by_one(walk, plan, where, names, ids[:LOOKED_AT])), len(ids) <= LOOKED_AT


def _one_by_one(walk: Walk, plan: FormPlan, where: str, names: Mapping[str, Any], ids: list[int]) -> Iterator[int]:
    compiled = walk.app.plans.compile(where)
    walk.sight.prime(plan.form.name, ids)
    for id in ids:
        row = walk.sight.load(plan.form.name, id)
        try:
            if row is not None and compiled.holds({**names, "record": walk.sight.view(plan.form, row)}):
                yield id
        except EvaluationFailed:
            continue  # said when it is really worked out


def _titles(walk: Walk, plan: FormPlan, ids: list[int]) -> dict[int, str]:
    walk.sight.prime(plan.form.name, ids)
    return {id: (walk.sight.load(plan.form.name, id) or {}).get("_title") or f"#{id}" for id in ids}
