"""Messages on their way out, and those that did not arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from engine.errors import message
from engine.fields.relations import LARGEST_ID
from engine.jobs import mending
from engine.jobs.health import health
from engine.storage.automation import TROUBLE
from engine.web import api_input
from engine.web.api_automation.door import blueprint, limit_arg, one_of, read_json
from engine.web.api_shape import Json, moment
from engine.web.automation import ledger, queue
from engine.web.automation.frame import words_of
from engine.web.automation.telling import Telling
from engine.web.automation.wanted import titles_for
from engine.web.context import actor, application

STATES = (*TROUBLE, "waiting", "parked", "claimed")


@blueprint.get("/queue")
def read_queue() -> Response:
    """How delivery fares."""
    api_input.refuse_parameters()
    app = application()
    fares = health(app)
    with app.database.read() as conn:
        groups = queue.groups_of(ledger.heaps(conn, app))
    return jsonify(
        due=fares.due, oldest=moment(fares.oldest), later=fares.later, parked=fares.parked,
        under_way=fares.under_way, dead=fares.dead, unsure=fares.unsure,
        groups=[{"kind": one.kind, "connection": one.connection or None, "counts": dict(one.counts),
                 "first_due": moment(one.oldest)} for one in groups],
    )  # fmt: skip


@blueprint.get("/messages")
def list_messages() -> Response:
    """Without ``state``: dead letters and those of which nobody knows whether they arrived."""
    api_input.refuse_parameters("state", "kind", "connection", "before", "limit")
    app, limit = application(), limit_arg()
    search = ledger.MessageSearch(
        state=one_of("state", STATES), kind=request.args.get("kind"), connection=request.args.get("connection"),
        before=api_input.number_arg("before", LARGEST_ID),
    )  # fmt: skip
    with app.database.read() as conn:
        found = ledger.messages(conn, app, search, limit + 1)
        telling = Telling(conn, words_of())
        telling.know(titles_for(found))
        shown = [_message(telling, row) for row in found[:limit]]
    return jsonify(messages=shown, before=shown[-1]["id"] if len(found) > limit else None)


def _message(telling: Telling, row: ledger.Row) -> Json:
    line = queue.line_of(telling, row)
    return {
        "id": row["id"], "kind": row["kind"], "connection": row["connection"], "state": row["state"],
        "rule": row["rule"] or row["effect"].get("rule"), "run": row["run_id"], "form": row["form"],
        "record_id": row["record_id"], "record": line.record or None, "created_at": moment(row["created_at"]),
        "due_at": moment(line.due), "attempts": row["attempts"], "error": line.error or None,
        "data": read_json(telling.data(queue.sendable(row))), "key": row["key"],
    }  # fmt: skip


@blueprint.get("/messages/<message_id>")
def read_message(message_id: int) -> Response:
    api_input.refuse_parameters()
    return jsonify(_whole_message(message_id))


def _whole_message(message_id: int) -> Json:
    with application().database.read() as conn:
        row = queue.message_of(conn, message_id)
        telling = Telling(conn, words_of())
        telling.know(titles_for([row]))
        result = telling.data(row["result"]) if row["result"] is not None else ""
        more = {"started_at": moment(row["started_at"]), "done_at": moment(row["done_at"]), "result": read_json(result)}
        return {**_message(telling, row), **more}


@blueprint.post("/messages/<message_id>/replay")
def replay_message(message_id: int) -> Response:
    """Send a dead letter again; ``data`` takes the place of what was to be sent."""
    api_input.refuse_parameters()
    sent = api_input.body(("data",), optional=True)
    with application().database.read() as conn:
        row = queue.message_of(conn, message_id)
    data = dict(api_input.object_of(sent, "data")) if sent.get("data") is not None else None
    if data is not None:
        queue.check_data(data, queue.sendable(row))
    mending.replay(application(), actor(), message_id, data)
    return jsonify(_whole_message(message_id))


@blueprint.post("/messages/<message_id>/settle")
def settle_message(message_id: int) -> Response:
    """``arrived``: it did, with ``result`` as the answer; else it is sent again."""
    api_input.refuse_parameters()
    sent = api_input.body(("arrived", "result"))
    if "arrived" not in sent or sent["arrived"] is None:
        raise api_input.misplaced("arrived", message("{name} must be true or false.", name="arrived"))
    result: Mapping[str, Any] | None = api_input.object_of(sent, "result") or None
    mending.settle(application(), actor(), message_id, api_input.flag_of(sent, "arrived"), result)
    return jsonify(_whole_message(message_id))
