"""The mail that tells somebody of an approval: what they are asked, what they may see of it, and the link.

It is left without the link. That is made when the mail is sent, so that no secret waits in the database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine import runs
from engine.application import Application
from engine.approvals import links, model, seeing
from engine.approvals.model import Approval
from engine.approve import LINK, Approve
from engine.errors import DeliveryFailed, Refused, message
from engine.language import text_in
from engine.passage import Walk
from engine.people import Actor, addresses_of, load_actor
from engine.runs import Run
from engine.texts import say

MARK = "decision"  # in the data of a message: whose decision the link is for


def post(
    walk: Walk, run: Run, action: Approve, approval: Approval, question_id: int, people: Mapping[int, Any], key: str,
    texts: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Leave a mail for each of them who has an address. ``texts``: what they are told instead of the request."""
    if action.mail is None or is_reached(walk.app):
        return
    app, conn = walk.app, walk.conn
    form = model.form_of(app, approval)
    for person in sorted(people):
        for reached in addresses_of(conn, app.tables, [person]):
            actor = load_actor(conn, app.tables, person)
            seen = seeing.shown_to(app, conn, actor, action, form, approval.record_id)
            if seen is None:
                continue
            data = {
                "to": [reached], "cc": [], "subject": approval.name(actor.language), "attachments": [],
                "text": _text(texts or approval.texts, actor, seen),
                MARK: {"approval": approval.id, "question": question_id, "user": person},
            }  # fmt: skip
            runs.post_mail(walk, run, f"{key}.m{person}", action.mail, data)


def is_reached(app: Application) -> bool:
    """Whether people who are asked are reached their own way, and get no mail of the approval as well."""
    return app.definition.reach is not None and app.definition.reach.asked is not None


def _text(texts: Mapping[str, str], actor: Actor, seen: seeing.ShownRecord) -> str:
    asked = text_in(texts, actor.language)
    facts = [f"{one.label}: {_lined(one.text)}" for one in seen.fields]
    link = [] if LINK in asked else [say(message("Decide here: {link}", link=LINK), actor.language)]
    return "\n\n".join(part for part in (asked, seen.title, "\n".join(facts), *link) if part) + "\n"


def _lined(text: str) -> str:
    return "\n" + "\n".join(f"  {line}" for line in text.splitlines()) if "\n" in text else text or "—"


# --- when it is sent -------------------------------------------------------------------------------------------------


def completed(app: Application, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mail with its link. Raises DeliveryFailed where no links can be made."""
    decision = data.get(MARK)
    if decision is None:
        return data
    try:
        with app.database.write() as conn:
            address = link_for(app, conn, decision)
    except Refused as refused:
        raise DeliveryFailed(refused.reason, again=False) from refused
    return {**{name: value for name, value in data.items() if name != MARK},
            "text": str(data["text"]).replace(LINK, address)}  # fmt: skip


def link_for(app: Application, conn: sa.Connection, decision: Mapping[str, int]) -> str:
    """Where somebody decides: without signing in where the approval says so and still waits for them. Raises Refused
    where nobody said where this application is."""
    approval = model.load(conn, app.tables, decision["approval"])
    lasts = model.action_of(app, conn, approval).one_time if approval is not None else None
    if lasts is None or not links.waits_for(app, conn, decision["question"], decision["user"]):
        return links.link_to(app, decision["approval"])
    now = app.clock()
    until = app.plans.times.after(now, lasts)
    length = until - now if until > now else dt.timedelta(0)
    return links.one_time_link(app, conn, decision["question"], decision["user"], length)
