"""The steps of an approval as somebody sees them drawn: who decided, when and why, who is waited for, what is ahead.

How a question reached people is told to themselves and to administrators.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from engine import formats
from engine.application import Application
from engine.approvals import model, seeing, words
from engine.approvals.model import Approval
from engine.approvals.seeing import Difference, ShownField
from engine.approve import ApprovalPart, Approve
from engine.errors import Message, Missing, message
from engine.fields.people import initials
from engine.formats import Reader
from engine.people import Actor
from engine.questions import Question, Voice
from engine.reaching import states
from engine.reaching.states import Delivery
from engine.saying.steps import approval_needs
from engine.saying.words import Words
from engine.storage import records
from engine.texts import say

COLOURS: Mapping[str, str] = {
    "open": "blue", "mending": "orange", "approved": "green", "refused": "red", "returned": "orange",
    "withdrawn": "gray", "timed_out": "red", "cancelled": "gray",
}  # fmt: skip


@dataclass(frozen=True)
class DrawnVoice:
    """A person in the picture. ``mark``: good, bad, back, waiting, late or gone; ``note`` says it in words."""

    name: str
    initials: str
    mark: str
    icon: str
    note: str
    when: str = ""
    comment: str = ""
    changed: tuple[Difference, ...] = ()
    saw: tuple[tuple[str, str], ...] = ()
    told: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DrawnGroup:
    label: str
    needs: str
    voices: tuple[DrawnVoice, ...]


@dataclass(frozen=True)
class DrawnStep:
    """``mark``: good, bad, back, late, waiting, skipped or ahead."""

    number: int
    label: str
    mark: str
    icon: str
    note: str
    groups: tuple[DrawnGroup, ...] = ()
    people: str = ""


@dataclass(frozen=True)
class Picture:
    id: int
    label: str
    state: str
    state_text: str
    colour: str
    applicant: str
    initials: str
    started: str
    steps: tuple[DrawnStep, ...]
    end: str
    comment: str
    round: int


ICONS: Mapping[str, str] = {
    "good": "check", "bad": "x", "back": "arrow-back-up", "waiting": "hourglass", "late": "alarm", "gone": "minus",
    "skipped": "player-track-next", "ahead": "point",
}  # fmt: skip
MARKS: Mapping[str, str] = {"approve": "good", "refuse": "bad", "return": "back", "submit": "good", "withdraw": "gone"}
GIVEN: Mapping[str, Message] = {
    "approve": message("approved"), "refuse": message("refused"), "return": message("sent it back"),
    "submit": message("submitted again"), "withdraw": message("withdrew"),
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """What drawing needs to know. ``now``: the shown fields as the reader sees them at present."""

    app: Application
    reader: Reader
    at: dt.datetime
    names: Mapping[int, str]
    now: Sequence[ShownField]
    told: Mapping[tuple[int, int], Sequence[Delivery]] = field(default_factory=dict)

    def say(self, said: Message) -> str:
        return say(said, self.reader.language)

    def ago(self, moment: dt.datetime | None) -> str:
        return formats.relative(moment, self.at, self.reader.language) if moment else ""

    def moment(self, at: dt.datetime) -> str:
        return formats.moment(at, self.reader)

    # --- the whole

    def picture(self, approval: Approval, action: Approve, asked: Sequence[Question]) -> Picture:
        language = self.reader.language
        applicant = self.names.get(approval.applicant_id or 0, "")
        steps = tuple(self.step(approval, action, place, asked) for place in range(len(action.steps)))
        return Picture(
            approval.id, approval.name(language), approval.state, self.say(words.STATES[approval.state]),
            COLOURS[approval.state], applicant, initials(applicant) if applicant else "·",
            self.ago(approval.started_at), steps, self.ago(approval.closed_at), approval.comment or "", approval.round,
        )  # fmt: skip

    def step(self, approval: Approval, action: Approve, place: int, asked: Sequence[Question]) -> DrawnStep:
        step, here = action.steps[place], [one for one in asked if one.step == place]
        latest = max((one.round or 0 for one in here), default=0)
        shown = [one for one in here if one.round == latest and (one.kind != "mending" or one.state == "open")]
        label = step.label.text(self.reader.language)
        rounds = [round for round in range(latest, approval.round + 1) if approval.fate(round, place)]
        if rounds:
            said = FATES[str(approval.fate(rounds[-1], place))]
            return DrawnStep(place + 1, label, "skipped", ICONS["skipped"], self.say(said))
        passed_again = approval.is_open and place > approval.at and latest < approval.round
        if not shown or passed_again:
            ahead = approval.is_open
            note = self.say(message("only under a condition")) if step.when and ahead else ""
            people = ", ".join(self._people(part, approval.form) for part in step.groups()) if ahead else ""
            return DrawnStep(place + 1, label, "ahead", ICONS["ahead"], note, people=people)
        groups = tuple(self.group(one, step.groups()) for one in shown)
        mark = _mark_of(shown)
        return DrawnStep(place + 1, label, mark, ICONS[mark], self._note(shown, mark), groups)

    def _people(self, part: ApprovalPart, form: str) -> str:
        return Words(self.app.definition, self.app.registry, self.reader.language).people(part.to, form)

    def _note(self, shown: Sequence[Question], mark: str) -> str:
        if mark != "waiting":
            return ""
        since = min(one.asked_at for one in shown if one.state == "open")
        due = min((one.due_at for one in shown if one.state == "open" and one.due_at), default=None)
        told = self.say(message("since {when}", when=self.ago(since)))
        return f"{told} · {self.say(message('due {when}', when=self.ago(due)))}" if due else told

    # --- its parts

    def group(self, one: Question, parts: Sequence[ApprovalPart]) -> DrawnGroup:
        part = parts[one.part or 0] if one.kind == "part" and (one.part or 0) < len(parts) else None
        label = part.label.text(self.reader.language) if part is not None and len(parts) > 1 else ""
        label = label or (self.say(KINDS[one.kind or "part"]) if one.kind in KINDS else "")
        needs = self.say(approval_needs(one.needs)) if len(one.voices) > 1 else ""
        return DrawnGroup(label, needs, tuple(self.voice(one, voice) for voice in one.voices))

    def voice(self, one: Question, voice: Voice) -> DrawnVoice:
        mark, note = self._fate(one, voice)
        if voice.for_name:
            note = f"{note} · {self.say(message('for {name}', name=voice.for_name))}"
        saw = voice.saw or {}
        texts = saw.get("texts", {})
        return DrawnVoice(
            voice.name, initials(voice.name), mark, ICONS[mark], note, self.ago(voice.at), voice.comment or "",
            seeing.differences(voice.saw, self.now),
            tuple((each.label, str(texts[each.name])) for each in self.now if each.name in texts),
            tuple((way.state, self.say(way.said(self.moment))) for way in self.told.get((one.id, voice.user_id), ())),
        )  # fmt: skip

    def _fate(self, one: Question, voice: Voice) -> tuple[str, str]:
        if voice.answer is not None:
            given = message("approved the step before") if voice.auto else GIVEN[voice.answer]
            return MARKS[voice.answer], self.say(given)
        if voice.handed_to is not None:
            name = next((other.name for other in one.voices if other.user_id == voice.handed_to), "")
            return "gone", self.say(message("handed over to {name}", name=name or "–"))
        if one.state == "timed_out":
            return "late", self.say(message("did not answer in time"))
        if one.state != "open" or not voice.active:
            return "gone", self.say(message("is not asked any more"))
        return "waiting", self.say(message("is asked"))


KINDS: Mapping[str, Message] = {
    "before": message("signs first"), "after": message("signs afterwards"), "instead": message("asked instead"),
    "mending": message("Sent back to the applicant"),
}  # fmt: skip
FATES: Mapping[str, Message] = {
    "skipped": message("skipped: the condition does not hold"),
    "nobody": message("skipped: nobody to ask"),
}


def _mark_of(shown: Sequence[Question]) -> str:
    if any(one.state == "open" for one in shown):
        return "waiting"
    answers = {one.answer for one in shown}
    if "refuse" in answers:
        return "bad"
    if "return" in answers:
        return "back"
    if any(one.state == "timed_out" for one in shown) and "approve" not in answers:
        return "late"
    return "good" if "approve" in answers else "skipped"


def pictures_of(
    app: Application, conn: sa.Connection, who: Actor, approvals: Sequence[Approval]
) -> list[tuple[Picture, list[Question]]]:
    """Each with its questions; left out where its definition is not kept any more. A few statements for all."""
    asked = model.questions_of(conn, app.tables, [one.id for one in approvals])
    actions = {one.id: action for one in approvals if (action := known_action(app, conn, one)) is not None}
    shown = [one for one in approvals if one.id in actions and one.form in app.definition.forms]
    seen = seeing.shown_many(
        app, conn, who, [(actions[one.id], app.definition.forms[one.form], one.record_id) for one in shown]
    )
    people = {one.applicant_id for one in shown if one.applicant_id is not None}
    names = records.titles(conn, app.tables, "_user", people) if people else {}
    reader = who.reader(app.definition)
    mine = None if who.is_admin else who.id or 0
    told = states.of_questions(app, conn, [each.id for several in asked.values() for each in several], mine)
    found = []
    for approval, record in zip(shown, seen, strict=True):
        drawing = Drawing(app, reader, app.clock(), names, record.fields if record else (), told)
        found.append((drawing.picture(approval, actions[approval.id], asked[approval.id]), asked[approval.id]))
    return found


def known_action(app: Application, conn: sa.Connection, approval: Approval) -> Approve | None:
    try:
        return model.action_of(app, conn, approval)
    except Missing:
        return None
