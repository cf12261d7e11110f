"""People outside: inviting them, letting them in, links to one record, ending both.

Secrets (of invitations and links) are 256 random bits; the database holds their SHA-256 only. Functions take the open
connection: the caller's ``with database.write()`` shows the transaction.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import accounts
from engine.application import Application
from engine.calendars import seconds_of
from engine.definition import Form
from engine.errors import Denied, Invalid, Missing, Problem, Refused, message
from engine.people import Actor, Only
from engine.portals import Portal, PortalForm
from engine.sessions import digest
from engine.texts import say

INVITED_FOR = dt.timedelta(days=7)
ADDRESS = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}")
MOST_LISTED = 200
DEAD = message("This link is not valid any more. Ask for a new one.")


# --- what a portal leads to ------------------------------------------------------------------------------------------


def portal_named(app: Application, name: str) -> Portal:
    found = app.definition.portals.get(name)
    if found is None or app.definition.roles[found.role].stands_for is None:
        raise Missing(message("There is nothing here, or nothing you may see."))
    return found


def stood_for(app: Application, portal: Portal) -> str:
    """The name of the form whose records its people stand for."""
    return str(app.definition.roles[portal.role].stands_for)


def link_to(app: Application, portal: Portal, shown: PortalForm) -> str | None:
    """The field that says for whom a record is; None where the records are those stood for, or nothing says it."""
    wanted = stood_for(app, portal)
    if shown.form == wanted:
        return None
    if shown.via is not None:
        return str(shown.via)
    fields = app.definition.forms[shown.form].fields.values()
    found = [field.name for field in fields if field.kind == "link" and getattr(field, "form", None) == wanted]
    return found[0] if len(found) == 1 else None


def whose(app: Application, portal: Portal, shown: PortalForm, row: Any) -> int | None:
    """The id of the record that the people who may be told of this one stand for."""
    if shown.form == stood_for(app, portal):
        return int(row["id"])
    via = link_to(app, portal, shown)
    return row.get(via) if via is not None else None


def may_invite(actor: Actor, portal: Portal) -> bool:
    if actor.portal is not None or actor.id is None or actor.scopes is not None or actor.view_as is not None:
        return False
    return actor.is_admin or not actor.roles.isdisjoint(portal.invite)


def portals_of(app: Application, actor: Actor, form: Form) -> list[Portal]:
    """The portals whose people stand for records of this form, as far as the actor may invite to them."""
    every = app.definition.portals.values()
    return [one for one in every if stood_for(app, one) == form.name and may_invite(actor, one)]


def linking(app: Application, actor: Actor, form: Form) -> list[Portal]:
    """The portals that give out links to records of this form."""
    every = app.definition.portals.values()
    return [one for one in every if one.links is not None and one.form(form.name) and may_invite(actor, one)]


# --- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outsider:
    """Somebody who has access, or is invited. ``links`` counts the living links to single records."""

    id: int
    name: str
    address: str | None
    portal: str
    stands_for: int
    active: bool
    has_password: bool
    invited_until: dt.datetime | None
    last_seen_at: dt.datetime | None
    links: int = 0


def accept_address(text: str) -> str:
    address = text.strip()
    if not ADDRESS.fullmatch(address):
        reason = message("“{address}” is no mail address.", address=address[:80])
        raise Invalid(reason, [Problem("address", reason)])
    return address


def login_of(portal: str, address: str) -> str:
    """People of portals are known by portal and address; no sign-in name of the inside has a slash."""
    return accounts.normal_login(f"{portal}/{address}")


def outsiders_of(
    conn: sa.Connection, app: Application, portal: Portal, *, stands_for: int | None = None, id: int | None = None
) -> list[Outsider]:
    """Who has access, those that are active first. One statement."""
    user, outsider, link = app.tables.user, app.tables.outsider, app.tables.portal_link
    living = (
        sa.select(sa.func.count())
        .where(link.c.user_id == user.c.id, link.c.revoked_at.is_(None), link.c.expires_at > app.clock())
        .correlate(user)
        .scalar_subquery()
    )
    query = (
        sa.select(
            user.c.id, user.c.name, outsider.c.address, outsider.c.portal, outsider.c.stands_for, user.c.active,
            user.c.password_hash.is_not(None).label("has_password"), outsider.c.invited_until, user.c.last_seen_at,
            living.label("links"),
        )
        .join_from(outsider, user, user.c.id == outsider.c.user_id)
        .where(outsider.c.portal == portal.name)
        .order_by(user.c.active.desc(), user.c.name, user.c.id)
        .limit(MOST_LISTED)
    )  # fmt: skip
    if stands_for is not None:
        query = query.where(outsider.c.stands_for == stands_for)
    if id is not None:
        query = query.where(user.c.id == id)
    return [Outsider(**row) for row in conn.execute(query).mappings()]


def find_outsider(conn: sa.Connection, app: Application, portal: Portal, id: int, stands_for: int) -> Outsider:
    found = outsiders_of(conn, app, portal, stands_for=stands_for, id=id)
    if not found:
        raise Missing(message("There is nothing here, or nothing you may see."))
    return found[0]


def add(
    conn: sa.Connection, app: Application, portal: Portal, stands_for: int, *, name: str, address: str | None,
    language: str | None = None,
) -> int:  # fmt: skip
    """A person of the portal, without a way in yet; answers the id. One that is there already is the same one."""
    name = accounts.accept_name(name)
    address = accept_address(address) if address else None
    login = login_of(portal.name, address or secrets.token_hex(8))
    tables = app.tables
    known = conn.execute(
        sa.select(tables.user.c.id, tables.outsider.c.stands_for)
        .join_from(tables.user, tables.outsider, tables.outsider.c.user_id == tables.user.c.id)
        .where(tables.user.c.login == login)
    ).first()
    if known is not None:
        if known.stands_for != stands_for:
            reason = message("{address} has access for somebody else already.", address=address)
            raise Refused(reason, [Problem("address", reason)])
        return int(known.id)
    values = {"login": login, "name": name, "email": address, "language": language, "created_at": app.clock()}
    key = conn.execute(tables.user.insert().values(**values)).inserted_primary_key
    id = int(key[0]) if key else 0
    conn.execute(tables.user_role.insert().values(user_id=id, role=portal.role))
    conn.execute(
        tables.outsider.insert().values(user_id=id, portal=portal.name, stands_for=stands_for, address=address)
    )
    return id


def renew_invitation(conn: sa.Connection, app: Application, user_id: int, by: int | None) -> str:
    """A new secret for setting a password; the one before is dead. Whoever was kept out may come again."""
    secret, now = secrets.token_urlsafe(32), app.clock()
    table = app.tables.outsider
    invited = {"invitation_hash": digest(secret), "invited_until": now + INVITED_FOR, "invited_at": now}
    if by is not None:
        invited["invited_by"] = by
    conn.execute(table.update().where(table.c.user_id == user_id).values(**invited))
    conn.execute(app.tables.user.update().where(app.tables.user.c.id == user_id).values(active=True))
    return secret


@dataclass(frozen=True)
class Invited:
    user_id: int
    name: str
    login: str


def invited_by_secret(conn: sa.Connection, app: Application, portal: Portal, secret: str) -> Invited:
    """Whom an invitation is for; raises Missing when it is over, used or nobody's."""
    user, outsider = app.tables.user, app.tables.outsider
    row = conn.execute(
        sa.select(user.c.id, user.c.name, user.c.login)
        .join_from(outsider, user, user.c.id == outsider.c.user_id)
        .where(outsider.c.invitation_hash == digest(secret), outsider.c.portal == portal.name,
               outsider.c.invited_until > app.clock(), user.c.active)
    ).first()  # fmt: skip
    if row is None:
        raise Missing(DEAD)
    return Invited(*row)


def accept_invitation(conn: sa.Connection, app: Application, portal: Portal, secret: str, password: str) -> int:
    """The password is set, the invitation used up, and every session of before ended; answers the person's id."""
    invited = invited_by_secret(conn, app, portal, secret)
    person = accounts.find_user(conn, app.tables, id=invited.user_id)
    accounts.set_password(conn, app.tables, person, password, now=app.clock(), must_change=False)
    table = app.tables.outsider
    used = {"invitation_hash": None, "invited_until": None}
    conn.execute(table.update().where(table.c.user_id == invited.user_id).values(**used))
    return invited.user_id


def set_active(conn: sa.Connection, app: Application, user_id: int, active: bool) -> None:
    """Let in or keep out. Keeping out ends sessions, links and an open invitation."""
    person = accounts.find_user(conn, app.tables, id=user_id)
    accounts.set_active(conn, app.tables, person, active, now=app.clock())
    if active:
        return
    link, outsider = app.tables.portal_link, app.tables.outsider
    living = (link.c.user_id == user_id, link.c.revoked_at.is_(None))
    conn.execute(link.update().where(*living).values(revoked_at=app.clock()))
    conn.execute(
        outsider.update().where(outsider.c.user_id == user_id).values(invitation_hash=None, invited_until=None)
    )


# --- links to one record ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    id: int
    portal: str
    form: str
    record_id: int
    user_id: int
    name: str
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None


def make_link(
    conn: sa.Connection, app: Application, portal: Portal, form: str, record_id: int, user_id: int, by: int | None
) -> str:
    """A link to one record for one person; answers its secret, which cannot be had again."""
    if portal.links is None:
        raise Refused(message("{portal} gives out no links.", portal=portal.label))
    secret, now = secrets.token_urlsafe(32), app.clock()
    conn.execute(app.tables.portal_link.insert().values(
        token_hash=digest(secret), portal=portal.name, form=form, record_id=record_id, user_id=user_id, created_by=by,
        created_at=now, expires_at=now + dt.timedelta(seconds=seconds_of(portal.links)),
    ))  # fmt: skip
    return secret


def _links(app: Application) -> sa.Select[Any]:
    link, user = app.tables.portal_link, app.tables.user
    return (
        sa.select(link.c.id, link.c.portal, link.c.form, link.c.record_id, link.c.user_id, user.c.name,
                  link.c.created_at, link.c.expires_at, link.c.used_at)
        .join_from(link, user, user.c.id == link.c.user_id)
        .where(link.c.revoked_at.is_(None), link.c.expires_at > app.clock(), user.c.active)
    )  # fmt: skip


def link_by_secret(conn: sa.Connection, app: Application, portal: Portal, secret: str) -> Link:
    """The living link; raises Missing for one that is over, taken back or nobody's."""
    link = app.tables.portal_link
    query = _links(app).where(link.c.token_hash == digest(secret), link.c.portal == portal.name)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise Missing(DEAD)
    return Link(**row)


def links_of(conn: sa.Connection, app: Application, form: str, record_id: int) -> Sequence[Link]:
    """The living links to a record, the newest first."""
    link = app.tables.portal_link
    query = _links(app).where(link.c.form == form, link.c.record_id == record_id).order_by(link.c.id.desc())
    return [Link(**row) for row in conn.execute(query.limit(MOST_LISTED)).mappings()]


def note_use(conn: sa.Connection, app: Application, link: Link) -> None:
    table = app.tables.portal_link
    conn.execute(table.update().where(table.c.id == link.id).values(used_at=app.clock()))


def revoke_link(conn: sa.Connection, app: Application, form: str, record_id: int, id: int) -> bool:
    """Take a link back and end what was opened with it; answers whether there was one."""
    link, session = app.tables.portal_link, app.tables.session
    mine = (link.c.id == id, link.c.form == form, link.c.record_id == record_id, link.c.revoked_at.is_(None))
    done = conn.execute(link.update().where(*mine).values(revoked_at=app.clock())).rowcount
    if done:
        conn.execute(session.delete().where(session.c.link_id == id))
    return bool(done)


def only_of(conn: sa.Connection, app: Application, portal: Portal, link_id: int) -> Only:
    """What a session opened with a link is narrowed to; raises Missing when the link is over."""
    row = conn.execute(_links(app).where(app.tables.portal_link.c.id == link_id)).mappings().first()
    if row is None or row["portal"] != portal.name:
        raise Missing(DEAD)
    others = frozenset(str(one.form) for one in portal.forms if one.form != row["form"])
    return Only(row["form"], row["record_id"], others)


def link_person(conn: sa.Connection, app: Application, portal: Portal, stands_for: int, address: str | None) -> int:
    """Whom a link acts as: the person with this address, or somebody without one."""
    if address is None:
        name = say(message("Whoever has the link"), app.definition.languages[0])
        return add(conn, app, portal, stands_for, name=name, address=None)
    id = add(conn, app, portal, stands_for, name=address, address=address)
    if not find_outsider(conn, app, portal, id, stands_for).active:
        raise Denied(message("The access of {address} was ended. Invite them again first.", address=address))
    return id
