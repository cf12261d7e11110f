"""What the timeline of a record tells of rules: which run did something and because of what, and what still waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import g

from engine import formats, questions
from engine.errors import Message, message
from engine.feeding.knowing import feed_of
from engine.runs import NEVER
from engine.saying.words import Words
from engine.storage.events import Event
from engine.web.automation import ledger
from engine.web.automation.access import owns, sees_all
from engine.web.automation.frame import ROOT, words_of
from engine.web.automation.runlines import rule_label
from engine.web.automation.words import kind_text
from engine.web.context import actor, application, reader
from engine.web.seen import Seen, titles_of


@dataclass(frozen=True)
class Because:
    """The event that led to another, on another record: what to call it and where it stands."""

    text: str
    href: str


@dataclass(frozen=True)
class Waiting:
    """Something a rule still has to do with the record. ``trouble``: it needs somebody."""

    text: str
    rule: str
    icon: str
    href: str
    trouble: bool = False


def run_href(rule_name: str | None, run_id: int | None) -> str:
    """Where the run is told; nowhere for whoever may not look at it."""
    if run_id is None or rule_name is None or g.bearer:
        return ""
    rule = application().definition.rules.get(rule_name)
    allowed = sees_all() or (rule is not None and owns(rule))
    return f"{ROOT}/runs/{run_id}" if allowed else ""


def feed_href(feed: str | None, event_id: int) -> str:
    """Where what a feed brought is told; nowhere for whoever may not look at it. ``feed``: its stable id."""
    known = feed_of(application(), feed or "")
    return f"{ROOT}/feeds/{known.name}/of/{event_id}" if known and sees_all() and not g.bearer else ""


def reasons(conn: sa.Connection, happened: Sequence[Event]) -> dict[int, Because]:
    """event id → what led to it, where that happened to another record the reader may see."""
    here = {event.id for event in happened}
    causes = {event.cause for event in happened if event.cause is not None and event.cause not in here}
    found = ledger.events(conn, application(), causes)
    elsewhere = {id: row for id, row in found.items() if row["form"] in application().definition.forms}
    wanted: dict[str, set[int]] = {}
    for row in elsewhere.values():
        wanted.setdefault(row["form"], set()).add(row["record_id"])
    titles = titles_of(conn, application(), actor(), wanted)
    told = {id: _because(words_of(), row, titles) for id, row in elsewhere.items()}
    pairs = ((event.id, told.get(event.cause or 0)) for event in happened)
    return {id: because for id, because in pairs if because is not None}


def _because(words: Words, row: Mapping[str, Any], titles: Mapping[str, Mapping[int, str]]) -> Because | None:
    title = titles.get(row["form"], {}).get(row["record_id"])
    form = application().definition.forms[row["form"]]
    if title is None or form.parent_form:
        return None
    text = f"{words.form_label(row['form'])} {title or '#' + str(row['record_id'])}"
    return Because(text, f"/{row['form']}/{row['record_id']}#event-{row['id']}")


# --- what still waits ------------------------------------------------------------------------------------------------


def waiting(conn: sa.Connection, seen: Seen) -> tuple[Waiting, ...]:
    words = words_of()
    rows = ledger.open_of_record(conn, application(), seen.form.name, seen.id)
    asked = _asked(conn, words, [row["id"] for row in rows if row["kind"] == "ask"])
    return tuple(_waiting(words, row, seen, asked) for row in rows)


def _asked(conn: sa.Connection, words: Words, message_ids: Sequence[int]) -> Mapping[int, str]:
    """message id → the names of those whose answer is missing."""
    if not message_ids:
        return {}
    tables = application().tables
    found = questions.found(conn, tables, tables.question.c.message_id.in_(message_ids))
    return {one.message_id: words.listed([voice.name for voice in one.missing]) for one in found}


def _waiting(words: Words, row: ledger.Row, seen: Seen, asked: Mapping[int, str]) -> Waiting:
    plan = application().plans.rule.get(row["rule"])
    trouble = row["state"] in ("dead", "unsure")
    said, icon = _trouble(row) if trouble else _going(words, row, seen)
    if row["kind"] == "ask" and not trouble:
        said, icon = message("Waits for an answer of {people}", people=asked.get(row["id"]) or "–"), "help-circle"
    href = run_href(plan.rule.name if plan else row["rule"], row["run_id"])
    return Waiting(words.say(said), rule_label(row["rule"]), icon, href, trouble)


def _trouble(row: ledger.Row) -> tuple[Message, str]:
    what = kind_text(row["kind"])
    if row["state"] == "unsure":
        return message("{what}: nobody knows whether it arrived", what=what), "help-circle"
    return message("{what} could not be delivered", what=what), "alert-circle"


def _going(words: Words, row: ledger.Row, seen: Seen) -> tuple[Message, str]:
    kind, due = row["kind"], row["due_at"]
    if kind == "go_on":
        return _wait(words, row, seen), "hourglass"
    if kind in ("mail", "report"):
        names = [one.get("name", "") or (one.get("address", "") if sees_all() else "") for one in row["effect"]["to"]]
        people = words.listed(list(dict.fromkeys(name for name in names if name)))
        said = message("Mail to {people} is being sent", people=people) if people else message("A mail is being sent")
        return said, "mail"
    if kind == "print":
        return message("The record is being printed"), "printer"
    if kind == "for_each":
        return message("Records are gone through, one by one"), "list-check"
    shown = message("{connection} is being told", connection=row["connection"] or words.say(kind_text(kind)))
    later = due > application().clock() and due != NEVER
    return (message("{what}; next try {when}", what=shown, when=_moment(due)) if later else shown), "send"


def _wait(words: Words, row: ledger.Row, seen: Seen) -> Message:
    due, holds = row["due_at"], row["effect"].get("holds")
    if row["effect"].get("until"):
        due = dt.datetime.fromisoformat(row["effect"]["until"])
    if not holds:
        return message("Waits until {moment}", moment=_moment(due)) if due < NEVER else message("Waits for its turn")
    condition = words.expression(holds, seen.form.name)
    if due >= NEVER:
        return message("Waits until it holds: {condition}", condition=condition)
    return message("Waits until it holds: {condition}; at the latest {moment}", condition=condition,
                   moment=_moment(due))  # fmt: skip


def _moment(due: dt.datetime) -> str:
    return formats.moment(due, reader())
