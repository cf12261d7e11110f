"""Somebody published while a draft was being worked on: what is in force is merged into the draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from flask import Blueprint, request
from werkzeug.wrappers import Response as Answer

from designer import doing
from designer.inforce import InForce, in_force
from designer.text import Merged, Unreadable, merge
from designer.web.frame import desk, draw, workspace
from designer.workspace import Workspace
from engine.errors import Refused, message
from engine.web.context import application
from engine.web.render import go, toast
from engine.yamlfile import Path

blueprint = Blueprint("merging", __name__)
Choices = Mapping[Path, Literal["mine", "theirs"]]


@blueprint.get("/<int:id>/merge")
def ask(id: int) -> Answer | str:
    """What both changed; a draft nobody overtook has nothing to merge."""
    draft, now = workspace(id), in_force(application())
    if draft.change.base == now.hash:
        return go(f"/designer/{id}/difference")
    return _page(draft, now, _merged(draft, now, {}), {})


@blueprint.post("/<int:id>/merge")
def take(id: int) -> Answer | tuple[str, int]:
    """Merge; where both changed the same, it is asked whose is taken."""
    draft, now, choices = workspace(id), in_force(application()), _choices()
    if draft.change.base == now.hash:
        return go(f"/designer/{id}/difference")
    merged = _merged(draft, now, choices)
    if merged.text is None:
        return _page(draft, now, merged, choices), 409
    doing.merged_in(application(), desk().readings, draft, now, merged.text)
    toast(message("What was published meanwhile is in the draft now."))
    return go(f"/designer/{id}/difference")


def _merged(draft: Workspace, now: InForce, choices: Choices) -> Merged:
    try:
        return merge(draft.change.base_text, draft.text, now.text, choices)
    except Unreadable as error:
        why = message("The draft cannot be read, so nothing can be merged into it. Mend its text first: {reason}",
                      reason=error.reason)  # fmt: skip
        raise Refused(why) from error


def _page(draft: Workspace, now: InForce, merged: Merged, choices: Choices) -> str:
    return draw("life/merge.html", draft, "difference", merged=merged, chosen=choices, key=_key, shown=_shown,
                newest=now)  # fmt: skip


def _key(path: Path) -> str:
    return json.dumps(path)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, indent=1)


def _choices() -> dict[Path, Literal["mine", "theirs"]]:
    """``place.N`` is the path of a conflict as JSON, ``choice.N`` whose value is taken."""
    found: dict[Path, Literal["mine", "theirs"]] = {}
    for name, place in request.form.items():
        choice = request.form.get(f"choice.{name.partition('.')[2]}")
        if name.startswith("place.") and choice in ("mine", "theirs"):
            found[_path(place)] = "mine" if choice == "mine" else "theirs"
    return found


def _path(text: str) -> Path:
    try:
        steps = json.loads(text)
    except ValueError:
        steps = None
    if not isinstance(steps, list) or not all(isinstance(step, (str, int)) for step in steps):
        raise Refused(message("The request could not be understood."))
    return tuple(steps)
