"""How far what is said about a record reaches: people inside only, or the people of a portal too."""

from __future__ import annotations

import sqlalchemy as sa

from engine import outsiders, portal_mail
from engine.errors import Invalid, message
from engine.portals import Portal
from engine.web.context import application
from engine.web.render import label
from engine.web.seen import Seen


def portals_here(seen: Seen) -> list[Portal]:
    """Those whose people can be written to about this record."""
    return [one for one in application().definition.portals.values() if _whose(one, seen) is not None]


def _whose(portal: Portal, seen: Seen) -> int | None:
    shown = portal.form(seen.form.name)
    return outsiders.whose(application(), portal, shown, seen.row) if shown is not None and shown.messages else None


def chosen(seen: Seen, name: str) -> Portal | None:
    """The portal of this name; None for none. Raises Invalid where the record is not in it."""
    portal = next((one for one in portals_here(seen) if one.name == name), None)
    if name and portal is None:
        raise Invalid(message("This record is in no such portal."))
    return portal


def tell(conn: sa.Connection, portal: Portal, seen: Seen, comment_id: int) -> None:
    """By mail to those outside whom the record concerns."""
    whose = _whose(portal, seen)
    if whose is not None:
        portal_mail.tell(conn, application(), portal, seen.form, seen.id, whose, comment_id)


def portal_label(name: str | None) -> str:
    portal = application().definition.portals.get(name) if name is not None else None
    return label(portal) if portal is not None else name or ""
