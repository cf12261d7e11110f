"""Records of a query folded into figures: counted by value, summed, averaged. Always within what the actor may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.columns import columns_of
from engine.people import Actor
from engine.queries import ListQuery, conditions


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


_FOLDS: Mapping[str, Any] = {"sum": sa.func.sum, "min": sa.func.min, "max": sa.func.max, "mean": sa.func.sum}


def fold(app: Application, actor: Actor, query: ListQuery, conn: sa.Connection, name: str, how: str) -> Any:
    """The ``sum``, ``min``, ``max`` or ``mean`` of a column over the query; None over nothing."""
    column = app.tables.form[query.form.name].c[name]
    clauses = (column.table.c.deleted_at.is_(None), *conditions(app, actor, query))
    folded = sa.type_coerce(_FOLDS[how](column), column.type)
    total, number = conn.execute(sa.select(folded, sa.func.count(column)).where(*clauses)).one()
    return _mean(total, number) if how == "mean" and total is not None else total


def _mean(total: Any, number: int) -> Any:
    if isinstance(total, int):
        return Decimal(total) / number
    return total / number


def grouped(
    app: Application, actor: Actor, query: ListQuery, conn: sa.Connection, name: str, summed: str | None, most: int
) -> list[tuple[Any, Any]]:
    """(value, count or sum) of the largest groups, largest first; states and options in the order of the definition."""
    table = app.tables.form[query.form.name]
    figure: Any = sa.func.count() if summed is None else sa.func.sum(table.c[summed])
    typed = figure if summed is None else sa.type_coerce(figure, table.c[summed].type)
    clauses = (table.c.deleted_at.is_(None), *conditions(app, actor, query))
    select = sa.select(table.c[name], typed).where(*clauses).group_by(table.c[name])
    found = [(row[0], row[1]) for row in conn.execute(select.order_by(figure.desc(), table.c[name]).limit(most))]
    order = {option: place for place, option in enumerate(_options(app, actor, query, name))}
    return sorted(found, key=lambda one: order.get(one[0], len(order)))  # stable: what has no place stays by size


def _options(app: Application, actor: Actor, query: ListQuery, name: str) -> Iterable[Any]:
    return getattr(columns_of(app, actor, query.form)[name], "options", ())
