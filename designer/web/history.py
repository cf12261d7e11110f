"""Everything that was ever put in force: who, when, why, what it changed; and the way back to it."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from designer import doing
from designer.difference import Difference, differences, grouped, side_by_side
from designer.inforce import in_force
from designer.web.frame import desk
from designer.web.life import file_of
from engine.errors import Message, Missing, message
from engine.publishing.history import Version, text_of, version, versions
from engine.web.auth import require_admin
from engine.web.context import actor, application, reader
from engine.web.me import shown_times
from engine.web.numbers import whole
from engine.web.render import go, render, toast, translate

blueprint = Blueprint("history", __name__)
PER_PAGE = 30
KINDS: dict[str, Message] = {
    "started": message("from the file"),
    "published": message("published"),
    "rolled_back": message("rolled back"),
    "migrated": message("by the command"),
}


@blueprint.get("/history")
def show() -> str:
    app = application()
    with app.database.read() as conn:
        found = versions(conn, app.tables, PER_PAGE + 1, before=whole(request.args.get("before")))
    return _page("history", versions=found[:PER_PAGE], more=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
                 current=in_force(app))  # fmt: skip


def _page(template: str, **context: object) -> str:
    return render(f"designer/life/{template}.html", kinds=KINDS, **{**shown_times(), **context})


@blueprint.get("/history/<int:id>")
def one(id: int) -> str:
    """A version beside the one before it."""
    found, old, new = _texts(id)
    rows = side_by_side(old, new) if old else []
    return _page("version", version=found, groups=grouped(_differences(old, new)), rows=rows, first=not old,
                 current=in_force(application()))  # fmt: skip


def _texts(id: int) -> tuple[Version, str, str]:
    """The version, the text in force before it (empty where there was none or nobody kept it), and its own."""
    app = application()
    with app.database.read() as conn:
        found = version(conn, id)
        new = text_of(conn, found.hash)
        try:
            old = text_of(conn, found.before) if found.before else ""
        except Missing:
            old = ""
    return found, old, new


def _differences(old: str, new: str) -> Sequence[Difference]:
    one, other = (desk().readings.of(text) for text in (old or new, new))
    if one.definition is None or other.definition is None:
        return ()
    return differences(one.loaded, other.loaded, application().registry)


@blueprint.get("/history/<int:id>/definition.yaml")
def download(id: int) -> Response:
    found, _old, text = _texts(id)
    return file_of(text, f"{application().definition.app}-{found.hash}.yaml")


@blueprint.post("/history/<int:id>/back")
def back(id: int) -> Answer:
    """A draft of that version, which goes the way of every change: difference, rehearsal, publication."""
    require_admin()
    app = application()
    found, _old, text = _texts(id)
    current = in_force(app)
    if found.hash == current.hash:
        toast(message("This version is in force."), "info")
        return go("/designer/history")
    day = found.at.astimezone(reader().zone).strftime("%Y-%m-%d %H:%M")
    made = doing.opened(app, translate("Back to the version of {day}", day=day), text, current.hash, current.text,
                        actor().id, app.clock())  # fmt: skip
    return go(f"/designer/{made.id}/difference")
