"""The small form that makes one condition: field, then operator, then a value with the input that suits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, make_response, redirect, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine import queries
from engine.columns import Columns, columns_of, operators_of
from engine.definition import Form
from engine.errors import Invalid
from engine.fields.base import Field, Operator
from engine.queries import ListQuery, parse_query
from engine.web import finding, listing, lists
from engine.web.context import actor, application, fragment_wanted, reader
from engine.web.listing import filter_url
from engine.web.render import render, translate
from engine.web.screens import form_named

blueprint = Blueprint("conditions", __name__)
ALSO = ("saved", "field", "operator", "value")
SEVERAL = frozenset({"in", "not_in", "has", "has_any"})
INPUTS = {"date": "date", "datetime": "datetime-local", "time": "time", "day": "date"}


@blueprint.get("/<form_name>/filter")
def ask(form_name: str) -> str:
    """Choose a field; or, with one chosen, the operator and the value."""
    app, who, form = application(), actor(), form_named(form_name)
    query = parse_query(app, who, form, request.args, also=ALSO)
    columns = columns_of(app, who, form)
    if not request.args.get("field"):
        return render("list_filter.html", form=form, field=None, fields=_choices(query, columns))
    field, operator = _chosen(columns)
    return render(
        "list_filter.html", form=form, back_url=filter_url_plain(query), **_question(form, query, field, operator)
    )


def _choices(query: ListQuery, columns: Columns) -> list[dict[str, str]]:
    usable = [columns[name] for name in columns.filterable if name not in columns.sometimes]
    usable.sort(key=lambda field: field.name not in query.columns)
    return [
        {"label": field.label_in(reader().language), "icon": field.icon, "url": filter_url(query, field.name)}
        for field in usable
    ]


def filter_url_plain(query: ListQuery) -> str:
    return f"/{query.form.name}/filter{query.url()}"


def _chosen(columns: Columns) -> tuple[Field, Operator]:
    """The field and operator the query string names; the first operator when it names none; raises Invalid."""
    name = request.args.get("field", "")
    field = columns.get(name)
    if field is None or name not in columns.filterable:
        raise Invalid(queries.unknown(queries.NO_FIELD, name, columns.filterable))
    if name in columns.sometimes:
        raise Invalid(queries.sometimes(field))
    known = operators_of(field)
    wanted = request.args.get("operator") or _usual(field, known)
    operator = next((each for each in known if each.name == wanted), None)
    if operator is None:
        raise Invalid(queries.unknown(queries.NO_OPERATOR, wanted, [each.name for each in known]))
    return field, operator


def _usual(field: Field, known: Sequence[Operator]) -> str:
    names = [each.name for each in known]
    preferred = ("in", "has_any") if field.type in ("choice", "state", "choices") else ("this_month",)
    return next((name for name in preferred if name in names), names[0])


def _question(form: Form, query: ListQuery, field: Field, operator: Operator) -> dict[str, Any]:
    typed = tuple(request.args.getlist("value"))
    kind = _input(field, operator)
    return {
        "field": field,
        "operator": operator,
        "operators": operators_of(field),
        "args": query.args(),
        "input": kind,
        "type": INPUTS.get("day" if operator.takes == "day" else field.kind, "text"),
        "several": operator.name in SEVERAL,
        "typed": typed,
        "options": _options(field) if kind == "options" else (),
        "chosen": _named(form, field, typed) if kind == "record" else (),
        "offers": _offers(form, field) if kind == "record" else (),
        "attributes": _attributes(field),
    }


def _input(field: Field, operator: Operator) -> str:
    """Which input asks for the value: none, options, record, pair or one."""
    if operator.takes in ("none", "now", "me"):
        return "none"
    if operator.takes == "pair":
        return "pair"
    if field.type in ("choice", "choices", "state", "boolean", "role"):
        return "options"
    return "record" if field.kind in ("link", "links", "user", "users") else "one"


def _options(field: Field) -> list[tuple[str, str]]:
    language = reader().language
    if field.type == "boolean":
        return [("true", translate("Yes")), ("false", translate("No"))]
    if field.type == "role":
        return [(name, role.label.text(language)) for name, role in application().definition.roles.items()]
    return [(name, field.shown(name, language)[0]) for name in field.options]  # type: ignore[attr-defined]


def _named(form: Form, field: Field, typed: Sequence[str]) -> list[tuple[str, str]]:
    """Records already chosen, with their titles as far as the actor may see them."""
    app, who = application(), actor()
    ids = [one for text in typed for one in text.split(",") if one.isascii() and one.isdigit()][:50]
    args = MultiDict(
        (f"where.{field.name}.{'in' if field.kind in ('link', 'user') else 'has_any'}", one) for one in ids
    )
    if not ids:
        return []
    query = parse_query(app, who, form, args)
    with app.database.read() as conn:
        titles = listing.chip_titles(app, who, conn, query, columns_of(app, who, form)).get(field.name, {})
    return [(one, titles.get(int(one), f"#{one}")) for one in ids]


def _offers(form: Form, field: Field) -> list[tuple[str, str]]:
    """A first few, for a browser without scripts."""
    with application().database.read() as conn:
        found = finding.offered(application(), actor(), conn, form, field, "")
    return [(str(one["id"]), one["title"]) for one in found]


def _attributes(field: Field) -> Markup:
    if field.kind in INPUTS:
        return Markup("")
    wanted = {key: value for key, value in field.html_attributes().items() if key in ("inputmode", "maxlength")}
    return Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in wanted.items())


@blueprint.get("/<form_name>/filter_by")
def apply(form_name: str) -> Response:
    """The list with one more condition; htmx is given the list and its address at once, a browser is led there."""
    app, who, form = application(), actor(), form_named(form_name)
    query = parse_query(app, who, form, request.args, also=ALSO)
    field, operator = _chosen(columns_of(app, who, form))
    values = [value for value in request.args.getlist("value") if value.strip()] if operator.takes != "pair" else None
    values = request.args.getlist("value")[:2] if values is None else values
    more = MultiDict([*query.args(), *((f"where.{field.name}.{operator.name}", value) for value in values or [""])])
    narrowed = parse_query(app, who, form, more)  # refuses a value that is none
    address = f"/{form.name}{replace(narrowed, after=None, before=None).url()}"
    if not fragment_wanted():
        return redirect(address, 303)
    answer = make_response(lists.show_query(form, narrowed))
    answer.headers["HX-Push-Url"] = address
    return answer
