"""A link for one decision: it shows just that approval, to whoever holds it, and opens nothing else. Opening it changes
nothing; only its form decides."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import answering
from engine.approvals import links, model, seeing
from engine.approvals.links import Opened
from engine.approvals.noting import path_of
from engine.errors import AppmillError, Message, Missing, Refused
from engine.formats import relative
from engine.web.auth import public, visitor
from engine.web.context import application
from engine.web.failures import said
from engine.web.render import render

blueprint = Blueprint("deciding", __name__, url_prefix="/decide")
LONGEST_SECRET = 100


@blueprint.get("/<secret>")
@public
def show(secret: str) -> Response:
    visitor()
    return Response(_page(secret), headers={"Referrer-Policy": "no-referrer"})


def _page(secret: str, problem: str = "", done: str = "") -> str:
    app = application()
    with app.database.read() as conn:
        opened = links.opened(app, conn, secret[:LONGEST_SECRET])
        approval = model.load(conn, app.tables, opened.question.approval_id)
        if approval is None:
            raise Missing(links.GONE)
        action, form = model.action_of(app, conn, approval), model.form_of(app, approval)
        seen = seeing.shown_to(app, conn, opened.actor, action, form, approval.record_id)
    if seen is None:
        raise Missing(links.GONE)
    over = opened.over is not None
    question, language = opened.question, opened.actor.language
    return render(
        "decide.html", layout="bare.html", label=approval.name(language), question=question,
        text=question.text(language), title=seen.title if not over else "", facts=() if over else seen.fields,
        over=said(opened.over) if opened.over is not None and not done else "", problem=problem, done=done,
        who=opened.actor.name, back=path_of(approval.id), action=f"/decide/{secret}",
        asked=relative(question.asked_at, app.clock(), language), may_return=question.choice("return") is not None,
    )  # fmt: skip


@blueprint.post("/<secret>")
@public
def decide(secret: str) -> Response | tuple[str, int]:
    """The one decision the link is for."""
    app = application()
    with app.database.read() as conn:
        opened = links.opened(app, conn, secret[:LONGEST_SECRET])
    try:
        _give(opened, secret)
    except Missing:
        raise
    except AppmillError as error:
        return _page(secret, problem=said(error.reason)), 409 if isinstance(error, Refused) else 422
    return Response(_page(secret, done=said(THANKS)), headers={"Referrer-Policy": "no-referrer"})


def _give(opened: Opened, secret: str) -> None:
    if opened.over is not None:
        raise Refused(opened.over)
    given = answering.Given(
        request.form.get("answer", ""), request.form.get("comment"), link=secret[:LONGEST_SECRET]
    )  # fmt: skip
    answering.give(application(), opened.actor, opened.question.id, given)


THANKS = Message("Thank you. Your decision is kept.")
