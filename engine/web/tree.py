"""Records under their parents: the roots at once, children when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import request
from markupsafe import Markup

from engine import queries
from engine.columns import Columns
from engine.definition import Form
from engine.errors import Invalid, message
from engine.fields.base import Field, Operator
from engine.permissions import row_filter
from engine.queries import Filter, ListQuery, Sort
from engine.views import TreeView
from engine.web import cards
from engine.web.context import actor, application
from engine.web.lists import row_plan
from engine.web.render import render
from engine.web.screens import form_named

EACH = 100
DEEPEST = 12


@dataclass(frozen=True)
class Branch:
    """One row of the tree; ``children_url`` None: nothing is below it."""

    id: int
    title: str
    children_url: str | None
    cells: Markup


def show(form: Form, view: Any, args: Any) -> str:
    query, columns = cards.asked(form, args)
    field = cards.group_field(columns, view.parent)
    flat = query.narrowed  # a search finds records wherever they are
    with application().database.read() as conn:
        branches, more = _branches(conn, query if flat else _under(query, field, None), columns, field, view, 1)
        names = _names(columns, view)
        return cards.show_board("tree.html", conn, query, columns, branches=branches, level=1, more_url=more,
                                 heads=[columns[name] for name in names])  # fmt: skip


def children(form_name: str) -> str:
    """The rows below one record."""
    form = form_named(form_name)
    query, columns = cards.asked(form, request.args, ("parent", "level"))
    view = query.view
    if not isinstance(view, TreeView):
        trees = [name for name, each in form.views.items() if isinstance(each, TreeView)]
        raise Invalid(queries.unknown(queries.NO_VIEW, view.name if view else "", trees))
    parent = _number(request.args["parent"]) if "parent" in request.args else None
    level = min(_number(request.args.get("level", "1")), DEEPEST)
    field = cards.group_field(columns, view.parent)
    with application().database.read() as conn:
        branches, more = _branches(conn, _under(query, field, parent), columns, field, view, level, parent)
    return render("tree_rows.html", layout="fragment.html", form=form, branches=branches, level=level,
                  more_url=more, columns=len(_names(columns, view)))  # fmt: skip


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < len(text) < 19:
        return int(text)
    raise Invalid(message("parent and level are numbers, not “{got}”.", got=text[:20]))


def _under(query: ListQuery, field: Field, parent: int | None) -> ListQuery:
    """The records below one; at the top those without a parent the actor may see."""
    if parent is None:
        return replace(query, filters=(*query.filters, Filter(field.name, _at_the_top(query.form), (), None)))
    equal = next(each for each in field.operators if each.name == "eq")
    return replace(query, filters=(*query.filters, Filter(field.name, equal, (), parent)))


def _at_the_top(form: Form) -> Operator:
    """A record whose parent is hidden or deleted stands at the top, or nobody would find it."""
    app, who = application(), actor()
    table = app.tables.form[form.name]
    allowed = row_filter(app, who, "read", form)
    above = sa.select(table.c.id).where(table.c.deleted_at.is_(None), *([] if allowed is None else [allowed]))
    return Operator("top", "top", lambda column, value: sa.or_(column.is_(None), column.not_in(above)))


def _names(columns: Columns, view: TreeView) -> tuple[str, ...]:
    return tuple(name for name in view.columns if name in columns)


def _branches(
    conn: sa.Connection,
    query: ListQuery,
    columns: Columns,
    field: Field,
    view: TreeView,
    level: int,
    parent: int | None = None,
) -> tuple[list[Branch], str | None]:
    """Rows below ``parent`` (None: at the top) and where the ones after them are."""
    names = _names(columns, view)
    asked = replace(query, sort=query.sort or (Sort("_title", False),), limit=EACH, columns=names)
    page, found = cards.rows_of(conn, asked, columns, names)
    plan = row_plan(query.form, columns, asked, opens=False)
    parents = _with_children(conn, query.form, field, [row["id"] for row in page.rows])
    base = replace(query, filters=tuple(each for each in query.filters if each.field != field.name), text="")
    branches = [
        Branch(
            row["id"],
            row["_title"] or f"#{row['id']}",
            f"/{query.form.name}/children{_with(base, parent=row['id'], level=level + 1)}"
            if row["id"] in parents
            else None,
            plan.cells_of(row, found),
        )
        for row in page.rows
    ]
    if page.after is None:
        return branches, None
    here = {"level": level, **({"parent": parent} if parent is not None else {})}
    return branches, f"/{query.form.name}/children{_with(base, page.after, **here)}"


def _with(query: ListQuery, after: str | None = None, **more: int) -> str:
    address = query.url(after=after)
    return f"{address}{'&' if address else '?'}" + "&".join(f"{key}={value}" for key, value in more.items())


def _with_children(conn: sa.Connection, form: Form, field: Field, ids: list[int]) -> set[int]:
    """Which of these have something below them that the actor may see; one statement."""
    if not ids:
        return set()
    app, who = application(), actor()
    table = app.tables.form[form.name]
    allowed = row_filter(app, who, "read", form)
    column = table.c[field.name]
    select = sa.select(column).where(table.c.deleted_at.is_(None), column.in_(ids)).distinct()
    return set(conn.scalars(select if allowed is None else select.where(allowed)))
