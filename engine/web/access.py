"""Access from outside, as people inside give and end it: on the record somebody stands for, or by a link to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from engine import audit, outsiders, portal_mail, sessions
from engine.definition import Form
from engine.errors import AppmillError, Denied, Missing, message
from engine.outsiders import Link, Outsider
from engine.portals import Portal
from engine.web.auth import require_admin
from engine.web.context import actor, application, settings
from engine.web.failures import said
from engine.web.me import shown_times
from engine.web.render import go, render, toast
from engine.web.security import cookie_name
from engine.web.seen import NOT_THERE, Seen, form_named, see

blueprint = Blueprint("access", __name__)


@dataclass(frozen=True)
class Room:
    """A portal whose people can be invited here."""

    portal: Portal
    people: tuple[Outsider, ...]
    mails: bool


def anything(form: Form, seen: Seen) -> bool:
    """Whether the page of access has something for this person."""
    app, who = application(), actor()
    return bool(outsiders.portals_of(app, who, form) or _linking(form, seen))


def _linking(form: Form, seen: Seen) -> list[Portal]:
    app = application()
    found = outsiders.linking(app, actor(), form)
    return [one for one in found if (shown := one.form(form.name)) and outsiders.whose(app, one, shown, seen.row)]


def _place(form_name: str, record_id: int) -> tuple[Form, Seen]:
    form = form_named(form_name)
    with application().database.read() as conn:
        seen = see(conn, form, record_id)
    if not anything(form, seen):
        raise Missing(NOT_THERE)
    return form, seen


def _portal(found: list[Portal], name: str) -> Portal:
    for one in found:
        if one.name == name:
            return one
    raise Denied(message("Your roles may not invite to this portal."))


# --- the page


@blueprint.get("/<form_name>/<int:record_id>/access")
def show(form_name: str, record_id: int) -> Response:
    form, seen = _place(form_name, record_id)
    return _page(form, seen)


def _page(form: Form, seen: Seen, status: int = 200, **more: Any) -> Response:
    app, who = application(), actor()
    with app.database.read() as conn:
        rooms = [Room(one, tuple(outsiders.outsiders_of(conn, app, one, stands_for=seen.id)), portal_mail.can_send(one))
                 for one in outsiders.portals_of(app, who, form)]  # fmt: skip
        giving = _linking(form, seen)
        links: list[Link] = [*outsiders.links_of(conn, app, form.name, seen.id)] if giving else []
    shown = {"problem": "", "typed": {}, "secret": "", "invited": None, **more}
    page = render(
        "access.html", form=form, seen=seen, base=f"/{form.name}/{seen.id}", rooms=rooms, giving=giving, links=links,
        may_look=g.is_admin and not g.view_as, **shown, **shown_times(),
    )  # fmt: skip
    return Response(page, status)


# --- people


@blueprint.post("/<form_name>/<int:record_id>/access")
def invite(form_name: str, record_id: int) -> Response:
    form, seen = _place(form_name, record_id)
    app, who, posted = application(), actor(), request.form
    portal = _portal(outsiders.portals_of(app, who, form), posted.get("portal", ""))
    try:
        with app.database.write() as conn:
            id = outsiders.add(
                conn, app, portal, seen.id, name=posted.get("name", ""), address=posted.get("address") or " ",
                language=_language(posted.get("language", "")),
            )  # fmt: skip
            return _invited(conn, form, seen, portal, id, by_mail="mail" in posted)
    except AppmillError as error:
        typed = {name: posted.get(name, "") for name in ("name", "address", "portal", "language")}
        return _page(form, seen, error.status, problem=said(error.reason), typed=typed)


def _language(text: str) -> str | None:
    return text if text in application().definition.languages else None


def _invited(conn: sa.Connection, form: Form, seen: Seen, portal: Portal, id: int, *, by_mail: bool) -> Response:
    """By mail the secret is made when the mail goes out; else it is shown this once."""
    app, who = application(), actor()
    audit.note(conn, app, who, "portal.invited", id)
    if by_mail and portal_mail.can_send(portal):
        conn.execute(app.tables.user.update().where(app.tables.user.c.id == id).values(active=True))
        portal_mail.invite(conn, app, portal, id, who)
        toast(message("The invitation is on its way."))
        return go(f"/{form.name}/{seen.id}/access")
    secret = outsiders.renew_invitation(conn, app, id, who.id)
    return Response(render("access_secret.html", form=form, seen=seen, base=f"/{form.name}/{seen.id}", days=7,
                           address=_address(portal, f"invitation/{secret}"), what="invitation"))  # fmt: skip


def _address(portal: Portal, at: str) -> str:
    """As it is opened from outside; where nothing is said about that, at the address of this very request."""
    return (
        portal_mail.address(portal, at)
        if portal.address
        else f"{request.host_url.rstrip('/')}/portal/{portal.name}/{at}"
    )


def _person(conn: sa.Connection, form: Form, seen: Seen, user_id: int) -> tuple[Portal, Outsider]:
    app = application()
    for portal in outsiders.portals_of(app, actor(), form):
        found = outsiders.outsiders_of(conn, app, portal, stands_for=seen.id, id=user_id)
        if found:
            return portal, found[0]
    raise Missing(NOT_THERE)


@blueprint.post("/<form_name>/<int:record_id>/access/<int:user_id>/invite")
def invite_again(form_name: str, record_id: int, user_id: int) -> Response:
    form, seen = _place(form_name, record_id)
    with application().database.write() as conn:
        portal, person = _person(conn, form, seen, user_id)
        return _invited(conn, form, seen, portal, person.id, by_mail="mail" in request.form)


@blueprint.post("/<form_name>/<int:record_id>/access/<int:user_id>/active")
def set_active(form_name: str, record_id: int, user_id: int) -> Response:
    form, seen = _place(form_name, record_id)
    app, active = application(), request.form.get("active") == "yes"
    with app.database.write() as conn:
        _portal_of, person = _person(conn, form, seen, user_id)
        outsiders.set_active(conn, app, person.id, active)
        audit.note(conn, app, actor(), "user.activated" if active else "user.deactivated", person.id)
    ended = message("{name} has no access any more.", name=person.name)
    toast(message("{name} can sign in again.", name=person.name) if active else ended)
    return go(f"/{form.name}/{seen.id}/access")


@blueprint.post("/<form_name>/<int:record_id>/access/<int:user_id>/look")
def look(form_name: str, record_id: int, user_id: int) -> Response:
    """See the portal as this person does, in a session of its own that changes nothing."""
    require_admin()
    form, seen = _place(form_name, record_id)
    app = application()
    with app.database.write() as conn:
        portal, person = _person(conn, form, seen, user_id)
        secret = sessions.open_session(
            conn, app.tables, person.id, now=app.clock(), lasts=sessions.LOOKING, agent="looking", address="-",
            portal=portal.name, view_as=portal.role,
        )  # fmt: skip
        audit.note(conn, app, actor(), "portal.looked", person.id)
    answer = go(f"/portal/{portal.name}/")
    options = settings()
    answer.set_cookie(cookie_name(options, portal.name), secret, max_age=3600, secure=options.secure, httponly=True,
                      samesite="Lax", path=f"/portal/{portal.name}")  # fmt: skip
    return answer


# --- links to this one record


@blueprint.post("/<form_name>/<int:record_id>/links")
def make_link(form_name: str, record_id: int) -> Response:
    form, seen = _place(form_name, record_id)
    app, posted = application(), request.form
    portal = _portal(_linking(form, seen), posted.get("portal", ""))
    shown = portal.form(form.name)
    stands_for = outsiders.whose(app, portal, shown, seen.row) if shown else None
    try:
        with app.database.write() as conn:
            person = outsiders.link_person(
                conn, app, portal, int(stands_for or 0), posted.get("address", "").strip() or None
            )
            secret = outsiders.make_link(conn, app, portal, form.name, seen.id, person, actor().id)
            audit.note(conn, app, actor(), "portal.link_made", person)
    except AppmillError as error:
        return _page(form, seen, error.status, problem=said(error.reason))
    return Response(render("access_secret.html", form=form, seen=seen, base=f"/{form.name}/{seen.id}", days=None,
                           lasts=portal.links, address=_address(portal, f"link/{secret}"), what="link"))  # fmt: skip


@blueprint.post("/<form_name>/<int:record_id>/links/<int:link_id>/revoke")
def revoke_link(form_name: str, record_id: int, link_id: int) -> Response:
    form, seen = _place(form_name, record_id)
    app = application()
    if not _linking(form, seen):
        raise Missing(NOT_THERE)
    with app.database.write() as conn:
        if outsiders.revoke_link(conn, app, form.name, seen.id, link_id):
            audit.note(conn, app, actor(), "portal.link_revoked", link_id, form="_link")
    toast(message("The link is not valid any more."))
    return go(f"/{form.name}/{seen.id}/access")
