"""The print page of a record, for the person who looks at it."""

from __future__ import annotations

from flask import Blueprint, Response

from engine.paper.page import shown_page
from engine.web.context import actor, application
from engine.web.render import render
from engine.web.seen import form_named, see

blueprint = Blueprint("printing", __name__)


@blueprint.get("/<form_name>/<int:record_id>/print")
def sheet(form_name: str, record_id: int) -> Response:
    form = form_named(form_name)
    app, who = application(), actor()
    with app.database.read() as conn:
        page = shown_page(conn, app, who, see(conn, form, record_id))
    return Response(render("print.html", page=page))
