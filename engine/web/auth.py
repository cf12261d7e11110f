"""Signing in and out, and who acts in a request."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from engine import audit, outsiders, passwords, secondfactor, sessions
from engine.errors import Denied, Invalid, Missing, message
from engine.formats import Reader
from engine.language import ADMIN
from engine.people import Actor
from engine.web.context import api_wanted, application, settings
from engine.web.failures import HTTP_MESSAGES, SignedOut, Unauthorized, said
from engine.web.render import go, local_address, render
from engine.web.security import cookie_name, csrf_token_for

blueprint = Blueprint("auth", __name__)

V = TypeVar("V", bound=Callable[..., Any])
NOT_KNOWN = message("The sign-in name or the password is not right.")
MAY_WHILE_LOOKING = {"auth.sign_out", "auth.look_as", "me.set_theme", "portal.sign_out", "portal.language"}
MAY_BEFORE_CHANGE = {"auth.sign_out", "me.password", "me.change_password", "me.set_theme", "me.set_language"}
MAY_BEFORE_ENROLMENT = MAY_BEFORE_CHANGE | {"second_factor.show", "second_factor.enrol"}
TOO_LATE = message("That took too long. Sign in again.")
WRONG_CODE = message("This code is not right, or it was used before. Wait for the next one.")
BACKGROUND = {"notices.count", "live.pulse", "live.fresh"}


def public(view: V) -> V:
    """Open a view to people who are not signed in."""
    view.public = True  # type: ignore[attr-defined]
    return view


# --- who acts


def reader_of_browser() -> Reader:
    """For whom a page without a signed-in person is shown: the language of the cookie, else of the browser."""
    definition = g.application.definition
    wanted = request.cookies.get("language", "")
    if wanted not in definition.languages:
        wanted = request.accept_languages.best_match(definition.languages) or definition.languages[0]
    return Reader(wanted, definition.timezone, definition.currency)


def portal_here() -> str:
    """The name of the portal whose pages are asked for; empty inside."""
    if request.blueprint != "portal":
        return ""
    return str((request.view_args or {}).get("portal_name", "")) or "-"


def start() -> None:
    """Nobody acts yet; whatever fails from here on can still be shown."""
    g.actor, g.bearer, g.csrf_token, g.session_secret = None, False, "", ""
    g.unread, g.view_as, g.is_admin, g.must_change, g.last_event = 0, None, False, False, -1
    g.must_enrol = False
    g.reader = reader_of_browser()
    g.theme = theme_of(request.cookies.get("theme"))


def identify() -> None:
    """Fill ``g`` with who acts. An Authorization header counts alone: a cookie beside it is not looked at."""
    if "Authorization" in request.headers and not portal_here():
        _identify_token()
    else:
        _identify_session()


def _defaults() -> dict[str, str]:
    """For people who chose nothing; whoever comes from outside reads what their browser speaks."""
    definition = g.application.definition
    language = g.reader.language if portal_here() else definition.languages[0]
    return {"language": language, "timezone": definition.timezone}


def _identify_token() -> None:
    g.bearer = True
    app = application()
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    with app.database.read() as conn:
        known = sessions.find_token(conn, app.tables, secret.strip(), now=app.clock(), **_defaults())
    if scheme.lower() != "bearer" or known is None:
        raise Unauthorized(message("The API token is not known or no longer valid."))
    actor, stale = known
    _act(actor)
    if stale is not None:
        with app.database.write() as conn:
            sessions.note_token_use(conn, app.tables, stale, app.clock())


def _identify_session() -> None:
    portal = portal_here()
    secret = request.cookies.get(cookie_name(settings(), portal), "")
    g.session_secret = secret
    g.csrf_token = csrf_token_for(secret) if secret else ""
    if not secret:
        return
    app, now = application(), application().clock()
    idle = dt.timedelta(minutes=settings().idle_minutes)
    with app.database.read() as conn:
        found = sessions.find_session(conn, app.tables, secret, now=now, idle=idle, portal=portal, **_defaults())
        actor = outside(conn, app, found) if found is not None and portal else None
    if found is None or (portal and actor is None):
        return
    _act(actor or found.actor)
    g.unread, g.view_as, g.is_admin, g.must_change = found.unread, found.view_as, found.is_admin, found.must_change
    g.last_event = found.last_event
    g.must_enrol = not (portal or found.second_factor) and code_needed(found.actor)
    if found.touch and request.endpoint not in BACKGROUND:
        with app.database.write() as conn:
            sessions.touch_session(conn, app.tables, secret, now)


def code_needed(actor: Actor) -> bool:
    of = settings().second_factor
    return secondfactor.needed(application().definition, actor, of, is_admin=g.is_admin)


def outside(conn: Any, app: Any, found: sessions.SignedIn) -> Actor | None:
    """The person of a portal, narrowed to what their link leads to; None where portal, role or link are gone."""
    try:
        portal = outsiders.portal_named(app, found.actor.portal or "")
        only = outsiders.only_of(conn, app, portal, found.link_id) if found.link_id is not None else None
    except Missing:
        return None
    return replace(found.actor, only=only) if portal.role in found.actor.roles else None


def _act(actor: Actor) -> None:
    g.actor = actor
    g.reader = actor.reader(g.application.definition)


def theme_of(text: str | None) -> str:
    return text if text in ("light", "dark") else "auto"


def require_sign_in() -> Response | None:
    """Send people to the sign-in page; raises Unauthorized for programs, Denied while looking as somebody else."""
    if g.actor is None:
        return _ask_at_portal() if portal_here() else _ask_to_sign_in()
    if g.must_change and not g.bearer and request.endpoint not in MAY_BEFORE_CHANGE:
        return go("/me/password")
    if g.must_enrol and not g.bearer and request.endpoint not in MAY_BEFORE_ENROLMENT:
        return go("/me/second_factor")
    if g.view_as and request.method not in ("GET", "HEAD", "OPTIONS") and request.endpoint not in MAY_WHILE_LOOKING:
        raise Denied(message("You are looking as somebody else. Stop looking to change something."))
    return None


def _ask_at_portal() -> Response:
    name = portal_here()
    if name not in application().definition.portals or by_script():
        raise Unauthorized(message("Please sign in first."))
    return go(f"/portal/{name}/sign_in")


def _ask_to_sign_in() -> Response:
    if api_wanted() or g.bearer:
        raise Unauthorized(message("Please sign in first."))
    if request.method != "GET" and by_script():
        raise SignedOut(message("You have been signed out. What you typed is still here."))
    if "HX-Request" in request.headers:
        current = urlsplit(request.headers.get("HX-Current-URL", ""))
        return go(_sign_in_address(current.path, current.query))
    if request.method != "GET":
        return go("/sign_in")
    return go(_sign_in_address(request.path, request.query_string.decode("latin-1")))


def by_script() -> bool:
    """Whether a script of the page asks and the page stays open: it can ask for the password there and then."""
    return "HX-Request" in request.headers or request.headers.get("X-Requested-With") == "fetch"


def _sign_in_address(path: str, query: str) -> str:
    wanted = path + (f"?{query}" if query else "")
    return "/sign_in" if path in ("", "/") else f"/sign_in?next={quote(wanted, safe='/')}"


def require_admin() -> None:
    """For rooms that only administrators may enter; others are told there is nothing."""
    if not g.is_admin or g.view_as:
        raise Denied(message("Only administrators may do this."))


# --- the cookie


def keep_cookie(response: Any) -> Any:
    """Set, replace or delete the session's cookie when the view asked for it."""
    wanted = g.get("new_cookie")
    if wanted is not None:
        options = settings()
        portal = portal_here()
        response.set_cookie(
            cookie_name(options, portal),
            wanted,
            max_age=options.session_hours * 3600 if wanted else 0,
            secure=options.secure,
            httponly=True,
            samesite="Lax",
            path=f"/portal/{portal}" if portal else "/",
        )
    return response


def visitor() -> None:
    """A random cookie before signing in, so that the sign-in form has a token to carry. It is nobody's session."""
    if not g.session_secret:
        g.session_secret = g.new_cookie = secrets.token_urlsafe(32)
        g.csrf_token = csrf_token_for(g.session_secret)


# --- pages


@blueprint.get("/sign_in")
@public
def sign_in_page() -> str | Response:
    wanted = local_address(request.args.get("next"))
    if g.actor:
        return go(wanted or "/")
    visitor()
    return _sign_in_form(wanted)


def _sign_in_form(wanted: str | None, login: str = "", problem: str = "") -> str:
    return render("sign_in.html", layout="bare.html", next=wanted or "", login=login, problem=problem)


@blueprint.post("/sign_in")
@public
def sign_in() -> Response | tuple[str, int]:
    app, now = application(), application().clock()
    login, password = request.form.get("login", "")[:200], request.form.get("password", "")
    wanted = local_address(request.form.get("next"))
    keys = sessions.try_keys(login, request.remote_addr or "-")
    with app.database.read() as conn:
        if sessions.tried_too_often(conn, app.tables, keys, now):
            return _sign_in_form(wanted, login, said(HTTP_MESSAGES[429])), 429
        who = sessions.candidate(conn, app.tables, login, now)
    right = passwords.matches(who.password_hash, password)
    if not right or who.user_id is None:
        with app.database.write() as conn:
            sessions.count_try(conn, app.tables, keys, now)
        return _sign_in_form(wanted, login, said(NOT_KNOWN)), 401
    with app.database.write() as conn:
        sessions.renew_hash(conn, app.tables, who.user_id, who.password_hash or "", password)
        if secondfactor.enrolled(conn, app.tables, who.user_id):
            _await_code(conn, who.user_id, now)
            return go("/sign_in/code" + (f"?next={quote(wanted, safe='/')}" if wanted else ""))
        _enter(conn, who.user_id, keys[0], now)
    return _entered(wanted)


def _enter(conn: Any, user_id: int, key: str, now: dt.datetime) -> None:
    """``key``: by what wrong sign-ins of the account are counted."""
    app = application()
    sessions.forget_tries(conn, app.tables, key)
    begin(conn, user_id, now)
    audit.note(conn, app, None, "user.signed_in", user_id)


def _entered(wanted: str | None) -> Response:
    answer = go(wanted or "/")
    answer.headers["X-CSRF-Token"] = csrf_token_for(g.new_cookie)  # for a page that stays open
    return answer


# --- the second factor


def _await_code(conn: Any, user_id: int, now: dt.datetime) -> None:
    """In a cookie of its own, which is nobody's session."""
    tables = application().tables
    if g.session_secret:
        sessions.close_session(conn, tables, g.session_secret)
    g.session_secret = g.new_cookie = secrets.token_urlsafe(32)
    g.csrf_token = csrf_token_for(g.session_secret)
    secondfactor.wait_for_code(conn, tables, user_id, g.session_secret, now)


@blueprint.get("/sign_in/code")
@public
def sign_in_code_page() -> str | Response:
    app, wanted = application(), local_address(request.args.get("next"))
    if g.actor:
        return go(wanted or "/")
    with app.database.read() as conn:
        who = secondfactor.who_waits(conn, app.tables, g.session_secret, app.clock())
    return _code_form(wanted) if who is not None else go("/sign_in")


def _code_form(wanted: str | None, problem: str = "") -> str:
    return render("sign_in_code.html", layout="bare.html", next=wanted or "", problem=problem)


@blueprint.post("/sign_in/code")
@public
def sign_in_code() -> Response | tuple[str, int]:
    app, now = application(), application().clock()
    code, wanted = request.form.get("code", "")[:40], local_address(request.form.get("next"))
    with app.database.read() as conn:
        who = secondfactor.who_waits(conn, app.tables, g.session_secret, now)
        if who is None:
            return _sign_in_form(wanted, problem=said(TOO_LATE)), 401
        keys = sessions.try_keys(who.login, request.remote_addr or "-")
        if sessions.tried_too_often(conn, app.tables, keys, now):
            return _code_form(wanted, said(HTTP_MESSAGES[429])), 429
    with app.database.write() as conn:
        if not secondfactor.accepts(conn, app, who.id, code):
            sessions.count_try(conn, app.tables, keys, now)
            return _code_form(wanted, said(WRONG_CODE)), 401
        secondfactor.wait_no_longer(conn, app.tables, g.session_secret)
        _enter(conn, who.id, keys[0], now)
    return _entered(wanted)


# --- sessions


def begin(conn: Any, user_id: int, now: dt.datetime, **more: Any) -> None:
    """A fresh session; whatever cookie came with the request is dead from here on. ``more``: see ``open_session``."""
    tables, options = application().tables, settings()
    if g.session_secret:
        sessions.close_session(conn, tables, g.session_secret)
    g.new_cookie = sessions.open_session(
        conn,
        tables,
        user_id,
        now=now,
        lasts=dt.timedelta(hours=options.session_hours),
        agent=request.headers.get("User-Agent", ""),
        address=request.remote_addr or "-",
        **more,
    )


def begin_again(conn: Any) -> None:
    """A new session for the person acting, after their password changed."""
    begin(conn, g.actor.id, application().clock())


@blueprint.post("/sign_out")
@public
def sign_out() -> Response:
    if g.session_secret:
        app = application()
        with app.database.write() as conn:
            sessions.close_session(conn, app.tables, g.session_secret)
    g.new_cookie = ""
    return go("/sign_in")


@blueprint.post("/look_as")
def look_as() -> Response:
    """See the application as a role does; for administrators. An empty role ends it."""
    app, role = application(), request.form.get("role", "")
    if not g.is_admin or g.bearer:
        raise Denied(message("Only administrators may look as somebody else."))
    if role and (role not in app.definition.roles or role == ADMIN):
        raise Invalid(message("There is no role {role}.", role=role[:80]))
    if role and app.definition.roles[role].stands_for is not None:
        raise Invalid(message("People of this role are outside. Look as one of them, from the record they stand for."))
    with app.database.write() as conn:
        sessions.look_as(conn, app.tables, g.session_secret, role or None)
    return go("/")
