"""The draft as text, with what the check says about its lines."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from designer.web.frame import draw, workspace
from designer.workspace import Workspace
from engine.texts import say
from engine.web.context import reader

blueprint = Blueprint("texts", __name__)


@blueprint.get("/<int:id>/yaml")
def show(id: int) -> str:
    draft = workspace(id)
    return draw("yaml.html", draft, "yaml", findings=_findings(draft), line=request.args.get("line", type=int))


@blueprint.get("/<int:id>/yaml/text")
def text(id: int) -> Response:
    """The text and its findings, for the editor after somebody changed something elsewhere."""
    draft = workspace(id)
    return jsonify(text=draft.text, findings=_findings(draft), version=draft.change.version)


def _findings(draft: Workspace) -> list[dict[str, object]]:
    return [
        {"severity": one.severity, "line": one.line, "column": one.column, "path": one.path,
         "message": say(one.message, reader().language)}
        for one in draft.findings
    ]  # fmt: skip
