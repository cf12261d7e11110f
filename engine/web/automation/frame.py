"""What the pages of the machine room share: their tabs, the words of the definition, times, the reader's pages."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from engine.definition import AppDefinition
from engine.errors import Invalid, Message, Problem, message
from engine.saying.words import Words
from engine.web.automation.access import sees_all
from engine.web.automation.words import took
from engine.web.context import application, reader
from engine.web.me import shown_times
from engine.web.render import render

ROOT = "/admin/automation"


@dataclass(frozen=True)
class Tab:
    name: str
    text: Message
    icon: str
    address: str
    for_owners: bool = False


TABS = (
    Tab("rules", message("Rules"), "robot", ROOT, True),
    Tab("runs", message("Runs"), "history", f"{ROOT}/runs", True),
    Tab("queue", message("Queue"), "inbox", f"{ROOT}/queue"),
    Tab("schedules", message("Schedules"), "calendar-event", f"{ROOT}/schedules"),
    Tab("webhooks", message("Webhooks"), "webhook", f"{ROOT}/webhooks"),
    Tab("connections", message("Connections"), "plug-connected", f"{ROOT}/connections"),
)


def words_of(definition: AppDefinition | None = None) -> Words:
    app = application()
    return Words(definition or app.definition, app.registry, reader().language)


def show(template: str, tab: str, /, **context: Any) -> str:
    tabs = [one for one in TABS if one.for_owners or sees_all()]
    language = reader().language
    return render(
        f"automation/{template}.html", tabs=tabs, tab=tab, sees_all=sees_all(), now=application().clock(),
        took=lambda start, end: took(start, end, language), root=ROOT, **{**shown_times(), **context},
    )  # fmt: skip


def polled(template: str, tab: str, tag: object, /, **context: Any) -> Response:
    """A page, or a part of one, that asks for itself again and again: nothing is answered while ``tag``, which stands
    for all it shows, is the same."""
    mark = hashlib.sha256(repr(tag).encode()).hexdigest()[:16]
    if request.headers.get("HX-PTag") == mark:
        return Response(status=204)
    answer = Response(show(template, tab, ptag=mark, **context))
    answer.headers["HX-PTag"] = mark
    return answer


def further(**changes: Any) -> str:
    """The address of this page with other parameters; None takes one away."""
    args = {**request.args.to_dict(), **changes}
    kept = {name: value for name, value in args.items() if value not in (None, "")}
    return request.path + (f"?{urlencode(kept)}" if kept else "")


def day_arg(name: str, after: int = 0) -> dt.datetime | None:
    """A date of the query → the beginning of that day (or ``after`` days later) on the reader's clock."""
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        reason = message("{text} is not a date.", text=text[:20])
        raise Invalid(reason, [Problem(name, reason)]) from None
    return dt.datetime.combine(day + dt.timedelta(days=after), dt.time(), reader().zone)
