"""An approval from its beginning to its end: which step is next, and what the answers of the present one come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine import effects, going_on, questions, runs
from engine.application import Application
from engine.approvals import asking, links, model, noting, outcomes, seeing, words
from engine.approvals.asking import Way, ask, meant
from engine.approvals.model import Approval, load, locked
from engine.approve import ApprovalPart, Approve
from engine.errors import message
from engine.faults import point
from engine.passage import Walk
from engine.people import load_actor
from engine.plans import Plans
from engine.program import inner_program
from engine.questions import Question
from engine.rules import Asking
from engine.runs import Run
from engine.storage.automation import OPEN_MESSAGES, in_state


def begin(walk: Walk, effect: effects.Approve, run: Run, step: int, key: str) -> None:
    """Write the approval and ask whoever is first, in the transaction of the change that asks for it."""
    app, table = walk.app, walk.app.tables.approval
    definition = run.definition or app.definition.hash
    row = {
        "run_id": run.id, "rule": run.rule, "definition": definition, "key": key, "step": step,
        "inner": list(run.inner), "form": effect.form, "record_id": effect.id, "label": dict(effect.label),
        "texts": dict(effect.texts), "applicant_id": _applicant(walk, effect, run), "event_id": run.event_id,
        "round": 1, "at": 0, "course": {}, "started_at": walk.now,
    }  # fmt: skip
    id = walk.conn.execute(sa.insert(table).values(row).returning(table.c.id)).scalar_one()
    approval = load(walk.conn, app.tables, id)
    assert approval is not None  # it was just written
    way = _way(walk, run, approval)
    enter(way, 0)
    if not way.approval.is_open:
        _leave_end(way)
    point("approval begun")


def _applicant(walk: Walk, effect: effects.Approve, run: Run) -> int | None:
    row = walk.sight.load(effect.form, effect.id) or {}
    return effect.applicant or run.actor_id or walk.actor.id or row.get("created_by")


def _way(walk: Walk, run: Run, approval: Approval) -> Way:
    plans: Plans = going_on.plans_of(walk.app, walk.conn, approval.definition)
    program = inner_program(plans.rule[approval.rule].program, approval.inner)
    action = program.steps[approval.step].action
    assert isinstance(action, Approve)  # the row was written by it
    row = walk.sight.load(*approval.place)
    form = model.form_of(walk.app, approval)
    view = walk.sight.view(form, row) if row is not None else None
    names = {**walk.sight.names, "record": view, "old": view, **run.given, "results": dict(run.results)}
    if run.inner:  # one record of many: the record that woke the rule is there, too
        names["source"] = going_on.source_of(walk, walk.conn, run)
    return Way(walk, run, action, approval, Asking(walk, view, names))


def way_of(app: Application, conn: sa.Connection, approval: Approval) -> Way:
    """The way of an approval that was read, as the system goes it. Raises Missing where the record is gone."""
    run = going_on.load_run(app, conn, approval.run_id)
    assert run is not None  # runs are kept
    return _way(going_on.system_walk(app, conn, cause=approval.event_id), run, approval)


# --- from step to step -----------------------------------------------------------------------------------------------


def enter(way: Way, at: int) -> None:
    """Ask at the step ``at``, or at the first after it where somebody has to be asked; else it is approved."""
    before = _approvers(way)
    for number in range(at, len(way.action.steps)):
        way.set(at=number, state="open")
        if not _ask_step(way, before) or not way.approval.is_open:
            if not way.approval.is_open:
                return
            continue
        if not _settled_at_once(way):
            return
        before = _approvers(way)
    finish(way, "approved")


def _ask_step(way: Way, before: frozenset[int]) -> bool:
    """Whether the present step asks anybody. ``before``: who approved the step before, and need not again."""
    step = way.step()
    holds = step.when is None or way.context.holds(step.when)
    groups = [(place, part) for place, part in enumerate(step.groups())
              if holds and (part.when is None or way.context.holds(part.when))]  # fmt: skip
    if not groups:
        _pass_by(way, "skipped")
        return False
    asked = [(place, part, people) for place, part in groups if (people := _group(way, part))]
    if not way.approval.is_open:
        return False
    for place, part, people in asked:
        counted = {id: {**row, **_counted(way, id)} if id in before else row for id, row in people.items()}
        ask(way, counted, kind="part", needs=str(part.needs), part=place, length=step.at_most)
    if not asked:
        _pass_by(way, "nobody")
    return bool(asked)


def _group(way: Way, part: ApprovalPart) -> dict[int, dict[str, Any]]:
    """Whom a group asks; nobody where it is skipped, or where the approval ended for want of people."""
    people = meant(way, part.to)
    if not asking.too_few(str(part.needs), people) or not way.approval.is_open:
        return people
    step = way.step()
    people = meant(way, step.instead) if step.nobody == "ask" else {}
    if step.nobody != "skip" and asking.too_few(str(part.needs), people):
        noting.note(way.app, way.conn, way.approval, "nobody", None, step=step.label.texts)
        finish(way, "refused")
    return people


def _counted(way: Way, user_id: int) -> dict[str, Any]:
    """Their approval of the step before counts on."""
    actor = load_actor(way.conn, way.app.tables, user_id)
    form = model.form_of(way.app, way.approval)
    seen = seeing.shown_to(way.app, way.conn, actor, way.action, form, way.approval.record_id)
    now = way.walk.now
    return {"answer": "approve", "at": now, "over_at": now, "auto": True, "saw": seen.kept(now) if seen else None}


def _approvers(way: Way) -> frozenset[int]:
    """Who approved the last step somebody was asked at, where they need not be asked again."""
    asked = [one for one in way.questions() if one.kind != "mending"] if way.action.twice == "once" else []
    last = max((one.step or 0 for one in asked), default=0)
    return frozenset(v.user_id for one in asked if one.step == last for v in one.given if v.answer == "approve")


def _settled_at_once(way: Way) -> bool:
    """Whether approvals that count on settle the whole step."""
    for one in _here(way):
        reached = questions.settled(one) if one.state == "open" else None
        if reached is not None:
            close(way, [one], "answered", reached.answer)
    return all(one.state == "answered" and one.answer == "approve" for one in _here(way))


def _pass_by(way: Way, fate: str) -> None:
    fates = {**way.approval.course.get("fates", {}), f"{way.approval.round}.{way.approval.at}": fate}
    way.set(course={**way.approval.course, "fates": fates})
    noting.note(way.app, way.conn, way.approval, fate, None, step=way.step().label.texts)


def _here(way: Way) -> list[Question]:
    return [one for one in way.questions() if one.step == way.approval.at]


# --- what answers come to --------------------------------------------------------------------------------------------


def advance(way: Way) -> None:
    """Look at the answers of the present step and go where they lead; nothing where more are waited for."""
    here = _here(way)
    if way.approval.state == "mending":
        _mended(way, next((one for one in reversed(here) if one.kind == "mending"), None))
        return
    for one in here:
        if one.state != "open" and not _passes(way, one, here):
            return
    if any(one.state == "open" for one in _here(way)):
        return
    signers = way.approval.after()
    if signers:
        _ask_afterwards(way, signers)
        return
    enter(way, way.approval.at + 1)


def _passes(way: Way, one: Question, here: Sequence[Question]) -> bool:
    """Whether the approval goes on after a question that is closed; where not, it went another way here."""
    if one.state == "timed_out":
        return _late(way, one, here)
    if one.state != "answered" or one.answer == "approve":
        return True
    last = one.given[-1] if one.given else None
    if one.answer == "return":
        _send_back(way, one)
    elif one.answer == "refuse":
        finish(way, "refused", last.user_id if last else None, last.comment if last else None)
    else:
        return _without_people(way, one, here)
    return False


def _without_people(way: Way, one: Question, here: Sequence[Question]) -> bool:
    """Those who were asked are all gone."""
    step = way.step()
    if one.kind in ("before", "after") or step.nobody == "skip" or _asked_instead(one, here):
        return True
    if step.nobody == "ask" and one.kind == "part" and _ask_instead(way, one):
        return True
    noting.note(way.app, way.conn, way.approval, "nobody", None, step=step.label.texts)
    finish(way, "refused")
    return False


def _late(way: Way, one: Question, here: Sequence[Question]) -> bool:
    step = way.step()
    if _asked_instead(one, here):
        return True
    noting.note(way.app, way.conn, way.approval, "late", None, step=step.label.texts)
    if step.late == "approve":
        return True
    if step.late == "escalate" and one.kind == "part" and _ask_instead(way, one):
        return True
    finish(way, "refused" if step.late == "refuse" else "timed_out")
    return False


def _asked_instead(one: Question, here: Sequence[Question]) -> bool:
    return any(other.kind == "instead" and other.part == one.part and other.id > one.id for other in here)


def _ask_instead(way: Way, one: Question) -> bool:
    people = meant(way, way.step().instead)
    if people:
        ask(way, people, kind="instead", part=one.part or 0, length=way.step().at_most)
    return bool(people)


def _ask_afterwards(way: Way, signers: Sequence[Mapping[str, Any]]) -> None:
    rest = [one for one in way.approval.course.get("after", ()) if one not in signers]
    way.set(course={**way.approval.course, "after": rest})
    people = asking.active(way.app, way.conn, {one["user"] for one in signers})
    added = {one["user"]: {"added_by": one["by"]} for one in signers if one["user"] in people}
    if added:
        ask(way, added, kind="after", needs="all")
    else:
        enter(way, way.approval.at + 1)


# --- back ------------------------------------------------------------------------------------------------------------


def _send_back(way: Way, one: Question) -> None:
    by, comment = (one.given[-1].user_id, one.given[-1].comment) if one.given else (None, None)
    if one.back_to is not None and one.back_to < way.approval.at:
        label = way.step(one.back_to).label.texts
        noting.note(way.app, way.conn, way.approval, "send_back", by, reason=comment, step=label)
        again(way, one.back_to)
    elif way.action.on_return == "end" or way.approval.applicant_id is None:
        finish(way, "returned", by, comment)
    else:
        _ask_to_mend(way, by, comment)


def _ask_to_mend(way: Way, by: int | None, comment: str | None) -> None:
    applicant = way.approval.applicant_id
    people = asking.active(way.app, way.conn, {applicant} if applicant is not None else set())
    if not people:
        finish(way, "returned", by, comment)
        return
    withdraw_questions(way)
    way.set(state="mending")
    noting.note(way.app, way.conn, way.approval, "mending", by, reason=comment)
    name = way.approval.name
    said = {language: message("“{approval}” was sent back to you: {comment}", approval=name(language),
                              comment=comment or "–") for language in way.app.definition.languages}  # fmt: skip
    texts: dict[str, str] = {language: outcomes.said(one, language) for language, one in said.items()}
    ask(way, {person: {} for person in people}, kind="mending", choices=words.mending(), texts=texts)


def _mended(way: Way, one: Question | None) -> None:
    if one is None or one.state == "open":
        return
    last = one.given[-1] if one.given else None
    if one.answer != "submit":
        ending = "withdrawn" if one.answer == "withdraw" else "returned"
        finish(way, ending, last.user_id if last else None, last.comment if last else None)
        return
    noting.note(way.app, way.conn, way.approval, "submitted", last.user_id if last else None,
                reason=last.comment if last else None)  # fmt: skip
    goes_on = way.action.on_return == "go_on" and not (way.action.changes == "again" and outcomes.changed_since(way))
    again(way, way.approval.at if goes_on else 0)


def again(way: Way, at: int) -> None:
    """A new round from a step on: whoever is asked there is asked anew."""
    withdraw_questions(way)
    way.set(round=way.approval.round + 1, state="open")
    enter(way, at)


# --- closing ---------------------------------------------------------------------------------------------------------


def close(way: Way, several: Sequence[Question], state: str, answer: str | None = None) -> None:
    """Nothing more is waited for at these questions: their messages and links end with them."""
    for one in several:
        questions.close(way.conn, way.app.tables, way.walk.now, one.id, state, answer)
    table = way.app.tables.message
    waiting = (table.c.id.in_([one.message_id for one in several]), in_state(table, *OPEN_MESSAGES))
    way.conn.execute(sa.update(table).where(*waiting).values(state="cancelled", done_at=way.walk.now))
    links.end(way.app, way.conn, [one.id for one in several])


def withdraw_questions(way: Way) -> None:
    table = way.app.tables.question
    open_ones = [one for one in way.questions() if one.state == "open"]
    if open_ones:
        close(way, open_ones, "withdrawn")
        ids = [one.id for one in open_ones]
        way.conn.execute(sa.update(table).where(table.c.id.in_(ids)).values(why="over"))


def finish(way: Way, ending: str, by: int | None = None, comment: str | None = None) -> None:
    """It is over: ``ending`` is one of ``model.FINAL``."""
    withdraw_questions(way)
    way.set(state=ending, by_id=by, comment=comment, closed_at=way.walk.now)
    noting.note(way.app, way.conn, way.approval, ending, by, reason=comment)
    applicant = way.approval.applicant_id
    if applicant is not None and applicant != by:
        languages = way.app.definition.languages
        texts: dict[str, str] = {language: outcomes.ended(way.approval, language) for language in languages}
        people = asking.active(way.app, way.conn, {applicant})
        noting.tell(way.walk, way.approval, people, texts, "mentioned")
    point("approval over")


def _leave_end(way: Way) -> None:
    """Leave a message that lets the run go on."""
    data = {"approval": way.approval.id}
    runs.post_ask(way.walk, way.run, f"{way.approval.key}.end", way.approval.step, data, due=way.walk.now)


def over(way: Way) -> None:
    """What ended by a deed lets its run go on."""
    if not way.approval.is_open:
        _leave_end(way)


# --- the run goes on -------------------------------------------------------------------------------------------------


def go_on(app: Application, conn: sa.Connection, approval_id: int, step: int) -> None:
    """A question of it was closed, or it ended: take the next step, or let its run go on with the outcome."""
    approval = locked(conn, app.tables, approval_id)
    run = going_on.load_run(app, conn, approval.run_id)
    if run is None or run.state not in runs.OPEN:
        return
    if approval.is_open:
        way = way_of(app, conn, approval)
        advance(way)
        approval = way.approval
        point("approval advanced")
    if approval.resumed:
        going_on.end_if_over(app, conn, run.id)
    if approval.is_open or approval.resumed:
        return
    approval = model.write(conn, app.tables, approval.id, resumed=True)
    action = model.action_of(app, conn, approval)
    if action.saved_as:
        result = outcomes.results(app, conn, approval)
        kept = sa.update(app.tables.run).where(app.tables.run.c.id == run.id)
        conn.execute(kept.values(results={**run.results, action.saved_as: result}))
    point("outcome kept")
    going_on.go_on(app, conn, run.id, step + 1, paused=True)
