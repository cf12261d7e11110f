"""Entries somebody has to decide about: both sides beside each other, and the choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request, send_file
from markupsafe import Markup
from werkzeug.wrappers import Response as Answer

from engine import entries, formats
from engine.entries import Open
from engine.entries.reachable import adding, asked_fields, form_of
from engine.entries.receiving import record_seen
from engine.errors import AppmillError, Invalid, Missing, Problem, message
from engine.expressions import View
from engine.fields.base import Field
from engine.permissions import readable_fields
from engine.sight import Sight
from engine.storage.events import of_record
from engine.task import Task
from engine.web.boxes import Box, shown_value
from engine.web.context import actor, application, reader
from engine.web.failures import said
from engine.web.forms import sheet_maker
from engine.web.render import go, label, render, toast
from engine.web.seen import NOT_THERE, collect, points_at, titles_of
from engine.web.typed import Typed, read_typed
from engine.web.uploads import INLINE

blueprint = Blueprint("entries", __name__)
LONGEST_NOTE = 500
EVENTS = 8


@dataclass(frozen=True)
class Side:
    """A field on both sides. ``files`` are those of the entry; ``differs``: somebody has to choose."""

    label: str
    before: Markup
    mine: Markup
    theirs: Markup
    differs: bool
    adds: bool
    files: tuple[int, ...] = ()


@dataclass(frozen=True)
class Card:
    """``boxes``: the inputs to change the entry with. ``title`` is empty where the record may not be seen."""

    open: Open
    title: str
    address: str
    state: str
    was_state: str
    sides: tuple[Side, ...]
    boxes: tuple[Box, ...]
    history: tuple[tuple[str, str, str], ...]
    deciding: bool
    withdrawing: bool
    problems: tuple[str, ...] = ()


@blueprint.get("/tasks/entries")
def listed() -> str:
    app, who = application(), actor()
    with app.database.read() as conn:
        found = entries.open_for(conn, app, who)
    return render("tasks/entries.html", entries=found, ago=_ago,
                  mine=lambda one: entries.may_decide(app, who, one.task, one.user_id))  # fmt: skip


@blueprint.get("/tasks/entries/<int:entry_id>")
def show(entry_id: int) -> str:
    with application().database.read() as conn:
        return render("tasks/entry.html", card=_card(conn, entry_id), ago=_ago)


@blueprint.post("/tasks/entries/<int:entry_id>")
def decide(entry_id: int) -> Answer:
    app, who, choice = application(), actor(), request.form.get("choice", "")
    with app.database.read() as conn:
        open_ = entries.open_entry(conn, app, who, entry_id)
    typed = _typed(open_)
    try:
        saved = entries.settle(app, who, open_, choice, typed, request.form.get("note", "").strip()[:LONGEST_NOTE])
    except AppmillError as error:
        with app.database.read() as conn:
            card = _card(conn, entry_id, typed, error.problems or (Problem("", error.reason),))
        return Response(render("tasks/entry.html", card=card, ago=_ago), error.status)
    toast(message("The entry was dropped; the record stays as it is.") if saved is None else message("Saved"))
    return go("/tasks/entries")


def _typed(open_: Open) -> Mapping[str, Any]:
    """What was typed over the entry; files stay those of the entry."""
    if open_.task is None:
        return {}
    names = {field.name for field in asked_fields(application(), open_.task) if field.kind != "files"}
    raw = read_typed(application().definition, form_of(application(), open_.task), request.form).raw
    return {name: value for name, value in raw.items() if name in names}


@blueprint.get("/tasks/entries/<int:entry_id>/files/<int:file_id>")
def file(entry_id: int, file_id: int) -> Response:
    """A photo of an entry, for whoever decides about it."""
    app, who = application(), actor()
    kept, files = app.tables.entry_file, app.tables.attachment
    with app.database.read() as conn:
        entries.open_entry(conn, app, who, entry_id)
        row = conn.execute(sa.select(files.c.sha256, files.c.media_type).join(kept, kept.c.attachment_id == files.c.id)
                           .where(kept.c.entry_id == entry_id, files.c.id == file_id)).first()  # fmt: skip
    if row is None or row.media_type not in INLINE:
        raise Missing(NOT_THERE)
    answer = send_file(app.files.path(row.sha256), mimetype=row.media_type, etag=row.sha256)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


# --- the card --------------------------------------------------------------------------------------------------------


def _card(conn: sa.Connection, id: int, typed: Mapping[str, Any] | None = None, problems: Any = ()) -> Card:
    app, who = application(), actor()
    open_ = entries.open_entry(conn, app, who, id)
    task, row, waits = open_.task, None, open_.outcome == "open"
    if task is not None and open_.entry.record is not None:
        row = _present(conn, task, open_.entry.record)
    deciding = waits and task is not None and entries.may_decide(app, who, task, open_.user_id)
    told = tuple(dict.fromkeys(said(one.message) for one in problems))
    return Card(
        open_, (row["_title"] or f"#{row['id']}") if row else "", f"/{open_.form}/{row['id']}" if row else "",
        _state(open_, row["state"]) if row and "state" in row else "", _state(open_, open_.entry.state),
        tuple(_sides(conn, open_, task, row)) if task else (),
        _boxes(conn, task, open_, typed) if deciding and task else (), tuple(_history(conn, open_, row)) if row else (),
        deciding, waits and (deciding or open_.user_id == who.id), told,
    )  # fmt: skip


def _present(conn: sa.Connection, task: Task, id: int) -> Mapping[str, Any] | None:
    try:
        return record_seen(conn, application(), actor(), form_of(application(), task), id)
    except Missing:
        return None


def _state(open_: Open, name: str | None) -> str:
    form = application().definition.forms.get(open_.form)
    state = form.workflow.states.get(name or "") if form and form.workflow else None
    return label(state) if state else ""


def _sides(conn: sa.Connection, open_: Open, task: Task, row: Mapping[str, Any] | None) -> Iterator[Side]:
    """Every field of the entry, as far as the person may read it; of their own entry they may read what they typed."""
    app, who, form = application(), actor(), form_of(application(), task)
    view = View(form, row or {}, Sight(app, conn, who))
    readable = readable_fields(app, who, form).of(view)
    fields = [one for one in asked_fields(app, task) if one.name in open_.entry.values
              and (one.name in readable or open_.user_id == who.id)]  # fmt: skip
    mine = {one.name: _parsed(one, open_.entry.values[one.name]) for one in fields}
    base = {one.name: _parsed(one, open_.entry.base.get(one.name)) for one in fields}
    theirs = {one.name: row.get(one.name) if row and one.name in readable else None for one in fields}
    wanted: dict[str, set[int]] = {}
    for values in (mine, base, theirs):
        collect(fields, values, wanted)
    titles, adds = titles_of(conn, app, who, wanted), adding(app, task)

    def shown(field: Field, value: Any) -> Markup:
        return shown_value(field, value, reader(), titles.get(points_at(field) or ""))

    for one in fields:
        name, files = one.name, one.kind == "files"
        yield Side(
            one.label_in(reader().language), shown(one, base[name]), shown(one, mine[name]), shown(one, theirs[name]),
            name not in adds and mine[name] != theirs[name], name in adds and not files,
            tuple(mine[name] or ()) if files else (),
        )  # fmt: skip


def _parsed(field: Field, raw: Any) -> Any:
    try:
        return field.parse(raw, reader())
    except Invalid:
        return None


def _boxes(conn: sa.Connection, task: Task, open_: Open, typed: Mapping[str, Any] | None) -> tuple[Box, ...]:
    form, raw = form_of(application(), task), {**open_.entry.values, **(typed or {})}
    sheet = sheet_maker(conn, form).make(None, Typed(raw))
    fields = [one for one in asked_fields(application(), task) if one.kind != "files"]
    made = (sheet.box(form, one, sheet.view, one.name, raw) for one in fields)
    return tuple(replace(box, editable=True, standing=replace(box.standing, visible=True, readonly=False))
                 for box in made)  # fmt: skip


def _history(conn: sa.Connection, open_: Open, row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What happened to the record since the entry was made: when, who, what."""
    events = of_record(conn, application().tables, open_.form, row["id"], limit=EVENTS)
    since = [event for event in events if event.at >= open_.entry.made_at]
    people = {event.actor_id for event in since if event.actor_id is not None}
    names = titles_of(conn, application(), actor(), {"_user": people}).get("_user", {})
    for event in since:
        who = names.get(event.actor_id or 0, "") or said(message("the system"))
        yield formats.moment(event.at, reader()), who, _state(open_, event.to_state) or said(_KINDS.get(
            event.kind, message("changed")))  # fmt: skip


_KINDS = {"created": message("created"), "deleted": message("deleted"), "restored": message("restored")}


def _ago(moment: Any) -> str:
    return formats.relative(moment, application().clock(), reader().language)
