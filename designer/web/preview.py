"""The preview of a draft: its site, and the page with the frame around it."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, g, request

from designer.preview.looks import read_look
from designer.preview.showing import Shown, shown
from designer.preview.site import Inside, answer, make_site
from designer.preview.worlds import worlds_over
from designer.web.frame import workspace
from engine.errors import Missing, message
from engine.web.context import actor, application

blueprint = Blueprint("preview", __name__)
METHODS = ["GET", "HEAD", "POST"]


@blueprint.route("/<int:id>/preview/site/<look>/", defaults={"path": ""}, methods=METHODS)
@blueprint.route("/<int:id>/preview/site/<look>/<path:path>", methods=METHODS)
def site(id: int, look: str, path: str) -> Response:
    seen = _shown(id)
    found = read_look(look, seen.world.app.definition)
    if found is None:
        raise Missing(message("Nobody looks like this in the draft any more."))
    outer = request._get_current_object()  # type: ignore[attr-defined]
    inside = Inside(seen.world, actor(), found, f"/designer/{id}/preview/site/{look}", g.csrf_token, outer)
    return answer(_inner(seen), inside, path)


def _shown(id: int) -> Shown:
    return shown(application(), workspace(id), actor())


def _inner(seen: Shown) -> Flask:
    """One site for all worlds over this database."""
    kept = worlds_over(application()).kept
    found: Flask | None = kept.get("site")
    if found is None:
        found = kept["site"] = make_site(seen.world.app)
    return found
