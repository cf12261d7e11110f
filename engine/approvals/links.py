"""Addresses that lead to an approval: one that asks to sign in, or a link for one decision of one person.

The secret of such a link stands in the address alone; the database keeps its digest. It ends when the decision is made,
handed over or no longer asked for, when its time is over and when the person is kept out.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.approvals.noting import path_of
from engine.errors import Message, Missing, Refused, message
from engine.people import Actor, load_actor
from engine.questions import Question, one
from engine.sessions import digest

NO_ADDRESS = message(
    "No links can be made: nobody said under which address people reach this application. Start it with --address, or "
    "set APPMILL_ADDRESS, such as https://work.example.com."
)
GONE = message("This link leads nowhere (any more).")
OVER = message(
    "This link was for one decision and is over: it was used, its time ran out, or the decision is no longer asked of "
    "you. Sign in to see how it stands."
)


def address_of(app: Application, path: str) -> str:
    """The whole address of a page; raises Refused where nobody said where this application is."""
    if not app.sources.address:
        raise Refused(NO_ADDRESS)
    return app.sources.address + path


def link_to(app: Application, approval_id: int) -> str:
    """For whoever may sign in."""
    return address_of(app, path_of(approval_id))


def one_time_link(app: Application, conn: sa.Connection, question_id: int, user_id: int, lasts: dt.timedelta) -> str:
    """For one decision of this person; earlier ones for the same decision stay good, mails being sent again."""
    secret, now = secrets.token_urlsafe(32), app.clock()
    address = address_of(app, f"/decide/{secret}")
    row = {"digest": digest(secret), "question_id": question_id, "user_id": user_id, "created_at": now,
           "until_at": now + lasts}  # fmt: skip
    conn.execute(sa.insert(app.tables.decision_link).values(row))
    return address


@dataclass(frozen=True)
class Opened:
    """What a link leads to, and who decides by it. ``over``: why nothing can be decided by it."""

    question: Question
    actor: Actor
    over: Message | None


def opened(app: Application, conn: sa.Connection, secret: str) -> Opened:
    """Raises Missing for a link that was never made, or whose person is kept out."""
    table = app.tables.decision_link
    row = conn.execute(sa.select(table).where(table.c.digest == digest(secret))).first()
    question = one(conn, app.tables, app.tables.question.c.id == row.question_id) if row is not None else None
    if row is None or question is None:
        raise Missing(GONE)
    try:
        actor = load_actor(conn, app.tables, row.user_id)
    except Missing:
        raise Missing(GONE) from None
    now = app.clock()
    voice = question.voice(actor.id)
    good = row.used_at is None and row.ended_at is None and now < row.until_at and question.is_open(now)
    asked = voice is not None and voice in question.missing
    return Opened(question, actor, None if good and asked else OVER)


def use(app: Application, conn: sa.Connection, secret: str) -> None:
    """Take the link for its one decision; raises Refused where somebody did meanwhile."""
    table, now = app.tables.decision_link, app.clock()
    good = (table.c.digest == digest(secret), table.c.used_at.is_(None), table.c.ended_at.is_(None))
    taken = conn.execute(sa.update(table).where(*good, table.c.until_at > now).values(used_at=now))
    if taken.rowcount != 1:
        raise Refused(OVER)


def end(
    app: Application, conn: sa.Connection, question_ids: Sequence[int] | None = None, user_id: int | None = None
) -> None:
    """The links for these decisions, or of this person, are over."""
    table = app.tables.decision_link
    clauses: list[Any] = [table.c.ended_at.is_(None)]
    if question_ids is not None:
        clauses.append(table.c.question_id.in_(question_ids))
    if user_id is not None:
        clauses.append(table.c.user_id == user_id)
    conn.execute(sa.update(table).where(*clauses).values(ended_at=app.clock()))


def waits_for(app: Application, conn: sa.Connection, question_id: int, user_id: int) -> bool:
    """Whether this person's answer still is waited for."""
    question = one(conn, app.tables, app.tables.question.c.id == question_id)
    if question is None or question.kind == "mending":  # whose record has to be mended needs the whole application
        return False
    return question.is_open(app.clock()) and question.voice(user_id) in question.missing
