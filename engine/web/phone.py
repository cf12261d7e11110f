"""The application on the home screen of a phone: its manifest, its icons, and the worker that keeps the shell and the
task screens for times without network. All of it is readable by strangers: it says no more than the sign-in page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, g, request
from markupsafe import Markup

from engine import entries
from engine.web import render as rendering
from engine.web import statics
from engine.web.appicon import picture
from engine.web.auth import public
from engine.web.context import definition
from engine.web.render import label_in, render

blueprint = Blueprint("phone", __name__)

SIZES = (180, 192, 512)
WORKER = "js/phone/worker.js"
QUEUE = "js/phone/queue.js"
READER = ("vendor/barcode-detector@3.2.2/ponyfill.js", "vendor/zxing-wasm@3.1.3/zxing_reader.wasm")
VENDORED = (
    "vendor/tabler-core@1.6.1/tabler.min.css", "vendor/tabler-core@1.6.1/tabler.min.js",
    "vendor/htmx.org@4.0.1/htmx.min.js", "vendor/htmx.org@4.0.1/hx-preload.min.js",
    "vendor/htmx.org@4.0.1/hx-ptag.min.js",
)  # fmt: skip
GROUND = "#f6f7fa"


@blueprint.get("/manifest/<language>.webmanifest")
@public
def manifest(language: str) -> Response:
    app = definition()
    if language not in app.languages:
        abort(404)
    name = label_in(app, language)
    told = {
        "id": "/", "name": name, "short_name": name[:12], "lang": "zh-CN" if language == "zh" else language,
        "start_url": "/tasks" if app.tasks else "/", "scope": "/", "display": "standalone", "orientation": "any",
        "background_color": GROUND, "theme_color": COLOURS[app.colour],
        "icons": [{"src": icon_address(size), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
                  for size in (192, 512) for purpose in ("any", "maskable")],
        "shortcuts": [{"name": task.label.text(language), "url": f"/tasks/{task.name}"}
                      for task in list(app.tasks.values())[:4] if not task.roles],
    }  # fmt: skip
    answer = Response(json.dumps(told, ensure_ascii=False), content_type="application/manifest+json; charset=utf-8")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


COLOURS = {
    "blue": "#2449b3", "azure": "#1c6fb8", "indigo": "#3f4fb5", "purple": "#7a35ad", "pink": "#b02a63",
    "red": "#b3262f", "orange": "#b8500f", "yellow": "#8f6400", "lime": "#4f7a12", "green": "#1f7a3d",
    "teal": "#0b7268", "cyan": "#0c7182", "gray": "#475569",
}  # fmt: skip


def icon_address(size: int) -> str:
    """It changes with the icon, so that it may be kept for ever."""
    app = definition()
    return f"/app-icon-{size}.png?v={app.icon}-{app.colour}"


@blueprint.get("/app-icon-<int:size>.png")
@public
def app_icon(size: int) -> Response:
    if size not in SIZES:
        abort(404)
    app = definition()
    answer = Response(picture(app.icon, COLOURS[app.colour], size), content_type="image/png")
    answer.headers["Cache-Control"] = statics.FOREVER if "v" in request.args else "no-cache"
    return answer


# --- the worker


@blueprint.get("/sw.js")
@public
def worker() -> Response:
    """The worker, with what it keeps. Its text changes with every file of the shell, so that browsers take the new one;
    where there are no tasks it is one that clears up and goes."""
    wanted = bool(definition().tasks)
    head = f"const SHELL = {json.dumps(shell() if wanted else None)};\n"
    body = (statics.FOLDER / WORKER).read_text()
    answer = Response(head + body, content_type="text/javascript; charset=utf-8")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Service-Worker-Allowed"] = "/"
    answer.set_etag(_version() + str(wanted))
    return answer.make_conditional(request)  # type: ignore[return-value]


def shell() -> dict[str, object]:
    """What makes a task screen: our own scripts and styles, what they stand on, and the reader of codes."""
    prefix = current_app.extensions["appmill.assets"]
    own = [statics.asset_url(prefix, path) for path in (*_own(), *VENDORED)]
    return {"version": _version(), "queue": statics.asset_url(prefix, QUEUE), "assets": own,
            "reader": [statics.asset_url(prefix, path) for path in READER]}  # fmt: skip


def _version() -> str:
    return str(current_app.extensions["appmill.assets"]).rpartition("~")[2]


def _own() -> Iterator[str]:
    yield from (f"css/{name}.css" for name in rendering.STYLES)
    yield from ("icons.svg", "favicon.svg")
    yield from _scripts(statics.FOLDER)


@cache
def _scripts(folder: Path) -> tuple[str, ...]:
    found = [*sorted((folder / "js").glob("*.js")), *sorted((folder / "js/phone").glob("*.js"))]
    return tuple(str(path.relative_to(folder)) for path in found if path.name != "worker.js")


@blueprint.get("/offline")
@public
def offline() -> str:
    """What is shown where a page cannot be had: nothing of anybody's."""
    return render("tasks/offline.html", layout="bare.html")


# --- the head of every page


def phone_head() -> Markup:
    """Who is signed in, for the worker to keep nothing of anybody else; and whether there is something to work on
    without network."""
    if g.get("actor") is None:
        return Markup('<meta name="person" content="">')
    has_tasks = "yes" if tasks_shown() else ""
    return Markup('<meta name="person" content="{}" data-name="{}" data-tasks="{}">').format(
        g.actor.id, g.actor.name, has_tasks
    )


def tasks_shown() -> tuple[object, ...]:
    """The tasks of the present person, worked out once per set of roles."""
    if not definition().tasks or g.get("actor") is None:
        return ()
    who = g.actor
    kept, key = g.application.plans.kept, ("tasks", who.roles, who.scopes, who.view_as, who.system)
    found = kept.get(key)
    if found is None:
        found = kept[key] = entries.tasks_for(g.application, who)
    return found  # type: ignore[no-any-return]
