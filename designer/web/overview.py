"""The draft as a whole: where it stands, its text, and the way to its parts."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect
from werkzeug.wrappers import Response as Answer

from designer.web.frame import next_steps, workspace

blueprint = Blueprint("overview", __name__)


@blueprint.get("/<int:id>")
def overview(id: int) -> Answer:
    draft = workspace(id)
    return redirect(f"/designer/{id}/{'form' if draft.reading.readable else 'yaml'}", 303)


@blueprint.get("/<int:id>/state")
def state(id: int) -> Response:
    """Where the draft stands now, for a page that was drawn from an older one."""
    draft = workspace(id)
    undo, redo = next_steps(draft)
    return jsonify(version=draft.change.version, undo=undo, redo=redo, errors=draft.reading.errors)
