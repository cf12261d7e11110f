"""The runs: a list with filters, and the page of one with everything that is known of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import going_on, questions
from engine.definition import AppDefinition, Rule
from engine.errors import AppmillError, Missing, Refused, message
from engine.formats import MASK
from engine.jobs import mending
from engine.rules import name_of
from engine.runs import OPEN
from engine.saying.occasions import occasion
from engine.saying.steps import needs_text
from engine.saying.words import Words
from engine.storage.automation import OPEN_MESSAGES
from engine.web.automation import ledger
from engine.web.automation.access import for_owners, seen_rules, sees_all
from engine.web.automation.flow import Box, Fared, Place, draw, step_of, stretches, taken_by
from engine.web.automation.frame import ROOT, day_arg, further, polled, show, words_of
from engine.web.automation.telling import (
    Clause,
    Made,
    Telling,
    Wish,
    causes_titles,
    masked,
    titles_for,
    wanted_titles,
)
from engine.web.automation.words import (
    RUN_STATES,
    Badge,
    kind_text,
    message_badge,
    question_badge,
    run_badge,
    took,
)
from engine.web.context import actor, application, reader
from engine.web.numbers import whole
from engine.web.questions import choice_text, fate
from engine.web.render import go, toast

blueprint = Blueprint("runs", __name__, url_prefix="/runs")
NO_RUN = message("There is no such run.")


# --- the list --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunLine:
    """A run as lists show it."""

    id: int
    rule: str
    record: str
    record_href: str
    badge: Badge
    state: str
    who: str
    started: dt.datetime
    took: str
    error: str

    @property
    def href(self) -> str:
        return f"{ROOT}/runs/{self.id}"


def lines_of(conn: sa.Connection, found: Sequence[ledger.Row]) -> list[RunLine]:
    telling = Telling(conn, words_of())
    telling.know(titles_for(found))
    return [_line(telling, row) for row in found]


def _line(telling: Telling, row: ledger.Row) -> RunLine:
    title, href = telling.record(row["form"], row["record_id"])
    return RunLine(
        row["id"], rule_label(row["rule"]), title, href, run_badge(row["state"]), row["state"],
        row.get("actor_name") or "", row["started_at"],
        took(row["started_at"], row["ended_at"], reader().language), masked(row["error"]),
    )  # fmt: skip


def rule_label(rule: str) -> str:
    plan = application().plans.rule.get(rule)
    return words_of().say(name_of(plan.rule)) if plan else rule.replace("_", " ")


def search_of_request() -> ledger.RunSearch:
    args, rules = request.args, seen_rules()
    state = args.get("state") if args.get("state") in ledger.STATES else None
    rule = args.get("rule") or None
    return ledger.RunSearch(
        rule=rule if rule is None or rule in rules or sees_all() else "",
        rules=None if sees_all() else frozenset(rules), state=state, form=args.get("form") or None,
        record_id=whole(args.get("record")), since=day_arg("since"), until=day_arg("until", after=1),
        before=whole(args.get("before")),
    )  # fmt: skip


@blueprint.get("")
@for_owners
def index() -> str:
    app, search = application(), search_of_request()
    with app.database.read() as conn:
        found = ledger.runs(conn, app, search, ledger.MOST_LISTED + 1)
        lines = lines_of(conn, found[: ledger.MOST_LISTED])
        telling = Telling(conn, words_of())
        if search.form and search.record_id is not None:
            telling.know({search.form: {search.record_id}})
        about = telling.record(search.form, search.record_id)
    older = further(before=lines[-1].id) if len(found) > ledger.MOST_LISTED else ""
    rules = [(key, words_of().rule_label(plan.rule)) for key, plan in seen_rules().items()]
    return show("runs", "runs", lines=lines, older=older, search=search, rules=rules, states=RUN_STATES, about=about,
                args=request.args, without_record=further(form=None, record=None, before=None))  # fmt: skip


# --- one -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """A message of a run: what was handed over, how it fared."""

    id: int
    kind_name: str
    kind: str
    connection: str
    badge: Badge
    state: str
    due: dt.datetime | None
    attempts: int
    started: dt.datetime | None
    done: dt.datetime | None
    took: str
    error: str
    data: str
    result: str
    key: str


@dataclass(frozen=True)
class Step:
    """One step back in the chain of causes: what happened, who or which rule did it."""

    text: str
    title: str
    href: str
    who: str
    at: dt.datetime
    run_href: str


@dataclass(frozen=True)
class Twig:
    """A run this one led to, and what that led to."""

    line: RunLine
    within: bool
    twigs: tuple[Twig, ...]


@dataclass(frozen=True)
class Answer:
    """What somebody answered; empty where they did not (yet)."""

    who: str
    text: str
    comment: str
    at: dt.datetime | None


@dataclass(frozen=True)
class Asked:
    """A question of the run. ``answers``: those given, in their order, then those that are missing."""

    text: str
    state: str
    badge: Badge
    needs: str
    due: dt.datetime | None
    fate: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class RunPage:
    line: RunLine
    rule_href: str
    woken: str
    ended: dt.datetime | None
    given: str
    results: str
    clauses: tuple[Clause, ...]
    boxes: tuple[Box, ...]
    gone: str
    wishes: tuple[Wish, ...]
    sent: tuple[Sent, ...]
    made: tuple[Made, ...]
    causes: tuple[Step, ...]
    twigs: tuple[Twig, ...]
    parent_href: str
    definition: str
    asked: tuple[Asked, ...]
    may_cancel: bool
    may_replay: bool


def run_of(conn: sa.Connection, run_id: int) -> ledger.Row:
    """The run; raises Missing when there is none or its rule is not for the reader's eyes."""
    found = ledger.run(conn, application(), run_id)
    if found is None or not (sees_all() or found["rule"] in seen_rules()):
        raise Missing(NO_RUN)
    return found


@blueprint.get("/<int:run_id>")
@for_owners
def one(run_id: int) -> Response:
    with application().database.read() as conn:
        row = run_of(conn, run_id)
        page = page_of(conn, row)
    return polled("run", "runs", _fares(row, page), page=page, open=row["state"] in OPEN)


def _fares(row: ledger.Row, page: RunPage) -> tuple[object, ...]:
    """What changes on the page while the run is under way."""
    messages = tuple((one.id, one.state, one.attempts, one.result) for one in page.sent)
    return row["state"], row["next"], messages, len(page.made), len(page.twigs), page.asked


def page_of(conn: sa.Connection, row: ledger.Row) -> RunPage:
    app = application()
    definition, rule, gone = _as_it_was(conn, row)
    words = words_of(definition)
    telling = Telling(conn, words)
    messages = ledger.messages_of(conn, app, [row["id"]])
    made = ledger.made(conn, app, [row["id"]])
    causes = ledger.causes(conn, app, row)
    followed = ledger.followed(conn, app, row["id"])
    trace = row["trace"] or {}
    for wanted in (
        titles_for([row, *made, *_rows_of(followed)]), causes_titles(causes),
        wanted_titles(words, row["form"], [trace, *stretches(trace)]),
    ):  # fmt: skip
        telling.know(wanted)
    acted = row["state"] in ("shadow", "skipped", "paused")
    return RunPage(
        line=_line(telling, row),
        rule_href=f"{ROOT}/rules/{row['rule']}" if row["rule"] in app.plans.rule else "",
        woken=woken_text(telling, row, causes, rule),
        ended=row["ended_at"],
        given=_given(telling, row),
        results=telling.data(row["results"]) if row["results"] else "",
        clauses=telling.clauses(trace, row["form"]),
        boxes=draw(words, rule, taken_by(row, _fared(words, messages, tuple(row["inner"])))) if rule else (),
        gone=gone,
        wishes=tuple(wish for one in stretches(trace) for wish in telling.wishes(one, outside=acted)),
        sent=tuple(_sent(telling, one) for one in messages),
        made=telling.made(made),
        causes=tuple(_step(telling, one) for one in causes),
        twigs=_twigs(telling, followed),
        parent_href=f"{ROOT}/runs/{row['parent_id']}" if row["parent_id"] else "",
        definition=row["definition"],
        asked=_asked(conn, words, row["id"]),
        may_cancel=sees_all() and row["state"] in OPEN,
        may_replay=sees_all() and any(one["state"] == "dead" for one in messages),
    )


def _as_it_was(conn: sa.Connection, row: ledger.Row) -> tuple[AppDefinition, Rule | None, str]:
    """The definition and the rule the run began with; without the rule, why it cannot be shown."""
    app = application()
    try:
        plans = going_on.plans_of(app, conn, row["definition"])
    except AppmillError as failed:
        plan = app.plans.rule.get(row["rule"])
        return app.definition, plan.rule if plan else None, words_of().say(failed.reason)
    found = plans.rule.get(row["rule"])
    if found is None:
        return (
            plans.definition,
            None,
            words_of().say(message("The rule {rule} is no longer in the definition.", rule=row["rule"])),
        )
    return plans.definition, found.rule, ""


def _rows_of(branches: Sequence[ledger.Branch]) -> list[ledger.Row]:
    return [row for one in branches for row in (one.run, *_rows_of(one.branches))]


def _twigs(telling: Telling, branches: Sequence[ledger.Branch]) -> tuple[Twig, ...]:
    return tuple(Twig(_line(telling, one.run), one.within, _twigs(telling, one.branches)) for one in branches)


def _given(telling: Telling, row: ledger.Row) -> str:
    given = {name: value for name, value in row["given"].items() if name != "chain"}
    return telling.data(given) if given else ""


def woken_text(telling: Telling, row: ledger.Row, causes: Sequence[ledger.Cause], rule: Rule | None) -> str:
    """Who or what woke the run, in a sentence."""
    if row["parent_id"] is not None:
        return telling.words.say(message("One record of many of the run above it"))
    if causes:
        return telling.words.say(message("{who} {what}", who=_who(telling, causes[0]),
                                         what=telling.event_text(causes[0].event)))  # fmt: skip
    return occasion(telling.words, rule.trigger).text if rule else row["key"]


def _who(telling: Telling, cause: ledger.Cause) -> str:
    if cause.event["rule"]:
        rule = application().definition.rules.get(cause.event["rule"])
        name = telling.words.say(name_of(rule)) if rule else cause.event["rule"]
        return telling.words.say(message("The rule “{rule}”", rule=name))
    return telling.person(cause.event["actor_id"]) or telling.words.say(message("System"))


def _step(telling: Telling, cause: ledger.Cause) -> Step:
    title, href = telling.record(cause.event["form"], cause.event["record_id"])
    return Step(
        telling.event_text(cause.event), title, f"{href}#event-{cause.event['id']}" if href else "",
        _who(telling, cause), cause.event["at"], f"{ROOT}/runs/{cause.run['id']}" if cause.run else "",
    )  # fmt: skip


def _asked(conn: sa.Connection, words: Words, run_id: int) -> tuple[Asked, ...]:
    tables = application().tables
    found = questions.found(conn, tables, tables.question.c.run_id == run_id)
    return tuple(_question(words, one) for one in reversed(found))


def _question(words: Words, one: questions.Question) -> Asked:
    """What was asked and said in words is for administrators, as the texts of messages are."""
    answers = tuple(
        Answer(voice.name, choice_text(one, voice.answer), (voice.comment or "") if sees_all() else "", voice.at)
        for voice in (*one.given, *(each for each in one.voices if each.answer is None))
    )
    return Asked(
        one.text(words.language) if sees_all() else MASK, one.state, question_badge(one.state),
        words.say(needs_text(one.needs)), one.due_at, fate(one) if one.state != "open" else "", answers,
    )  # fmt: skip


# --- what administrators do about it ---------------------------------------------------------------------------------


@blueprint.post("/<int:run_id>/cancel")
def cancel(run_id: int) -> Response:
    mending.cancel_run(application(), actor(), run_id)
    toast(message("The run is cancelled."))
    return go(f"{ROOT}/runs/{run_id}")


@blueprint.post("/<int:run_id>/replay")
def replay(run_id: int) -> Response:
    """Deliver the dead letters of the run again; it goes on from there."""
    replay_run(run_id)
    toast(message("It is sent again."))
    return go(f"{ROOT}/runs/{run_id}")


def replay_run(run_id: int) -> None:
    """Raises Refused when the run has no dead letter."""
    app = application()
    with app.database.read() as conn:
        row = run_of(conn, run_id)
        dead = [one["id"] for one in ledger.messages_of(conn, app, [row["id"]]) if one["state"] == "dead"]
    if not dead:
        raise Refused(message("Nothing of this run can be sent again."))
    for id in dead:
        mending.replay(app, actor(), id)


# --- messages --------------------------------------------------------------------------------------------------------


def _sent(telling: Telling, one: ledger.Row) -> Sent:
    own = one["kind"] not in ("go_on", "ask")
    return Sent(
        id=one["id"], kind_name=one["kind"], kind=telling.words.say(kind_text(one["kind"])),
        connection=one["connection"] or "",
        badge=message_badge(one["state"]), state=one["state"], due=due_of(one), attempts=one["attempts"],
        started=one["started_at"], done=one["done_at"], took=took(one["started_at"], one["done_at"], reader().language),
        error=masked(one["error"]), data=telling.data(one["effect"]) if own else "",
        result=telling.data(one["result"]) if one["result"] is not None else "", key=one["key"],
    )  # fmt: skip


def due_of(one: Mapping[str, Any]) -> dt.datetime | None:
    """When the message is due; None for what waits without end."""
    due: dt.datetime | None = one["due_at"]
    return None if due is None or due.year == 9999 else due


def _fared(words: Words, messages: Sequence[ledger.Row], inner: tuple[int, ...]) -> dict[Place, Fared]:
    """How the steps with messages fared; of several messages of a step the worst is shown."""
    worst = ("dead", "unsure", "claimed", "waiting", "parked", "cancelled", "done")
    by_step: dict[int, list[ledger.Row]] = {}
    for one in messages:
        step = step_of(one)
        if step is not None:
            by_step.setdefault(step, []).append(one)
    found = {}
    for step, own in by_step.items():
        shown = min(own, key=lambda one: worst.index(one["state"]) if one["state"] in worst else 0)
        asks = shown["kind"] == "ask" and shown["state"] in OPEN_MESSAGES
        badge = question_badge("open") if asks else message_badge(shown["state"])
        found[step] = Fared(badge, _notes(words, shown))
    return {(inner, step): fared for step, fared in found.items()}


def _notes(words: Words, one: ledger.Row) -> tuple[str, ...]:
    notes = [took(one["started_at"], one["done_at"], words.language)]
    if one["attempts"] > 1:
        notes.append(words.say(message("{count} attempts", count=one["attempts"])))
    notes.append(masked(one["error"]))
    return tuple(note for note in notes if note)
