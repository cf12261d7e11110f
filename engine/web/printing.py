"""Records on paper, for the person who looks at them: the plain sheet, and the paper formats of the form."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from flask import Blueprint, Response

from engine.definition import Form
from engine.errors import Missing
from engine.paper import formats
from engine.paper.document import documents_of
from engine.paper.page import shown_page
from engine.paper.press import press
from engine.people import Actor
from engine.prints import PrintFormat
from engine.web.context import actor, application
from engine.web.controls import widgets
from engine.web.render import render
from engine.web.seen import NOT_THERE, form_named, see
from engine.web.uploads import clean_name

blueprint = Blueprint("printing", __name__)
SECONDS = 40.0  # of one PDF while somebody waits


@blueprint.get("/<form_name>/<int:record_id>/print")
def sheet(form_name: str, record_id: int) -> Response:
    form = form_named(form_name)
    app, who = application(), actor()
    with app.database.read() as conn:
        page = shown_page(conn, app, who, see(conn, form, record_id))
    return Response(render("print.html", page=page))


@blueprint.get("/<form_name>/<int:record_id>/print/<print_name>")
def on_paper(form_name: str, record_id: int, print_name: str) -> Response:
    """The record on a paper format, to look at and to print from the browser."""
    form = form_named(form_name)
    app, who = application(), actor()
    wanted = formats.format_of(form, who, print_name)
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        paper = formats.paper_of(conn, app, _reading(who, wanted), wanted, [seen], widgets)
        return Response(render("print_format.html", form=form, id=seen.id, paper=paper))


@blueprint.get("/<form_name>/<int:record_id>/print/<print_name>.pdf")
def pdf(form_name: str, record_id: int, print_name: str) -> Response:
    form = form_named(form_name)
    formats.format_of(form, actor(), print_name)
    with application().database.read() as conn:
        see(conn, form, record_id)
    return pressed(form, record_id, print_name)


def pressed(form: Form, record_id: int, print_name: str) -> Response:
    """The PDF, as whoever asks may read the record."""
    document = documents_of(application(), actor(), form.name, [record_id], print_name)
    made = press().pdf(document.text, SECONDS)
    return pdf_answer(made.content, document.title)


def pdf_answer(content: bytes, title: str) -> Response:
    name = clean_name(f"{title}.pdf")
    answer = Response(content, content_type="application/pdf")
    answer.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@blueprint.get("/<form_name>/prints/<print_name>.css")
def style(form_name: str, print_name: str) -> Response:
    """What of the style the format itself says; inline styles are refused by the site."""
    form = form_named(form_name)
    wanted = form.prints.get(print_name)
    if wanted is None:
        raise Missing(NOT_THERE)
    return Response(formats.css_of(wanted), content_type="text/css; charset=utf-8")


def _reading(who: Actor, wanted: PrintFormat) -> Actor:
    return replace(who, language=wanted.language) if wanted.language in ("zh", "en") else who
