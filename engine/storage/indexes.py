"""Indexes from the definition: links, unique values, dates of cards, and one per list and kanban view in exactly its
order.

Empty values come last in both directions: the first sort key is read as two ranges (filled, then empty), the others
carry an "is empty" flag before them. Indexes have the same flags, because SQLite and PostgreSQL use an index on an
expression only for the same expression.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import visitors

from engine.cards import AgeingCard, Card, Formula, NumberCard, TrendCard
from engine.definition import Form
from engine.expressions import NotInSql, compile_expression, no_time, to_sql
from engine.promises import indexed, ranked_by
from engine.storage.tables import ALWAYS_FILLED, Tables
from engine.views import KanbanView, ListView, TowerView, View

CODES = ("series", "barcode")  # records are found by them: scanned, or typed into the search


@dataclass(frozen=True)
class SortBy:
    """One sort key: a column's name and its direction."""

    name: str
    descending: bool = False


def sort_keys(keys: Sequence[str]) -> tuple[SortBy, ...]:
    """``("-due_on", "number")`` → sort keys."""
    return tuple(SortBy(key.lstrip("-"), key.startswith("-")) for key in keys)


def flagged(name: str, first: bool) -> bool:
    """Whether an "is empty" flag stands before the key in ORDER BY and index."""
    return not first and name not in ALWAYS_FILLED


Parts = tuple[bool, list[sa.ColumnElement[Any]], list[Any]]  # unique, expressions, conditions


def add_indexes(tables: Tables) -> None:
    """Attach the indexes to the tables, so that whoever creates a table creates them too."""
    for form in tables.definition.forms.values():
        for parts in _wanted(form, tables.form[form.name], tables):
            _attach(tables.form[form.name], *parts)


def _wanted(form: Form, table: sa.Table, tables: Tables) -> Iterator[Parts]:
    alive = table.c.deleted_at.is_(None)
    links = tuple(_link_columns(form))
    for name in links:
        yield False, [table.c[name], table.c.id], []  # the empty ones too: they are a range of a list sorted by it
    for field in form.fields.values():
        if field.unique and field.name in table.c:
            yield True, [table.c[field.name]], [alive]
        elif (field.index or field.type in CODES) and field.name in table.c and field.name not in links:
            yield False, [table.c[field.name], table.c.id], [alive]
    for group in form.unique:
        yield True, [table.c[name] for name in group], [alive]
    if form.parent_form:
        yield False, [table.c["_parent"], table.c["_position"]], []
    if form.workflow:
        timed = any(state.timed for state in form.workflow.states.values())
        for name in ("state_due", "forecast_at") if timed else ("state_due",):
            yield False, [table.c[name], table.c.id], [alive, table.c[name].is_not(None)]
    if not form.parent_form:
        yield False, [table.c["_title"], table.c.id], []  # lists sorted by a link start here
        yield False, [table.c["updated_at"], table.c.id], [alive]
    for name in _card_dates(form, tables):
        yield False, [table.c[name], table.c.id], [alive]
    yield from _view_indexes(form, table, tables)
    yield from _tower_indexes(form, table, tables)


def _card_dates(form: Form, tables: Tables) -> Iterator[str]:
    """The dates by which cards of pages pick a span of time: a dashboard must not read every record there ever was."""
    for page in tables.definition.pages.values():
        for part in (part for card in page.cards for part in _dated(card)):
            if part.form == form.name and part.date and part.date in tables.form[form.name].c:
                yield str(part.date)


def _dated(card: Card) -> Iterator[Any]:
    if isinstance(card, NumberCard | TrendCard | AgeingCard):
        yield card
    elif isinstance(card, Formula):
        yield from card.figures.values()


def _link_columns(form: Form) -> Iterator[str]:
    for field in form.fields.values():
        if field.kind in ("link", "user") and field.column_type() is not None and not field.unique:
            yield field.name


def _view_indexes(form: Form, table: sa.Table, tables: Tables) -> Iterator[Parts]:
    for view in form.views.values():
        if not isinstance(view, ListView | KanbanView):
            continue
        keys = own_sort(form, table, sort_keys(view.sort))
        alive = table.c.deleted_at.is_(None)
        conditions = [alive, *constant_terms(view, form, tables)]
        if keys:
            yield False, _index_columns(table, keys), conditions
        group = str(view.group) if isinstance(view, KanbanView) else "state"
        if group in table.c and (not keys or keys[0].name != group):
            yield False, [table.c[group], *_index_columns(table, keys)], [alive]


def _tower_indexes(form: Form, table: sa.Table, tables: Tables) -> Iterator[Parts]:
    """In the order of the promise, by each moment that a risk begins, and one per group."""
    for view in form.views.values():
        if not isinstance(view, TowerView) or form.workflow is None:
            continue
        conditions = [table.c.deleted_at.is_(None), *constant_terms(view, form, tables)]
        for first, *others in indexed(form.workflow.promised):
            yield False, [table.c[first], table.c.id, *(table.c[name] for name in others)], conditions
        by = table.c[ranked_by(form.workflow.promised)]
        for group in ("state", *view.groups):
            if group in table.c and not _by_title(form, group):
                yield False, [table.c[group], by.is_(None), by, table.c.id], conditions


def own_sort(form: Form, table: sa.Table, keys: Sequence[SortBy]) -> list[SortBy]:
    """The sort keys, if an index of the form's own table can serve them all; links sort by another table's title."""
    served = [key for key in keys if key.name in table.c and not _by_title(form, key.name)]
    return served if len(served) == len(keys) else []


def _by_title(form: Form, name: str) -> bool:
    field = form.fields.get(name)
    kind = field.kind if field else ""
    return kind in ("link", "user") or name in ("owner", "created_by", "updated_by")


def _index_columns(table: sa.Table, keys: Sequence[SortBy]) -> list[sa.ColumnElement[Any]]:
    items: list[tuple[sa.ColumnElement[Any], bool]] = []
    for position, key in enumerate(keys):
        column = table.c[key.name]
        if flagged(key.name, position == 0):
            items.append((column.is_(None), False))
        items.append((column, key.descending))
    items.append((table.c.id, keys[-1].descending if keys else False))
    # Read from either end, an index in one direction serves both.
    if all(descending for _expression, descending in items):
        return [expression for expression, _ in items]
    return [expression.desc() if descending else expression for expression, descending in items]


def constant_terms(view: View, form: Form, tables: Tables) -> list[sa.ColumnElement[bool]]:
    """The parts of the view's condition that depend on neither user nor time nor another table.

    Their values stand in the SQL text, in the index as in every query: that is how the index is recognised.
    """
    if not view.where:
        return []
    found = []
    for part in compile_expression(view.where, tables.registry).clauses:
        if part.reads_time or any(path[0] != "record" for path in part.paths):
            continue
        try:
            term = to_sql(part, form, tables, None, no_time)
        except NotInSql:
            continue
        if _own(term, tables.form[form.name]):
            found.append(term)
    return found


def _own(term: sa.ColumnElement[bool], table: sa.Table) -> bool:
    """Whether a condition is about the columns of this table alone and binds no values."""
    for element in visitors.iterate(term):
        if isinstance(element, sa.sql.expression.SelectBase | sa.BindParameter):
            return False
        if isinstance(element, sa.Column) and element.table is not table:
            return False
    return True


def _attach(table: sa.Table, unique: bool, columns: list[sa.ColumnElement[Any]], conditions: list[Any]) -> None:
    """The name tells the content: an index that changes gets another name, and the old one is dropped."""
    where = sa.and_(*conditions) if conditions else None
    parts = (*columns, *conditions)
    shape = repr((unique, [str(part.compile(dialect=sqlite.dialect())) for part in parts]))
    digest = hashlib.sha256(shape.encode()).hexdigest()[:8]
    name = f"{'ux' if unique else 'ix'}_{table.name}"[:50] + f"_{digest}"
    if all(index.name != name for index in table.indexes):
        sa.Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)
