"""Notifications and files over the API."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from engine import inbox
from engine.errors import message
from engine.inbox import Notice
from engine.web import api_input, attachments
from engine.web.api_forms import demand_scope, demand_write
from engine.web.api_shape import Json, moment
from engine.web.context import actor, application, reader

blueprint = Blueprint("api_inbox", __name__)

PAGE = 50
MOST = 200


@blueprint.get("/notifications")
def list_notifications() -> Response:
    """Newest first; ``unread=true``: only those; ``before`` continues."""
    api_input.refuse_parameters("before", "limit", "unread")
    demand_scope("read")
    app, limit = application(), api_input.number_arg("limit", MOST) or PAGE
    before, unread = api_input.number_arg("before", api_input.LARGEST_ID), api_input.flag_arg("unread")
    with app.database.read() as conn:
        found = inbox.notices_of(conn, app.tables, actor().id or 0, limit=limit + 1, before=before, unread=unread)
    shown = found[:limit]
    return jsonify(notifications=[_notice(one) for one in shown], before=shown[-1].id if len(found) > limit else None)


def _notice(one: Notice) -> Json:
    return {"id": one.id, "at": moment(one.at), "message": one.text(reader().language), "form": one.form or None,
            "record_id": one.record_id, "unread": one.unread}  # fmt: skip


@blueprint.post("/notifications/read")
def mark_read() -> Response:
    """``id``: that one; without it all."""
    api_input.refuse_parameters()
    demand_write()
    notice = api_input.id_of(api_input.body(("id",), optional=True), "id")
    app = application()
    with app.database.write() as conn:
        inbox.mark_read(conn, app.tables, actor().id or 0, app.clock(), notice)
    return Response(status=204)


@blueprint.post("/files")
def upload() -> Response:
    """multipart/form-data: ``form``, ``field``, maybe ``id`` of the record, and files under ``file``."""
    api_input.refuse_parameters()
    if request.mimetype != "multipart/form-data":
        raise api_input.WrongContent(message("Send the files as multipart/form-data."))
    record_id = request.form.get("id", "")
    if record_id and not (record_id.isascii() and record_id.isdigit() and len(record_id) < 19):
        raise api_input.misplaced("id", message("{name} must be the number of a record, such as 12.", name="id"))
    return attachments.upload()


@blueprint.get("/files/<attachment_id>")
def download(attachment_id: int) -> Response:
    api_input.refuse_parameters("download")
    return attachments.read(attachment_id)
