"""Records that link to a record: one tab per form and link field, only what the reader may see, counts capped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response
from markupsafe import Markup

from engine import formats
from engine.columns import columns_of, rights
from engine.definition import Form
from engine.errors import Missing
from engine.fields.base import Field
from engine.permissions import may, readable_fields, row_filter
from engine.views import ListView
from engine.web.boxes import shown_value
from engine.web.context import actor, application, definition, reader
from engine.web.render import label, plural, render
from engine.web.seen import NOT_THERE, collect, form_named, points_at, see, titles_of

blueprint = Blueprint("related", __name__)

CAP = 100  # counted no further
SHOWN = 20
COLUMNS = 5


@dataclass(frozen=True)
class Related:
    """A form whose records link here through ``field``."""

    form: str
    field: str
    label: str
    new_url: str = ""
    count: str = ""
    newest: str = ""  # when the newest was created
    states: tuple[tuple[str, str, str], ...] = ()  # label, colour, how many: of the first hundred


@dataclass(frozen=True)
class RelatedRows:
    headings: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[tuple[str, Markup], ...]], ...]
    more_url: str


def links_here(form: Form) -> tuple[Related, ...]:
    """Without asking the database: the forms the actor may read whose link fields point to this one."""
    kept, key = application().plans.kept, ("related", form.name, rights(actor()), reader().language)
    found: tuple[Related, ...] | None = kept.get(key)
    if found is None:
        found = kept[key] = tuple(
            Related(other.name, field.name, _label(other, field, form)) for other, field in pointing(form)
        )
    return found


def pointing(form: Form) -> Iterator[tuple[Form, Field]]:
    app, who = application(), actor()
    for other in app.definition.forms.values():
        if other.parent_form or not may(app, who, "read", other):
            continue
        readable = readable_fields(app, who, other)
        for field in other.fields.values():
            if field.type == "link" and points_at(field) == form.name and readable.always(field.name):
                yield other, field


def _label(other: Form, field: Field, form: Form) -> str:
    several = sum(1 for one in other.fields.values() if one.type == "link" and points_at(one) == form.name) > 1
    return f"{plural(other)} · {field.label_in(reader().language)}" if several else plural(other)


@blueprint.get("/<form_name>/<int:record_id>/related")
def all_related(form_name: str, record_id: int) -> Response:
    """The tabs with their counts; those with nothing in them stand last."""
    form = form_named(form_name)
    app, who = application(), actor()
    with app.database.read() as conn:
        seen = see(conn, form, record_id, deleted=True)
        tabs = []
        for other, field in pointing(form):
            count, newest, states = _overview(conn, other, field, record_id)
            new = f"/{other.name}/new?{field.name}={record_id}" if may(app, who, "create", other) else ""
            told = Related(other.name, field.name, _label(other, field, form), new, _capped(count), newest, states)
            tabs.append((count == 0, told))
        tabs.sort(key=lambda tab: tab[0])
        found = [related for _empty, related in tabs]
        first = found[0] if found else None
        rows = (
            _rows(conn, definition().forms[first.form], first.field, record_id)
            if first and first.count != "0"
            else None
        )
    page = {"form": form, "id": record_id, "title": seen.title, "base": f"/{form.name}/{record_id}"}
    return Response(render("related.html", page=page, tabs=found, rows=rows, open=first))


@blueprint.get("/<form_name>/<int:record_id>/related/<other_name>/<field_name>")
def one_related(form_name: str, record_id: int, other_name: str, field_name: str) -> Response:
    form = form_named(form_name)
    other, field = next(
        ((other, field) for other, field in pointing(form) if (other.name, field.name) == (other_name, field_name)),
        (None, None),
    )
    if other is None or field is None:
        raise Missing(NOT_THERE)
    app, who = application(), actor()
    with app.database.read() as conn:
        seen = see(conn, form, record_id, deleted=True)
        rows = _rows(conn, other, field.name, record_id)
    new = f"/{other.name}/new?{field.name}={record_id}" if may(app, who, "create", other) else ""
    related = Related(other.name, field.name, _label(other, field, form), new)
    page = {"form": form, "id": record_id, "title": seen.title, "base": f"/{form.name}/{record_id}"}
    return Response(render("related_rows.html", page=page, rows=rows, open=related))


def _condition(other: Form, field: str, record_id: int) -> list[sa.ColumnElement[bool]]:
    table = application().tables.form[other.name]
    clauses = [table.c[field] == record_id, table.c.deleted_at.is_(None)]
    allowed = row_filter(application(), actor(), "read", other)
    return [*clauses, allowed] if allowed is not None else clauses


def _overview(
    conn: sa.Connection, other: Form, field: Field, record_id: int
) -> tuple[int, str, tuple[tuple[str, str, str], ...]]:
    """How many (counted to CAP + 1), when the newest came, and in which states they are; one statement."""
    table = application().tables.form[other.name]
    state = table.c.state if other.workflow else sa.literal("")
    query = sa.select(state.label("state"), table.c.created_at).where(*_condition(other, field.name, record_id))
    few = query.order_by(table.c.id.desc()).limit(CAP + 1).subquery()
    grouped = sa.select(few.c.state, sa.func.count().label("n"), sa.func.max(few.c.created_at).label("newest"))
    rows = conn.execute(grouped.group_by(few.c.state)).all()
    newest = max((row.newest for row in rows), default=None)
    shown = formats.relative(newest, application().clock(), reader().language) if newest else ""
    return sum(row.n for row in rows), shown, tuple(_states(other, {row.state: row.n for row in rows}))


def _states(other: Form, counts: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    for name, state in other.workflow.states.items() if other.workflow else ():
        if counts.get(name):
            yield label(state), state.colour, _capped(counts[name])


def _capped(count: int) -> str:
    return f"{CAP}+" if count > CAP else str(count)


def _rows(conn: sa.Connection, other: Form, field: str, record_id: int) -> RelatedRows:
    app, who = application(), actor()
    table = app.tables.form[other.name]
    query = sa.select(table).where(*_condition(other, field, record_id)).order_by(table.c.id.desc()).limit(SHOWN)
    found = [dict(row) for row in conn.execute(query).mappings()]
    columns = columns_of(app, who, other)
    usable = columns.stored - columns.sometimes - {field}
    names = [name for name in _names(other) if name in usable][:COLUMNS]
    wanted: dict[str, set[int]] = {}
    for row in found:
        collect([columns[name] for name in names], row, wanted)
    titles = titles_of(conn, app, who, wanted)
    rows = tuple((f"/{other.name}/{row['id']}", _cells(columns, names, row, titles)) for row in found)
    more = f"/{other.name}?where.{field}.eq={record_id}" if len(found) == SHOWN else ""
    return RelatedRows(tuple((label(columns[name]), columns[name].align) for name in names), rows, more)


def _names(other: Form) -> list[str]:
    """The columns of its first list; else its first fields."""
    view = next((view for view in other.views.values() if isinstance(view, ListView)), None)
    return list(view.columns) if view else [*list(other.fields)[:4], "state"]


def _cells(columns: Any, names: list[str], row: dict[str, Any], titles: Any) -> tuple[tuple[str, Markup], ...]:
    cells = []
    for place, name in enumerate(names):
        column = columns[name]
        value = row.get(name)
        html = shown_value(column, value, reader(), titles.get(points_at(column) or "", {}))
        if place == 0 and column.kind in ("link", "links", "user"):
            html = Markup.escape(row["_title"])
        cells.append((column.align, html or Markup("—") if place == 0 else html))
    return tuple(cells)
