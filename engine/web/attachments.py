"""Files over HTTP: upload, read, thumbnail. Nothing uploaded ever runs in this site's name."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request, send_file
from PIL import Image

from engine.definition import Form
from engine.errors import AppmillError, Invalid, Missing, message
from engine.fields.base import Field
from engine.web.context import actor, application
from engine.web.failures import error_json, said
from engine.web.numbers import whole
from engine.web.seen import NOT_THERE
from engine.web.uploads import (
    INLINE,
    MOST_AT_ONCE,
    PICTURES,
    Attachment,
    checked,
    find,
    may_upload,
    must_fit,
    record_for,
    refuse,
    take_in,
)

blueprint = Blueprint("attachments", __name__)

SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox"
THUMB = 160  # pixels


@blueprint.post("/files")
def upload() -> Response:
    """``form``, ``field``, maybe ``id`` of the record, and one or more files under ``file``. Answers JSON."""
    try:
        return _upload()
    except AppmillError as error:
        return error_json(error.status, error.code, said(error.reason), error.problems)


def _upload() -> Response:
    form, field = _place()
    app, who = application(), actor()
    posted = [one for one in request.files.getlist("file") if one.filename]
    if not 0 < len(posted) <= MOST_AT_ONCE:
        raise Invalid(message("Send 1 to {most} files at once.", most=MOST_AT_ONCE))
    with app.database.read() as conn:
        record = record_for(conn, form, whole(request.form.get("id")))
        if not may_upload(app, who, form, field, record):
            refuse()
    for one in posted:
        checked(field, one)
    with app.database.write() as conn:
        taken = [take_in(conn, app, who, form.name, field.name, one, _largest(field)) for one in posted]
        for file in taken:
            must_fit(field, file)
    answer = jsonify(files=[_told(file) for file in taken], **_told(taken[0]))
    answer.status_code = 201
    return answer


def _place() -> tuple[Form, Field]:
    form = application().definition.forms.get(request.form.get("form", ""))
    field = form.fields.get(request.form.get("field", "")) if form else None
    if form is None or field is None or field.kind != "files" or not field.writable:
        raise Missing(NOT_THERE)
    return form, field


def _largest(field: Any) -> int:
    return int(field.largest)


def _told(file: Attachment) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "media_type": file.media_type,
        "url": f"/files/{file.id}",
        "thumb": f"/files/{file.id}/thumb" if file.media_type in PICTURES else None,
    }


@blueprint.get("/files/<int:attachment_id>")
def read(attachment_id: int) -> Response:
    app = application()
    with app.database.read() as conn:
        file = find(conn, app, actor(), attachment_id)
    answer = send_file(app.files.path(file.sha256), mimetype=file.media_type, conditional=True, etag=file.sha256)
    inline = file.media_type in INLINE and "download" not in request.args
    return _protected(answer, file, inline=inline)


@blueprint.get("/files/<int:attachment_id>/thumb")
def thumb(attachment_id: int) -> Response:
    app = application()
    with app.database.read() as conn:
        file = find(conn, app, actor(), attachment_id)
    if file.media_type not in PICTURES:
        raise Missing(NOT_THERE)
    answer = Response(_small(app.files.path(file.sha256)), content_type="image/webp")
    answer.set_etag(f"{file.sha256}-{THUMB}")
    answer.make_conditional(request)
    return _protected(answer, file, inline=True)


def _protected(answer: Response, file: Attachment, *, inline: bool) -> Response:
    """The name is text (RFC 5987), the type is ours, and whatever it holds is shut in a sandbox."""
    plain = "".join(one if one.isascii() and (one.isalnum() or one in "-_. ") else "_" for one in file.name)
    kind, encoded = "inline" if inline else "attachment", quote(file.name, safe="")
    answer.headers["Content-Disposition"] = f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = SANDBOX
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@lru_cache(maxsize=256)
def _small(path: Path) -> bytes:
    with Image.open(path) as picture:
        picture.thumbnail((THUMB, THUMB))
        out = io.BytesIO()
        picture.convert("RGBA" if picture.mode in ("P", "RGBA", "LA") else "RGB").save(out, "WEBP", quality=80)
        return out.getvalue()
