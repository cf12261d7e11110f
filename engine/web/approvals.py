"""Approvals on screen: what waits for me, what I asked for, what I decided; one approval; and what is done about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import answering, formats, questions
from engine.approvals import deeds, model, seeing
from engine.approvals.model import Approval
from engine.approvals.noting import linked, path_of
from engine.approvals.seeing import ShownField
from engine.approve import Approve
from engine.errors import AppmillError, Invalid, Missing, Refused, message
from engine.language import text_in
from engine.questions import Question
from engine.storage.approving import OPEN_APPROVALS
from engine.storage.automation import in_state
from engine.web.approval_picture import Picture, known_action, pictures_of
from engine.web.context import actor, application, reader
from engine.web.numbers import number, whole
from engine.web.render import go, label, local_address, render, toast
from engine.web.seen import Seen, see
from engine.web.showing import Fact, Showing, ShownLines

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")
PAGE, MOST = 30, 100
BOXES = ("waiting", "mine", "done")
NAMED = 500  # people that are offered by name


@dataclass(frozen=True)
class Entry:
    """An approval in a list. ``question``: what waits for the reader's decision."""

    id: int
    question: int | None
    label: str
    title: str
    href: str
    facts: tuple[ShownField, ...]
    text: str
    note: str
    late: bool
    picture: Picture | None
    batch: bool
    answers: tuple[tuple[str, str], ...]


# --- lists -----------------------------------------------------------------------------------------------------------


@blueprint.get("")
def show() -> str:
    box = request.args.get("box", "waiting")
    box = box if box in BOXES else "waiting"
    before = request.args.get("before", type=number)
    app = application()
    with app.database.read() as conn:
        found = FOUND[box](conn, before)
        entries = entries_of(conn, found[:PAGE])
        counts = {name: count_of(conn, name) for name in BOXES[:2]}
    following = key_of(found[PAGE - 1]) if len(found) > PAGE else None
    batch = box == "waiting" and sum(one.batch for one in entries) > 1
    return render("approvals.html", box=box, entries=entries, counts=counts, following=following, batch=batch)


Found = tuple[Approval, Question | None]


def key_of(found: Found) -> int:
    approval, question = found
    return question.id if question is not None else approval.id


def waiting_for(conn: sa.Connection, before: int | None = None, limit: int = PAGE + 1) -> list[Found]:
    """Questions of approvals that wait for the actor, the newest first."""
    app, who = application(), actor()
    mine = questions.open_for(
        conn, app.tables, who.id or 0, app.clock(), before=before, limit=limit, of_approvals=True
    )  # fmt: skip
    return _with_approvals(conn, mine)


def decided_by(conn: sa.Connection, before: int | None = None, limit: int = PAGE + 1) -> list[Found]:
    app, asked, table = application(), application().tables.asked, application().tables.question
    given = sa.select(asked.c.question_id).where(asked.c.user_id == actor().id, asked.c.answer.is_not(None))
    clauses: list[Any] = [table.c.approval_id.is_not(None), table.c.id.in_(given)]
    if before is not None:
        clauses.append(table.c.id < before)
    return _with_approvals(conn, questions.found(conn, app.tables, *clauses, limit=limit))


def started_by(conn: sa.Connection, before: int | None = None, limit: int = PAGE + 1) -> list[Found]:
    app, table = application(), application().tables.approval
    clauses = [table.c.applicant_id == actor().id, *([table.c.id < before] if before is not None else [])]
    return [(one, None) for one in model.found(conn, app.tables, *clauses, limit=limit)]


def _with_approvals(conn: sa.Connection, asked: Sequence[Question]) -> list[Found]:
    app = application()
    ids = {one.approval_id for one in asked}
    found = model.found(conn, app.tables, app.tables.approval.c.id.in_(ids), limit=len(ids)) if ids else []
    known = {one.id: one for one in found}
    return [(known[one.approval_id or 0], one) for one in asked if one.approval_id in known]


FOUND: Mapping[str, Callable[..., list[Found]]] = {
    "waiting": waiting_for, "mine": started_by, "done": decided_by,
}  # fmt: skip


def count_of(conn: sa.Connection, box: str) -> int:
    """How many wait for the actor, or how many of theirs are under way; counted up to ``MOST``."""
    app, who = application(), actor()
    if box == "mine":
        table = app.tables.approval
        mine = sa.select(table.c.id).where(table.c.applicant_id == who.id, in_state(table, *OPEN_APPROVALS))
    else:
        asked, question = app.tables.asked, app.tables.question
        mine = (
            sa.select(asked.c.question_id)
            .join(question, question.c.id == asked.c.question_id)
            .where(asked.c.user_id == who.id, asked.c.over_at.is_(None), question.c.approval_id.is_not(None))
            .where(in_state(question, "open"))
        )
    return conn.scalar(sa.select(sa.func.count()).select_from(mine.limit(MOST).subquery())) or 0


def entries_of(conn: sa.Connection, found: Sequence[Found], *, drawn: bool = True) -> list[Entry]:
    """Those about records the actor may read, with what they may see of them."""
    app, who = application(), actor()
    actions = [known_action(app, conn, approval) for approval, _question in found]
    usable = [
        (approval, question, action) for (approval, question), action in zip(found, actions, strict=True)
        if action is not None and approval.form in app.definition.forms
    ]  # fmt: skip
    wanted = [(action, app.definition.forms[approval.form], approval.record_id) for approval, _one, action in usable]
    records = seeing.shown_many(app, conn, who, wanted)
    several = [approval for approval, _question, _action in usable]
    pictures = {picture.id: picture for picture, _asked in pictures_of(app, conn, who, several)} if drawn else {}
    return [
        _entry(approval, question, action, record, pictures.get(approval.id))
        for (approval, question, action), record in zip(usable, records, strict=True)
        if record is not None
    ]


def _entry(
    approval: Approval, question: Question | None, action: Approve, record: seeing.ShownRecord, picture: Picture | None
) -> Entry:
    language, now = reader().language, application().clock()
    moment = question.asked_at if question is not None else approval.started_at
    due = question.due_at if question is not None and question.state == "open" else None
    voice = question.voice(actor().id) if question is not None else None
    note = formats.relative((voice.at if voice and voice.at else None) or moment, now, language)
    open_to_me = question is not None and voice in question.missing and question.is_open(now)
    waits = open_to_me and actor().view_as is None
    return Entry(
        approval.id, question.id if question is not None and waits else None, approval.name(language), record.title,
        f"/approvals/{approval.id}", record.fields,
        question.text(language) if question is not None else _text(approval, language), note,
        due is not None and (due - now).total_seconds() < 86_400, picture,
        action.batch and bool(waits) and question is not None and question.kind != "mending",
        ((voice.answer or "", voice.comment or ""),) if voice and voice.answer else (),
    )  # fmt: skip


def _text(approval: Approval, language: str) -> str:
    return text_in(linked(approval.texts, path_of(approval.id)), language)


# --- one approval ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One approval on its own page; ``mine`` is what waits for the reader, ``first`` who signs before them."""

    picture: Picture
    form_label: str
    title: str
    href: str
    text: str
    facts: tuple[Fact, ...]
    lines: tuple[ShownLines, ...]
    mine: Question | None
    first: str
    powers: frozenset[str]
    is_mine: bool
    steps_back: tuple[tuple[int, str], ...]
    for_name: str
    may_comment: bool


def approval_for(conn: sa.Connection, id: int) -> tuple[Approval, Seen, Approve]:
    """An approval about a record the actor may read; raises Missing."""
    app = application()
    approval = model.load(conn, app.tables, id)
    form = app.definition.forms.get(approval.form) if approval is not None else None
    action = known_action(app, conn, approval) if approval is not None else None
    if approval is None or form is None or action is None:
        raise Missing(model.NO_APPROVAL)
    return approval, see(conn, form, approval.record_id), action


@blueprint.get("/<int:approval_id>")
def open_one(approval_id: int) -> str:
    with application().database.read() as conn:
        page = page_of(conn, approval_id)
        people = offered(conn) if page.mine is not None and page.powers else ()
    return render("approval.html", page=page, people=people)


def page_of(conn: sa.Connection, approval_id: int) -> Page:
    app, who = application(), actor()
    approval, seen, action = approval_for(conn, approval_id)
    ((picture, asked),) = pictures_of(app, conn, who, [approval])
    showing = Showing(conn, app, who, seen)
    names = [name for name in action.shows if name in seen.fields]
    fields = [seen.form.fields[name] for name in names]
    mine = waiting_question(asked)
    voice = mine.voice(who.id) if mine is not None else None
    first = next((one for one in asked if voice and one.id == voice.after_id and one.state == "open"), None)
    powers = frozenset(str(one) for one in action.powers) if who.view_as is None else frozenset()
    language = reader().language
    back = tuple((place, action.steps[place].label.text(language)) for place in range(approval.at))
    return Page(
        picture, label(seen.form), seen.title, f"/{seen.form.name}/{seen.id}", text_for(approval, asked),
        tuple(showing.fact(one) for one in fields if one.kind != "lines"),
        tuple(showing.lines(one, False) for one in fields if one.kind == "lines"), mine,
        ", ".join(one.name for one in first.missing) if first is not None else "",
        powers, who.view_as is None and (model.is_applicant(approval, who) or who.is_admin), back,
        voice.for_name if voice else "", _takes_part(approval, asked),
    )  # fmt: skip


def text_for(approval: Approval, asked: Sequence[Question]) -> str:
    """What was written to those who take part. It may tell of fields that others who read the record may not see: they
    are told what the approval is called."""
    language = reader().language
    return _text(approval, language) if _has_part(approval, asked) else approval.name(language)


def _takes_part(approval: Approval, asked: Sequence[Question]) -> bool:
    return actor().view_as is None and _has_part(approval, asked)


def _has_part(approval: Approval, asked: Sequence[Question]) -> bool:
    who = actor()
    return who.is_admin or model.is_applicant(approval, who) or any(one.voice(who.id) is not None for one in asked)


def waiting_question(asked: Sequence[Question]) -> Question | None:
    """What of it the actor may decide now."""
    who, now = actor(), application().clock()
    if who.view_as is not None:
        return None
    return next((one for one in asked if one.is_open(now) and one.voice(who.id) in one.missing), None)


def offered(conn: sa.Connection) -> tuple[str, ...]:
    """People that may be chosen, as ``Name (login)``."""
    user = application().tables.user
    rows = conn.execute(
        sa.select(user.c.name, user.c.login).where(user.c.active, user.c.id != actor().id)
        .order_by(user.c.name, user.c.id).limit(NAMED)
    )  # fmt: skip
    return tuple(f"{row.name} ({row.login})" for row in rows)


def person_named(conn: sa.Connection, text: str) -> int | None:
    """``Name (login)``, a login, or a name nobody else has → the person's id."""
    user, said = application().tables.user, text.strip()[:300]
    within = re.search(r"\(([^()]+)\)$", said)
    for clause in (user.c.login == (within[1] if within else said), user.c.name == said):
        ids = conn.scalars(sa.select(user.c.id).where(clause, user.c.active).limit(2)).all()
        if len(ids) == 1:
            return int(ids[0])
    return None


# --- what is done ----------------------------------------------------------------------------------------------------


@blueprint.post("/<int:approval_id>/answer")
def answer(approval_id: int) -> Response:
    given = answering.Given(
        request.form.get("answer", ""), request.form.get("comment"), request.form.get("back_to", type=number)
    )
    question = request.form.get("question", 0, type=number)

    def do() -> None:
        answered = answering.give(application(), actor(), question, given)
        if not answered.again:
            toast(message("Your answer is kept."))

    return _done(approval_id, do)


@blueprint.post("/<int:approval_id>/hand_over")
def hand_over(approval_id: int) -> Response:
    def do() -> None:
        deeds.hand_over(application(), actor(), *_who_and_what(), request.form.get("comment"))
        toast(message("It is handed over."))

    return _done(approval_id, do)


@blueprint.post("/<int:approval_id>/add_signer")
def add_signer(approval_id: int) -> Response:
    when: Literal["before", "after"] = "before" if request.form.get("when") == "before" else "after"

    def do() -> None:
        deeds.add_signer(application(), actor(), *_who_and_what(), when, request.form.get("comment"))
        toast(message("They are asked to sign, too."))

    return _done(approval_id, do)


def _who_and_what() -> tuple[int, int | None]:
    """The question, and the person who was named."""
    with application().database.read() as conn:
        to = person_named(conn, request.form.get("person", ""))
    return request.form.get("question", 0, type=number), to


@blueprint.post("/<int:approval_id>/withdraw")
def withdraw(approval_id: int) -> Response:
    def do() -> None:
        deeds.withdraw(application(), actor(), approval_id, request.form.get("comment"))
        toast(message("The request is withdrawn."))

    return _done(approval_id, do)


@blueprint.post("/<int:approval_id>/remind")
def remind(approval_id: int) -> Response:
    def do() -> None:
        people = deeds.remind(application(), actor(), approval_id)
        toast(message("Reminded: {people}", people=people))

    return _done(approval_id, do)


@blueprint.post("/<int:approval_id>/comment")
def comment(approval_id: int) -> Response:
    def do() -> None:
        deeds.comment(application(), actor(), approval_id, request.form.get("comment", ""))
        toast(message("Your comment is kept."))

    return _done(approval_id, do)


def _done(approval_id: int, do: Callable[[], None]) -> Response:
    """Do it, and go on where the reader was; whoever comes too late is told so there."""
    try:
        do()
    except (Refused, Invalid) as late:
        toast(late.reason, "warning")
    return go(local_address(request.form.get("next")) or f"/approvals/{approval_id}")


@blueprint.post("/batch")
def batch() -> Response:
    """Approve several at once, each on its own; what is no longer possible is told."""
    wanted = [found for one in request.form.getlist("question") if (found := whole(one)) is not None][:MOST]
    app = application()
    with app.database.read() as conn:
        allowed = {entry.question for entry in entries_of(conn, _asked(conn, wanted), drawn=False) if entry.batch}
    late: list[AppmillError] = []
    for id in wanted:
        try:
            _approve(id, allowed)
        except AppmillError as error:
            late.append(error)
    toast(message("Approved: {count}", count=len(wanted) - len(late)))
    if late:
        toast(message("Not possible: {count} – {reason}", count=len(late), reason=late[0].reason), "warning")
    return go("/approvals")


def _asked(conn: sa.Connection, ids: Sequence[int]) -> list[Found]:
    table = application().tables.question
    return _with_approvals(conn, questions.found(conn, application().tables, table.c.id.in_(ids))) if ids else []


def _approve(id: int, allowed: set[int | None]) -> None:
    if id not in allowed:
        raise Refused(message("This cannot be approved together with others."))
    answering.answer(application(), actor(), id, "approve")
