"""What the inputs of expressions ask while somebody types or builds: mistakes, what may come next, the builder."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from designer.completing import completions
from designer.conditions import Group, from_json, parse
from designer.conditions.builder import Drawn, drawn
from designer.scopes import scope_at
from designer.text import EditRefused
from designer.web.editing import answered
from designer.web.frame import workspace
from designer.workspace import Workspace
from engine.errors import Invalid, message
from engine.expressions import Scope, check_expression
from engine.texts import say
from engine.web.render import render
from engine.yamlfile import Path

blueprint = Blueprint("expressions", __name__)
LONGEST = 4000
IS_CONDITION = frozenset({"when", "where", "that", "holds"})


def is_condition(name: str) -> bool:
    """Whether an option holds yes or no, so that it can be built of comparisons."""
    return name in IS_CONDITION or name.endswith("_when")


def _asked() -> tuple[Path, str, dict[str, Any]]:
    """The place, the text typed there, and everything else that came along."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise Invalid(message("The designer expects {keys}.", keys="path, text"))
    path, text = given.get("path"), given.get("text", "")
    if not isinstance(path, list) or not all(isinstance(step, (str, int)) for step in path):
        raise Invalid(message("The designer expects {keys}.", keys="path, text"))
    if not isinstance(text, str) or len(text) > LONGEST:
        raise Invalid(message("An expression has at most {count} characters.", count=LONGEST))
    return tuple(path), text, given


@blueprint.post("/<int:id>/expression")
@answered
def check(id: int) -> Response:
    """What is wrong with an expression at a place: sentences with the character each begins at."""
    draft, (path, text, _given) = workspace(id), _asked()
    found = check_expression(text, scope_at(draft, path), draft.registry) if text.strip() else []
    return jsonify(mistakes=[{"text": say(said, draft.language), "column": column} for said, column in found])


@blueprint.post("/<int:id>/complete")
@answered
def complete(id: int) -> Response:
    draft, (path, text, given) = workspace(id), _asked()
    position = given.get("position")
    at = position if isinstance(position, int) and 0 <= position <= len(text) else len(text)
    found = completions(draft, scope_at(draft, path), text, at)
    return jsonify([{"insert": one.insert, "label": one.label, "kind": one.kind, "doc": one.doc, "start": one.start}
                    for one in found])  # fmt: skip


@blueprint.post("/<int:id>/builder")
@answered
def builder(id: int) -> Response:
    """The builder drawn for a condition that is being built; its expression is kept by the page, not here."""
    draft, (path, _text, given) = workspace(id), _asked()
    shown = drawn(from_json(given.get("group")), scope_at(draft, path), draft.language)
    html = render("designer/builder.html", layout="fragment.html", built=shown)
    problem = say(shown.problem, draft.language) if shown.problem else ""
    return jsonify(html=html, expression=shown.expression, problem=problem)


def builder_of(draft: Workspace, path: Path, value: Any) -> Drawn | None:
    """The builder of an option, None where its expression is more than can be shown."""
    try:
        scope = scope_at(draft, path)
    except EditRefused:
        return None
    group = _group(value, scope)
    return drawn(group, scope, draft.language) if group is not None else None


def _group(value: Any, scope: Scope) -> Group | None:
    if value is None or isinstance(value, bool):
        return Group("all")
    return parse(str(value), scope)
