"""What somebody typed and did not save yet: one draft per person and record, kept every few seconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response as Answer

from engine import formats
from engine.application import Application
from engine.definition import Form
from engine.errors import Missing, message
from engine.people import Actor
from engine.permissions import may, may_record
from engine.web.context import actor, application, reader
from engine.web.numbers import whole
from engine.web.render import go, translate
from engine.web.seen import form_named, see
from engine.web.typed import Typed, from_json, read_typed, to_json

blueprint = Blueprint("drafts", __name__)
NEW = 0  # the record id of a record that is not there yet


@dataclass(frozen=True)
class Draft:
    """``version`` is the record's version it was typed over, ``seen`` the last event known then."""

    typed: Typed
    at: dt.datetime
    version: int | None
    seen: int


def keep(
    app: Application, who: Actor, form: Form, record_id: int, typed: Typed, version: int | None, seen: int
) -> None:
    table = app.tables.draft
    row = {"input": {**to_json(typed, app.definition, form), "seen": seen}, "version": version, "at": app.clock()}
    key = {"user_id": who.id, "form": form.name, "record_id": record_id}
    with app.database.write() as conn:
        changed = conn.execute(sa.update(table).where(*_is(table, key)).values(**row))
        if not changed.rowcount:
            conn.execute(sa.insert(table).values(**key, **row))


def find(conn: sa.Connection, app: Application, who: Actor, form: Form, record_id: int) -> Draft | None:
    table = app.tables.draft
    key = {"user_id": who.id, "form": form.name, "record_id": record_id}
    row = conn.execute(sa.select(table.c.input, table.c.at, table.c.version).where(*_is(table, key))).first()
    if row is None:
        return None
    return Draft(from_json(row[0], form), row[1], row[2], int(row[0].get("seen", 0)))


def discard(conn: sa.Connection, app: Application, who: Actor, form: Form, record_id: int) -> None:
    table = app.tables.draft
    key = {"user_id": who.id, "form": form.name, "record_id": record_id}
    conn.execute(sa.delete(table).where(*_is(table, key)))


def _is(table: sa.Table, key: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def clock_text(moment: dt.datetime) -> str:
    """10:42 today, the date and time otherwise."""
    local = moment.astimezone(reader().zone)
    today = application().clock().astimezone(reader().zone).date()
    return (
        formats.time(local.time().replace(second=0, microsecond=0))
        if local.date() == today
        else formats.moment(moment, reader())
    )


@blueprint.post("/<form_name>/draft")
def keep_draft(form_name: str) -> Answer:
    app, who = application(), actor()
    form = form_named(form_name)
    if who.id is None or who.view_as is not None:
        raise Missing(message("There is nothing here, or nothing you may see."))
    record_id = whole(request.args.get("id")) or 0
    _may_type(app, who, form, record_id)
    typed = read_typed(app.definition, form, request.form)
    keep(app, who, form, record_id, typed, whole(request.form.get("_version")) or None,
         whole(request.form.get("_seen")) or 0)  # fmt: skip
    return jsonify(note=translate("Draft kept at {time}", time=clock_text(app.clock())))


def _may_type(app: Application, who: Actor, form: Form, record_id: int) -> None:
    """A draft is of a record one may save; raises Missing or Denied, as the save would."""
    if not record_id:
        may(app, who, "create", form).demand()
        return
    with app.database.read() as conn:
        may_record(app, who, "update", form, see(conn, form, record_id).view).demand()


@blueprint.post("/<form_name>/draft/discard")
def discard_draft(form_name: str) -> Answer:
    app, who = application(), actor()
    form, record_id = form_named(form_name), whole(request.args.get("id")) or 0
    with app.database.write() as conn:
        discard(conn, app, who, form, record_id)
    return go(f"/{form.name}/{record_id}/edit" if record_id else f"/{form.name}/new")
