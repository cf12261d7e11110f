"""What a program needs to know about a form before it speaks of its records; saved views; what a link may be set to."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import MultiDict

from engine.columns import columns_of, operators_of
from engine.definition import Form
from engine.errors import Denied, Invalid, Missing, message
from engine.fields.base import Field
from engine.fields.relations import LARGEST_ID
from engine.permissions import in_scope, may, readable_fields, updatable_fields
from engine.queries import parse_query
from engine.web import api_input, options, saved
from engine.web.api_shape import Json
from engine.web.api_story import buttons_of
from engine.web.context import actor, application
from engine.web.render import label, plural
from engine.web.seen import NOT_THERE, form_named, points_at

blueprint = Blueprint("api_forms", __name__, url_prefix="/forms")

VERBS = ("create", "read", "update", "delete", "export", "import")


# --- the form --------------------------------------------------------------------------------------------------------


def visible_forms() -> list[Form]:
    """The forms with records of their own that the actor may see or create records of."""
    app, who = application(), actor()
    return [
        form
        for form in app.definition.forms.values()
        if not form.parent_form and (may(app, who, "read", form) or may(app, who, "create", form))
    ]


def form_summary(form: Form) -> Json:
    app, who = application(), actor()
    links = {"self": f"/api/v1/forms/{form.name}", "records": f"/api/v1/records/{form.name}"}
    if may(app, who, "export", form):
        links |= {"export_csv": f"/{form.name}/export.csv", "export_xlsx": f"/{form.name}/export.xlsx"}
    return {
        "name": form.name,
        "label": label(form),
        "plural": plural(form),
        "may": {verb: bool(may(app, who, verb, form)) for verb in VERBS},  # type: ignore[arg-type]
        "links": links,
    }


@blueprint.get("/<form_name>")
def describe(form_name: str) -> Response:
    form = form_named(form_name)
    api_input.refuse_parameters()
    workflow = form.workflow
    return jsonify({
        **form_summary(form),
        "help": label(form.help) if form.help else None,
        "fields": _fields(form),
        "states": [] if workflow is None else [
            {"name": one.name, "label": label(one), "final": one.final, "aside": one.aside}
            for one in workflow.states.values()
        ],
        "transitions": [] if workflow is None else [
            {"name": one.name, "label": label(one), "from": list(one.from_), "to": one.to, "ask": list(one.ask),
             "reason": one.reason}
            for one in workflow.transitions.values()
        ],
        "buttons": [{"name": rule.name, "label": label(rule.trigger)} for rule in buttons_of(form.name, actor())],
        "views": [{"name": view.name, "type": view.type, "label": label(view)} for view in form.views.values()],
    })  # fmt: skip


def _fields(form: Form) -> list[Json]:
    app, who = application(), actor()
    readable = readable_fields(app, who, form)
    creatable = updatable_fields(app, who, form, creating=True)
    changeable = updatable_fields(app, who, form)
    columns = columns_of(app, who, form)
    return [
        {
            **_field(one),
            "may_create": creatable.ever(one.name),
            "may_update": changeable.ever(one.name),
            "operators": [each.name for each in operators_of(one)] if one.name in columns.filterable else [],
            "sortable": one.name in columns.sortable and one.name not in columns.sometimes,
        }
        for one in form.fields.values()
        if readable.ever(one.name)
    ]


def _field(one: Field) -> Json:
    told: Json = {
        "name": one.name, "type": one.type, "kind": one.kind, "label": label(one),
        "help": label(one.help) if one.help else None, "required": one.required, "sensitive": one.sensitive,
        "schema": dict(one.value_schema()),
    }  # fmt: skip
    choices = getattr(one, "options", None)
    if choices:
        told["options"] = [{"name": name, "label": label(each)} for name, each in choices.items()]
    if one.kind in ("link", "links") and (target := points_at(one)):
        told["form"] = target
    if one.kind == "lines":
        told["fields"] = _fields(application().definition.forms[one.form])  # type: ignore[attr-defined]
    return told


# --- what a link may be set to ---------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/options/<field_name>")
def link_options(form_name: str, field_name: str) -> Response:
    """``q``: the beginning of a title; ``id``: the record being changed; ``source.<field>``: values typed over it."""
    strange = [key for key in request.args if key not in ("q", "id") and not key.startswith("source.")]
    if strange:
        api_input.refuse_parameters("q", "id", "source.<field>")
    api_input.number_arg("id", LARGEST_ID)
    if len(request.args.get("q", "")) > options.LONGEST:
        raise api_input.misplaced("q", message("Search for at most {most} characters.", most=options.LONGEST))
    return jsonify(options=options.options(form_name, field_name).get_json())


# --- saved views -----------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/views")
def list_views(form_name: str) -> Response:
    form = _readable(form_name)
    api_input.refuse_parameters()
    who, table = actor(), application().tables.saved_view
    select = sa.select(table).where(
        table.c.form == form.name, sa.or_(table.c.owner == who.id, table.c.shared.is_(True))
    )
    with application().database.read() as conn:
        rows = conn.execute(select.order_by(table.c.name, table.c.id)).mappings().all()
    return jsonify(views=[_view(form, row) for row in rows])


def _readable(form_name: str) -> Form:
    form = form_named(form_name)
    may(application(), actor(), "read", form).demand()
    return form


def _view(form: Form, row: Any) -> Json:
    """The query of somebody else's view without what this actor may not ask for."""
    mine = row["owner"] == actor().id
    pairs = MultiDict(parse_qsl(row["query"], keep_blank_values=True))
    query = parse_query(application(), actor(), form, pairs, strict=False)
    return {"id": row["id"], "name": row["name"], "query": query.url().removeprefix("?"), "shared": row["shared"],
            "is_default": row["is_default"] and mine, "mine": mine}  # fmt: skip


@blueprint.post("/<form_name>/views")
def save_view(form_name: str) -> Response:
    """One's own view of that name is replaced."""
    form = _readable(form_name)
    api_input.refuse_parameters()
    demand_write()
    data = api_input.body(("name", "query", "shared", "is_default"))
    name = api_input.text_of(data, "name", saved.LONGEST_NAME)
    if name is None:
        raise Invalid(message("Give the view a name of 1 to {most} characters.", most=saved.LONGEST_NAME))
    query = saved.checked_query(form, api_input.text_of(data, "query", 4000) or "")
    values = {"query": query, **{flag: api_input.flag_of(data, flag) for flag in ("shared", "is_default")}}
    with application().database.write() as conn:
        view_id = saved.store(conn, form, actor(), name, values)
        row = _own(conn, form, view_id)
    answer = jsonify(_view(form, row))
    answer.status_code = 201
    return answer


@blueprint.delete("/<form_name>/views/<view_id>")
def delete_view(form_name: str, view_id: int) -> Response:
    form = _readable(form_name)
    api_input.refuse_parameters()
    demand_write()
    table = application().tables.saved_view
    with application().database.write() as conn:
        _own(conn, form, view_id)
        conn.execute(sa.delete(table).where(table.c.id == view_id))
    return Response(status=204)


def _own(conn: sa.Connection, form: Form, view_id: int) -> Any:
    table, who = application().tables.saved_view, actor()
    own = (table.c.id == view_id, table.c.form == form.name, table.c.owner == who.id)
    row = conn.execute(sa.select(table).where(*own)).mappings().first()
    if row is None:
        raise Missing(NOT_THERE)
    return row


def demand_write() -> None:
    """For what belongs to a person and not to a form: a token needs the scope ``write``."""
    who = actor()
    if who.view_as is not None:
        raise Denied(message("You are looking as another role; nothing can be changed."))
    demand_scope("write")


def demand_scope(verb: str) -> None:
    scopes = actor().scopes
    if scopes is not None and not in_scope(scopes, verb):
        raise Denied(message("This token needs the scope “{scope}” for this.", scope=verb))
