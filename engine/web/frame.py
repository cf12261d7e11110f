"""The page frame around every view: drawn once for each way it can look, and completed for the request.

How a part looks depends on the definition, the roles, the language, the person's name and theme; all of that is in the
key it is kept under. What differs from one request to the next (the session's token, the page's address, the number of
unread notices) is laid into its place each time and never kept.
"""

from __future__ import annotations

from typing import Any

from flask import g, request
from jinja2 import Environment
from markupsafe import Markup, escape

from engine.web.menu import place, shell_menu

TOKEN, ADDRESS, UNREAD = Markup("\x01token\x01"), "\x01address\x01", Markup("\x01unread\x01")
PLACES = ("", "notifications", "tasks", "scan", "me")  # which the parts mark by themselves
MOST_KEPT = 2000


def frame_part(environment: Environment, template: str, token: Markup, address: str, unread: Markup) -> Markup:
    """A part of the frame for this request. ``token`` is the hidden input, ``unread`` the badge on the bell."""
    kept: dict[Any, str] = g.application.plans.kept.setdefault("frame parts", {})
    here = place()
    key = (template, _looks(), here if here in PLACES else None)
    drawn = kept.get(key)
    if drawn is None:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        drawn = kept[key] = _draw(environment, template)
    laid = drawn.replace(TOKEN, token).replace(ADDRESS, escape(address)).replace(UNREAD, unread)
    return Markup(laid)  # noqa: S704 - drawn by our own template, and what is laid in is escaped


def _looks() -> tuple[Any, ...]:
    who = g.actor
    return (who.name, who.login, who.roles, who.scopes, who.view_as, who.system, g.is_admin, g.view_as,
            g.theme, g.reader.language)  # fmt: skip


def _draw(environment: Environment, template: str) -> str:
    return environment.get_template(template).render(
        menu=shell_menu(),
        actor=g.actor,
        app=g.application.definition,
        reader=g.reader,
        csrf_field=lambda: TOKEN,
        here=lambda: ADDRESS,
        unread_badge=lambda: UNREAD,
    )


def here() -> str:
    """The address of the present page, to come back to."""
    query = request.query_string.decode("latin-1")
    return request.path + (f"?{query}" if query else "")
