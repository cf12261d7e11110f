"""What is still to be delivered, and what is in trouble: dead letters to edit, lost answers to settle."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine.errors import Invalid, Missing, Problem, message
from engine.jobs import mending
from engine.jobs.claiming import INSIDE
from engine.jobs.health import Health, health
from engine.storage.automation import TROUBLE
from engine.web.automation import ledger
from engine.web.automation.frame import ROOT, further, polled, show, words_of
from engine.web.automation.runlines import due_of, rule_label
from engine.web.automation.telling import Telling, masked
from engine.web.automation.wanted import titles_for
from engine.web.automation.words import MESSAGE_STATES, Badge, kind_text, message_badge
from engine.web.context import actor, application
from engine.web.numbers import whole
from engine.web.render import go, toast

blueprint = Blueprint("queue", __name__, url_prefix="/queue")
NO_MESSAGE = message("There is no such message.")


@dataclass(frozen=True)
class MessageLine:
    """A message as lists show it."""

    id: int
    kind: str
    connection: str
    badge: Badge
    state: str
    rule: str
    run_href: str
    record: str
    record_href: str
    created: dt.datetime
    due: dt.datetime | None
    attempts: int
    error: str

    @property
    def href(self) -> str:
        return f"{ROOT}/queue/{self.id}"


@dataclass(frozen=True)
class Group:
    """Messages of one kind over one connection: how many stand how."""

    kind: str
    kind_name: str
    connection: str
    connection_label: str
    counts: Mapping[str, int]
    oldest: dt.datetime | None


def groups_of(heaps: list[ledger.Heap]) -> list[Group]:
    words = words_of()
    found: dict[tuple[str, str], list[ledger.Heap]] = {}
    for heap in heaps:
        found.setdefault((heap.kind, heap.connection or ""), []).append(heap)
    return [
        Group(kind, words.say(kind_text(kind)), connection, words.connection_label(connection),
              {heap.state: heap.count for heap in own}, _oldest(own))
        for (kind, connection), own in sorted(found.items())
    ]  # fmt: skip


def _oldest(heaps: list[ledger.Heap]) -> dt.datetime | None:
    """Since when the first of those that wait is due; what waits without end is not late."""
    return min((one.oldest for one in heaps if one.state == "waiting" and one.oldest), default=None)


def line_of(telling: Telling, row: ledger.Row) -> MessageLine:
    title, href = telling.record(row["form"], row["record_id"])
    rule = row["rule"] or row["effect"].get("rule") or ""
    return MessageLine(
        row["id"], telling.words.say(kind_text(row["kind"])), telling.words.connection_label(row["connection"]),
        message_badge(row["state"]),
        row["state"], rule_label(rule) if rule else "", f"{ROOT}/runs/{row['run_id']}" if row["run_id"] else "",
        title, href, row["created_at"], due_of(row), row["attempts"], masked(row["error"]),
    )  # fmt: skip


def search_of_request() -> ledger.MessageSearch:
    args = request.args
    state = args.get("state") if args.get("state") in (*TROUBLE, "waiting", "parked", "claimed") else None
    return ledger.MessageSearch(
        state=state, kind=args.get("kind") or None, connection=args.get("connection") or None,
        before=whole(args.get("before")),
    )  # fmt: skip


@blueprint.get("")
def index() -> str:
    app, search = application(), search_of_request()
    fares = health(app)
    with app.database.read() as conn:
        groups = groups_of(ledger.heaps(conn, app))
        found = ledger.messages(conn, app, search, ledger.MOST_LISTED + 1)
        telling = Telling(conn, words_of())
        telling.know(titles_for(found))
        lines = [line_of(telling, row) for row in found[: ledger.MOST_LISTED]]
    older = further(before=lines[-1].id) if len(found) > ledger.MOST_LISTED else ""
    states = {name: MESSAGE_STATES[name] for name in (*TROUBLE, "waiting", "parked", "claimed")}
    return show("queue", "queue", fares=fares, groups=groups, lines=lines, older=older, search=search, states=states,
                search_label=words_of().connection_label(search.connection) or search.kind,
                message_states=MESSAGE_STATES)  # fmt: skip


@blueprint.get("/figures")
def figures() -> Response:
    """The tiles alone."""
    fares = health(application())
    return polled("queue_figures", "queue", figures_tag(fares), fares=fares)


def figures_tag(fares: Health) -> tuple[object, ...]:
    """What the tiles show; since when the first is due is told to the minute."""
    waiting = application().clock().replace(second=0, microsecond=0) if fares.oldest else None
    return fares.due, fares.later, fares.parked, fares.under_way, fares.dead, fares.unsure, waiting


# --- one -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What was typed into a form of the page, and what is wrong with it."""

    text: str = ""
    problem: str = ""


def message_of(conn: sa.Connection, message_id: int) -> ledger.Row:
    found = ledger.message(conn, application(), message_id)
    if found is None:
        raise Missing(NO_MESSAGE)
    return found


@blueprint.get("/<int:message_id>")
def one(message_id: int) -> str:
    return _page(message_id, Asked())


def _page(message_id: int, asked: Asked) -> str:
    with application().database.read() as conn:
        row = message_of(conn, message_id)
        telling = Telling(conn, words_of())
        telling.know(titles_for([row]))
        line = line_of(telling, row)
        data = telling.data(sendable(row))
        result = telling.data(row["result"]) if row["result"] is not None else ""
    plain = _written(sendable(row))
    return show("message", "queue", line=line, row=row, data=data, result=result, asked=asked,
                editable=row["kind"] not in INSIDE and data == plain, typed=asked.text or plain,
                words=words_of())  # fmt: skip


def sendable(row: ledger.Row) -> dict[str, Any]:
    """What is sent, without what only the run needs."""
    return {name: value for name, value in row["effect"].items() if name != "saved_as"}


def _written(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True)


@blueprint.post("/<int:message_id>/replay")
def replay(message_id: int) -> Any:
    """``data``: the JSON to send instead; without it the same is sent again."""
    app, text = application(), request.form.get("data", "")
    with app.database.read() as conn:
        row = message_of(conn, message_id)
    try:
        data = read_data(text, sendable(row)) if text.strip() else None
    except Invalid as wrong:
        return _page(message_id, Asked(text, words_of().say(wrong.reason))), 422
    mending.replay(app, actor(), message_id, data)
    toast(message("It is sent again."))
    return go(f"{ROOT}/queue/{message_id}")


def read_data(text: str, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """Edited JSON, checked against what it replaces; None when nothing was changed. Raises Invalid."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise Invalid(
            message("This is not JSON: line {line}, column {column}.", line=wrong.lineno, column=wrong.colno)
        ) from None
    except RecursionError:
        raise Invalid(message("This is nested too deeply.")) from None
    check_data(data, before)
    return None if data == before else data


def check_data(data: Any, before: Mapping[str, Any]) -> None:
    """Raises Invalid unless it has the parts of what it replaces, each of the same kind."""
    if not isinstance(data, dict):
        raise Invalid(message("Expected an object in braces."))
    problems = [Problem(name, message("{name} is not known here.", name=name)) for name in data if name not in before]
    problems += [Problem(name, message("{name} is missing.", name=name)) for name in before if name not in data]
    problems += [
        Problem(name, message("{name} must be {kind}.", name=name, kind=_kind_text(before[name])))
        for name, value in data.items() if name in before and not _alike(value, before[name])
    ]  # fmt: skip
    if problems:
        raise Invalid(message("{problems}", problems=tuple(one.message for one in problems)), problems)


def _alike(value: Any, before: Any) -> bool:
    return before is None or isinstance(value, type(before))


def _kind_text(value: Any) -> Any:
    kinds = {dict: message("an object"), list: message("a list"), str: message("a text"), bool: message("yes or no")}
    return kinds.get(type(value), message("a number"))


@blueprint.post("/<int:message_id>/settle")
def settle(message_id: int) -> Response:
    """Somebody found out: ``arrived`` yes, or no and it is sent again."""
    arrived = request.form.get("arrived") == "yes"
    mending.settle(application(), actor(), message_id, arrived)
    toast(message("Noted: it arrived.") if arrived else message("It is sent again."))
    return go(f"{ROOT}/queue/{message_id}")
