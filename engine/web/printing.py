"""A record on paper: the same facts and lines as its page, on one sheet without the frame."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from engine import formats
from engine.definition import Form
from engine.web.context import actor, application, reader
from engine.web.path import Badge, badge
from engine.web.render import label, render, translate
from engine.web.seen import form_named, see
from engine.web.showing import Showing, ShownSection

blueprint = Blueprint("printing", __name__)


@dataclass(frozen=True)
class PrintPage:
    form: Form
    form_label: str
    id: int
    title: str
    state: Badge | None
    sections: tuple[ShownSection, ...]
    printed: str
    printed_by: str


@blueprint.get("/<form_name>/<int:record_id>/print")
def sheet(form_name: str, record_id: int) -> Response:
    form = form_named(form_name)
    app, who = application(), actor()
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        sections = Showing(conn, app, who, seen).sections()
    page = PrintPage(
        form=form,
        form_label=label(form),
        id=seen.id,
        title=seen.title,
        state=badge(form, seen.row, reader()),
        sections=sections,
        printed=formats.moment(app.clock(), reader()),
        printed_by=translate("Printed by {name}", name=who.name),
    )
    return Response(render("print.html", page=page))
