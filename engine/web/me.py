"""My own account: name, language, time zone, password, sessions, API tokens."""

from __future__ import annotations

import datetime as dt
from zoneinfo import available_timezones

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response

from engine import accounts, audit, formats, passwords, sessions
from engine.errors import Denied, Invalid, Missing, Problem, message
from engine.web.auth import begin_again, public
from engine.web.context import actor, application, reader
from engine.web.failures import said
from engine.web.render import go, local_address, render, toast

blueprint = Blueprint("me", __name__)

COMMON_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Tokyo", "Asia/Seoul", "Asia/Singapore", "Asia/Kolkata",
    "Asia/Dubai", "Europe/Moscow", "Europe/Istanbul", "Europe/Berlin", "Europe/Paris", "Europe/London", "UTC",
    "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
# What stands in a browser's description of itself, and what it means; the first that fits counts.
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip
BROWSERS = (
    ("MicroMessenger", "WeChat"), ("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
TOKEN_DAYS = {"30": 30, "90": 90, "365": 365, "never": None}
LONGEST_NAME = 80
NOT_RIGHT = message("The present password is not right.")


def shown_times() -> dict[str, object]:
    """``ago`` and ``exact`` for templates."""
    now, who = application().clock(), reader()
    return {
        "ago": lambda moment: formats.relative(moment, now, who.language),
        "exact": lambda moment: formats.moment(moment, who),
    }


def _refuse_bearer() -> None:
    if g.bearer:
        raise Denied(message("An API token cannot change an account."))


@blueprint.before_request
def only_in_browsers() -> None:
    _refuse_bearer()


# --- profile


@blueprint.get("/me")
def show() -> str:
    app, who = application(), actor()
    with app.database.read() as conn:
        user = accounts.find_user(conn, app.tables, id=who.id)
        living = sessions.sessions_of(conn, app.tables, user.id, app.clock())
    return render(
        "me/account.html",
        user=user,
        living=living,
        current=sessions.digest(g.session_secret),
        zones=zones(user.timezone),
        browser_of=browser_of,
        **shown_times(),
    )


def zones(chosen: str | None) -> tuple[str, ...]:
    return COMMON_ZONES if chosen is None or chosen in COMMON_ZONES else (*COMMON_ZONES, chosen)


def browser_of(agent: str | None) -> str:
    """What to call a browser: enough to know one's own again."""
    text = agent or ""
    system = next((name for mark, name in SYSTEMS if mark in text), "")
    browser = next((name for mark, name in BROWSERS if mark in text), "")
    return " · ".join(part for part in (browser, system) if part) or text[:40] or "?"


@blueprint.post("/me/profile")
def profile() -> Response:
    app, form = application(), request.form
    zone = form.get("timezone", "")
    if zone not in available_timezones():
        reason = message("There is no time zone {name}.", name=zone[:60])
        raise Invalid(reason, [Problem("timezone", reason)])
    with app.database.write() as conn:
        values = {"name": form.get("name", ""), "email": form.get("email", "").strip()[:200] or None, "timezone": zone}
        accounts.set_profile(conn, app.tables, actor().id or 0, **values)
        audit.note(conn, app, actor(), "user.profile", actor().id or 0)
    toast(message("Saved."))
    return go("/me")


@blueprint.post("/me/language")
def set_language() -> Response:
    app, wanted = application(), request.form.get("language", "")
    if wanted not in app.definition.languages:
        raise Invalid(message("There is no language {name} here.", name=wanted[:20]))
    if not g.view_as:
        with app.database.write() as conn:
            accounts.set_profile(conn, app.tables, actor().id or 0, language=wanted)
    return _with_language(wanted)


@blueprint.post("/language")
@public
def browser_language() -> Response:
    """For people who are not signed in: kept in a cookie."""
    wanted = request.form.get("language", "")
    return _with_language(wanted if wanted in application().definition.languages else "")


def _with_language(wanted: str) -> Response:
    answer = redirect(local_address(request.form.get("next")) or "/", 303)
    answer.set_cookie("language", wanted, max_age=31536000, samesite="Lax", httponly=True)
    return answer


# --- password and sessions


@blueprint.get("/me/password")
def password() -> str:
    return render("me/password.html", problem="", forced=g.must_change, shortest=passwords.SHORTEST)


def is_my_password(text: str) -> bool:
    """Whether it is the present one; wrong ones are counted as at signing in, and after many none is right."""
    app, now = application(), application().clock()
    keys = sessions.try_keys(actor().login, request.remote_addr or "-")
    with app.database.read() as conn:
        login = accounts.find_user(conn, app.tables, id=actor().id).login
        stored = sessions.candidate(conn, app.tables, login, now).password_hash
        often = sessions.tried_too_often(conn, app.tables, keys, now)
    if not often and passwords.matches(stored, text):
        return True
    with app.database.write() as conn:
        sessions.count_try(conn, app.tables, keys, now)
    return False


@blueprint.post("/me/password")
def change_password() -> Response | tuple[str, int]:
    """Change it, end every other session and token, and go on in a fresh session."""
    app, form = application(), request.form
    now, new = app.clock(), form.get("new", "")
    with app.database.read() as conn:
        user = accounts.find_user(conn, app.tables, id=actor().id)
    objection = passwords.objection(new, user.login)
    if not is_my_password(form.get("old", "")):
        objection = NOT_RIGHT
    elif new != form.get("again"):
        objection = message("The two new passwords differ.")
    elif new == form.get("old"):
        objection = message("The new password must differ from the present one.")
    if objection:
        shown = render("me/password.html", problem=said(objection), forced=g.must_change, shortest=passwords.SHORTEST)
        return shown, 422
    with app.database.write() as conn:
        accounts.set_password(conn, app.tables, user, new, now=now, must_change=False)
        audit.note(conn, app, actor(), "user.password", user.id)
        begin_again(conn)
    toast(message("The password is changed. Other devices and API tokens are signed out."))
    return go("/")


@blueprint.post("/me/sessions/end")
def end_session() -> Response:
    """End one session (``mark``: the beginning of its hash) or all but the present one."""
    app, mark = application(), request.form.get("mark", "")
    with app.database.write() as conn:
        if len(mark) >= 16:
            sessions.close_sessions(conn, app.tables, actor().id or 0, mark=mark)
        else:
            sessions.close_sessions(conn, app.tables, actor().id or 0)
            begin_again(conn)
        audit.note(conn, app, actor(), "user.sessions_ended", actor().id or 0)
    toast(message("Signed out there."))
    return go("/me")


# --- API tokens


@blueprint.get("/me/tokens")
def tokens() -> str:
    return _tokens_page(None)


def _tokens_page(secret: str | None) -> str:
    app = application()
    with app.database.read() as conn:
        mine = sessions.tokens_of(conn, app.tables, actor().id)
    return render("me/tokens.html", mine=mine, secret=secret, now=app.clock(), days=TOKEN_DAYS, **shown_times())


@blueprint.post("/me/tokens")
def create_token() -> str | tuple[str, int]:
    app, form = application(), request.form
    name, days = form.get("name", "").strip(), TOKEN_DAYS.get(form.get("days", "90"), 90)
    if not 1 <= len(name) <= LONGEST_NAME:
        reason = message("Give the token a name of at most {count} characters.", count=LONGEST_NAME)
        raise Invalid(reason, [Problem("name", reason)])
    scopes = {"all": None, "write": ["read", "write"]}.get(form.get("scope", "read"), ["read"])
    now = app.clock()
    with app.database.write() as conn:
        ends = None if days is None else now + dt.timedelta(days=days)
        secret = sessions.create_token(
            conn, app.tables, actor().id or 0, name=name, scopes=scopes, now=now, expires_at=ends
        )
        audit.note(conn, app, actor(), "token.created", actor().id or 0, reason=name)
    return _tokens_page(secret)


@blueprint.post("/me/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> Response:
    app = application()
    with app.database.write() as conn:
        if not sessions.revoke_token(conn, app.tables, token_id, now=app.clock(), user_id=actor().id):
            raise Missing(message("There is no such token."))
        audit.note(conn, app, actor(), "token.revoked", actor().id or 0)
    toast(message("The token no longer works."))
    return go("/me/tokens")
