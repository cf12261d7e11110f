"""The bell: what was said to me, and marking it read."""

from __future__ import annotations

from flask import Blueprint, g, make_response, request
from werkzeug.wrappers import Response

from engine import formats, inbox
from engine import questions as asking
from engine.web import messages, questions
from engine.web.context import actor, application, fragment_wanted, reader
from engine.web.numbers import number
from engine.web.render import go, local_address, render

blueprint = Blueprint("notices", __name__, url_prefix="/notifications")
PAGE = 30


@blueprint.get("")
def show() -> str:
    """The list: a page, or what drops down from the bell."""
    app, who = application(), actor()
    before = request.args.get("before", type=number)
    with app.database.read() as conn:
        found = inbox.notices_of(conn, app.tables, who.id or 0, limit=PAGE + 1, before=before)
        told = asking.of_notices(conn, app.tables, [one.id for one in found])
        out = messages.deliveries(conn, [one.id for one in found[:PAGE]])
        shown = {one.id: one for one in questions.shown(conn, list({one.id: one for one in told.values()}.values()))}
    now = app.clock()
    return render(
        "notices.html",
        notices=found[:PAGE],
        out=out,
        asked={notice: shown[question.id] for notice, question in told.items() if question.id in shown},
        here=local_address(request.headers.get("HX-Current-URL", "").removeprefix(request.host_url.rstrip("/"))),
        following=found[PAGE - 1].id if len(found) > PAGE else None,
        short=fragment_wanted() and before is None,
        ago=lambda moment: formats.relative(moment, now, reader().language),
        exact=lambda moment: formats.moment(moment, reader()),
    )


@blueprint.get("/count")
def count() -> Response:
    """The number on the bell, asked for once a minute; empty-handed when it has not changed."""
    tag = f"n{g.unread}"
    if request.headers.get("HX-PTag") == tag:
        return make_response("", 304)
    answer = make_response(render("unread.html", layout="fragment.html"))
    answer.headers["HX-PTag"] = tag
    return answer


@blueprint.post("/read")
def read() -> Response:
    """Mark one or all read; ``next`` leads on to the record."""
    app = application()
    with app.database.write() as conn:
        inbox.mark_read(conn, app.tables, actor().id or 0, app.clock(), request.form.get("id", type=number))
    return go(local_address(request.form.get("next")) or "/notifications")


@blueprint.get("/<int:notice_id>")
def follow(notice_id: int) -> Response:
    """Open what the notice is about, and count it as read. A link may do this: it changes nothing but the mark."""
    app, who = application(), actor()
    with app.database.read() as conn:
        found = inbox.notices_of(conn, app.tables, who.id or 0, limit=1, before=notice_id + 1)
    if not found or found[0].id != notice_id:
        return go("/notifications")
    if not g.view_as and found[0].unread:
        with app.database.write() as conn:
            inbox.mark_read(conn, app.tables, who.id or 0, app.clock(), notice_id)
    return go(f"/{found[0].form}/{found[0].record_id}" if found[0].record_id else "/notifications")
