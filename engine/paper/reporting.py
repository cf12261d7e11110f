"""The kind ``report``: a page of cards becomes a PDF and goes out as a mail.

It is drawn with the rights of the role or the person the rule names, never of the rule itself. The mail has the same
Message-ID at every attempt, as every mail has; a repetition draws the page anew, so its figures are of then.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.accounts import find_user
from engine.application import Application
from engine.errors import DeliveryFailed, Missing, message
from engine.outside import mail
from engine.outside.network import Network
from engine.outside.task import Surroundings, Task, Within
from engine.paper.pagesheet import page_document, past_period
from engine.paper.press import Press, press
from engine.paper.printing import as_role, named
from engine.people import Actor, load_actor

LEAST = 5.0  # seconds kept for the mail itself


def perform(task: Task, around: Any, *, at: Press | None = None, network: Network = mail.NETWORK) -> Mapping[str, Any]:
    """``task.data``: ``page``, ``role`` or ``person``, ``period``, ``language``, ``to``, ``subject``, ``text``. The
    result is that of a mail, and ``name``, ``size``, ``pages`` of the PDF."""
    app: Application = getattr(around, "inner", around).app
    began, data = time.monotonic(), task.data
    page = app.definition.pages.get(data["page"])
    if page is None:
        raise DeliveryFailed(message("There is no page {name} any more.", name=data["page"]), again=False)
    who = _somebody(app, data["role"]) if data["role"] else _person(app, data["person"])
    args = past_period(app, page) if data["period"] == "last" else {}
    document = page_document(app, who, page, data["language"] or app.definition.languages[0], args)
    printed = (at or press()).pdf(document.text, max(task.seconds - LEAST, LEAST))
    name = named(document.title, "pdf")
    left = max(task.seconds - (time.monotonic() - began), LEAST)
    letter = {**{key: data[key] for key in ("to", "subject", "text")}, "attachments": [0]}
    sent = mail.perform(replace(task, kind="mail", data=letter, seconds=left),
                        _WithFile(around, name, printed.content), network=network)  # fmt: skip
    return {**sent, "name": name, "size": len(printed.content), "pages": printed.pages}


def _somebody(app: Application, role: str) -> Actor:
    """Somebody of the role, on the clocks of the application."""
    return replace(as_role(app, role), timezone=app.definition.timezone)


def _person(app: Application, login: str | None) -> Actor:
    with app.database.read() as conn:
        try:
            return load_actor(conn, app.tables, find_user(conn, app.tables, login=login).id)
        except Missing as missing:
            raise DeliveryFailed(missing.reason, again=False) from None


class _WithFile(Within):
    """The surroundings of a mail whose one attachment is here and nowhere kept."""

    def __init__(self, around: Surroundings, name: str, content: bytes) -> None:
        super().__init__(around)
        self._name, self._content = name, content

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        return self._name, "application/pdf", self._content
