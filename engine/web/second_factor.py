"""My account › second factor: an authenticator app is set up by scanning a picture, and given up with the password."""

from __future__ import annotations

import io

import segno
from flask import Blueprint, g, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import audit, secondfactor, sessions
from engine.errors import AppmillError, Denied, Refused, message
from engine.web.auth import begin_again, code_needed
from engine.web.context import actor, application, reader
from engine.web.failures import said
from engine.web.me import NOT_RIGHT, is_my_password, only_in_browsers
from engine.web.render import go, render, toast

blueprint = Blueprint("second_factor", __name__, url_prefix="/me/second_factor")
blueprint.before_request(only_in_browsers)


@blueprint.get("")
def show() -> str:
    app, who = application(), actor()
    with app.database.read() as conn:
        on = secondfactor.enrolled(conn, app.tables, who.id or 0)
        left = secondfactor.codes_left(conn, app.tables, who.id or 0)
    return render("me/second_factor.html", left=left, problem="", asked=code_needed(who)) if on else _enrolment("")


def _enrolment(problem: str, shared: str = "") -> str:
    app = application()
    shared = shared or secondfactor.fresh()
    issuer = app.definition.label.text(reader().language)
    address = secondfactor.address_for(shared, actor().login, issuer)
    return render(
        "me/second_factor_new.html", shared=shared, picture=_picture(address), problem=problem, forced=g.must_enrol,
        possible=app.secrets.can_keep,
    )  # fmt: skip


def _picture(address: str) -> Markup:
    drawn = io.BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", scale=5, border=3, xmldecl=False, svgns=False, light="#fff")
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by segno, the address is not part of it


@blueprint.post("")
def enrol() -> Response | tuple[str, int]:
    """Other browsers are signed out: they were signed in without a code."""
    app, who, shared = application(), actor(), request.form.get("shared", "")[:64]
    try:
        _demand_password()
        with app.database.write() as conn:
            codes = secondfactor.enrol(conn, app, who.id or 0, shared, request.form.get("code", "")[:20])
            sessions.close_sessions(conn, app.tables, who.id or 0)
            begin_again(conn)
            audit.note(conn, app, who, "user.second_factor", who.id or 0)
    except AppmillError as error:
        return _enrolment(said(error.reason), shared if secondfactor.SECRET.fullmatch(shared) else ""), error.status
    return _codes(codes), 200


def _codes(codes: list[str]) -> str:
    return render("me/recovery_codes.html", codes=codes)


@blueprint.post("/codes")
def new_codes() -> tuple[str, int]:
    app, who = application(), actor()
    try:
        _demand_password()
        with app.database.write() as conn:
            if not secondfactor.enrolled(conn, app.tables, who.id or 0):
                raise Refused(message("Set up the second factor first."))
            codes = secondfactor.new_codes(conn, app.tables, who.id or 0)
            audit.note(conn, app, who, "user.recovery_codes", who.id or 0)
    except AppmillError as error:
        return _again(error)
    return _codes(codes), 200


@blueprint.post("/drop")
def drop() -> Response | tuple[str, int]:
    app, who = application(), actor()
    try:
        if code_needed(who):
            raise Denied(message("A second factor is asked of you; it cannot be turned off."))
        _demand_password()
    except AppmillError as error:
        return _again(error)
    with app.database.write() as conn:
        if secondfactor.drop(conn, app, who.id or 0):
            audit.note(conn, app, who, "user.second_factor_dropped", who.id or 0)
    toast(message("No code is asked for any more."))
    return go("/me/second_factor")


def _again(error: AppmillError) -> tuple[str, int]:
    app = application()
    with app.database.read() as conn:
        left = secondfactor.codes_left(conn, app.tables, actor().id or 0)
    asked = code_needed(actor())
    return render("me/second_factor.html", left=left, problem=said(error.reason), asked=asked), error.status


def _demand_password() -> None:
    """Whoever finds an open browser cannot change how its owner signs in. Raises Denied."""
    if not is_my_password(request.form.get("password", "")):
        raise Denied(NOT_RIGHT)
