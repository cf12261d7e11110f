"""Answering what a rule asked: one transaction in which the answer is kept, and the question settled where it is the
last that was needed. The run then goes on through its message, like every other."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine import going_on, questions, runs
from engine.application import Application
from engine.approvals import deciding, running
from engine.effects import Choice
from engine.errors import Denied, Invalid, Message, Missing, Problem, Refused, message
from engine.faults import point
from engine.jobs.trying import in_transaction
from engine.language import Label
from engine.people import Actor
from engine.permissions import may_record
from engine.questions import WITHDRAWN, Question, Voice
from engine.sight import Sight
from engine.storage import events
from engine.texts import say

LONGEST = 2000
NO_QUESTION = message("There is no such question for you.")


@dataclass(frozen=True)
class Answered:
    """``settled``: no further answer is waited for. ``again``: the same answer had been given before."""

    question_id: int
    settled: bool
    again: bool = False


@dataclass(frozen=True)
class Given:
    """What somebody answers. ``back_to``: the step of an approval it is sent back to; ``link``: the secret of the link
    for one decision it came by."""

    answer: str
    comment: str | None = None
    back_to: int | None = None
    link: str | None = None


def answer(app: Application, actor: Actor, question_id: int, name: str, comment: str | None = None) -> Answered:
    """Give one of the answers of a question.

    The same answer twice is one. Raises Missing where the person is not asked or may not see the record, Denied,
    Invalid for an unknown answer or a missing comment, Refused where it is too late.
    """
    return give(app, actor, question_id, Given(name, comment))


def give(app: Application, actor: Actor, question_id: int, given: Given) -> Answered:
    """The same with what approvals have beside."""
    if actor.view_as is not None or actor.id is None:
        raise Denied(message("You are looking as another role; nothing can be changed."))
    tidy = replace(given, comment=_tidy(given.comment))
    return in_transaction(app, lambda conn: _answer(app, conn, actor, question_id, tidy))


def _answer(app: Application, conn: sa.Connection, actor: Actor, question_id: int, given: Given) -> Answered:
    question, voice = asked_of(app, conn, actor, question_id)
    if voice.answer == given.answer:
        return Answered(question.id, question.state != "open", again=True)
    refuse_late(app, question, voice)
    demand_sight(app, conn, actor, question)
    choice = _chosen(question, given.answer, given.comment)
    now, table = app.clock(), app.tables.asked
    mine = (table.c.question_id == question.id, table.c.user_id == actor.id, table.c.answer.is_(None))
    decided = {"answer": given.answer, "comment": given.comment, "at": now, "over_at": now}
    if question.approval_id is not None:
        decided |= deciding.decided(app, conn, actor, question, given.back_to, given.link)
    conn.execute(sa.update(table).where(*mine).values(decided))
    _note(app, conn, actor, question, choice, given.comment, now)
    _mark_read(app, conn, question, actor, now)
    point("answer kept")
    return Answered(question.id, settle(app, conn, question.id))


def settle(app: Application, conn: sa.Connection, question_id: int) -> bool:
    """Close the question if nothing more is waited for, and let its run go on."""
    question = questions.one(conn, app.tables, app.tables.question.c.id == question_id)
    assert question is not None  # its row is locked by the caller
    reached = questions.settled(question)
    if question.state != "open" or reached is None:
        return question.state != "open"
    questions.close(conn, app.tables, app.clock(), question.id, "answered", reached.answer)
    questions.wake(app, conn, [question.message_id], app.clock())
    point("question settled")
    return True


def no_longer_asked(app: Application, user_id: int) -> None:
    """A person is no longer active: questions that waited for nobody else are settled by the answers there are."""
    asked, table = app.tables.asked, app.tables.question
    mine = sa.select(asked.c.question_id).where(asked.c.user_id == user_id, asked.c.over_at.is_(None))
    with app.database.read() as conn:
        waiting = questions.found(conn, app.tables, table.c.state == "open", table.c.id.in_(mine))

    def settle_one(conn: sa.Connection, question: Question) -> None:
        _lock(app, conn, question)
        settle(app, conn, question.id)

    for question in waiting:
        if not question.missing and (question.given or question.approval_id is not None):
            in_transaction(app, lambda conn, question=question: settle_one(conn, question))  # type: ignore[misc]


# --- what stands in the way ------------------------------------------------------------------------------------------


def asked_of(app: Application, conn: sa.Connection, actor: Actor, question_id: int) -> tuple[Question, Voice]:
    """The question as it stands, kept from all others until the transaction ends."""
    here = app.tables.question.c.id == question_id
    seen = questions.one(conn, app.tables, here)
    if seen is None or seen.voice(actor.id) is None:
        raise Missing(NO_QUESTION)
    _lock(app, conn, seen)
    question = questions.one(conn, app.tables, here)
    voice = question.voice(actor.id) if question else None
    if question is None or voice is None:
        raise Missing(NO_QUESTION)
    if not voice.active:
        raise Denied(message("Your account is no longer active."))
    return question, voice


def _lock(app: Application, conn: sa.Connection, question: Question) -> None:
    """In the order in which delivery takes its locks: the message first."""
    tables = app.tables
    rows = ((tables.message, question.message_id), (tables.approval, question.approval_id), (tables.question, question.id))
    for table, id in rows:
        if id is not None:
            conn.execute(sa.select(table.c.id).where(table.c.id == id).with_for_update())


def refuse_late(app: Application, question: Question, voice: Voice) -> None:
    if voice.answer is not None:
        raise Refused(message("You have answered already: {answer}.", answer=_label(question, voice.answer)))
    if question.state == "withdrawn":
        raise Refused(WITHDRAWN.get(question.why or "", WITHDRAWN["cancelled"]))
    if question.state == "answered":
        raise Refused(_settled(question))
    if not question.is_open(app.clock()):
        raise Refused(message("The time to answer is over."))
    if voice.handed_to is not None:
        raise Refused(message("You handed this over; somebody else is asked now."))


def _settled(question: Question) -> Message:
    last = next((one for one in reversed(question.given) if one.answer == question.answer), None)
    if last is None:
        return message("The question is settled already: there was no agreement.")
    return message("{name} has answered already: {answer}.", name=last.name, answer=_label(question, last.answer))


def demand_sight(app: Application, conn: sa.Connection, actor: Actor, question: Question) -> None:
    """Whoever may not read the record (any more) decides nothing about it."""
    if question.form is None or question.record_id is None:
        return
    form = app.definition.forms.get(question.form)
    sight = Sight(app, conn, actor)
    row = sight.load(question.form, question.record_id) if form is not None else None
    if form is None or row is None or row["deleted_at"] is not None:
        raise Missing(message("The record is gone."))
    if not may_record(app, actor, "read", form, sight.view(form, row)):
        raise Missing(message("There is nothing here, or nothing you may see."))


def _chosen(question: Question, name: str, comment: str | None) -> Choice:
    choice = question.choice(name)
    if choice is None:
        said = message("There is no answer “{name}”; expected one of {known}.", name=name,
                       known=tuple(one.name for one in question.choices))  # fmt: skip
        raise Invalid(said, [Problem("answer", said)])
    wrong = _wrong_comment(choice, comment)
    if wrong is not None:
        raise Invalid(wrong, [Problem("comment", wrong)])
    return choice


def _wrong_comment(choice: Choice, comment: str | None) -> Message | None:
    if comment is None:
        needed = message("“{answer}” needs a comment.", answer=Label(choice.label))
        return needed if choice.comment == "required" else None
    if choice.comment == "none":
        return message("“{answer}” takes no comment.", answer=Label(choice.label))
    return message("A comment has at most {most} characters.", most=LONGEST) if len(comment) > LONGEST else None


def _tidy(comment: str | None) -> str | None:
    return (comment or "").strip() or None


def _label(question: Question, name: str | None) -> Label:
    choice = question.choice(name)
    return Label(choice.label if choice else {"": name or ""})


# --- what is kept beside ---------------------------------------------------------------------------------------------


def _note(
    app: Application, conn: sa.Connection, actor: Actor, question: Question, choice: Choice, comment: str | None,
    now: dt.datetime,
) -> None:  # fmt: skip
    """The answer in the timeline of the record; of what concerns no record, in that of the application."""
    told = {"question": question.id, "run": question.run_id, "rule": question.rule, "answer": choice.name,
            "label": dict(choice.label), **deciding.told_of(app, conn, actor, question)}  # fmt: skip
    events.append(conn, app.tables, events.Event(
        at=now, form=question.form or "_app", record_id=question.record_id or 0, kind="answered", actor_id=actor.id,
        reason=comment, cause=question.event_id, trace=told, definition=app.definition.hash,
    ))  # fmt: skip


def _mark_read(app: Application, conn: sa.Connection, question: Question, actor: Actor, now: dt.datetime) -> None:
    notice, asked = app.tables.notification, app.tables.asked
    mine = sa.select(asked.c.notification_id).where(
        asked.c.question_id == question.id, asked.c.user_id == actor.id
    )  # fmt: skip
    unread = (notice.c.id.in_(mine), notice.c.read_at.is_(None))
    conn.execute(sa.update(notice).where(*unread).values(read_at=now))


# --- the run goes on -------------------------------------------------------------------------------------------------


def waits_until(app: Application, conn: sa.Connection, row: Any) -> dt.datetime | None:
    """Until when the message of an open question waits; None when its run can be taken up. Its time over, the question
    is closed here."""
    table = app.tables.question
    conn.execute(sa.select(table.c.id).where(table.c.message_id == row.id).with_for_update())
    question = questions.one(conn, app.tables, table.c.message_id == row.id)
    if question is None or question.state != "open":
        return None
    end = question.due_at or runs.NEVER
    if end <= app.clock():
        questions.close(conn, app.tables, app.clock(), question.id, "timed_out")
        return None
    message_, state = app.tables.message, "waiting" if question.due_at else "parked"
    conn.execute(sa.update(message_).where(message_.c.id == row.id).values(state=state, due_at=end))
    if question.due_at:
        app.database.posted(conn, row.id, end)
    return end


def go_on(app: Application, conn: sa.Connection, row: Any) -> None:
    """Keep the outcome for the steps that follow, and take them; a run whose question was withdrawn ends."""
    question = questions.one(conn, app.tables, app.tables.question.c.message_id == row.id)
    run = going_on.load_run(app, conn, row.run_id)
    approval = row.effect.get("approval")
    if approval is not None and (question is None or question.state != "withdrawn" or question.why == "over"):
        running.go_on(app, conn, approval, row.step)
        return
    if question is None or run is None or run.state not in runs.OPEN:
        return
    table, message_, result = app.tables.run, app.tables.message, questions.outcome(question)
    conn.execute(sa.update(message_).where(message_.c.id == row.id).values(result=result))
    if question.state == "withdrawn":
        runs.cancel(conn, app.tables, run.id, app.clock())
        why = say(WITHDRAWN.get(question.why or "", WITHDRAWN["cancelled"]), app.definition.languages[0])
        conn.execute(sa.update(table).where(table.c.id == run.id).values(error=why))
        going_on.ended(app, conn, run.id)
        return
    if name := row.effect.get("saved_as"):
        conn.execute(sa.update(table).where(table.c.id == run.id).values(results={**run.results, name: result}))
    point("outcome kept")
    going_on.go_on(app, conn, run.id, row.step + 1, paused=True)
