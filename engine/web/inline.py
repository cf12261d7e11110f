"""One cell of a list changed in place: the control of its field, then the record's walk, then the fresh row."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import fetching, queries, service
from engine.columns import Columns, columns_of
from engine.definition import Form
from engine.errors import Invalid, Message, Missing, Problem, Stale, message
from engine.fields.base import Field
from engine.filling import fill
from engine.permissions import may_record, updatable_fields
from engine.queries import Filter, ListQuery, parse_query
from engine.texts import say
from engine.titles import extras
from engine.web import listing
from engine.web.context import actor, application, reader
from engine.web.lists import bulk_actions, editable_fields, row_plan
from engine.web.numbers import whole
from engine.web.render import render
from engine.web.screens import control, form_named
from engine.web.seen import Seen, see
from engine.web.widgets import State

blueprint = Blueprint("inline", __name__)
ALSO = ("saved", "field")


@blueprint.get("/<form_name>/<int:record_id>/cell")
def ask(form_name: str, record_id: int) -> str:
    """The control of one cell, with the value as it is stored now."""
    form = form_named(form_name)
    field = _field(form)
    with application().database.read() as conn:
        seen = _changeable(conn, form, field, record_id)
        return _control(conn, form, field, seen.row, field.text(seen.row[field.name], reader()))


def _field(form: Form) -> Field:
    columns = columns_of(application(), actor(), form)
    name = request.args.get("field", "")
    if name not in editable_fields(form, columns):
        raise Invalid(queries.unknown(queries.NO_FIELD, name, sorted(editable_fields(form, columns))))
    return columns[name]


def _changeable(conn: sa.Connection, form: Form, field: Field, record_id: int) -> Seen:
    """The record; raises Missing when it is not to be seen, Denied when this field of it is not to be changed."""
    app, who = application(), actor()
    seen = see(conn, form, record_id)
    may_record(app, who, "update", form, seen.view).demand()
    if field.name not in seen.fields or not updatable_fields(app, who, form).has(field.name, seen.view):
        raise Invalid(message("{label} cannot be changed on this record.", label=field.title))
    return seen


def _control(
    conn: sa.Connection, form: Form, field: Field, row: Any, typed: Any, problem: str = "", clash: Any = None
) -> str:
    state = State(
        id=f"cell-{row['id']}-{field.name}",
        required=field.required and not _exempt(form, field, row),
        invalid=bool(problem),
        compact=True,
        titles=_titles(conn, form, field, typed),
        options_url=f"/{form.name}/options/{field.name}?id={row['id']}",
        form=form.name,
    )
    address = f"/{form.name}/{row['id']}/cell{_rest()}"
    return render("list_cell.html", layout="fragment.html", form=form, field=field, typed=typed, state=state,
                  version=row["version"], control=control, action=address, problem=problem, clash=clash)  # fmt: skip


def _exempt(form: Form, field: Field, row: Any) -> bool:
    return row[field.name] is None and application().waivers.of(form.name).exempts(field.name, row["id"])


def _rest() -> str:
    query = request.query_string.decode("ascii", "ignore")
    return f"?{query}" if query else ""


def _titles(conn: sa.Connection, form: Form, field: Field, typed: Any) -> Any:
    if field.kind not in ("link", "user") or (record := whole(str(typed or ""))) is None:
        return {}
    query = ListQuery(form=form, view=None, filters=(Filter(field.name, field.operators[0], (), record),))
    columns = columns_of(application(), actor(), form)
    return listing.chip_titles(application(), actor(), conn, query, columns).get(field.name, {})


@blueprint.post("/<form_name>/<int:record_id>/cell")
def keep(form_name: str, record_id: int) -> Response | str | tuple[str, int]:
    """Save the cell: the fresh row; or the control again with what is wrong (422), or both values when somebody else
    saved first (409)."""
    app, who, form = application(), actor(), form_named(form_name)
    field = _field(form)
    query = parse_query(app, who, form, request.args, also=ALSO)
    raw = field.raw(request.form, field.name)
    version = request.form.get("version", "")
    if not version.isascii() or not version.isdigit():
        raise Invalid(message("The version of the record is missing."))
    try:
        service.save(app, who, form.name, {field.name: raw}, id=record_id, version=int(version[:12]))
    except Stale:
        return _conflict(form, field, record_id, raw)
    except Invalid as invalid:
        return _again(form, field, record_id, raw, invalid), 422
    return _fresh_row(form, query, record_id)


def _again(form: Form, field: Field, record_id: int, raw: Any, invalid: Invalid) -> str:
    problems = invalid.problems or (Problem("", invalid.reason),)
    texts = " ".join(dict.fromkeys(say(problem.message, reader().language) for problem in problems))
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
        return _control(conn, form, field, seen.row, raw, texts)


def _conflict(form: Form, field: Field, record_id: int, raw: Any) -> tuple[str, int]:
    """Nothing is lost: what is stored by now and what was typed stand side by side; saving again keeps the typed."""
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
        titles = {**_titles(conn, form, field, seen.row[field.name]), **_titles(conn, form, field, raw)}
        clash = {
            "stored": field.cell(seen.row[field.name], reader(), titles),
            "typed": _shown(field, raw, titles),
            "by": _name(conn, seen.row["updated_by"]),
        }
        return _control(conn, form, field, seen.row, raw, clash=clash), 409


def _shown(field: Field, raw: Any, titles: Any) -> Any:
    try:
        return field.cell(field.parse(raw, reader()), reader(), titles)
    except Invalid:
        return raw


def _name(conn: sa.Connection, user: int | None) -> str | Message:
    table = application().tables.user
    found = conn.scalar(sa.select(table.c.name).where(table.c.id == user)) if user is not None else None
    return found or message("somebody else")


def _fresh_row(form: Form, query: ListQuery, record_id: int) -> str:
    """The row as the list would show it now; it stays in sight even if it no longer matches the list's conditions."""
    app, who = application(), actor()
    columns = columns_of(app, who, form)
    plan = row_plan(form, columns, query)
    with app.database.read() as conn:
        rows = _rows(conn, form, columns, plan.names, record_id)
        found = extras(app, who, conn, form, columns, plan.names, rows)
        return plan.draw(rows, found, app.clock(), pick=bool(bulk_actions(form)))


def _rows(
    conn: sa.Connection, form: Form, columns: Columns, names: tuple[str, ...], record_id: int
) -> list[dict[str, Any]]:
    app, who = application(), actor()
    rows = fetching.run(app, who, queries.by_id(form, columns, record_id), conn, names).rows
    if not rows:
        raise Missing(message("You changed the record so that you may not see it any more."))
    fill(app, who, conn, form, columns, names, rows)
    return rows
