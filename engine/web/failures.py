"""What people and programs are told when something is refused or breaks: one table of shapes.

A program gets ``{"error": {"code", "message", "problems": [{"where", "message"}], "request_id"}}``; htmx gets a
toast and leaves the page as it is; a person gets a page. A defect is logged with its trace and shown with its id only.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import psycopg
from flask import Flask, Response, g, jsonify, request
from sqlalchemy.exc import DBAPIError, StatementError, TimeoutError
from werkzeug.exceptions import HTTPException

from engine.errors import AppmillError, Denied, Invalid, Message, Missing, Problem, Refused, Stale, message
from engine.storage.database import GONE
from engine.texts import say
from engine.web.context import api_wanted
from engine.web.render import local_address, render

log = logging.getLogger("appmill.failure")

UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)
RETRY_AFTER = "2"  # seconds
HTTP_MESSAGES = {
    400: message("The request could not be understood."),
    401: message("Please sign in first."),
    403: message("You may not do this."),
    404: message("There is nothing here, or nothing you may see."),
    405: message("This cannot be done here."),
    413: message("This is too large to be uploaded."),
    415: message("This kind of content is not taken here."),
    429: message("Too many attempts. Please wait a few minutes and try again."),
    500: message("Something went wrong on our side. It has been noted; please try again later."),
    503: message("The database is busy. Please try again in a moment."),
}
CODES = {
    400: "bad_request", 401: "unauthorized", 403: "denied", 404: "missing", 405: "method_not_allowed",
    413: "too_large", 415: "unsupported", 422: "invalid", 429: "too_many", 500: "error", 503: "unavailable",
}  # fmt: skip
HEADINGS = {
    Denied: message("Not permitted"),
    Missing: message("Not found"),
    Invalid: message("Please check the input"),
    Stale: message("Changed meanwhile"),
    Refused: message("Not possible now"),
}


class TooMany(AppmillError):
    """Too many attempts from one place or for one account."""

    status = 429
    code = "too_many"


class Unauthorized(AppmillError):
    """Nobody is signed in, or the token is not known."""

    status = 401
    code = "unauthorized"


class SignedOut(Unauthorized):
    """The session ended while a page with something typed is open; its script asks for the password again."""


def language() -> str:
    reader = g.get("reader")
    return reader.language if reader else "zh"


def said(text: Message) -> str:
    return say(text, language())


def error_json(status: int, code: str, text: str, problems: tuple[Problem, ...] = (), **more: Any) -> Response:
    """The one error shape of the API."""
    told = [{"where": one.where, "message": said(one.message)} for one in problems]
    body: dict[str, Any] = {"code": code, "message": text, "problems": told, "request_id": g.get("request_id")}
    answer = jsonify(error={**body, **more})
    answer.status_code = status
    return answer


def _toast(status: int, text: str, problems: tuple[Problem, ...]) -> Response:
    if status >= 500:  # a person without the page of the error needs its number too
        text = f"{text} ({said(message('Request {id}', id=g.get('request_id')))})"
    told = [{"text": part, "kind": "danger"} for part in dict.fromkeys((text, *(said(p.message) for p in problems)))]
    headers = {"HX-Reswap": "none", "HX-Trigger": json.dumps({"toast": {"toasts": told[:6]}})}
    return Response("", status, headers)


def _page(status: int, heading: str, text: str, problems: tuple[Problem, ...]) -> Response:
    layout = "base.html" if g.get("actor") and not g.actor.portal else "bare.html"
    shown = [said(problem.message) for problem in problems]
    home = f"/portal/{(request.view_args or {}).get('portal_name')}" if request.blueprint == "portal" else "/"
    again = local_address(request.full_path.rstrip("?")) if status == 503 and request.method == "GET" else None
    return Response(
        render(
            "error.html",
            layout=layout,
            status=status,
            heading=heading,
            text=text,
            problems=shown,
            home=home,
            again=again,
        ),
        status,
        content_type="text/html; charset=utf-8",
    )


def answer(
    status: int, code: str, text: Message, problems: tuple[Problem, ...] = (), heading: Message | None = None
) -> Response:
    """The refusal in the shape its caller understands."""
    if api_wanted() or "application" not in g:
        return error_json(status, code, said(text), problems)
    if "HX-Request" in request.headers:
        return _toast(status, said(text), problems)
    return _page(status, said(heading or HTTP_MESSAGES.get(status, text)), said(text), problems)


def refused(error: AppmillError) -> Response:
    if isinstance(error, SignedOut):
        return Response(said(error.reason), 401, {"HX-Reswap": "none", "HX-Trigger": '{"signed-out": {}}'})
    more = {"version": error.current_version} if isinstance(error, Stale) else {}
    if api_wanted():
        return error_json(error.status, error.code, said(error.reason), error.problems, **more)
    heading = next((text for kind, text in HEADINGS.items() if isinstance(error, kind)), None)
    return answer(error.status, error.code, error.reason, error.problems, heading)


def http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    text = HTTP_MESSAGES.get(status, HTTP_MESSAGES[400 if status < 500 else 500])
    made = answer(status, CODES.get(status, "error"), text)
    if allow := error.get_headers() if status == 405 else ():
        made.headers.extend((name, value) for name, value in allow if name == "Allow")
    return made


def database_busy(error: Exception) -> Response:
    if isinstance(error, StatementError):
        error.hide_parameters = True  # values of records and sessions stay out of the log
    cause = getattr(error, "orig", None) or error
    known = isinstance(cause, UNREACHABLE) or "locked" in str(cause)  # a trace of each would drown everything else
    said_by_it = str(cause).strip().partition("\n")[0]
    told = (g.get("request_id"), type(cause).__name__, said_by_it)
    log.error("request %s: database: %s: %s", *told, exc_info=None if known else error)
    made = answer(503, CODES[503], HTTP_MESSAGES[503])
    made.headers["Retry-After"] = RETRY_AFTER
    return made


def defect(error: Exception) -> Response:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return database_busy(error)
    if isinstance(error, StatementError):
        error.hide_parameters = True
    log.error("request %s failed", g.get("request_id"), exc_info=error)
    return answer(500, CODES[500], HTTP_MESSAGES[500])


def equip(flask: Flask) -> None:
    flask.register_error_handler(AppmillError, refused)
    flask.register_error_handler(HTTPException, http_error)
    for kind in GONE:
        flask.register_error_handler(kind, database_busy)
    flask.register_error_handler(Exception, defect)
