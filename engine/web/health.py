"""What machines ask that watch over this process: whether it lives, whether it takes work, and its figures.

No session, no application, no page: these answer when nothing else does. They tell strangers a word and no more; the
figures need the operator's token, and where none is set they are not there.
"""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, Flask, Response, abort, g, jsonify, request

from engine.web.context import Site, site

blueprint = Blueprint("health", __name__)
V = TypeVar("V")
RETRY_AFTER = "5"  # seconds


def unattended(view: V) -> V:
    """A view that needs neither the database nor anybody who acts, and leaves no line in the log."""
    view.public = view.unattended = True  # type: ignore[attr-defined]
    return view


@blueprint.get("/health/live")
@unattended
def live() -> Response:
    return jsonify(status="alive")


@blueprint.get("/health/ready")
@unattended
def ready() -> Response:
    trouble = site().readiness.trouble()
    if trouble is None:
        return jsonify(status="ready")
    answer = jsonify(status="not ready", why=trouble)
    answer.status_code = 503
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


@blueprint.get("/metrics")
@unattended
def metrics() -> Response:
    exposed = site().exposed
    if exposed is None:
        abort(404)
    if not exposed.is_open_to(request.headers.get("Authorization", "")):
        return Response("", 401, {"WWW-Authenticate": "Bearer"})
    return Response(exposed.text(), content_type=exposed.media_type)


def make_watch(watched: Site) -> Flask:
    """A site that answers these alone, for a process that serves no pages."""
    flask = Flask("engine.web.watch", static_folder=None)
    flask.extensions["appmill"] = watched
    flask.register_blueprint(blueprint)

    @flask.after_request
    def protect(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Request-Id"] = g.setdefault("request_id", "-")
        return response

    return flask
