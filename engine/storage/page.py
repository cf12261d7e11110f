"""Pages of a list: one statement each, as fast on the ten-thousandth page and at a million rows as on the first.

A page is found by its neighbour's sort values (keyset), never by counting rows. Empty values come last in both
directions. The statement has two storeys: inside, the ids of the page in order from the index; outside, the columns of
those few rows with the titles of what they link to.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from engine.storage.cursors import kind_of, read_cursor, write_cursor
from engine.storage.indexes import SortBy, flagged
from engine.storage.prepared import Row, value
from engine.storage.tables import ALWAYS_FILLED, Tables

MOST_COUNTED = 1000
Element = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Query:
    """Which records, which of their columns, in which order.

    ``columns``: columns of the form's table; a column that names a record or user also brings ``<column>.title``.
    ``where``: conditions on ``tables.form[form]``. ``deleted``: only deleted records, instead of only those that are
    not. ``extra``: more columns (label → expression), such as live rollups. ``start``: what the records asked for
    fulfil whose first sort key is filled; its range of the index is then read from there.
    """

    form: str
    columns: tuple[str, ...]
    where: tuple[sa.ColumnElement[bool], ...] = ()
    sort: tuple[SortBy, ...] = ()
    limit: int = 50
    after: str | None = None
    before: str | None = None
    deleted: bool = False
    extra: tuple[tuple[str, sa.ColumnElement[Any]], ...] = ()
    start: sa.ColumnElement[bool] | None = None


@dataclass(frozen=True)
class Page:
    """Rows by column name, and the cursors of the neighbouring pages (None: there is none)."""

    rows: list[Row]
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Key:
    """One sort key as the statement sees it."""

    by: SortBy
    column: Element  # what is compared
    join: sa.FromClause | None = None  # the table the column stands in, if it is not the form's own
    link: Element | None = None  # the form's column that leads there
    companion: bool = False  # empty exactly where the key before it is

    @property
    def nullable(self) -> bool:
        return self.by.name not in ALWAYS_FILLED and self.by.name != "id"

    @property
    def flagged(self) -> bool:
        """Whether an "is empty" flag stands before it, unless it is the first."""
        return flagged(self.by.name, False) and not self.companion


# --- what other rooms call -------------------------------------------------------------------------------------------


def page(conn: sa.Connection, tables: Tables, query: Query) -> Page:
    """One page of records."""
    plan = _Plan(tables, query)
    back = query.before is not None
    text = query.before if back else query.after
    place = None if text is None else read_cursor(text, plan.kinds)
    rows = _rows(conn, plan, place, back, query.limit + 1)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if back:
        rows.reverse()
    reachable_before, reachable_after = (more, True) if back else (text is not None, more)
    page_ = Page(
        rows,
        plan.cursor(rows[0]) if rows and reachable_before else None,
        plan.cursor(rows[-1]) if rows and reachable_after else None,
    )
    for row in rows:
        for name in plan.hidden:
            del row[name]
    return page_


def count(conn: sa.Connection, tables: Tables, query: Query, most: int = MOST_COUNTED) -> int:
    """How many records there are, counted up to ``most`` + 1: more than ``most`` means "more than that"."""
    table = tables.form[query.form]

    def build() -> Any:
        some = sa.select(table.c.id).where(*_conditions(table, query)).limit(most + 1).subquery()
        return sa.select(sa.func.count().label("n")).select_from(some)

    prepared, values = tables.statements.with_clauses(("count", most, *_shape(query)), conn.dialect, query.where, build)
    return int(prepared.scalar(conn, values))


def totals(conn: sa.Connection, tables: Tables, query: Query, names: Sequence[str]) -> Row:
    """The sums of these columns over all records of the query, and ``count``; an empty sum is None."""
    table = tables.form[query.form]

    def build() -> Any:
        sums = (sa.type_coerce(sa.func.sum(table.c[name]), table.c[name].type).label(name) for name in names)
        return sa.select(sa.func.count().label("count"), *sums).where(*_conditions(table, query))

    prepared, values = tables.statements.with_clauses(
        ("totals", tuple(names), *_shape(query)), conn.dialect, query.where, build
    )
    return prepared.first(conn, values) or {}


def export(conn: sa.Connection, tables: Tables, query: Query, chunk: int = 1000) -> Iterator[list[Row]]:
    """All records of the query in order, in chunks; memory stays flat. The connection must stay open meanwhile."""
    after: str | None = None
    while True:
        found = page(conn, tables, replace(query, limit=chunk, after=after, before=None))
        if found.rows:
            yield found.rows
        if found.after is None:
            return
        after = found.after


# --- the statement ---------------------------------------------------------------------------------------------------


def _shape(query: Query) -> tuple[Any, ...]:
    return (query.form, query.deleted)


def _conditions(table: sa.Table, query: Query) -> list[Any]:
    alive = table.c.deleted_at.is_not(None) if query.deleted else table.c.deleted_at.is_(None)
    return [alive, *query.where]


@dataclass
class _Plan:
    tables: Tables
    query: Query
    table: sa.Table = field(init=False)
    keys: list[Key] = field(init=False)
    hidden: list[str] = field(init=False)
    kinds: list[type] = field(init=False)
    id_descending: bool = field(init=False)

    def __post_init__(self) -> None:
        self.table = self.tables.form[self.query.form]
        # The id leaves nothing to sort: what comes after it in the order is dropped.
        before_id = list(itertools.takewhile(lambda by: by.name != "id", self.query.sort))
        self.keys = [key for by in before_id for key in _keys(self.tables, self.table, by)]
        ending = self.query.sort[: len(before_id) + 1]
        self.id_descending = bool(ending) and ending[-1].descending
        self.hidden = [f"sort.{place}" for place in range(len(self.keys))]
        self.kinds = [*(kind_of(key.column.type) for key in self.keys), int]
        if "id" not in self.query.columns:
            self.hidden.append("id")

    def cursor(self, row: Row) -> str:
        return write_cursor([*(row[f"sort.{place}"] for place in range(len(self.keys))), row["id"]])


def _keys(tables: Tables, table: sa.Table, by: SortBy) -> list[Key]:
    """A link sorts by the title, then by the id of what it names: the database can then start from the titles' index
    instead of sorting every record (1,000,000 records: 1 ms, not 1.5 s)."""
    column = table.c[by.name]
    target = linked_table(column)
    if target is None:
        return [Key(by, column)]
    other = target.alias(f"by_{by.name}")
    title = other.c["name" if target is tables.user else "_title"]
    return [Key(by, title, other, column), Key(by, other.c.id, companion=True)]


def linked_table(column: sa.Column[Any]) -> sa.Table | None:
    """The table whose record a column names."""
    if column.name in ("id", "_parent"):
        return None
    return next((key.column.table for key in column.foreign_keys), None)


def _rows(conn: sa.Connection, plan: _Plan, place: tuple[Any, ...] | None, back: bool, limit: int) -> list[Row]:
    query = plan.query
    empty = None if place is None else tuple(one is None for one in place)
    names = tuple(name for name, _expression in query.extra)
    starts = () if query.start is None else (query.start,)
    clauses = (*query.where, *starts, *(expression for _name, expression in query.extra))
    key = ("page", *_shape(query), query.columns, query.sort, empty, back, names, len(starts))
    prepared, values = plan.tables.statements.with_clauses(
        key, conn.dialect, clauses, lambda: _statement(plan, empty, back)
    )
    values["limit_"] = limit
    if place is not None:
        values.update({f"place_{n}": one for n, one in enumerate(place) if one is not None})
    return prepared.rows(conn, values)


def _statement(plan: _Plan, empty: tuple[bool, ...] | None, back: bool) -> sa.Select[Any]:
    """``empty``: which values of the neighbouring row are empty, None for the first page. ``back``: read upwards."""
    segments = [_segment(plan, filled, empty, back) for filled in _segments(plan, empty, back)]
    # The limit spares the second range when the first fills the page: both databases read the parts of a UNION ALL in
    # order (PostgreSQL does not run parts in parallel that have a limit of their own).
    both = sa.union_all(*segments).limit(value("limit_", sa.Integer))
    inner = (segments[0] if len(segments) == 1 else both).subquery("k")
    table, query = plan.table, plan.query
    source: sa.FromClause = inner.join(table, table.c.id == inner.c.id)
    columns: list[Any] = [table.c.id] if "id" not in query.columns else []
    for name in query.columns:
        columns.append(table.c[name])
        target = linked_table(table.c[name])
        if target is not None:
            other = target.alias(f"of_{name}")
            source = source.outerjoin(other, other.c.id == table.c[name])
            columns.append(other.c["name" if target is plan.tables.user else "_title"].label(f"{name}.title"))
    columns += [expression.label(name) for name, expression in query.extra]
    for place, key in enumerate(plan.keys):
        if key.join is not None:
            source = source.outerjoin(key.join, key.join.c.id == key.link)
        columns.append(key.column.label(f"sort.{place}"))
    statement = sa.select(*columns).select_from(source).order_by(*_order(plan, None, back))
    return statement.limit(value("limit_", sa.Integer))


def _segments(plan: _Plan, empty: tuple[bool, ...] | None, back: bool) -> list[bool | None]:
    """The ranges to read: True = first sort key filled, False = empty, None = it never is empty."""
    if not plan.keys or not plan.keys[0].nullable:
        return [None]
    if empty is None:
        return [True, False]
    if empty[0]:
        return [False, True] if back else [False]
    return [True] if back else [True, False]


def _segment(plan: _Plan, filled: bool | None, empty: tuple[bool, ...] | None, back: bool) -> sa.Select[Any]:
    table = plan.table
    source: sa.FromClause = table
    for place, key in enumerate(plan.keys):
        if key.join is None or (place == 0 and filled is False):
            continue
        on = key.join.c.id == key.link
        # A filled first key has its record: an inner join lets the database start from the titles' index.
        source = source.join(key.join, on) if place == 0 and filled else source.outerjoin(key.join, on)
    conditions = _conditions(table, plan.query)
    if filled is not None:
        first = plan.keys[0]
        own = first.column if first.link is None else first.link
        conditions.append(own.is_not(None) if filled else own.is_(None))
    if filled and plan.query.start is not None:
        conditions.append(plan.query.start)
    if empty is not None and (filled is None or filled is not empty[0]):
        conditions.append(_beyond(plan, filled, empty, back))
    select = sa.select(table.c.id).select_from(source).where(*conditions).order_by(*_order(plan, filled, back))
    limited = select.limit(value("limit_", sa.Integer)).subquery()
    return sa.select(limited.c.id)


def _items(plan: _Plan, filled: bool | None, whole: bool = False) -> list[tuple[Element, bool, int, bool]]:
    """(expression, descending, place in the cursor, is it an "is empty" flag) in the order of one segment."""
    items: list[tuple[Element, bool, int, bool]] = []
    for place, key in enumerate(plan.keys):
        if filled is False and (place == 0 or (place == 1 and key.companion)):
            continue
        if key.flagged and (place > 0 or whole):
            items.append((key.column.is_(None), False, place, True))
        items.append((key.column, key.by.descending, place, False))
    items.append((plan.table.c.id, plan.id_descending, len(plan.keys), False))
    return items


def _order(plan: _Plan, filled: bool | None, back: bool) -> list[Any]:
    whole = filled is None and bool(plan.keys) and plan.keys[0].nullable
    items = _items(plan, filled, whole)
    return [expression.desc() if descending is not back else expression.asc() for expression, descending, _, _ in items]


def _beyond(plan: _Plan, filled: bool | None, empty: tuple[bool, ...], back: bool) -> sa.ColumnElement[bool]:
    """The rows past the neighbouring row, in the order of one segment."""
    steps: list[tuple[Element, bool, Any]] = []  # expression, descending, the neighbour's value
    for expression, descending, place, flag in _items(plan, filled):
        if flag:
            steps.append((expression, descending is not back, sa.literal(empty[place])))
        elif not empty[place]:
            neighbour = value(f"place_{place}", expression.type)
            steps.append((expression, descending is not back, neighbour))
    directions = {descending for _expression, descending, _neighbour in steps}
    if len(directions) == 1:
        left, right = [step[0] for step in steps], [step[2] for step in steps]
        if len(left) == 1:
            return _after(left[0], right[0], directions.pop())
        return _after(sa.tuple_(*left), sa.tuple_(*right), directions.pop())
    return _mixed(steps)


def _after(left: Any, right: Any, descending: bool) -> sa.ColumnElement[bool]:
    clause: sa.ColumnElement[bool] = left < right if descending else left > right
    return clause


def _mixed(steps: Sequence[tuple[Element, bool, Any]]) -> sa.ColumnElement[bool]:
    """Row values compare in one direction only; here each key has its own."""
    ways = []
    for last, (expression, descending, neighbour) in enumerate(steps):
        same = [each == other for each, _descending, other in steps[:last]]
        ways.append(sa.and_(*same, expression < neighbour if descending else expression > neighbour))
    first, descending, neighbour = steps[0]
    # Said twice so that the database can start at the right place of the index.
    start = first <= neighbour if descending else first >= neighbour
    return sa.and_(start, sa.or_(*ways))


__all__ = ["Page", "Query", "SortBy", "count", "export", "page", "totals"]
