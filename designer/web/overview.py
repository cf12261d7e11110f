"""The draft as a whole: where it stands, its text, and the way to its parts."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect
from werkzeug.wrappers import Response as Answer

from designer.text import Undo
from designer.web.frame import workspace

blueprint = Blueprint("overview", __name__)
FIRST = {"form": "forms", "rule": "rules", "page": "pages", "flow": "forms"}


@blueprint.get("/<int:id>")
def overview(id: int) -> Answer:
    draft = workspace(id)
    return redirect(f"/designer/{id}/{'form' if draft.reading.readable else 'yaml'}", 303)


@blueprint.get("/<int:id>/state")
def state(id: int) -> Response:
    """Where the draft stands now, for a page that was drawn from an older one."""
    draft = workspace(id)
    steps = Undo.from_data(dict(draft.change.undo))
    return jsonify(
        version=draft.change.version,
        undo=steps.done[-1].label if steps.done else "",
        redo=steps.undone[-1].label if steps.undone else "",
        errors=draft.reading.errors,
    )
