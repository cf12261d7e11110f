"""The door of the browser extension: which pages it may read, and what a person hands over from them.

By API token alone: a cookie is not looked at, so no page can speak for somebody who is signed in, and there is nothing
to forge. Scripts may read the answers only where the browser says that they are those of an extension.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from engine.errors import Message, message
from engine.feeding import sending
from engine.feeding.knowing import called
from engine.feeding.sending import MOST, Post, Told
from engine.feeds import Feed
from engine.language import Label
from engine.permissions import may
from engine.sites import BrowserPagesConnection, PageLines, PageValue, Site
from engine.storage import upsert
from engine.web import api_input, auth
from engine.web.api import speak_as_asked
from engine.web.context import actor, application, definition
from engine.web.failures import TooMany, Unauthorized, said
from engine.web.hooks import machine
from engine.web.render import label

blueprint = Blueprint("ingest", __name__, url_prefix="/api/ingest")

LARGEST = 512 * 1024  # bytes of a post
PER_MINUTE = 240  # requests of one person
_EXTENSION = re.compile(r"(chrome|moz)-extension://[a-z0-9-]{8,64}")
_KEY = re.compile(r"[\x21-\x7e]{16,200}")


# --- what every request and answer passes ----------------------------------------------------------------------------


@blueprint.before_request
def identify() -> None:
    """Who the token is of. Raises Unauthorized, TooMany."""
    if request.method == "OPTIONS":
        return  # asked by browsers on their own, of nobody
    if "Authorization" not in request.headers:
        raise Unauthorized(message("An API token is needed here. You make one under My account, API tokens."))
    auth.identify()
    speak_as_asked()
    app = application()
    with app.database.write() as conn:
        if upsert.count(conn, app.tables, f"ingest:{actor().id}", app.clock(), 60) > PER_MINUTE:
            raise TooMany(message("That is too much at once. Please wait a minute and try again."))


@blueprint.after_request
def let_extensions_read(response: Response) -> Response:
    origin = request.headers.get("Origin", "")
    response.vary.add("Origin")
    if _EXTENSION.fullmatch(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


@blueprint.route("/sites", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/<feed>/<connection>", methods=["OPTIONS"], provide_automatic_options=False)
@machine
def may_ask(**_where: str) -> Response:
    """What browsers ask before a script of an extension may: which headers it may send."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
        "Access-Control-Max-Age": "600",
    }
    known = _EXTENSION.fullmatch(request.headers.get("Origin", ""))
    return Response(status=204, headers=allowed if known else None)


# --- which pages -----------------------------------------------------------------------------------------------------


@blueprint.get("/sites")
@machine
def list_sites() -> Response:
    api_input.refuse_parameters()
    app, who = definition(), actor()
    found = [_site(*one) for one in sending.open_sites(application(), who)]
    return jsonify(app=label(app), person=who.name, most=MOST, sites=found)


def _site(feed: Feed, connection: BrowserPagesConnection, site: Site) -> dict[str, Any]:
    return {
        "feed": feed.name, "connection": connection.name, "site": site.name,
        "label": _called(site.label or connection.label, called(feed, g.reader.language)), "match": list(site.match),
        "item": site.item, "key": site.key, "next": site.next,
        "fields": _fields(site.fields), "lines": _lines(site.lines),
    }  # fmt: skip


def _lines(lines: PageLines | None) -> dict[str, Any] | None:
    return {"item": lines.item, "fields": _fields(lines.fields)} if lines is not None else None


def _fields(fields: Any) -> list[dict[str, Any]]:
    return [_field(name, field) for name, field in fields.items()]


def _field(name: str, field: PageValue) -> dict[str, Any]:
    return {
        "name": name, "label": _called(field.label, name.replace("_", " ").replace(".", " ")), "css": field.css,
        "attr": field.attr, "pattern": field.pattern, "type": field.type, "required": field.required,
    }  # fmt: skip


def _called(label: Label | None, otherwise: str) -> str:
    return label.text(g.reader.language) if label is not None else otherwise


# --- what is handed over ---------------------------------------------------------------------------------------------


@blueprint.post("/<feed>/<connection>")
@machine
def receive(feed: str, connection: str) -> Response:
    api_input.refuse_parameters()
    where = sending.place_of(application(), actor(), feed, connection)
    told = sending.send(application(), actor(), _post(*where))
    return jsonify(results=[_result(where[0], one) for one in told])


def _post(feed: Feed, connection: BrowserPagesConnection) -> Post:
    if (request.content_length or 0) > LARGEST:
        raise RequestEntityTooLarge
    data = api_input.body(("site", "items"))
    raw = request.get_data(cache=True)
    if len(raw) > LARGEST:
        raise RequestEntityTooLarge
    site, items = connection.sites.get(str(data.get("site"))), data.get("items")
    if site is None:
        raise api_input.misplaced("site", message("There is no such page here."))
    if not isinstance(items, list) or not 1 <= len(items) <= MOST:
        raise api_input.misplaced("items", message("Send a list of 1 to {most} items.", most=MOST))
    return Post(feed, connection, site, items, _key(), zlib.crc32(request.path.encode() + raw) & 0x7FFFFFFF)


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise api_input.Malformed(
            message("Idempotency-Key must be 16 to 200 visible ASCII characters, such as a UUID: one per post.")
        )
    return key


def _result(feed: Feed, told: Told) -> dict[str, Any]:
    words = [_words(where, text) for where, text in told.problems] or ([told.reason] if told.reason else [])
    shown = told.record_id is not None and bool(may(application(), actor(), "read", feed.form))
    return {
        "key": told.key, "what": told.what, "said": words,
        "url": f"/{feed.form}/{told.record_id}" if shown else None,
    }  # fmt: skip


def _words(where: str, text: Message) -> str:
    return f"{where}: {said(text)}" if where else said(text)
