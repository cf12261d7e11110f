"""Everything that is known of one run: what woke it, what it did, what it led to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from engine import going_on, questions
from engine.definition import AppDefinition, Rule
from engine.errors import AppmillError, message
from engine.formats import MASK
from engine.rules import name_of
from engine.runs import OPEN
from engine.saying.occasions import occasion
from engine.saying.steps import needs_text
from engine.saying.words import Words
from engine.storage.automation import OPEN_MESSAGES
from engine.web.automation import ledger
from engine.web.automation.access import sees_all
from engine.web.automation.flow import Box, Fared, Place, draw, step_of, stretches, taken_by
from engine.web.automation.frame import ROOT, words_of
from engine.web.automation.runlines import RunLine, due_of, line_of
from engine.web.automation.telling import Clause, Made, Telling, Wish, masked
from engine.web.automation.wanted import causes_titles, titles_for, wanted_titles
from engine.web.automation.words import Badge, kind_text, message_badge, question_badge, took
from engine.web.context import application, reader
from engine.web.questions import choice_text, fate


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
        line=line_of(telling, row),
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
    return tuple(Twig(line_of(telling, one.run), one.within, _twigs(telling, one.branches)) for one in branches)


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
