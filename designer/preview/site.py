"""The preview's site: the engine's own, over a sample world, inside the site around it.

One Flask application serves every world: which one, and who looks, comes with each request. No cookie goes in or out.
What would be saved walks all its way in the sample and is taken back, so that whoever tries a form is told what would
be wrong; whatever else a page could do is refused with a sentence.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from flask import Flask, Response, g, request
from flask.wrappers import Request
from markupsafe import escape

from designer.preview import addresses
from designer.preview.looks import Look
from designer.preview.worlds import World
from engine.application import Application
from engine.current import Current
from engine.errors import Message, Refused, message
from engine.people import Actor
from engine.texts import say
from engine.web.context import Settings
from engine.web.factory import make_web
from engine.web.statics import FOLDER, tree_hash

PLACE = "appmill.preview"  # where in the environment the request's Inside stands
REFUSED = "appmill.preview.refused"
SAID = "_said"  # the argument that makes a page say something
ROOMS = frozenset({
    "home", "notices", "questions", "lists", "conditions", "inline", "boards", "pages", "finding", "saved", "forms",
    "record", "related", "take", "comments", "lines", "printing", "attachments", "drafts", "static_files",
})  # fmt: skip
SAVING = frozenset({"forms.create", "forms.save", "take.take", "record.press", "record.delete"})
ASKING = frozenset({"forms.react", "lines.draw_rows"})  # posts that never save
SHOWING = frozenset({"inline.keep", "boards.move", "attachments.upload"})  # they answer with what there is
SCRIPT = "X-Preview"  # the header of preview_site.js, which stays on the page
WORDS = {
    "saved": message("This is a preview: everything was checked and would have been saved. Nothing was."),
    "nothing": message("This is a preview: nothing is saved here."),
}
PREVIEW = message("Preview")
NOT_HERE = message("This page is not part of the preview.")
PASSED_ON = (
    "REQUEST_METHOD", "CONTENT_TYPE", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "HTTP_HOST",
    "HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_X_REQUESTED_WITH", "HTTP_SEC_FETCH_SITE", "HTTP_ORIGIN",
    "HTTP_X_CSRF_TOKEN", "HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE",
    "HTTP_HX_REQUEST", "HTTP_HX_BOOSTED", "HTTP_HX_TARGET", "HTTP_HX_SOURCE", "HTTP_HX_TRIGGER",
    "HTTP_HX_REQUEST_TYPE", "HTTP_HX_HISTORY_RESTORE_REQUEST", "wsgi.version", "wsgi.url_scheme", "wsgi.errors",
    "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once",
)  # fmt: skip


@dataclass(frozen=True)
class Inside:
    """One request into the preview. ``token`` is the one the site around asks of posts; it was checked there."""

    world: World
    actor: Actor
    look: Look
    root: str
    token: str
    outer: Request


def answer(site: Flask, inside: Inside, path: str) -> Response:
    """What the preview's site says to the present request of the site around it, with every address moved."""
    environ = _environment(inside, path)
    made = cast(Response, Response.from_app(site.wsgi_app, environ))
    if REFUSED in environ and SCRIPT in inside.outer.headers:
        return _by_script(inside, "nothing")
    return _outward(inside, path, made)


def make_site(app: Application) -> Flask:
    """``app``: any world's; only its registry counts."""
    site = make_web(app, settings=Settings(log_requests=False), identify=_identify)
    site.request_class = _InnerRequest
    site.extensions["appmill"].current = _Chosen(app)
    site.before_request(_refuse)
    return site


class _Chosen(Current):
    """The application of the world the request is about."""

    def application(self) -> Application:
        inside: Inside = request.environ[PLACE]
        return inside.world.app


class _InnerRequest(Request):
    """The posted form was read by the site around, which looks for its token in it."""

    def _load_form_data(self) -> None:
        if "form" not in self.__dict__:
            outer = self.environ[PLACE].outer
            self.__dict__.update(stream=io.BytesIO(), form=outer.form, files=outer.files)


def _identify() -> None:
    inside: Inside = request.environ[PLACE]
    g.actor, g.reader = inside.actor, inside.actor.reader(inside.world.app.definition)
    g.csrf_token, g.theme = inside.token, inside.look.theme


def _refuse() -> None:
    parts = (request.endpoint or "static_files").split(".")  # rooms within rooms: record.take.take
    if parts[0] not in ROOMS:
        raise Refused(NOT_HERE)
    if request.method not in ("GET", "HEAD", "OPTIONS") and ".".join(parts[-2:]) not in SAVING | ASKING | SHOWING:
        request.environ[REFUSED] = True
        raise Refused(WORDS["nothing"])


# --- in --------------------------------------------------------------------------------------------------------------


def _environment(inside: Inside, path: str) -> dict[str, Any]:
    outer = inside.outer
    environ = {name: outer.environ[name] for name in PASSED_ON if name in outer.environ}
    body = b"" if outer.mimetype in _FORMS else outer.get_data(cache=True)
    query = [(name, value) for name, value in outer.args.items(multi=True) if name != SAID]
    environ |= {
        "SCRIPT_NAME": "", "PATH_INFO": f"/{path}".encode().decode("latin-1"), "QUERY_STRING": urlencode(query),
        "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), PLACE: inside,
    }  # fmt: skip
    for name, key in (("Referer", "HTTP_REFERER"), ("HX-Current-URL", "HTTP_HX_CURRENT_URL")):
        if name in outer.headers:
            environ[key] = addresses.inward(inside.root, outer.headers[name])
    return environ


_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


# --- out -------------------------------------------------------------------------------------------------------------


def _outward(inside: Inside, path: str, made: Response) -> Response:
    addresses.headers_outward(inside.root, made.headers)
    if inside.outer.method not in ("GET", "HEAD", "OPTIONS"):
        made = _told(inside, path, made)
    if made.mimetype == "text/html" and not made.direct_passthrough:
        made.set_data(_page(inside, made.get_data(as_text=True)))
    elif made.mimetype == "application/json" and not made.direct_passthrough:
        moved = addresses.data_outward(inside.root, json.loads(made.get_data()))
        made.set_data(json.dumps(moved, ensure_ascii=False))
    return made


def _page(inside: Inside, html: str) -> str:
    moved = addresses.page_outward(inside.root, html)
    if "</head>" not in moved:
        return moved
    head, _, rest = moved.partition("</head>")
    head = head.replace("<title>", f"<title>{escape(_say(inside, PREVIEW))} · ", 1)
    said = WORDS.get(inside.outer.args.get(SAID, ""))
    toast = f'<template data-toast="info">{escape(_say(inside, said))}</template>' if said else ""
    return f"{head}{''.join(_head(inside))}</head>{rest.replace('</body>', f'{toast}</body>', 1)}"


def _head(inside: Inside) -> Iterator[str]:
    yield f'<meta name="preview-root" content="{escape(inside.root)}">'
    yield f'<meta name="robots" content="noindex"><script type="module" src="{_script()}"></script>'


def _script() -> str:
    return f"/static/~{tree_hash(FOLDER)}/js/designer/preview_site.js"


def _told(inside: Inside, path: str, made: Response) -> Response:
    """What a post is answered with: where the inner site would go on to what was saved, there is nothing."""
    leads = made.headers.get("HX-Redirect") or (made.headers.get("Location") if 300 <= made.status_code < 400 else None)
    if not leads:
        return made
    if SCRIPT in inside.outer.headers:
        return _by_script(inside, "saved")
    back = f"{inside.root}/{'/'.join(path.split('/')[:2])}?{urlencode({SAID: 'saved'})}"
    if "HX-Request" in inside.outer.headers:
        return Response(status=204, headers={"HX-Redirect": back})
    return Response(status=303, headers={"Location": back})


def _by_script(inside: Inside, said: str) -> Response:
    told = json.dumps({"said": _say(inside, WORDS[said])}, ensure_ascii=False)
    return Response(told, mimetype="application/json")


def _say(inside: Inside, words: Message) -> str:
    return say(words, inside.look.language)
