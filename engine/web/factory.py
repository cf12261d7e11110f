"""The site: one Flask application around one Appmill application.

A request passes, in this order: host, who acts (one query), forgery, sign-in required, the view; an answer passes:
toasts, headers, log line. Views are closed to people who are not signed in unless marked ``public``.
"""

from __future__ import annotations

import importlib
import importlib.util
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any

from flask import Flask, g, request
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response

from engine import causes
from engine.application import Application
from engine.current import Current
from engine.storage.watching import watch
from engine.web import auth, failures, folding, render, security, statics, walls
from engine.web.context import Settings, Site

ROOMS = (
    "auth", "home", "notices", "questions", "approvals", "deciding", "standing_in", "me", "second_factor", "messages",
    "admin", "people", "publishing", "live", "walls", "lists", "conditions", "inline", "boards", "pages", "finding",
    "bulk", "saved", "forms", "options", "record", "related", "take", "comments", "lines", "printing", "attachments",
    "drafts", "hooks", "feeds", "api", "ingest", "exports", "imports", "automation", "access", "entries", "tasks",
    "scanning", "phone", "portal", "print_jobs", "backups", "health", "operations",
)  # fmt: skip
LARGEST_NUMBER = 10**18  # well within what databases hold, also plus one


class RecordNumber(IntegerConverter):
    """``<int:…>`` in addresses: a number no database can hold is an address that leads nowhere."""

    regex = "[0-9]{1,19}"

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST_NUMBER, **options})


def make_web(
    application: Application,
    *,
    secret_key: str | None = None,
    settings: Settings | None = None,
    identify: Callable[[], None] = auth.identify,
) -> Flask:
    """The site for ``application``. ``secret_key`` signs toasts in passing only; without one it lasts as long as the
    process. ``identify`` fills ``g`` with who acts; for a site inside another one, which knows already."""
    options = settings or Settings()
    flask = Flask("engine.web", static_folder=None)
    flask.jinja_environment = folding.Environment
    flask.url_map.converters["int"] = RecordNumber
    flask.config.update(
        SECRET_KEY=secret_key or secrets.token_hex(32),
        MAX_CONTENT_LENGTH=options.max_body,
        MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024,
        MAX_FORM_PARTS=20_000,
        SESSION_COOKIE_NAME="appmill_toasts",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=options.secure,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=1),
        PREFERRED_URL_SCHEME="https" if options.secure else "http",
        TEMPLATES_AUTO_RELOAD=False,
    )
    flask.extensions["appmill"] = Site(Current(application), options)
    flask.json.ensure_ascii = False  # type: ignore[attr-defined]
    render.equip(flask, f"/static/~{statics.tree_hash(statics.FOLDER)}")
    failures.equip(flask)
    if application.registry.template_folders:
        own, added = flask.create_global_jinja_loader(), FileSystemLoader(application.registry.template_folders)
        flask.jinja_env.loader = ChoiceLoader([own, added])
    _add_stations(flask, identify)
    _add_rooms(flask, application)
    _trust_proxies(flask, options.trusted_proxies)
    return flask


def _add_stations(flask: Flask, identify: Callable[[], None]) -> None:
    """What every request and answer passes; answers pass in the reverse order of their naming here."""

    @flask.before_request
    def enter() -> Response | None:
        g.started = time.perf_counter()
        g.request_id = secrets.token_hex(8)
        causes.begin(request=g.request_id)
        watch.begin()
        if getattr(_view(flask), "unattended", False):
            return None
        g.application = flask.extensions["appmill"].current.application()
        g.application.database.meter.began()
        auth.start()
        security.refuse_foreign_host()
        if getattr(_view(flask), "machine", False):
            return None
        if getattr(_view(flask), "public", False) and request.path.startswith("/static/"):
            return None
        identify()
        walls.identify()
        public = getattr(_view(flask), "public", False)
        if g.actor is None and not public:  # a session that ended is told as such, not as a forged request
            return auth.require_sign_in()
        security.refuse_forgery()
        return None if public else auth.require_sign_in()

    flask.after_request(security.log_request)
    flask.after_request(security.protect)
    flask.after_request(auth.keep_cookie)
    flask.after_request(render.send_toasts)
    flask.teardown_request(security.measure_request)


def _view(flask: Flask) -> object:
    return flask.view_functions.get(request.endpoint or "")


def _add_rooms(flask: Flask, application: Application) -> None:
    flask.register_blueprint(statics.blueprint)
    for room in _existing(ROOMS):
        flask.register_blueprint(room.blueprint)
    for make_blueprint in application.registry.screens:
        flask.register_blueprint(make_blueprint(application))


def _existing(names: Sequence[str]) -> list[ModuleType]:
    found = [name for name in names if importlib.util.find_spec(f"engine.web.{name}")]
    return [importlib.import_module(f"engine.web.{name}") for name in found]


def _trust_proxies(flask: Flask, count: int) -> None:
    if count:
        flask.wsgi_app = ProxyFix(flask.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
