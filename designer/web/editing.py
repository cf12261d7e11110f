"""The one door of edits: operations by name, the whole text, undo and redo. Answers are JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, request

from designer import doing
from designer.doing import Clashing
from designer.operations import Breaks, Made
from designer.text import EditRefused
from designer.web.frame import desk, next_steps, workspace
from designer.workspace import Workspace
from engine.errors import AppmillError, Invalid, Message, Stale, message
from engine.texts import say
from engine.web.context import application, reader
from engine.yamlfile import Path

blueprint = Blueprint("editing", __name__)
Answer = Response | tuple[Response, int]


def answered(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """Refusals are told as JSON: 409 where somebody else was faster, else 422."""

    @wraps(view)
    def tell(**given: Any) -> Answer:
        try:
            return view(**given)
        except Stale as error:
            return jsonify(reason=_said(error.reason)), 409
        except Clashing as error:
            return jsonify(reason=_said(error.reason), conflicts=[_conflict(one) for one in error.conflicts]), 409
        except Breaks as error:
            places = [{"path": path, "sentence": _said(sentence)} for path, sentence in error.places]
            return jsonify(reason=_said(error.reason), breaks=places), 422
        except EditRefused as error:
            return jsonify(reason=_said(error.reason), path=error.path), 422
        except AppmillError as error:
            return jsonify(reason=_said(error.reason)), 422

    return tell


@blueprint.post("/<int:id>/do")
@answered
def do(id: int) -> Answer:
    asked, seen = _body("version", "operation", "arguments"), workspace(id)
    doing.seen_as(seen.change, asked["version"])
    kept, made = doing.do(application(), desk().readings, seen, asked["operation"], asked["arguments"])
    return _state(kept, made)


@blueprint.post("/<int:id>/text")
@answered
def write(id: int) -> Answer:
    """The text of the whole draft; ``base`` is the text the typing began from."""
    asked = _body("base", "text")
    kept = doing.write(application(), desk().readings, workspace(id), asked["base"], asked["text"])
    return _state(kept, None, text=kept.text)


@blueprint.post("/<int:id>/undo")
@answered
def undo(id: int) -> Answer:
    return _stepped(id, doing.undo, message("Taken back: {label}"))


@blueprint.post("/<int:id>/redo")
@answered
def redo(id: int) -> Answer:
    return _stepped(id, doing.redo, message("Done again: {label}"))


def _stepped(id: int, step: Callable[..., tuple[Workspace, str]], said: Message) -> Answer:
    seen = workspace(id)
    doing.seen_as(seen.change, _body("version")["version"])
    kept, label = step(application(), desk().readings, seen)
    return _state(kept, None, label=_said(Message(said.pattern, {"label": label})))


def _body(*keys: str) -> dict[str, Any]:
    """The JSON that came along, with these keys of the kinds they have."""
    kinds: dict[str, type] = {"version": int, "arguments": dict}
    given = request.get_json(silent=True)
    if not isinstance(given, dict) or any(not isinstance(given.get(key), kinds.get(key, str)) for key in keys):
        raise Invalid(message("The designer expects {keys}.", keys=", ".join(keys)))
    return given


def _state(kept: Workspace, made: Made | None, **more: Any) -> Response:
    """Where the draft stands now."""
    undo, redo = next_steps(kept)
    select: Path | None = made.select if made else None
    return jsonify({
        "version": kept.change.version,
        "label": _said(made.label) if made else "",
        "undo": undo,
        "redo": redo,
        "errors": kept.reading.errors,
        "select": select,
        **more,
    })  # fmt: skip


def _said(reason: Message) -> str:
    return say(reason, reader().language)


def _conflict(conflict: Any) -> dict[str, Any]:
    sides: Sequence[str] = ("base", "mine", "theirs")
    shown = {side: {"value": getattr(conflict, side).value, "line": getattr(conflict, side).line} for side in sides}
    return {"path": conflict.path, "sentence": _said(conflict.reason), **shown}
