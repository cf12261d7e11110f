"""Files, papers and choices through the doors of a portal: the site's own, asked as the person outside."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from engine.errors import Missing
from engine.paper import formats
from engine.web import attachments, options, printing
from engine.web.context import actor, application
from engine.web.portal.frame import portal_of_request, see_there, shown_form
from engine.web.seen import NOT_THERE
from engine.web.uploads import COMMENT, find


def add_to(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/files", "upload", upload, methods=["POST"])
    blueprint.add_url_rule("/files/<int:attachment_id>", "file", read)
    blueprint.add_url_rule("/files/<int:attachment_id>/thumb", "thumb", thumb)
    blueprint.add_url_rule("/<form_name>/options/<field_name>", "options", offered)
    blueprint.add_url_rule("/<form_name>/<int:record_id>/print/<print_name>.pdf", "paper", paper)


def upload(portal_name: str) -> Response:
    portal_of_request()
    return attachments.upload()


def read(portal_name: str, attachment_id: int) -> Response:
    _shown(attachment_id)
    return attachments.read(attachment_id)


def thumb(portal_name: str, attachment_id: int) -> Response:
    _shown(attachment_id)
    return attachments.thumb(attachment_id)


def _shown(attachment_id: int) -> None:
    """Beside being readable, a file belongs to something the portal shows."""
    portal, app, who = portal_of_request(), application(), actor()
    with app.database.read() as conn:
        file = find(conn, app, who, attachment_id)
    if file.record_id is None:
        return  # just uploaded, and this person's alone
    shown = portal.form(file.form)
    name = (file.field or "").partition(":")[0]
    if shown is None or not (
        (name == COMMENT and shown.messages) or name in (*shown.files, *shown.fields, *shown.card)
    ):
        raise Missing(NOT_THERE)


def offered(portal_name: str, form_name: str, field_name: str) -> Response:
    """Of a form of the portal, or of lines in one."""
    portal, forms = portal_of_request(), application().definition.forms
    outer = form_name
    while outer in forms and forms[outer].parent_form:
        outer = str(forms[outer].parent_form)
    shown_form(portal, outer)
    return options.options(form_name, field_name)


def paper(portal_name: str, form_name: str, record_id: int, print_name: str) -> Response:
    """One of the paper formats the portal offers, within what this person may read."""
    shown, form = shown_form(portal_of_request(), form_name)
    if print_name not in shown.prints:
        raise Missing(NOT_THERE)
    formats.format_of(form, actor(), print_name)
    with application().database.read() as conn:
        see_there(conn, shown, form, record_id)
    return printing.pressed(form, record_id, print_name)
