"""The ways into a portal: a password, an invitation, a link to one record. And out again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from engine import accounts, audit, outsiders, passwords, sessions
from engine.errors import AppmillError, Invalid, Message, Missing
from engine.portals import Portal
from engine.web import auth
from engine.web.auth import NOT_KNOWN, public
from engine.web.context import application, definition
from engine.web.failures import HTTP_MESSAGES, said
from engine.web.portal.frame import base_of, draw, portal_of_request
from engine.web.render import go, local_address

NO_REFERRER = "no-referrer"  # addresses hold secrets of invitations and links


def add_to(blueprint: Blueprint) -> None:
    for rule, view, method in (
        ("/sign_in", sign_in_page, "GET"), ("/sign_in", sign_in, "POST"), ("/sign_out", sign_out, "POST"),
        ("/language", language, "POST"),
        ("/invitation/<secret>", invitation, "GET"), ("/invitation/<secret>", accept, "POST"),
        ("/link/<secret>", link, "GET"), ("/link/<secret>", open_link, "POST"),
    ):  # fmt: skip
        blueprint.add_url_rule(rule, view.__name__, view, methods=[method])


def only_ours() -> None:
    """Nobody who is not of this very portal acts here, whoever identified them."""
    if g.actor is not None and g.actor.portal != (request.view_args or {}).get("portal_name"):
        raise Missing(outsiders.DEAD)


def protect(response: Response) -> Response:
    response.headers["Referrer-Policy"] = NO_REFERRER
    response.headers.setdefault("Cache-Control", "no-store")
    return response


# --- with a password


@public
def sign_in_page(portal_name: str) -> Response:
    portal = portal_of_request()
    if g.actor:
        return go(base_of(portal))
    auth.visitor()
    return draw("sign_in.html", portal, address="", problem="")


@public
def sign_in(portal_name: str) -> Response:
    portal, app, now = portal_of_request(), application(), application().clock()
    address, password = request.form.get("address", "")[:200].strip(), request.form.get("password", "")
    login = outsiders.login_of(portal.name, address)
    keys = sessions.try_keys(login, request.remote_addr or "-")
    with app.database.read() as conn:
        if sessions.tried_too_often(conn, app.tables, keys, now):
            return _again("sign_in.html", portal, HTTP_MESSAGES[429], 429, address=address)
        who = sessions.candidate(conn, app.tables, login, now, portal=portal.name)
    right = passwords.matches(who.password_hash, password)
    if not right or who.user_id is None:
        with app.database.write() as conn:
            sessions.count_try(conn, app.tables, keys, now)
        return _again("sign_in.html", portal, NOT_KNOWN, 401, address=address)
    with app.database.write() as conn:
        sessions.forget_tries(conn, app.tables, keys[0])
        sessions.renew_hash(conn, app.tables, who.user_id, who.password_hash or "", password)
        auth.begin(conn, who.user_id, now, portal=portal.name)
        audit.note(conn, app, None, "user.signed_in", who.user_id)
    return go(base_of(portal))


def _again(template: str, portal: Portal, problem: Message, status: int, **more: Any) -> Response:
    return draw(template, portal, status, problem=said(problem), **more)


@public
def sign_out(portal_name: str) -> Response:
    portal, app = portal_of_request(), application()
    if g.session_secret:
        with app.database.write() as conn:
            sessions.close_session(conn, app.tables, g.session_secret)
    g.new_cookie = ""
    return go(f"{base_of(portal)}/sign_in")


@public
def language(portal_name: str) -> Response:
    """Kept with the person, or in a cookie of the portal for whoever has not signed in."""
    portal, app, wanted = portal_of_request(), application(), request.form.get("language", "")
    answer = go(local_address(request.form.get("next")) or base_of(portal))
    if wanted not in definition().languages:
        return answer
    if g.actor is not None and not g.view_as:
        with app.database.write() as conn:
            accounts.set_profile(conn, app.tables, g.actor.id, language=wanted)
    answer.set_cookie("language", wanted, max_age=31536000, samesite="Lax", httponly=True, path=base_of(portal))
    return answer


# --- with a secret in the address


def _guarded(portal: Portal, find: Any) -> Any:
    """What the secret stands for. Wrong ones are counted by address, as wrong passwords are."""
    app, now = application(), application().clock()
    keys = (f"portal:{request.remote_addr or '-'}",)
    with app.database.read() as conn:
        often = sessions.tried_too_often(conn, app.tables, keys, now)
    if often:
        return _again("dead.html", portal, HTTP_MESSAGES[429], 429)
    try:
        with app.database.read() as conn:
            return find(conn)
    except Missing:
        with app.database.write() as conn:
            sessions.count_try(conn, app.tables, keys, now)
        return _again("dead.html", portal, outsiders.DEAD, 404)


@public
def invitation(portal_name: str, secret: str) -> Response:
    portal, app = portal_of_request(), application()
    invited = _guarded(portal, lambda conn: outsiders.invited_by_secret(conn, app, portal, secret))
    if isinstance(invited, Response):
        return invited
    auth.visitor()
    return draw("invitation.html", portal, invited=invited, problem="")


@public
def accept(portal_name: str, secret: str) -> Response:
    portal, app = portal_of_request(), application()
    invited = _guarded(portal, lambda conn: outsiders.invited_by_secret(conn, app, portal, secret))
    if isinstance(invited, Response):
        return invited
    try:
        with app.database.write() as conn:
            id = outsiders.accept_invitation(conn, app, portal, secret, request.form.get("password", ""))
            auth.begin(conn, id, app.clock(), portal=portal.name)
            audit.note(conn, app, None, "portal.accepted", id)
    except Invalid as invalid:
        return _again("invitation.html", portal, invalid.reason, 422, invited=invited)
    except AppmillError as error:
        return _again("dead.html", portal, error.reason, error.status)
    return go(base_of(portal))


@public
def link(portal_name: str, secret: str) -> Response:
    """Asks before it opens: programs that look at every address of a mail open nothing."""
    portal, app = portal_of_request(), application()
    found = _guarded(portal, lambda conn: outsiders.link_by_secret(conn, app, portal, secret))
    if isinstance(found, Response):
        return found
    auth.visitor()
    return draw("link.html", portal, link=found, problem="")


@public
def open_link(portal_name: str, secret: str) -> Response:
    portal, app = portal_of_request(), application()
    found = _guarded(portal, lambda conn: outsiders.link_by_secret(conn, app, portal, secret))
    if isinstance(found, Response):
        return found
    with app.database.write() as conn:
        outsiders.note_use(conn, app, found)
        auth.begin(conn, found.user_id, app.clock(), portal=portal.name, link_id=found.id)
        audit.note(conn, app, None, "portal.link_opened", found.user_id)
    return go(f"{base_of(portal)}/{found.form}/{found.record_id}")
