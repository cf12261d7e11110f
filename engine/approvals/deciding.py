"""What a decision about an approval keeps beside the answer: what the record showed, and where it is sent back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine import questions
from engine.application import Application
from engine.approvals import links, model, seeing
from engine.approvals.model import Approval
from engine.errors import Invalid, Missing, Problem, Refused, message
from engine.people import Actor
from engine.questions import Question


def decided(
    app: Application, conn: sa.Connection, actor: Actor, question: Question, back_to: int | None, link: str | None
) -> dict[str, Any]:
    """More of the row in ``_asked``: what the record showed. Raises Refused where somebody else signs first or the link
    is used, Invalid for a step that does not lie behind."""
    _wait_for_signers(app, conn, actor, question)
    approval = model.load(conn, app.tables, question.approval_id)
    if approval is None:
        raise Missing(model.NO_APPROVAL)
    if back_to is not None:
        _keep_target(app, conn, question, back_to)
    if link is not None:
        links.use(app, conn, link)
    links.end(app, conn, [question.id], actor.id)
    action = model.action_of(app, conn, approval)
    seen = seeing.shown_to(app, conn, actor, action, model.form_of(app, approval), approval.record_id)
    return {"saw": seen.kept(app.clock()) if seen is not None else None}


def _wait_for_signers(app: Application, conn: sa.Connection, actor: Actor, question: Question) -> None:
    """Whoever asked somebody to sign first decides after them."""
    voice = question.voice(actor.id)
    if voice is None or voice.after_id is None:
        return
    first = questions.one(conn, app.tables, app.tables.question.c.id == voice.after_id)
    if first is not None and first.state == "open":
        names = tuple(one.name for one in first.missing)
        raise Refused(message("{people} signs first; you decide after that.", people=names))


def _keep_target(app: Application, conn: sa.Connection, question: Question, back_to: int) -> None:
    if not 0 <= back_to < (question.step or 0):
        said = message("There is no earlier step to send it back to.")
        raise Invalid(said, [Problem("back_to", said)])
    table = app.tables.question
    conn.execute(sa.update(table).where(table.c.id == question.id).values(back_to=back_to))


def told_of(app: Application, conn: sa.Connection, actor: Actor, question: Question) -> Mapping[str, Any]:
    """What the event of an answer says of the approval; nothing for a plain question."""
    approval: Approval | None = model.load(conn, app.tables, question.approval_id)
    if approval is None:
        return {}
    voice = question.voice(actor.id)
    step = model.action_of(app, conn, approval).steps[question.step or 0].label.texts
    return {"approval": approval.id, "approval_label": dict(approval.label), "step": dict(step),
            "for": voice.for_id if voice else None, "for_name": voice.for_name if voice else ""}  # fmt: skip
