"""What an approval came to: for the steps after it, and as a sentence for whoever asked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.approvals import links, model, seeing, words
from engine.approvals.asking import Way
from engine.approvals.model import Approval
from engine.errors import Message, Missing, Refused, message
from engine.people import load_actor
from engine.questions import Question, Voice
from engine.storage import records
from engine.texts import say


def results(app: Application, conn: sa.Connection, approval: Approval) -> dict[str, Any]:
    """As JSON: the outcome, who decided it last, when and why, and every step with its answers."""
    asked = model.questions_of(conn, app.tables, [approval.id])[approval.id]
    given = [(one, voice) for one in asked if one.kind != "mending" for voice in one.given]
    last = max(given, key=lambda one: (one[1].at or approval.started_at, one[0].id, one[0].given.index(one[1])),
               default=(None, None))[1]  # fmt: skip
    by = approval.by_id or (last.user_id if last and approval.state == "approved" else None)
    names = records.titles(conn, app.tables, "_user", [by] if by else [])
    return {
        "answer": approval.state, "by": by, "by_name": names.get(by or 0),
        "comment": approval.comment or (last.comment if last and approval.state == "approved" else None),
        "at": approval.closed_at.isoformat() if approval.closed_at else None,
        "timed_out": approval.state == "timed_out", "rounds": approval.round, "link": _link(app, approval),
        "steps": [_step(app, conn, approval, place, asked) for place in range(_steps(app, conn, approval))],
    }  # fmt: skip


def _link(app: Application, approval: Approval) -> str | None:
    try:
        return links.link_to(app, approval.id)
    except Refused:
        return None


def _steps(app: Application, conn: sa.Connection, approval: Approval) -> int:
    return len(model.action_of(app, conn, approval).steps)


def _step(app: Application, conn: sa.Connection, approval: Approval, place: int, asked: list[Question]) -> Any:
    label = model.action_of(app, conn, approval).steps[place].label.texts
    here = [one for one in asked if one.step == place and one.kind != "mending"]
    latest = [one for one in here if one.round == max((other.round or 0 for other in here), default=0)]
    return {
        "label": dict(label), "skipped": approval.fate(approval.round, place) is not None,
        "answers": [_voice(voice) for one in latest for voice in one.given],
    }  # fmt: skip


def _voice(voice: Voice) -> dict[str, Any]:
    return {"answer": voice.answer, "by": voice.user_id, "by_name": voice.name, "for": voice.for_id,
            "comment": voice.comment, "at": voice.at.isoformat() if voice.at else None}  # fmt: skip


# --- sentences -------------------------------------------------------------------------------------------------------


def said(what: Message, language: str) -> str:
    return say(what, language)


def state(approval: Approval) -> Message:
    return words.STATES[approval.state]


def ended(approval: Approval, language: str) -> str:
    """For the applicant."""
    known: dict[str, Any] = {"approval": approval.name(language), "outcome": words.STATES[approval.state]}
    if approval.comment:
        return say(message("“{approval}”: {outcome} – {comment}", comment=approval.comment, **known), language)
    return say(message("“{approval}”: {outcome}", **known), language)


# --- what changed since ----------------------------------------------------------------------------------------------


def approvers(way: Way) -> list[Voice]:
    """Who approved in this round."""
    return [voice for one in way.questions() for voice in one.given if voice.answer == "approve"]


def changed_since(way: Way) -> bool:
    """Whether anything shown is no longer as somebody who approved saw it."""
    return any(_changed(way, voice) for voice in approvers(way))


def _changed(way: Way, voice: Voice) -> bool:
    try:
        actor = load_actor(way.conn, way.app.tables, voice.user_id)
    except Missing:
        return False
    form = model.form_of(way.app, way.approval)
    now = seeing.shown_to(way.app, way.conn, actor, way.action, form, way.approval.record_id)
    return now is not None and bool(seeing.differences(voice.saw, now.fields))
