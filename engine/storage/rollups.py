"""Figures kept on a record over its lines or over the records that link to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.definition import Form
from engine.expressions import compile_expression, no_time, to_sql
from engine.fields.derived import RollupField
from engine.storage.prepared import value
from engine.storage.tables import Tables

Pair = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]  # a changed row before and after
MOST_ROUNDS = 8  # rollups of rollups


@dataclass(frozen=True)
class Rollup:
    """A rollup field and where it looks: ``key`` is the column of the source that names the record it belongs to."""

    form: Form
    field: RollupField
    source: Form
    key: str


# By how much each record's figure changes with these rows (those that stay as they are left out); None: not known.
Difference = Callable[[Rollup, Sequence[Pair]], Mapping[int, Any] | None]


def rollups_over(tables: Tables, form: str) -> tuple[Rollup, ...]:
    """The stored rollups that look at records of this form; worked out once per definition."""
    found = tables.kept.get("rollups")
    if found is None:
        found = tables.kept["rollups"] = _by_source(tables)
    over: tuple[Rollup, ...] = found.get(form, ())
    return over


def refresh(
    conn: sa.Connection, tables: Tables, form: str, changed: Iterable[Pair], difference: Difference | None = None
) -> dict[str, set[int]]:
    """Bring the stored rollups over the changed rows of ``form`` up to date; answers the records written, by form.

    One UPDATE per rollup, for the records the rows belonged to and belong to now; where ``difference`` knows by how
    much a figure changes, that is added, however many records it is over. Rollups of rollups follow.
    """
    pairs = list(changed)
    written: dict[str, set[int]] = {}
    waiting: list[tuple[Rollup, Mapping[int, Any] | set[int]]] = []
    for rollup in rollups_over(tables, form):
        added = difference(rollup, pairs) if difference else None
        waiting.append((rollup, _parents(rollup, pairs) if added is None else added))
    for _round in range(MOST_ROUNDS):
        following: dict[tuple[str, str], set[int]] = {}
        for rollup, ids in waiting:
            if isinstance(ids, Mapping):
                _add(conn, tables, rollup, ids)
            else:
                _update(conn, tables, rollup, ids)
            if ids:
                written.setdefault(rollup.form.name, set()).update(ids)
                following.setdefault((rollup.form.name, rollup.field.name), set()).update(ids)
        waiting = [entry for (name, field), ids in following.items() for entry in _next(conn, tables, name, field, ids)]
        if not waiting:
            break
    return written


def refresh_all(conn: sa.Connection, tables: Tables, form: str, field: str) -> None:
    """Work a stored rollup out anew for every record; after a migration."""
    found = [
        rollup
        for source in tables.definition.forms
        for rollup in rollups_over(tables, source)
        if (rollup.form.name, rollup.field.name) == (form, field)
    ]
    for rollup in found:
        table = tables.form[form]
        conn.execute(sa.update(table).values({field: figure(tables, rollup, None, no_time)}))


def live(
    tables: Tables, form: Form, field: RollupField, actor: Any, clock: Callable[[], dt.datetime], table: Any = None
) -> sa.ColumnElement[Any]:
    """A rollup as an expression of a query over ``tables.form[form.name]`` (or ``table``, an alias of it)."""
    return figure(tables, rollup_of(tables, form, field), actor, clock, table)


def rollup_of(tables: Tables, form: Form, field: RollupField) -> Rollup:
    source = tables.definition.forms[field.source_form]
    return Rollup(form, field, source, "_parent" if field.over_lines(form) else field.via)


def figure(
    tables: Tables, rollup: Rollup, actor: Any, clock: Callable[[], dt.datetime], table: Any = None
) -> sa.ColumnElement[Any]:
    """The correlated subquery that works the figure out."""
    outer = tables.form[rollup.form.name] if table is None else table
    inner = tables.form[rollup.source.name].alias("rolled")
    conditions = [inner.c[rollup.key] == outer.c.id, inner.c.deleted_at.is_(None)]
    if rollup.field.when:
        compiled = compile_expression(rollup.field.when, tables.registry)
        conditions.append(to_sql(compiled, rollup.source, tables, actor, clock, table=inner))
    select = _folded(rollup.field, inner).where(*conditions).correlate(outer).scalar_subquery()
    kind = rollup.field.like.column_type()
    folded: sa.ColumnElement[Any] = sa.type_coerce(select, kind) if kind is not None else select
    return folded


def _folded(field: RollupField, inner: Any) -> sa.Select[Any]:
    name = field.source_field
    if field.fold == "count" or name is None:
        return sa.select(sa.func.count())
    column = inner.c[name]
    if field.fold == "sum":
        return sa.select(sa.func.coalesce(sa.func.sum(column), sa.literal_column("0")))
    if field.fold == "latest":
        return sa.select(column).where(column.is_not(None)).order_by(inner.c.id.desc()).limit(1)
    return sa.select(sa.func.min(column) if field.fold == "min" else sa.func.max(column))


# --- which records are touched ---------------------------------------------------------------------------------------


def _by_source(tables: Tables) -> dict[str, tuple[Rollup, ...]]:
    found: dict[str, list[Rollup]] = {}
    for form in tables.definition.forms.values():
        for field in form.fields.values():
            if isinstance(field, RollupField) and field.name in tables.form[form.name].c:
                found.setdefault(field.source_form, []).append(rollup_of(tables, form, field))
    return {source: tuple(rollups) for source, rollups in found.items()}


def _parents(rollup: Rollup, pairs: Iterable[Pair]) -> set[int]:
    return {int(row[rollup.key]) for pair in pairs for row in pair if row is not None and row.get(rollup.key)}


def _next(
    conn: sa.Connection, tables: Tables, form: str, field: str, ids: set[int]
) -> Iterator[tuple[Rollup, set[int]]]:
    """Rollups that look at this rollup of records, which was written just now."""
    for rollup in rollups_over(tables, form):
        if field not in _read_by(tables, rollup):
            continue
        table = tables.form[form]
        select = sa.select(table.c[rollup.key]).where(table.c.id.in_(ids), table.c[rollup.key].is_not(None))
        yield rollup, set(conn.execute(select.distinct()).scalars())


def _read_by(tables: Tables, rollup: Rollup) -> frozenset[str]:
    """The fields of the records rolled up that the figure depends on; worked out once per definition."""
    kept, key = tables.kept.setdefault("read by rollups", {}), (rollup.form.name, rollup.field.name)
    if key not in kept:
        paths = compile_expression(rollup.field.when, tables.registry).paths if rollup.field.when else ()
        named = {path[1] for path in paths if path[0] == "record" and len(path) > 1}
        named |= {rollup.field.source_field or ""}
        stored = tables.form[rollup.source.name].c
        live = any(name in rollup.source.fields and name not in stored for name in named)
        kept[key] = frozenset(rollup.source.fields) if live else frozenset(named)  # what is worked out may read any
    found: frozenset[str] = kept[key]
    return found


def _update(conn: sa.Connection, tables: Tables, rollup: Rollup, ids: set[int]) -> None:
    table = tables.form[rollup.form.name]

    def build() -> Any:
        new = figure(tables, rollup, None, no_time)
        return sa.update(table).where(table.c.id == value("id_")).values({rollup.field.name: new})

    key = ("rollup", rollup.form.name, rollup.field.name)
    tables.statements.get(key, conn.dialect, build).execute_many(conn, [{"id_": id} for id in sorted(ids)])


def _add(conn: sa.Connection, tables: Tables, rollup: Rollup, added: Mapping[int, Any]) -> None:
    table = tables.form[rollup.form.name]
    column = table.c[rollup.field.name]

    def build() -> Any:
        new = sa.func.coalesce(column, sa.literal_column("0")).op("+")(value("by_", column.type))
        return sa.update(table).where(table.c.id == value("id_")).values({column.name: new})

    prepared = tables.statements.get(("add to rollup", table.name, column.name), conn.dialect, build)
    prepared.execute_many(conn, [{"id_": id, "by_": by} for id, by in sorted(added.items())])
