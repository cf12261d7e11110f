"""The list behind a card: a view that asks what the card asks, so that every figure leads to exactly its records.

Its name is that of the page and a digest of the card's condition, ``overview.1f3a9c``: it stays the same when cards are
moved, and is gone when the condition is another.
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from engine.application import Application
from engine.cards import Formula
from engine.columns import Columns
from engine.definition import Form, Page
from engine.errors import Message, Missing, message
from engine.people import Actor
from engine.views import ListView, View

GONE: Message = message("The page this link came from has changed; open the page again.")


def may_open(page: Page, actor: Actor) -> bool:
    """A page without roles is everybody's."""
    return not page.roles or actor.boundless or bool(actor.roles.intersection(page.roles))


def is_of_card(name: str) -> bool:
    return "." in name


def view_of_card(app: Application, actor: Actor, form: Form, name: str) -> View:
    """Raises Missing where the page has no such card any more, or is not for this actor."""
    page_name, _, digest = name.partition(".")
    page = app.definition.pages.get(page_name)
    cards = page.cards if page is not None and may_open(page, actor) else ()
    for part in (part for card in cards for part in parts_of(card)):
        if part.form == form.name and _digest(condition_of(part, form)) == digest:
            return as_view(form, condition_of(part, form), name)
    raise Missing(GONE)


def parts_of(card: Any) -> tuple[Any, ...]:
    """What of a card has a form and a condition: itself, or each figure of a formula."""
    if isinstance(card, Formula):
        return tuple(card.figures.values())
    return (card,) if getattr(card, "form", None) is not None else ()


def condition_of(card: Any, form: Form) -> str | None:
    """What the records of a card fulfil: its own condition, or that of the view it shows."""
    view = form.views.get(getattr(card, "view", ""))
    return view.where if view is not None else getattr(card, "where", None)


def as_view(form: Form, where: str | None, name: str = "") -> ListView:
    """The first list of the form with another condition."""
    first = next(view for view in form.views.values() if isinstance(view, ListView))
    return ListView(
        name=name, label=first.label, where=where, columns=first.columns, sort=first.sort, card=first.card,  # type: ignore[arg-type]
        totals=first.totals,
    )  # fmt: skip


def list_behind(page: str, form: Form, where: str | None, columns: Columns, *pairs: tuple[str, str]) -> str | None:
    """The address of the records a figure counts; ``pairs`` narrow it. None for lines, which have no list."""
    if form.parent_form or any(key.split(".")[1] not in columns.filterable for key, _value in pairs):
        return None
    own = (view.name for view in form.views.values() if isinstance(view, ListView) and view.where == where)
    name = next(own, None) or f"{page}.{_digest(where)}"
    return f"/{form.name}?" + urlencode([("view", name), *pairs])


def _digest(where: str | None) -> str:
    return hashlib.sha256((where or "").encode()).hexdigest()[:6]
