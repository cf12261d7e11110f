"""What a list query finds: the records the actor may see, as pages, counts, sums and whole exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine import towers
from engine.application import Application
from engine.definition import Form
from engine.expressions import Compiled
from engine.expressions.sql import to_sql
from engine.people import Actor
from engine.permissions import Verb, row_filter
from engine.promises import LATE
from engine.queries import Filter, ListQuery
from engine.storage import page as stored
from engine.storage import search
from engine.storage.page import Page, SortBy
from engine.storage.page import Query as StoredQuery
from engine.views import TowerView

WORKED_OUT = frozenset({"computed", "lookup", "rollup"})


def conditions(
    app: Application, actor: Actor, query: ListQuery, verbs: Sequence[Verb] = ("read",)
) -> tuple[sa.ColumnElement[bool], ...]:
    """Everything that narrows the list: what the actor may see, the view's own condition, filters, search."""
    form = query.form
    allowed = (row_filter(app, actor, verb, form) for verb in verbs)
    found = [each for each in allowed if each is not None]
    if query.view is not None and query.view.where:
        found.append(where_sql(app, actor, form, query.view.where))
    found.extend(_clause(app, form, each) for each in query.filters)
    if query.text:
        found.append(search.clause(app.tables, form.name, query.text))
    if query.tower is not None and query.tower.risks and isinstance(query.view, TowerView):
        found.append(towers.clause(app, form.name, query.tower.risks))
        if query.tower.few:
            found.append(towers.picked(app, form, query.tower.risks[0], found))
    return tuple(found)


def where_sql(app: Application, actor: Actor, form: Form, source: str) -> sa.ColumnElement[bool]:
    """A condition of the definition as SQL. One that asks of stored fields alone is written once and kept."""
    compiled = app.plans.compile(source)
    if not _asks_stored_fields(app, compiled):
        return to_sql(compiled, form, app.tables, actor, app.clock)
    kept, key = app.plans.kept, ("where", form.name, source, actor.reader(app.definition))
    clause: sa.ColumnElement[bool] | None = kept.get(key)
    if clause is None:
        clause = kept[key] = to_sql(compiled, form, app.tables, actor, app.clock)
    return clause


def _asks_stored_fields(app: Application, compiled: Compiled) -> bool:
    """Neither who asks nor when, nor a field that is worked out and may ask that."""
    if not {"record", "reader"}.issuperset(compiled.variables):
        return False
    asked = {name for path in compiled.paths for name in path[1:]}
    return asked.isdisjoint(_worked_out(app))


def _worked_out(app: Application) -> frozenset[str]:
    """The names of fields of any form that are worked out from others."""
    kept = app.plans.kept
    found: frozenset[str] | None = kept.get("worked out")
    if found is None:
        fields = (field for form in app.definition.forms.values() for field in form.fields.values())
        found = kept["worked out"] = frozenset(each.name for each in fields if each.type in WORKED_OUT)
    return found


def _clause(app: Application, form: Form, each: Filter) -> sa.ColumnElement[bool]:
    table = app.tables.form[form.name]
    if each.field in table.c:
        clause: sa.ColumnElement[bool] = each.operator.compare(table.c[each.field], each.value)
        return clause
    return _linked_clause(app.tables.link[form.name, each.field], table, each)


def _linked_clause(link: sa.Table, table: sa.Table, each: Filter) -> sa.ColumnElement[bool]:
    """Several links stand in a table of their own."""
    own = sa.select(link.c.record_id).where(link.c.record_id == table.c.id)
    value = each.value
    flat = [one for part in value for one in (part if isinstance(part, tuple | list) else (part,))] if value else []
    has: Mapping[str, Any] = {
        "has": lambda: sa.and_(sa.true(), *(own.where(link.c.target_id == one).exists() for one in flat)),
        "has_any": lambda: own.where(link.c.target_id.in_(flat)).exists(),
        "has_not": lambda: ~own.where(link.c.target_id.in_(flat)).exists(),
        "empty": lambda: ~own.exists(),
        "not_empty": lambda: own.exists(),
    }
    clause: sa.ColumnElement[bool] = has[each.operator.name]()
    return clause


def _sort_keys(query: ListQuery) -> Iterator[SortBy]:
    """People come in the order of their names, then what roles are responsible for, role by role."""
    for each in query.sort:
        yield SortBy(each.field, each.descending)
        if each.field == "owner":
            yield SortBy("owner_role", each.descending)


def stored_query(
    app: Application, actor: Actor, query: ListQuery, names: Iterable[str] = (), verbs: Sequence[Verb] = ("read",)
) -> StoredQuery:
    """The query as storage takes it; rows carry the named columns and what every row needs."""
    table = app.tables.form[query.form.name]
    always = ("id", "version", "_title", "state", "state_due")
    columns = dict.fromkeys(name for name in (*always, *names) if name in table.c)
    if "owner" in columns:
        columns["owner_role"] = None
    return StoredQuery(
        form=query.form.name,
        columns=tuple(columns),
        where=conditions(app, actor, query, verbs),
        sort=tuple(_sort_keys(query)),
        limit=query.limit,
        after=query.after,
        before=query.before,
        start=_start(app, query),
    )


def _start(app: Application, query: ListQuery) -> sa.ColumnElement[bool] | None:
    """Where what a tower asks for begins, if it is in the order of the promise."""
    tower = query.tower
    if tower is None or tower.few or [each.field for each in query.sort[:1]] != [LATE]:
        return None
    return towers.start(app, query.form, tower.risks)


def run(app: Application, actor: Actor, query: ListQuery, conn: sa.Connection, names: Iterable[str] = ()) -> Page:
    """One page of the records ``actor`` may see. Raises Invalid for a cursor of another list."""
    return stored.page(conn, app.tables, stored_query(app, actor, query, names or query.columns))


def count(app: Application, actor: Actor, query: ListQuery, conn: sa.Connection, most: int = 1000) -> int:
    """How many there are, counted up to ``most`` + 1."""
    return stored.count(conn, app.tables, stored_query(app, actor, query), most)


def totals(
    app: Application, actor: Actor, query: ListQuery, conn: sa.Connection, names: Sequence[str]
) -> Mapping[str, Any]:
    """The sums of these columns, and ``count``. ``names`` come from ``summable``."""
    return stored.totals(conn, app.tables, stored_query(app, actor, query), names)


def export(
    app: Application, actor: Actor, query: ListQuery, conn: sa.Connection, names: Iterable[str] = ()
) -> Iterator[list[dict[str, Any]]]:
    """All records of the query that the actor may export, in chunks."""
    whole = replace(query, after=None, before=None)
    return stored.export(conn, app.tables, stored_query(app, actor, whole, names or query.columns, ("read", "export")))


def run_all(app: Application, actor: Actor, query: ListQuery, conn: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """The ids of all records of the query the actor may see, as rows, in chunks."""
    whole = replace(query, after=None, before=None)
    return stored.export(conn, app.tables, stored_query(app, actor, whole, ("id",)))
