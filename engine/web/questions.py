"""What I am asked: the questions of rules that wait for the reader, as pages show them, and the answer to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import answering, formats, questions
from engine.effects import Choice
from engine.errors import Invalid, Refused, message
from engine.language import Label
from engine.questions import WITHDRAWN, Question
from engine.web.context import actor, application, reader
from engine.web.failures import said as say
from engine.web.render import go, label, local_address, render, toast
from engine.web.seen import titles_of

blueprint = Blueprint("questions", __name__, url_prefix="/notifications/questions")
PAGE = 50
LOOKS = {"primary": "btn-primary", "danger": "btn-outline-danger"}


@dataclass(frozen=True)
class Button:
    """One answer as a button. ``why``: it asks for a comment first."""

    name: str
    text: str
    css: str
    why: bool


@dataclass(frozen=True)
class Shown:
    """A question as the reader sees it. ``buttons`` are empty where there is nothing to answer (any more); ``fate``
    says why."""

    id: int
    text: str
    about: str = ""
    href: str = ""
    due: str = ""
    late: bool = False
    progress: str = ""
    fate: str = ""
    buttons: tuple[Button, ...] = ()
    takes_comment: bool = False
    decide_at: str = ""  # the page of an approval, where everything is to be seen before deciding
    given: tuple[tuple[str, str, str], ...] = field(default=())  # (who, answer, comment)


# --- showing ---------------------------------------------------------------------------------------------------------


def mine(conn: sa.Connection, *, form: str | None = None, record_id: int | None = None) -> list[Shown]:
    """The questions that wait for the reader, about a record they may see or about none; of one record or of all."""
    app, who = application(), actor()
    found = questions.open_for(
        conn, app.tables, who.id or 0, app.clock(), form=form, record_id=record_id, limit=PAGE
    )  # fmt: skip
    return shown(conn, found)


def shown(conn: sa.Connection, found: Sequence[Question]) -> list[Shown]:
    titles = visible(conn, found)
    return [_shown(one, titles) for one in found if may_see(one, titles)]


def told(conn: sa.Connection, notice_ids: Sequence[int], asked: Sequence[Shown]) -> frozenset[int]:
    """Which of these notices only say what is asked anyway."""
    if not asked:
        return frozenset()
    here = {one.id for one in asked}
    found = questions.of_notices(conn, application().tables, notice_ids)
    return frozenset(id for id, question in found.items() if question.id in here)


def visible(conn: sa.Connection, found: Iterable[Question]) -> Mapping[str, Mapping[int, str]]:
    """The titles of the records the questions are about, of those the reader may see."""
    wanted: dict[str, set[int]] = {}
    for one in found:
        if one.form in application().definition.forms and one.record_id is not None:
            wanted.setdefault(str(one.form), set()).add(one.record_id)
    return titles_of(conn, application(), actor(), wanted)


def may_see(question: Question, titles: Mapping[str, Mapping[int, str]]) -> bool:
    return question.form is None or question.record_id in titles.get(question.form, {})


def _shown(question: Question, titles: Mapping[str, Mapping[int, str]]) -> Shown:
    language, now = reader().language, application().clock()
    title = titles.get(question.form or "", {}).get(question.record_id or 0, "")
    form = application().definition.forms.get(question.form or "")
    at = f"/approvals/{question.approval_id}" if question.approval_id is not None else ""
    open_to_me = question.is_open(now) and actor().view_as is None and question.voice(actor().id) in question.missing
    return Shown(
        question.id, question.text(language),
        about=f"{label(form)} {title or f'#{question.record_id}'}" if form else "",
        href=f"/{question.form}/{question.record_id}" if form and not form.parent_form else "",
        due=formats.relative(question.due_at, now, language) if question.due_at else "",
        late=question.due_at is not None and (question.due_at - now).total_seconds() < 86_400,
        progress=_progress(question), fate=fate(question),
        buttons=tuple(_button(one) for one in question.choices) if open_to_me and not at else (),
        takes_comment=any(one.comment == "optional" for one in question.choices),
        decide_at=at if open_to_me else "",
        given=tuple((one.name, choice_text(question, one.answer), one.comment or "") for one in question.given),
    )  # fmt: skip


def _button(choice: Choice) -> Button:
    text = Label(choice.label).text(reader().language)
    return Button(choice.name, text, LOOKS.get(choice.style, ""), choice.comment == "required")


def choice_text(question: Question, name: str | None) -> str:
    choice = question.choice(name)
    return Label(choice.label).text(reader().language) if choice else name or ""


def _progress(question: Question) -> str:
    """How far it is, where one answer does not settle it."""
    if question.needs == "any" or len(question.voices) == 1:
        return ""
    return say(message("{given} of {asked} answered", given=len(question.given), asked=len(question.voices)))


def fate(question: Question) -> str:
    """What became of a question the reader cannot answer any more; nothing while they can."""
    if question.state == "withdrawn":
        return say(WITHDRAWN.get(question.why or "", WITHDRAWN["cancelled"]))
    if question.state == "timed_out":
        return say(message("The time to answer is over."))
    if question.state == "answered":
        return _decided(question)
    voice = question.voice(actor().id)
    if voice is not None and voice.answer is not None:
        return say(message("You answered: {answer}", answer=choice_text(question, voice.answer)))
    return ""


def _decided(question: Question) -> str:
    agreed = [one.name for one in question.given if one.answer == question.answer]
    if not agreed:
        return say(message("Answered, without agreement"))
    return say(message("{answer} · {people}", answer=choice_text(question, question.answer), people=tuple(agreed)))


# --- the page, and answering -----------------------------------------------------------------------------------------


@blueprint.get("")
def show() -> str:
    with application().database.read() as conn:
        asked = mine(conn)
    return render("questions.html", asked=asked)


@blueprint.post("/<int:question_id>")
def answer(question_id: int) -> Response:
    """Give an answer; whoever comes too late is told so where they are."""
    try:
        given = answering.answer(
            application(), actor(), question_id, request.form.get("answer", ""), request.form.get("comment")
        )
        if not given.again:
            toast(message("Your answer is kept."))
    except (Refused, Invalid) as late:
        toast(late.reason, "warning")
    return go(local_address(request.form.get("next")) or "/notifications/questions")
