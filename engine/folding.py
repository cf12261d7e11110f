"""Records of a query counted and summed by value, each up to a limit, within what the actor may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.columns import columns_of
from engine.fetching import conditions
from engine.people import Actor
from engine.queries import ListQuery


def counts_by(
    app: Application,
    actor: Actor,
    query: ListQuery,
    conn: sa.Connection,
    name: str,
    values: Sequence[Any],
    most: int = 1000,
) -> dict[Any, int]:
    """How many records have each of these values, each counted up to ``most`` + 1; one statement."""
    table = app.tables.form[query.form.name]
    clauses = (table.c.deleted_at.is_(None), *conditions(app, actor, query))
    parts = []
    for place, value in enumerate(values):
        some = sa.select(table.c.id).where(*clauses, table.c[name] == value).limit(most + 1).subquery()
        parts.append(sa.select(sa.literal(place).label("place"), sa.func.count().label("n")).select_from(some))
    return {values[row.place]: row.n for row in conn.execute(sa.union_all(*parts))} if parts else {}


def sums_by(
    app: Application, actor: Actor, query: ListQuery, conn: sa.Connection, name: str, summed: str, most: int = 1000
) -> dict[Any, Any]:
    """value of ``name`` → sum of ``summed``, over the values that at most ``most`` records have; one statement."""
    table = app.tables.form[query.form.name]
    clauses = (table.c.deleted_at.is_(None), *conditions(app, actor, query))
    options: Iterable[Any] = columns_of(app, actor, query.form)[name].options  # type: ignore[attr-defined]
    parts = []
    for place, value in enumerate(options):
        some = sa.select(table.c[summed].label("x")).where(*clauses, table.c[name] == value).limit(most + 1).subquery()
        total = sa.type_coerce(sa.func.sum(some.c.x), table.c[summed].type).label("total")
        parts.append(sa.select(sa.literal(place).label("place"), total).select_from(some))
    values = list(options)
    return {values[row.place]: row.total for row in conn.execute(sa.union_all(*parts))} if parts else {}
