"""What a link, links or user field offers: records the person may see, that the field's condition allows, by search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request

from engine.application import Application
from engine.codes import resolve
from engine.definition import Form
from engine.errors import Invalid, Missing
from engine.expressions import EvaluationFailed, NotInSql, View, to_sql
from engine.fields.base import Field
from engine.people import Actor, inside
from engine.permissions import may, may_record, readable_fields, row_filter, updatable_fields
from engine.sight import Sight
from engine.web.context import actor, application
from engine.web.numbers import whole
from engine.web.search_terms import matching
from engine.web.seen import NOT_THERE, see

blueprint = Blueprint("options", __name__)

OFFERED = 20
LOOKED_AT = 400  # candidates tested against a condition before giving up
LONGEST = 100


def offered(
    conn: sa.Connection,
    app: Application,
    who: Actor,
    field: Field,
    text: str,
    source: View | None,
    limit: int = OFFERED,
) -> list[tuple[int, str]]:
    """(id, title) in order of the titles; ``source`` is the record being filled in, as the condition sees it."""
    if field.kind in ("user", "users"):
        return [] if who.portal is not None else _people(conn, app, field, text, limit)
    return _records(conn, app, who, field, text, source, limit)


def _people(conn: sa.Connection, app: Application, field: Field, text: str, limit: int) -> list[tuple[int, str]]:
    user, of_user, of_group, member = (app.tables.user, app.tables.user_role, app.tables.group_role,
                                       app.tables.group_member)  # fmt: skip
    query = sa.select(user.c.id, user.c.name).where(user.c.active.is_(True), inside(app.tables))
    query = query.order_by(user.c.name).limit(limit)
    roles = getattr(field, "roles", ())
    if roles:
        own = sa.select(of_user.c.user_id).where(of_user.c.role.in_(roles))
        grouped = sa.select(member.c.user_id).join(of_group, of_group.c.group_id == member.c.group_id).where(
            of_group.c.role.in_(roles)
        )  # fmt: skip
        query = query.where(sa.or_(user.c.id.in_(own), user.c.id.in_(grouped)))
    if text:
        like = f"%{_escaped(text)}%"
        query = query.where(sa.or_(user.c.name.ilike(like, escape="\\"), user.c.login.ilike(like, escape="\\")))
    return [(row[0], row[1]) for row in conn.execute(query)]


def _records(
    conn: sa.Connection, app: Application, who: Actor, field: Any, text: str, source: View | None, limit: int
) -> list[tuple[int, str]]:
    form = app.definition.forms[field.form]
    if not may(app, who, "read", form):
        return []
    table = app.tables.form[form.name]
    condition = row_filter(app, who, "read", form)
    columns = table.c if field.where else (table.c.id, table.c["_title"])
    query = sa.select(*columns).where(table.c.deleted_at.is_(None)).order_by(table.c["_title"], table.c.id)
    if condition is not None:
        query = query.where(condition)
    if text:
        query = query.where(matching(app, conn, form, text))
    if not field.where:
        return [(row.id, row._title) for row in conn.execute(query.limit(limit))]
    allowed = _in_sql(app, who, form, field.where, source)
    if allowed is not None:
        return [(row.id, row._title) for row in conn.execute(query.where(allowed).limit(limit))]
    return _allowed(conn, app, who, form, field.where, source, query, limit)


def _in_sql(app: Application, who: Actor, form: Form, where: str, source: View | None) -> Any:
    """The condition for the database, so that the fitting ones are found among however many; None where it cannot."""
    if source is None:
        return None
    try:
        return to_sql(app.plans.compile(where), form, app.tables, who, app.clock, names={"source": source})
    except (NotInSql, EvaluationFailed):
        return None


def _allowed(
    conn: sa.Connection,
    app: Application,
    who: Actor,
    form: Form,
    where: str,
    source: View | None,
    query: Any,
    limit: int,
) -> list[tuple[int, str]]:
    loader = Sight(app, conn, who)
    compiled = app.plans.compile(where)
    found: list[tuple[int, str]] = []
    for row in conn.execute(query.limit(LOOKED_AT)).mappings():
        try:
            holds = compiled.holds({**loader.names, "record": View(form, dict(row), loader), "source": source})
        except EvaluationFailed:
            holds = False
        if holds:
            found.append((row["id"], row["_title"]))
            if len(found) == limit:
                break
    return found


def scanned(
    conn: sa.Connection, app: Application, who: Actor, field: Any, code: str, source: View | None
) -> list[tuple[int, str]]:
    """What a code stands for, at most two, as far as the field offers it."""
    if field.kind in ("user", "users"):
        return []
    form = app.definition.forms[field.form]
    table = app.tables.form[form.name]
    query = sa.select(table).where(table.c.id.in_(resolve(conn, app, who, form, code))).order_by(table.c.id)
    if field.where:
        return _allowed(conn, app, who, form, field.where, source, query, 2)
    return [(row.id, row._title) for row in conn.execute(query)]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# --- over HTTP -------------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/options/<field_name>")
def options(form_name: str, field_name: str) -> Response:
    """``q``: what is typed, or ``code``: what was scanned; ``id``: the record being changed; ``source.<field>``: values
    typed over it."""
    app, who = application(), actor()
    form = app.definition.forms.get(form_name)
    field = form.fields.get(field_name) if form else None
    if form is None or field is None or field.kind not in ("link", "links", "user", "users"):
        raise Missing(NOT_THERE)
    text = request.args.get("q", "").strip()[:LONGEST]
    with app.database.read() as conn:
        source = _source(conn, app, who, form, field)
        code = request.args.get("code", "")
        found = scanned(conn, app, who, field, code, source) if code else offered(conn, app, who, field, text, source)
    return jsonify([{"id": key, "title": title} for key, title in found])


def _source(conn: sa.Connection, app: Application, who: Actor, form: Form, field: Field) -> View:
    """The record as typed; raises Missing unless the person may fill in this field of it."""
    around = app.definition.forms[form.parent_form] if form.parent_form else form
    given = whole(request.args.get("id"))
    row: Mapping[str, Any] = {}
    loader = Sight(app, conn, who)
    if given:
        seen = see(conn, around, given)
        allowed = bool(may_record(app, who, "update", around, seen.view))
        row = seen.row if form is around else {"_parent": seen.id}
    else:
        allowed = bool(may(app, who, "create", around)) or bool(may(app, who, "update", around))
    settable = updatable_fields(app, who, form).ever(field.name) or updatable_fields(
        app, who, form, creating=True
    ).ever(field.name)
    if not allowed or not settable:
        raise Missing(NOT_THERE)
    return View(form, {**row, **_typed(app, who, form)}, loader)


def _typed(app: Application, who: Actor, form: Form) -> dict[str, Any]:
    values: dict[str, Any] = {}
    readable = readable_fields(app, who, form)
    for key, raw in request.args.items():
        name = key.removeprefix("source.")
        if key.startswith("source.") and name in form.fields and readable.ever(name):
            try:
                values[name] = form.fields[name].parse(raw, who.reader(app.definition))
            except Invalid:
                values[name] = None
    return values
