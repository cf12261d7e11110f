"""What people may do with an approval beside deciding: hand over, ask others to sign, withdraw, remind, comment.

Each is one transaction, is asked for its right, and leaves an event on the record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import sqlalchemy as sa

from engine import answering, formats, questions
from engine.application import Application
from engine.approvals import links, mails, model, noting, outcomes, running
from engine.approvals.asking import Way, ask
from engine.approvals.model import Approval
from engine.approve import Approve, Power
from engine.errors import Denied, Invalid, Message, Missing, Problem, Refused, message
from engine.faults import point
from engine.jobs.trying import in_transaction
from engine.people import Actor, load_actor
from engine.permissions import may_record
from engine.questions import Question, Voice
from engine.sight import Sight

T = TypeVar("T")
LONGEST = answering.LONGEST
MOST_SIGNERS = 20  # of one question


def hand_over(app: Application, actor: Actor, question_id: int, to: int | None, comment: str | None = None) -> None:
    """Somebody else is asked in the actor's place. Raises Missing, Denied, Invalid, Refused."""

    def do(conn: sa.Connection) -> None:
        way, question, voice = _mine(app, conn, actor, question_id, "hand_over")
        person = _signer(way, question, to)
        _replace(way, question, voice, person, actor.id, "hand_over", tidy(comment))
        point("handed over")

    _done(app, actor, do)


def add_signer(
    app: Application, actor: Actor, question_id: int, to: int | None, when: Literal["before", "after"],
    comment: str | None = None,
) -> None:  # fmt: skip
    """Somebody else signs, too: ``before`` the actor decides, or ``after`` the step is passed."""

    def do(conn: sa.Connection) -> None:
        way, question, voice = _mine(app, conn, actor, question_id, "add_signer")
        if voice.after_id is not None and when == "before":
            raise Refused(message("Somebody signs before you already."))
        person = _signer(way, question, to)
        if when == "before":
            id = ask(way, {person.id or 0: {"added_by": actor.id}}, kind="before", needs="all", part=question.part or 0)
            _set_asked(way, question, actor.id, after_id=id)
        else:
            _sign_after(way, person, actor)
        label = way.step().label.texts
        noting.note(app, conn, way.approval, when, actor.id, reason=tidy(comment), step=label, person=person.name)

    _done(app, actor, do)


def withdraw(app: Application, actor: Actor, approval_id: int, comment: str | None = None) -> None:
    """The applicant takes the request back; administrators may, too."""

    def do(conn: sa.Connection) -> None:
        way = _applicants(app, conn, actor, approval_id, "withdraw")
        running.finish(way, "withdrawn", actor.id, tidy(comment))
        running.over(way)

    _done(app, actor, do)


def remind(app: Application, actor: Actor, approval_id: int) -> tuple[str, ...]:
    """Tell those who are asked once more; answers their names. Raises Refused where it was done lately."""

    def do(conn: sa.Connection) -> tuple[str, ...]:
        way = _applicants(app, conn, actor, approval_id, "remind")
        _not_too_often(way, actor)
        waiting = [(one, voice) for one in way.questions() if one.state == "open" for voice in one.missing]
        way.set(reminded_at=app.clock())
        for one, voice in waiting:
            texts: dict[str, str] = {
                language: outcomes.said(message("Please decide: {text}", text=one.text(language)), language)
                for language in app.definition.languages
            }
            noting.tell(way.walk, way.approval, [voice.user_id], texts, "asked", one.id)
            mails.post(way.walk, way.run, way.action, way.approval, one.id, {voice.user_id: {}},
                       f"{way.next_key()}.r")  # fmt: skip
        noting.note(app, conn, way.approval, "remind", actor.id)
        return tuple(voice.name for _one, voice in waiting)

    return _done(app, actor, do)


def comment(app: Application, actor: Actor, approval_id: int, text: str) -> None:
    """Something said about the request by the applicant or somebody who is or was asked."""
    said = tidy(text)
    if said is None:
        empty = message("Write something first.")
        raise Invalid(empty, [Problem("comment", empty)])

    def do(conn: sa.Connection) -> None:
        approval = _seen(app, conn, actor, approval_id)
        asked = model.questions_of(conn, app.tables, [approval.id])[approval.id]
        part = {voice.user_id for one in asked for voice in one.voices}
        if actor.id not in part and not model.is_applicant(approval, actor) and not actor.is_admin:
            raise Denied(message("Only those who take part in the approval comment on it."))
        noting.note(app, conn, approval, "comment", actor.id, reason=said)

    _done(app, actor, do)


# --- delegating what waits already -----------------------------------------------------------------------------------


def delegate_waiting(app: Application, actor: Actor, user_id: int, to_id: int, forms: tuple[str, ...]) -> int:
    """Whoever stands in from now on is asked what waits for the person already; answers how many."""
    with app.database.read() as conn:
        waiting = questions.open_for(conn, app.tables, user_id, app.clock(), limit=500)
    wanted = [one for one in waiting if one.approval_id is not None and one.kind != "mending"
              and (not forms or one.form in forms)]  # fmt: skip
    return sum(_delegate_one(app, actor, one.id, user_id, to_id) for one in wanted)


def _delegate_one(app: Application, actor: Actor, question_id: int, user_id: int, to_id: int) -> bool:
    def do(conn: sa.Connection) -> bool:
        meant = load_actor(conn, app.tables, user_id)
        question, voice = answering.asked_of(app, conn, meant, question_id)
        if voice not in question.missing or not question.is_open(app.clock()):
            return False
        way = _way(app, conn, question)
        try:
            person = _signer(way, question, to_id)
        except (Invalid, Refused):
            return False  # who may not see it, or asked for it, cannot stand in here
        _replace(way, question, voice, person, actor.id, "delegated", None, for_id=user_id)
        return True

    return in_transaction(app, do)


# --- parts -----------------------------------------------------------------------------------------------------------


def _done(app: Application, actor: Actor, do: Callable[[sa.Connection], T]) -> T:
    if actor.view_as is not None or actor.id is None:
        raise Denied(message("You are looking as another role; nothing can be changed."))
    return in_transaction(app, do)


def _mine(
    app: Application, conn: sa.Connection, actor: Actor, question_id: int, power: Power
) -> tuple[Way, Question, Voice]:
    """A question of an approval that waits for the actor, with everything held still."""
    question, voice = answering.asked_of(app, conn, actor, question_id)
    answering.refuse_late(app, question, voice)
    answering.demand_sight(app, conn, actor, question)
    if question.approval_id is None or question.kind == "mending":
        raise Refused(message("This can only be answered."))
    way = _way(app, conn, question)
    _demand(way.action, power)
    return way, question, voice


def _way(app: Application, conn: sa.Connection, question: Question) -> Way:
    return running.way_of(app, conn, model.locked(conn, app.tables, question.approval_id or 0))


def _demand(action: Approve, power: Power) -> None:
    if power not in action.powers:
        raise Denied(message("This approval does not allow that."))


def _seen(app: Application, conn: sa.Connection, actor: Actor, approval_id: int) -> Approval:
    """The approval, held still, where the actor may read the record."""
    approval = model.locked(conn, app.tables, approval_id)
    if not may_see(app, conn, actor, approval):
        raise Missing(model.NO_APPROVAL)
    return approval


def may_see(app: Application, conn: sa.Connection, actor: Actor, approval: Approval) -> bool:
    form, sight = app.definition.forms.get(approval.form), Sight(app, conn, actor)
    row = sight.load(approval.form, approval.record_id) if form is not None else None
    if form is None or row is None or row["deleted_at"] is not None:
        return False
    return may_record(app, actor, "read", form, sight.view(form, row)).allowed


def _applicants(app: Application, conn: sa.Connection, actor: Actor, approval_id: int, power: Power) -> Way:
    """The way of an approval that is under way, for its applicant or an administrator."""
    _lock_messages(app, conn, approval_id)
    approval = _seen(app, conn, actor, approval_id)
    if not model.is_applicant(approval, actor) and not actor.is_admin:
        raise Denied(message("Only whoever asked for the approval may do this."))
    if not approval.is_open:
        raise Refused(message("The approval is over: {outcome}.", outcome=outcomes.state(approval)))
    way = running.way_of(app, conn, approval)
    _demand(way.action, power)
    return way


def _lock_messages(app: Application, conn: sa.Connection, approval_id: int) -> None:
    """Before the approval itself, as delivery and answers do."""
    question, table = app.tables.question, app.tables.message
    asked = sa.select(question.c.message_id).where(question.c.approval_id == approval_id, question.c.state == "open")
    conn.execute(sa.select(table.c.id).where(table.c.id.in_(asked)).order_by(table.c.id).with_for_update())


def _signer(way: Way, question: Question, to: int | None) -> Actor:
    """Somebody who can be asked here; raises Invalid, Refused."""
    try:
        person = load_actor(way.conn, way.app.tables, to or 0)
    except Missing:
        raise _no_signer(message("Choose a person.")) from None
    known = question.voice(person.id)
    if known is not None and known.handed_to is None:
        raise _no_signer(message("{name} is asked here already.", name=person.name))
    if way.action.own == "refused" and person.id == way.approval.applicant_id:
        raise _no_signer(message("Nobody decides about their own request."))
    if not may_see(way.app, way.conn, person, way.approval):
        raise _no_signer(message("{name} may not see this record.", name=person.name))
    if len(question.voices) >= MOST_SIGNERS + len(question.given):
        raise Refused(message("Too many people are asked here already."))
    return person


def _no_signer(said: Message) -> Invalid:
    return Invalid(said, [Problem("to", said)])


def _replace(
    way: Way, question: Question, voice: Voice, person: Actor, by: int | None, did: str, why: str | None,
    for_id: int | None = None,
) -> None:  # fmt: skip
    """Ask ``person`` in the place of ``voice``."""
    table, id = way.app.tables.asked, person.id or 0
    _set_asked(way, question, voice.user_id, handed_to=id, over_at=way.walk.now)
    links.end(way.app, way.conn, [question.id], voice.user_id)
    mine = (table.c.question_id == question.id, table.c.user_id == id)
    way.conn.execute(sa.delete(table).where(*mine))  # what they had handed over comes back to them
    row = {"added_by": by, "for_id": for_id or voice.for_id, "after_id": voice.after_id}
    questions.ask_more(way.walk, question.id, {id: row}, way.approval.place, question.texts, way.approval.event_id)
    mails.post(way.walk, way.run, way.action, way.approval, question.id, {id: row}, f"{way.next_key()}.h")
    label = way.step(question.step).label.texts
    noting.note(way.app, way.conn, way.approval, did, by, reason=why, step=label, person=person.name,
                of=voice.name)  # fmt: skip


def _set_asked(way: Way, question: Question, user_id: int | None, **values: object) -> None:
    table = way.app.tables.asked
    mine = (table.c.question_id == question.id, table.c.user_id == user_id)
    way.conn.execute(sa.update(table).where(*mine).values(**values))


def _sign_after(way: Way, person: Actor, actor: Actor) -> None:
    waiting = list(way.approval.course.get("after", ()))
    entry = {"round": way.approval.round, "step": way.approval.at, "user": person.id, "by": actor.id}
    if any(one["user"] == person.id for one in way.approval.after()):
        raise _no_signer(message("{name} is asked here already.", name=person.name))
    way.set(course={**way.approval.course, "after": [*waiting, entry]})


def _not_too_often(way: Way, actor: Actor) -> None:
    last = way.approval.reminded_at
    if last is None:
        return
    again = way.app.plans.times.after(last, way.action.remind_every)
    if way.walk.now < again:
        when = formats.moment(again, actor.reader(way.app.definition))
        raise Refused(message("They were reminded lately; you can do it again from {when}.", when=when))


def tidy(text: str | None) -> str | None:
    said = (text or "").strip() or None
    if said is not None and len(said) > LONGEST:
        long = message("A comment has at most {most} characters.", most=LONGEST)
        raise Invalid(long, [Problem("comment", long)])
    return said
