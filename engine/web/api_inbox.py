"""Notifications, questions and files over the API."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request

from engine import answering, inbox, questions
from engine.errors import message
from engine.fields.relations import LARGEST_ID
from engine.inbox import Notice
from engine.language import Label
from engine.questions import Question
from engine.web import api_input, attachments
from engine.web.api_forms import demand_scope, demand_write
from engine.web.api_shape import Json, moment
from engine.web.context import actor, application, reader
from engine.web.questions import may_see, visible

blueprint = Blueprint("api_inbox", __name__)

PAGE = 50
MOST = 200


@blueprint.get("/notifications")
def list_notifications() -> Response:
    """Newest first; ``unread=true``: only those; ``before`` continues."""
    api_input.refuse_parameters("before", "limit", "unread")
    demand_scope("read")
    app, limit = application(), api_input.number_arg("limit", MOST) or PAGE
    before, unread = api_input.number_arg("before", LARGEST_ID), api_input.flag_arg("unread")
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


@blueprint.get("/notifications/questions")
def list_questions() -> Response:
    """The questions that wait for me, the newest first; ``before`` continues."""
    api_input.refuse_parameters("before", "limit")
    demand_scope("read")
    app, limit = application(), api_input.number_arg("limit", MOST) or PAGE
    before = api_input.number_arg("before", LARGEST_ID)
    with app.database.read() as conn:
        found = questions.open_for(
            conn, app.tables, actor().id or 0, app.clock(), before=before, limit=limit + 1
        )  # fmt: skip
        titles = visible(conn, found)
    listed = [_question(one, titles) for one in found[:limit] if may_see(one, titles)]
    return jsonify(questions=listed, before=found[limit - 1].id if len(found) > limit else None)


def _question(one: Question, titles: Mapping[str, Mapping[int, str]]) -> Json:
    language = reader().language
    return {
        "id": one.id, "message": one.text(language), "form": one.form, "record_id": one.record_id,
        "record": titles.get(one.form or "", {}).get(one.record_id or 0), "rule": one.rule,
        "asked_at": moment(one.asked_at), "due_at": moment(one.due_at), "needs": one.needs,
        "choices": [
            {"name": choice.name, "label": Label(choice.label).text(language), "style": choice.style,
             "comment": choice.comment, "decisive": choice.decisive}
            for choice in one.choices
        ],
        "people": [{"id": voice.user_id, "name": voice.name, "answer": voice.answer} for voice in one.voices],
    }  # fmt: skip


@blueprint.post("/notifications/questions/<question_id>/answer")
def answer_question(question_id: int) -> Response:
    """``answer``: the name of a choice; ``comment``. The same answer again is answered like the first."""
    api_input.refuse_parameters()
    demand_write()
    sent = api_input.body(("answer", "comment"))
    name = api_input.text_of(sent, "answer", 200)
    if name is None:
        raise api_input.misplaced("answer", message("{name} must be a text.", name="answer"))
    comment = api_input.text_of(sent, "comment", answering.LONGEST)
    given = answering.answer(application(), actor(), question_id, name, comment)
    return jsonify(id=given.question_id, answer=name, settled=given.settled)


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
