"""Approvals over the API: what waits for me, one with its steps, deciding and everything that may be done beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request

from engine import answering
from engine.approvals import deeds, model
from engine.approvals.model import Approval
from engine.errors import Missing, message
from engine.fields.relations import LARGEST_ID
from engine.people import Actor
from engine.web import api_input
from engine.web.api_forms import demand_scope, demand_write
from engine.web.api_shape import Json, moment
from engine.web.approvals import (
    FOUND,
    Entry,
    approval_for,
    entries_of,
    key_of,
    person_named,
    text_for,
    waiting_question,
)
from engine.web.context import actor, application

blueprint = Blueprint("api_approvals", __name__, url_prefix="/approvals")
PAGE, MOST = 30, 200


@blueprint.get("")
def list_approvals() -> Response:
    """``box``: waiting (for me), mine (started by me) or done (by me); ``before`` continues."""
    api_input.refuse_parameters("box", "before", "limit")
    demand_scope("read")
    limit, before = api_input.number_arg("limit", MOST) or PAGE, api_input.number_arg("before", LARGEST_ID)
    box = _box()
    with application().database.read() as conn:
        found = FOUND[box](conn, before, limit + 1)
        listed = entries_of(conn, found[:limit], drawn=False)
        states = {approval.id: approval for approval, _question in found}
    shown = [_entry(one, states[one.id]) for one in listed]
    return jsonify(approvals=shown, before=key_of(found[limit - 1]) if len(found) > limit else None)


def _box() -> str:
    box = request.args.get("box", "waiting")
    if box not in FOUND:
        raise api_input.misplaced("box", message("{name} must be one of {known}.", name="box", known=tuple(FOUND)))
    return box


def _entry(one: Entry, approval: Approval) -> Json:
    return {
        "id": one.id, "label": one.label, "message": one.text, "form": approval.form, "record_id": approval.record_id,
        "record": one.title, "state": approval.state, "question": one.question, "batch": one.batch,
        "shows": [{"name": fact.name, "label": fact.label, "text": fact.text} for fact in one.facts],
    }  # fmt: skip


@blueprint.get("/<approval_id>")
def read_approval(approval_id: int) -> Response:
    api_input.refuse_parameters()
    demand_scope("read")
    app = application()
    with app.database.read() as conn:
        approval, _seen, action = approval_for(conn, approval_id)
        asked = model.questions_of(conn, app.tables, [approval.id])[approval.id]
        mine = waiting_question(asked)
        (entry,) = entries_of(conn, [(approval, mine)])
    picture = entry.picture
    assert picture is not None  # it was drawn just now
    return jsonify(
        **_entry(entry, approval) | {"message": text_for(approval, asked)},
        round=approval.round, started_at=moment(approval.started_at),
        closed_at=moment(approval.closed_at), comment=approval.comment,
        answers=[one.name for one in mine.choices] if mine is not None else [],
        powers=[str(one) for one in action.powers],
        steps=[
            {"label": step.label, "mark": step.mark, "people": [
                {"name": voice.name, "mark": voice.mark, "note": voice.note, "comment": voice.comment,
                 "changed": [one.label for one in voice.changed]}
                for group in step.groups for voice in group.voices
            ]}
            for step in picture.steps
        ],
    )  # fmt: skip


# --- doing -----------------------------------------------------------------------------------------------------------


@blueprint.post("/<approval_id>/answer")
def answer(approval_id: int) -> Response:
    """``question`` as reading says it, ``answer``, ``comment``, ``back_to``: the number of an earlier step."""
    sent = _sent(("question", "answer", "comment", "back_to"))
    given = answering.Given(_text(sent, "answer"), _comment(sent), _number(sent, "back_to"))
    return _done(approval_id, lambda who: answering.give(application(), who, _question(sent, approval_id), given))


@blueprint.post("/<approval_id>/hand_over")
def hand_over(approval_id: int) -> Response:
    """``to``: the sign-in name or the name of a person."""
    sent = _sent(("question", "to", "comment"))
    return _done(approval_id, lambda who: deeds.hand_over(
        application(), who, _question(sent, approval_id), _person(sent), _comment(sent)))  # fmt: skip


@blueprint.post("/<approval_id>/add_signer")
def add_signer(approval_id: int) -> Response:
    """``when``: before (me) or after (this step)."""
    sent = _sent(("question", "to", "when", "comment"))
    if sent.get("when") not in ("before", "after"):
        known = ("before", "after")
        raise api_input.misplaced("when", message("{name} must be one of {known}.", name="when", known=known))
    when = cast(Literal["before", "after"], sent["when"])
    return _done(approval_id, lambda who: deeds.add_signer(
        application(), who, _question(sent, approval_id), _person(sent), when, _comment(sent)))  # fmt: skip


@blueprint.post("/<approval_id>/withdraw")
def withdraw(approval_id: int) -> Response:
    sent = _sent(("comment",), optional=True)
    return _done(approval_id, lambda who: deeds.withdraw(application(), who, approval_id, _comment(sent)))


@blueprint.post("/<approval_id>/remind")
def remind(approval_id: int) -> Response:
    _sent(("comment",), optional=True)
    return _done(approval_id, lambda who: deeds.remind(application(), who, approval_id))


@blueprint.post("/<approval_id>/comment")
def comment(approval_id: int) -> Response:
    sent = _sent(("comment",))
    return _done(approval_id, lambda who: deeds.comment(application(), who, approval_id, _text(sent, "comment")))


# --- parts -----------------------------------------------------------------------------------------------------------


def _sent(known: Iterable[str], *, optional: bool = False) -> dict[str, Any]:
    api_input.refuse_parameters()
    demand_write()
    return api_input.body(tuple(known), optional=optional)


def _done(approval_id: int, do: Callable[[Actor], object]) -> Response:
    app = application()
    with app.database.read() as conn:
        approval_for(conn, approval_id)
    do(actor())
    with app.database.read() as conn:
        approval = model.load(conn, app.tables, approval_id)
    assert approval is not None  # approvals are kept
    return jsonify(id=approval.id, state=approval.state)


def _question(sent: dict[str, Any], approval_id: int) -> int:
    """A question of this approval and no other."""
    app, id = application(), api_input.id_of(sent, "question")
    table = app.tables.question
    with app.database.read() as conn:
        here = conn.scalar(sa.select(table.c.id).where(table.c.id == id, table.c.approval_id == approval_id))
    if here is None:
        raise Missing(answering.NO_QUESTION)
    return int(here)


def _person(sent: dict[str, Any]) -> int | None:
    with application().database.read() as conn:
        return person_named(conn, _text(sent, "to"))


def _text(sent: dict[str, Any], name: str) -> str:
    text = api_input.text_of(sent, name, answering.LONGEST)
    if text is None:
        raise api_input.misplaced(name, message("{name} must be a text.", name=name))
    return text


def _comment(sent: dict[str, Any]) -> str | None:
    return api_input.text_of(sent, "comment", answering.LONGEST)


def _number(sent: dict[str, Any], name: str) -> int | None:
    value = sent.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 20:
        raise api_input.misplaced(name, message("{name} must be the number of a step, counted from 0.", name=name))
    return value
