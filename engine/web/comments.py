"""The timeline of a record over HTTP: events and comments in one order, comments with mentions and files."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as Answer

from engine import notices
from engine.definition import Form
from engine.errors import Invalid, Message, Missing, message
from engine.expressions import View
from engine.once import new_token
from engine.people import Actor, inside, load_people
from engine.permissions import may_record
from engine.sight import Sight
from engine.storage import events
from engine.texts import say as say_in
from engine.web import reach, uploads
from engine.web.automation import story
from engine.web.context import actor, application, fragment_wanted
from engine.web.failures import said as say
from engine.web.render import go, label, render
from engine.web.seen import NOT_THERE, Seen, form_named, see
from engine.web.told import Entry, may_comment, told_comments, told_events

blueprint = Blueprint("comments", __name__)

PAGE = 20
LONGEST = 5000
LAST = 10**18 - 1  # comes after every number there is, and still is one an address may carry
MENTION = re.compile(r"(?<![\w@])@([\w][\w.@+-]{0,79})")
MOST_MENTIONS = 20


@dataclass(frozen=True)
class TimelinePage:
    base: str
    title: str
    entries: tuple[Entry, ...]
    older: str
    first: bool
    may_comment: bool
    token: str
    typed: str = ""
    problem: str = ""
    note: str = ""
    waiting: tuple[story.Waiting, ...] = ()
    rest: str = ""  # of the query string, to go on in the same way
    choices: tuple[Any, ...] = ()
    portals: tuple[tuple[str, str], ...] = ()


# --- reading ---------------------------------------------------------------------------------------------------------


def page_of(conn: sa.Connection, seen: Seen, before: str = "", **more: Any) -> TimelinePage:
    app, form = application(), seen.form
    event_before, comment_before = place(before)
    happened = events.of_record(conn, app.tables, form.name, seen.id, before=event_before, limit=PAGE + 1)
    said = _comments(conn, form, seen.id, comment_before) if form.comments else []
    entries = sorted([*_event_entries(conn, seen, happened), *_comment_entries(conn, seen, said)],
                     key=lambda entry: entry.order, reverse=True)  # fmt: skip
    shown = entries[:PAGE]
    return TimelinePage(
        base=f"/{form.name}/{seen.id}",
        title=seen.title,
        entries=tuple(shown),
        older=older(shown, before) if len(entries) > PAGE else "",
        first=not before,
        may_comment=may_comment(form, seen),
        token=new_token(),
        waiting=story.waiting(conn, seen) if not before else (),
        portals=tuple((one.name, label(one)) for one in reach.portals_here(seen)) if not before else (),
        **more,
    )


def place(text: str) -> tuple[int | None, int | None]:
    parts = text.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        return None, None
    return int(parts[0]), int(parts[1])


def older(shown: Sequence[Entry], before: str) -> str:
    """Both streams go on below what this page showed of them; one that showed nothing goes on where it was."""
    event_before, comment_before = place(before)
    last_event = min((one.id for one in shown if one.comment_id is None), default=event_before or LAST)
    last_comment = min((one.comment_id for one in shown if one.comment_id is not None), default=comment_before or LAST)
    return f"{last_event}.{last_comment}"


def _comments(conn: sa.Connection, form: Form, record_id: int, before: int | None) -> list[Any]:
    table = application().tables.comment
    query = sa.select(table).where(
        table.c.form == form.name, table.c.record_id == record_id, table.c.deleted_at.is_(None)
    )
    if before is not None:
        query = query.where(table.c.id < before)
    return list(conn.execute(query.order_by(table.c.id.desc()).limit(PAGE + 1)))


def _event_entries(conn: sa.Connection, seen: Seen, happened: Sequence[events.Event]) -> list[Entry]:
    return told_events(conn, {(seen.form.name, seen.id): seen}, happened)


def _comment_entries(conn: sa.Connection, seen: Seen, said: Sequence[Any]) -> list[Entry]:
    return told_comments(conn, {(seen.form.name, seen.id): seen}, said)


# --- writing ---------------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/<int:record_id>/comments")
def comment(form_name: str, record_id: int) -> Answer:
    form, seen = _commentable(form_name, record_id)
    app = application()
    body = request.form.get("body", "").strip()
    posted = [one for one in request.files.getlist("files") if one.filename][: uploads.MOST_AT_ONCE]
    try:
        refuse_unfit(body, posted)
        with app.database.write() as conn:
            unseen = _put(conn, seen, body, posted)
    except Invalid as invalid:
        return _again(seen, say(invalid.reason), body, 422)
    note = message("Comment added")
    if unseen:
        note = message("Comment added. {names} may not see this record and were not told.", names=", ".join(unseen))
    return _again(seen, "", "", 200, say(note)) if fragment_wanted() else go(f"/{form.name}/{record_id}#story")


def _put(conn: sa.Connection, seen: Seen, body: str, posted: Sequence[Any]) -> list[str]:
    """A comment, or a message to the people of a portal; answers who was mentioned and not told."""
    portal = reach.chosen(seen, request.form.get("portal", ""))
    once = request.form.get("_once", "")
    id, unseen = add(conn, seen.form, seen, body, posted, once=once, portal=portal.name if portal else None)
    if id is not None and portal is not None:
        reach.tell(conn, portal, seen, id)
    return unseen


def _commentable(form_name: str, record_id: int) -> tuple[Form, Seen]:
    form = form_named(form_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
    if not may_comment(form, seen):
        raise Missing(NOT_THERE)
    return form, seen


def refuse_unfit(body: str, posted: Sequence[Any]) -> None:
    if not body and not posted:
        raise Invalid(message("Write something first."))
    if len(body) > LONGEST:
        raise Invalid(
            message("A comment has at most {most} characters; this one has {got}.", most=LONGEST, got=len(body))
        )


def add(
    conn: sa.Connection,
    form: Form,
    seen: Seen,
    body: str,
    posted: Sequence[Any],
    *,
    once: str = "",
    portal: str | None = None,
) -> tuple[int | None, list[str]]:
    """Store the comment and its files, tell who is mentioned; answers its id (None: ``once`` was there before) and the
    names of those mentioned who may not see the record. ``portal``: whose people read it too; what they write
    themselves mentions nobody."""
    app, who = application(), actor()
    if once and not _first(conn, f"comment:{who.id}:{once[:64]}"):
        return None, []
    told, unseen = mentioned(conn, form, seen, body) if who.portal is None else ([], [])
    values = {"form": form.name, "record_id": seen.id, "author": who.id, "body": body, "at": app.clock(),
              "mentions": [one.id for one in told], "portal": portal}  # fmt: skip
    key = conn.execute(sa.insert(app.tables.comment).values(**values)).inserted_primary_key
    comment_id = int(key[0]) if key else 0
    for upload in posted:
        field = f"{uploads.COMMENT}:{comment_id}"
        file = uploads.take_in(conn, app, who, form.name, field, upload, uploads.LARGEST_COMMENT_FILE)
        table = app.tables.attachment
        conn.execute(sa.update(table).where(table.c.id == file.id).values(record_id=seen.id))
    _notify(conn, form, seen, told)
    return comment_id, [one.name for one in unseen]


def _first(conn: sa.Connection, key: str) -> bool:
    """Whether this is the first post of the form it came from; the write transactions stand in line."""
    rate = application().tables.rate
    if conn.scalar(sa.select(rate.c.key).where(rate.c.key == key, rate.c.window == 0)) is not None:
        return False
    later = application().clock() + dt.timedelta(days=2)
    conn.execute(sa.insert(rate).values(key=key, window=0, hits=1, expires_at=later))
    return True


def mentioned(conn: sa.Connection, form: Form, seen: Seen, body: str) -> tuple[list[Actor], list[Actor]]:
    """(who is mentioned and may see the record, who is mentioned and may not); never oneself."""
    app, who = application(), actor()
    logins = list(dict.fromkeys(found.rstrip(".").casefold() for found in MENTION.findall(body)))[:MOST_MENTIONS]
    if not logins:
        return [], []
    user = app.tables.user
    ids = conn.scalars(
        sa.select(user.c.id).where(sa.func.lower(user.c.login).in_(logins), user.c.active.is_(True), inside(app.tables))
    )
    people = load_people(conn, app.tables, [one for one in ids if one != who.id])
    told: list[Actor] = []
    unseen: list[Actor] = []
    for person in people.values():
        other = Actor(id=person["id"], login=person["login"], name=person["name"], roles=frozenset(person["roles"]),
                      groups=frozenset(person["groups"]))  # fmt: skip
        view = View(form, seen.row, Sight(app, conn, other))
        (told if may_record(app, other, "read", form, view) else unseen).append(other)
    return told, unseen


def _notify(conn: sa.Connection, form: Form, seen: Seen, people: Sequence[Actor]) -> None:
    app = application()
    said: Message = message("{name} mentioned you at {title}", name=actor().name, title=seen.title)
    texts = {language: say_in(said, language) for language in ("zh", "en")}
    ids = [person.id for person in people if person.id is not None]
    notices.put(app, conn, ids, form.name, seen.id, texts, "mentioned")


@blueprint.post("/<form_name>/<int:record_id>/comments/<int:comment_id>")
def change_comment(form_name: str, record_id: int, comment_id: int) -> Answer:
    """One's own comment: new words, or ``_delete``."""
    form, seen = _commentable(form_name, record_id)
    app, who = application(), actor()
    table = app.tables.comment
    body = request.form.get("body", "").strip()
    removing = "_delete" in request.form
    if not removing:
        try:
            refuse_unfit(body, ())
        except Invalid as invalid:
            return _again(seen, say(invalid.reason), "", 422)
    new = {"deleted_at": app.clock()} if removing else {"body": body, "edited_at": app.clock()}
    mine = (table.c.id == comment_id, table.c.form == form.name, table.c.record_id == record_id,
            table.c.author == who.id, table.c.deleted_at.is_(None))  # fmt: skip
    with app.database.write() as conn:
        if not conn.execute(sa.update(table).where(*mine).values(**new)).rowcount:
            raise Missing(NOT_THERE)
        if removing:
            files = app.tables.attachment
            field = f"{uploads.COMMENT}:{comment_id}"
            its_own = (files.c.form == form.name, files.c.record_id == record_id, files.c.field == field)
            conn.execute(sa.update(files).where(*its_own).values(deleted_at=app.clock()))
    note = say(message("Comment deleted") if removing else message("Comment changed"))
    return _again(seen, "", "", 200, note) if fragment_wanted() else go(f"/{form.name}/{record_id}#story")


def _again(seen: Seen, problem: str, typed: str, status: int, note: str = "") -> Answer:
    with application().database.read() as conn:
        page = page_of(conn, see(conn, seen.form, seen.id), "")
    page = replace(page, problem=problem, typed=typed, note=note)
    return Response(render("timeline.html", page=page), status)


@blueprint.get("/<form_name>/<int:record_id>/people")
def people(form_name: str, record_id: int) -> Answer:
    """Who can be mentioned, by the beginning of a name or sign-in name."""
    _commentable(form_name, record_id)
    app = application()
    text = request.args.get("q", "").strip()[:60]
    user = app.tables.user
    like = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    query = sa.select(user.c.login, user.c.name).where(user.c.active.is_(True), inside(app.tables))
    query = query.order_by(user.c.name).limit(8)
    if like:
        query = query.where(
            sa.or_(user.c.name.ilike(f"%{like}%", escape="\\"), user.c.login.ilike(f"{like}%", escape="\\"))
        )
    with app.database.read() as conn:
        return jsonify([{"login": row.login, "name": row.name} for row in conn.execute(query)])
