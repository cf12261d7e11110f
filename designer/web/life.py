"""Where changes begin: the drafts, a new one, a file that is uploaded, what is in force to take along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from designer import doing, packages
from designer.inforce import in_force
from designer.web.frame import change
from engine.application import Application
from engine.errors import Denied, Invalid, Missing, message
from engine.publishing import changes
from engine.publishing.changes import Change
from engine.publishing.history import versions
from engine.web.context import actor, application, reader
from engine.web.me import shown_times
from engine.web.render import go, render, toast, translate

blueprint = Blueprint("life", __name__)
LONGEST_TITLE = 120


@dataclass(frozen=True)
class Row:
    """One draft in the list. ``behind``: another definition is in force by now than the one it began from."""

    change: Change
    author: str
    mine: bool
    behind: bool


@blueprint.get("")
def home() -> str:
    app = application()
    current = in_force(app)
    rows = list(_rows(app, current.hash))
    with app.database.read() as conn:
        newest = next(iter(versions(conn, app.tables, 1)), None)
    return render(
        "designer/life/home.html", mine=[row for row in rows if row.mine], shared=[row for row in rows if not row.mine],
        current=current, newest=newest, suggestion=_suggestion(), packages=packages.AVAILABLE, **shown_times(),
    )  # fmt: skip


def _rows(app: Application, hash_: str) -> Sequence[Row]:
    who = actor()
    with app.database.read() as conn:
        found = changes.listed(conn, app.tables, user=None if who.is_admin else who.id)
        names = _names(conn, app, {one.author_id for one in found})
    return [Row(one, names.get(one.author_id, ""), one.author_id == who.id, one.base != hash_) for one in found]


def _names(conn: sa.Connection, app: Application, ids: set[int | None]) -> Mapping[int | None, str]:
    user = app.tables.user
    query = sa.select(user.c.id, user.c.name).where(user.c.id.in_([id for id in ids if id is not None]))
    return {row.id: row.name for row in conn.execute(query)}


def _suggestion() -> str:
    return translate("Change of {day}", day=application().clock().astimezone(reader().zone).strftime("%Y-%m-%d"))


# --- drafts


@blueprint.post("/new")
def new() -> Answer:
    app = application()
    current = in_force(app)
    made = doing.opened(app, given_title() or _suggestion(), current.text, current.hash, current.text, actor().id,
                        app.clock())  # fmt: skip
    return go(f"/designer/{made.id}")


def given_title() -> str:
    title = " ".join(request.form.get("title", "").split())
    if len(title) > LONGEST_TITLE:
        raise Invalid(message("A title has at most {count} characters.", count=LONGEST_TITLE))
    return title


@blueprint.post("/<int:id>/title")
def retitle(id: int) -> Answer:
    change(id)
    title = given_title()
    if title:
        _kept(id, title=title)
    return go((request.form.get("back") == "home" and "/designer") or f"/designer/{id}/difference")


@blueprint.post("/<int:id>/discard")
def discard(id: int) -> Answer:
    """For its author and administrators; the text stays in the database."""
    if not (change(id).author_id == actor().id or actor().is_admin):
        raise Denied(message("Only its author and administrators may discard a draft."))
    _kept(id, state="discarded")
    toast(message("The draft is discarded."))
    return go("/designer")


def _kept(id: int, **values: str) -> Change:
    app = application()
    seen = change(id)
    with app.database.write() as conn:
        return changes.keep(conn, app.tables, seen, now=app.clock(), **values)


@blueprint.get("/shared/<token>")
def join(token: str) -> Answer:
    """Whoever has the link may work on the draft, if they may design at all."""
    app = application()
    with app.database.write() as conn:
        found = changes.join(conn, app.tables, token, int(actor().id or 0))
    return go(f"/designer/{found.id}/difference")


# --- to take along


@blueprint.get("/definition.yaml")
def download() -> Response:
    app = application()
    return file_of(in_force(app).text, f"{app.definition.app}.yaml")


@blueprint.get("/<int:id>/definition.yaml")
def download_draft(id: int) -> Response:
    return file_of(change(id).text, f"{application().definition.app}-draft-{id}.yaml")


@blueprint.get("/package.zip")
def package() -> Response:
    """The application for another installation, with sample records the reader may export."""
    if not packages.AVAILABLE:
        raise Missing(message("There is nothing here, or nothing you may see."))
    app = application()
    headers = {"Content-Disposition": f'attachment; filename="{app.definition.app}.zip"'}
    return Response(packages.packed(app, actor()), mimetype="application/zip", headers=headers)


def file_of(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype="application/yaml", headers=headers)


