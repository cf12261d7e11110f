"""The first page: what waits for me, what changed, what I did last."""

from __future__ import annotations

from flask import Blueprint

from engine import formats, work
from engine.inbox import notices_of
from engine.web import questions
from engine.web.context import actor, application, reader
from engine.web.failures import said as say
from engine.web.lateness import lateness
from engine.web.render import render

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def show() -> str:
    app, who = application(), actor()
    with app.database.read() as conn:
        shelves = work.shelves(app, who, conn)
        recent = work.recent(app, who, conn)
        notices = notices_of(conn, app.tables, who.id or 0, limit=5, unread=True)
        asked = questions.mine(conn)
        told = questions.told(conn, [one.id for one in notices], asked)
    tasks = work.in_order(shelves)
    now = app.clock()
    return render(
        "home.html",
        tasks=tasks,
        asked=asked,
        overdue=sum(task.overdue for task in tasks),
        mine=sum(task.mine for task in tasks),
        shelves=shelves,
        recent=recent,
        notices=[one for one in notices if one.id not in told],
        ago=lambda moment: formats.relative(moment, now, reader().language),
        lateness=lambda moment: say(lateness(moment, now, reader())),
        exact=lambda moment: formats.moment(moment, reader()),
        hour=now.astimezone(reader().zone).hour,
    )
