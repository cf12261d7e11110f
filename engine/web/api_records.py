"""Records over the API: the same walk as every form, every import and every rule, in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request

from engine import fetching, service
from engine.definition import Form
from engine.errors import Denied, Invalid, Missing, Problem, message
from engine.expressions import View
from engine.fields.base import Field
from engine.fields.relations import LARGEST_ID
from engine.formats import MASK
from engine.people import Actor
from engine.permissions import may
from engine.queries import ListQuery, parse_query
from engine.storage import events
from engine.walking import Saved
from engine.web import api_input, comments
from engine.web.api_shape import Json, page_json, record_json
from engine.web.api_story import comment_list, comments_json, doors_json, events_json
from engine.web.boxes import value_of
from engine.web.context import actor, application
from engine.web.seen import NOT_THERE, Seen, form_named, see
from engine.web.told import may_comment

blueprint = Blueprint("api_records", __name__, url_prefix="/records")

MOST_COUNTED = 10_000
LONGEST_REASON = 2000
EVENTS = 50
MOST_EVENTS = 200


def _read(form: Form, record_id: int, *, deleted: bool = False) -> Response:
    with application().database.read() as conn:
        return _answer(record_json(conn, see(conn, form, record_id, deleted=deleted)))


def _answer(record: Json, status: int = 200) -> Response:
    answer = jsonify(record)
    answer.status_code = status
    answer.headers["ETag"] = f'"{record["version"]}"'
    return answer


def saved_answer(form: Form, saved: Saved, status: int = 200) -> Response:
    """The record as it stands now; those who may not read it (any more) learn its number and version."""
    try:
        answer = _read(form, saved.id)
    except Missing:
        answer = _answer({"id": saved.id, "version": saved.version, "state": saved.state})
    answer.status_code = status
    if status == 201:
        answer.headers["Location"] = f"/api/v1/records/{form.name}/{saved.id}"
    if saved.event_id == 0:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _seen(form_name: str, record_id: int, *, deleted: bool = False) -> tuple[Form, Seen]:
    form = form_named(form_name)
    with application().database.read() as conn:
        return form, see(conn, form, record_id, deleted=deleted)


# --- lists and single records ----------------------------------------------------------------------------------------


@blueprint.get("/<form_name>")
def list_records(form_name: str) -> Response:
    form = form_named(form_name)
    may(application(), actor(), "read", form).demand()
    query = _query(form)
    counted, lines = api_input.flag_arg("count"), api_input.flag_arg("lines")
    with application().database.read() as conn:
        page = page_json(conn, query, lines=lines)
        if counted:
            page |= _counted(conn, query)
    return jsonify(page)


def _query(form: Form) -> ListQuery:
    """As a list reads it, but no view is taken unless it is named: a program sees every record it may see."""
    query = parse_query(application(), actor(), form, request.args, also=("count", "lines"))
    if request.args.get("view"):
        return query
    return replace(query, view=None, sort=query.sort if "sort" in query.said else ())


def _counted(conn: sa.Connection, query: ListQuery) -> Json:
    """``count`` is exact up to the limit; ``count_capped``: there are more than it says."""
    found = fetching.count(application(), actor(), query, conn, MOST_COUNTED)
    return {"count": min(found, MOST_COUNTED), "count_capped": found > MOST_COUNTED}


@blueprint.get("/<form_name>/<record_id>")
def read_record(form_name: str, record_id: int) -> Response:
    api_input.refuse_parameters("deleted")
    return _read(form_named(form_name), record_id, deleted=api_input.flag_arg("deleted"))


@blueprint.post("/<form_name>")
def create_record(form_name: str) -> Response:
    form = form_named(form_name)
    api_input.refuse_parameters()
    values = api_input.body()
    once = api_input.once_of_request(actor())
    return saved_answer(form, service.save(application(), actor(), form, values, once=once), 201)


@blueprint.patch("/<form_name>/<record_id>")
def change_record(form_name: str, record_id: int) -> Response:
    form = form_named(form_name)
    api_input.refuse_parameters()
    values = api_input.body()
    version = api_input.version_of(values)
    values.pop("version", None)
    _refuse_masked(form, values)
    return saved_answer(form, service.save(application(), actor(), form, values, id=record_id, version=version))


def _refuse_masked(form: Form, values: Mapping[str, Any]) -> None:
    """A program that sends back what it was shown would otherwise store the mask."""
    problems = [
        Problem(where, message("{label} was sent back masked. Leave it out, or send the whole value.", label=one.title))
        for where, one, raw in _sensitive(form, values)
        if isinstance(raw, str) and MASK in raw
    ]
    if problems:
        raise Invalid(problems[0].message, problems)


def _sensitive(form: Form, values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Field, Any]]:
    """(where, field, raw value) of the sensitive fields in the input, lines included."""
    for name, raw in values.items():
        field = form.fields.get(name)
        if field is not None and field.sensitive:
            yield prefix + name, field, raw
        if field is not None and field.kind == "lines" and isinstance(raw, list):
            lines = application().definition.forms[field.form]  # type: ignore[attr-defined]
            for place, row in enumerate(raw):
                if isinstance(row, Mapping):
                    yield from _sensitive(lines, row, f"{name}.{place}.")


@blueprint.delete("/<form_name>/<record_id>")
def delete_record(form_name: str, record_id: int) -> Response:
    form = form_named(form_name)
    api_input.refuse_parameters("version", "reason")
    version = api_input.number_arg("version", api_input.LARGEST_VERSION)
    reason = api_input.text_of(request.args, "reason", LONGEST_REASON)
    version = api_input.version_of({} if version is None else {"version": version})
    service.delete(application(), actor(), form, record_id, version, reason=reason)
    return Response(status=204)


@blueprint.post("/<form_name>/<record_id>/restore")
def restore_record(form_name: str, record_id: int) -> Response:
    form, seen = _seen(form_name, record_id, deleted=True)
    api_input.refuse_parameters()
    api_input.body((), optional=True)
    if seen.row["deleted_at"] is not None:
        service.restore(application(), actor(), form, record_id)
    return _read(form, record_id)


@blueprint.post("/<form_name>/<record_id>/reveal/<field_name>")
def reveal(form_name: str, record_id: int, field_name: str) -> Response:
    """A sensitive value in clear, for this once; who looked is kept in the history."""
    form = form_named(form_name)
    api_input.refuse_parameters()
    api_input.body((), optional=True)
    app, who = application(), actor()
    if who.view_as is not None:
        raise Denied(message("You are looking as another role; nothing can be changed."))
    with app.database.write() as conn:
        seen = see(conn, form, record_id)
        field = form.fields.get(field_name)
        if field is None or field.name not in seen.fields or not field.sensitive:
            raise Missing(NOT_THERE)
        events.append(conn, app.tables, events.Event(
            at=app.clock(), form=form.name, record_id=record_id, kind="revealed", actor_id=who.id,
            changes=None, trace={"field": field.stable_id}, definition=app.definition.hash,
        ))  # fmt: skip
        value = value_of(View(form, seen.row, seen.view.loader), field)
    return jsonify(field=field.name, value=None if value is None else field.dump(value))


# --- steps and buttons -----------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/<record_id>/transitions")
def list_transitions(form_name: str, record_id: int) -> Response:
    form = form_named(form_name)
    api_input.refuse_parameters()
    with application().database.read() as conn:
        return jsonify(doors_json(see(conn, form, record_id, deleted=True)))


@blueprint.post("/<form_name>/<record_id>/transitions/<transition>")
def take_transition(form_name: str, record_id: int, transition: str) -> Response:
    form, _ = _seen(form_name, record_id)
    api_input.refuse_parameters()
    data = api_input.body(("values", "version", "reason"), optional=True)
    values = api_input.object_of(data, "values")
    _refuse_masked(form, values)
    if form.workflow is None or transition not in form.workflow.transitions:
        raise Missing(NOT_THERE)
    saved = service.take(
        application(), actor(), form, record_id, transition,
        version=api_input.version_of(data), values=values, reason=api_input.text_of(data, "reason", LONGEST_REASON),
        once=api_input.once_of_request(actor()),
    )  # fmt: skip
    return saved_answer(form, saved)


@blueprint.post("/<form_name>/<record_id>/press/<rule>")
def press_button(form_name: str, record_id: int, rule: str) -> Response:
    form, _ = _seen(form_name, record_id)
    api_input.refuse_parameters()
    data = api_input.body(("version",), optional=True)
    version, once = api_input.version_of(data), api_input.once_of_request(actor())
    return saved_answer(form, service.press(application(), actor(), form, record_id, rule, version=version, once=once))


# --- history and comments --------------------------------------------------------------------------------------------


def _page_args() -> tuple[int | None, int]:
    api_input.refuse_parameters("before", "limit")
    before = api_input.number_arg("before", LARGEST_ID)
    return before, api_input.number_arg("limit", MOST_EVENTS) or EVENTS


@blueprint.get("/<form_name>/<record_id>/events")
def list_events(form_name: str, record_id: int) -> Response:
    form = form_named(form_name)
    before, limit = _page_args()
    with application().database.read() as conn:
        return jsonify(events_json(conn, see(conn, form, record_id, deleted=True), before=before, limit=limit))


@blueprint.get("/<form_name>/<record_id>/comments")
def list_comments(form_name: str, record_id: int) -> Response:
    form = _commented(form_name)
    before, limit = _page_args()
    with application().database.read() as conn:
        return jsonify(comments_json(conn, see(conn, form, record_id, deleted=True), before=before, limit=limit))


def _commented(form_name: str) -> Form:
    form = form_named(form_name)
    if not form.comments:
        raise Missing(NOT_THERE)
    return form


@blueprint.post("/<form_name>/<record_id>/comments")
def add_comment(form_name: str, record_id: int) -> Response:
    form = _commented(form_name)
    api_input.refuse_parameters()
    text = api_input.text_of(api_input.body(("body",)), "body", 20_000) or ""
    once = api_input.once_of_request(actor())
    app, who = application(), actor()
    comments.refuse_unfit(text, ())
    with app.database.write() as conn:
        seen = see(conn, form, record_id)
        if not may_comment(form, seen):
            raise Denied(message("You may not comment here."))
        key = once.key.rpartition(":")[2] if once else ""
        comment_id, unseen = comments.add(conn, form, seen, text, (), once=key)
        row = conn.execute(_own_comment(seen, who, text, comment_id)).first()
        if row is None:
            raise Missing(NOT_THERE)
        told = comment_list(conn, seen, [row])[0]
    answer = jsonify({**told, "not_told": unseen})
    answer.status_code = 201
    return answer


def _own_comment(seen: Seen, who: Actor, text: str, comment_id: int | None) -> sa.Select[Any]:
    """The comment just made, or the one an earlier request of the same key made."""
    table = application().tables.comment
    mine = (table.c.form == seen.form.name, table.c.record_id == seen.id, table.c.author == who.id)
    wanted = table.c.body == text if comment_id is None else table.c.id == comment_id
    return sa.select(table).where(*mine, wanted).order_by(table.c.id.desc())
