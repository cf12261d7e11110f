"""What every page of a portal has: which portal, whose, and the frame around."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import g, request
from werkzeug.wrappers import Response

from engine import fetching
from engine.definition import Form
from engine.errors import Missing
from engine.outsiders import portal_named
from engine.portals import Portal, PortalForm
from engine.web.context import actor, application
from engine.web.render import label, plural, render
from engine.web.seen import NOT_THERE, Seen, see

_RECORDS = re.compile(r'<a href="/([a-z][a-z0-9_]*)/([0-9]+)">((?:(?!</a>).)*)</a>', re.DOTALL)
_ADDRESSES = re.compile(r'(?<==")/(files/|[a-z][a-z0-9_]*/options/)')


@dataclass(frozen=True)
class Entry:
    """A form in the head of the portal."""

    name: str
    label: str
    here: bool


def portal_of_request() -> Portal:
    return portal_named(application(), str((request.view_args or {}).get("portal_name", "")))


def base_of(portal: Portal) -> str:
    return f"/portal/{portal.name}"


def draw(template: str, portal: Portal, status: int = 200, **context: Any) -> Response:
    """The page in the portal's frame; addresses of files, options and records lead through the portal's own doors."""
    here = str((request.view_args or {}).get("form_name", "")) or None
    text = render(
        f"portal/{template}", layout="portal/base.html", portal=portal, base=base_of(portal),
        entries=_entries(portal, here) if g.actor is not None else (), looking=g.view_as is not None,
        only=g.actor.only if g.actor is not None else None, **context,
    )  # fmt: skip
    text = _RECORDS.sub(partial(_led, portal), _ADDRESSES.sub(rf"{base_of(portal)}/\1", text))
    return Response(text, status, content_type="text/html; charset=utf-8")


def _led(portal: Portal, found: re.Match[str]) -> str:
    """A link to a record leads to its page in the portal; where it has none the record is only named."""
    form, id, title = found.groups()
    if form not in application().definition.forms:
        return found[0]
    inside = portal.form(form) is not None and g.actor is not None and g.actor.only is None
    return f'<a href="{base_of(portal)}/{form}/{id}">{title}</a>' if inside else title


def _entries(portal: Portal, here: str | None) -> tuple[Entry, ...]:
    forms = application().definition.forms
    return tuple(Entry(str(one.form), label_of(one, forms[one.form]), one.form == here) for one in portal.forms)


def label_of(shown: PortalForm, form: Form) -> str:
    return label(shown.label) if shown.label else plural(form)


def shown_form(portal: Portal, form_name: str) -> tuple[PortalForm, Form]:
    """What the portal shows of a form; raises Missing for any other form."""
    shown = portal.form(form_name)
    if shown is None:
        raise Missing(NOT_THERE)
    return shown, application().definition.forms[form_name]


def see_there(conn: sa.Connection, shown: PortalForm, form: Form, record_id: int) -> Seen:
    """The record, where grants, the link somebody came by and the portal's own condition let it be seen."""
    seen = see(conn, form, record_id)
    if shown.where is not None:
        app, table = application(), application().tables.form[form.name]
        clause = fetching.where_sql(app, actor(), form, shown.where)
        if conn.execute(sa.select(table.c.id).where(table.c.id == record_id, clause)).first() is None:
            raise Missing(NOT_THERE)
    return seen


def address_of(portal: Portal, form: Form, record_id: int) -> str:
    return f"{base_of(portal)}/{form.name}/{record_id}"
