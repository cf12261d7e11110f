"""What wakes a rule: another type keeps what fits it."""

from __future__ import annotations

from typing import Any

from designer.operations import Made, operation
from designer.rules.places import form_at, kind_text, rule_at
from designer.rules.rules import called
from designer.rules.soundness import sound
from designer.rules.starting import ground, trigger
from designer.text import SetValue
from designer.workspace import Workspace
from engine.errors import message
from engine.schema import keys_of


@operation("trigger.set")
def set_trigger(
    workspace: Workspace, rule: str, type: str, form: str | None = None, force: bool = False
) -> Made:  # fmt: skip
    """What wakes it; ``form`` another form whose records do. Refused, with the reasons, where conditions and steps
    do not fit any more, unless forced."""
    was = rule_at(workspace, rule).get("trigger")
    before = was if isinstance(was, dict) else {}
    old_form = form_at(workspace, ("rules", rule))
    fresh = trigger(ground(workspace, form or old_form, rule), type)
    same_form = fresh.get("form", old_form) == old_form
    kept = {key: value for key, value in before.items() if _fits(workspace, type, key, same_form)}
    made = {**fresh, **kept, "type": type} if before.get("type") != type or same_form else {**kept, **fresh}
    ordered = {key: made[key] for key in ("type", *_order(workspace, type)) if key in made}
    edits = [SetValue(("rules", rule, "trigger"), ordered)]
    what = kind_text(workspace.registry, workspace.registry.triggers, type, workspace.language)
    label = message("“{rule}” is woken by another event: {what}", rule=called(workspace, rule), what=what)
    return Made(sound(workspace, edits, force), label, ("rules", rule, "trigger"))


ABOUT_THE_FORM = ("form", "field", "state", "transition", "from", "to")


def _fits(workspace: Workspace, kind: str, key: str, same_form: bool) -> bool:
    return key in _order(workspace, kind) and (same_form or key not in ABOUT_THE_FORM)


def _order(workspace: Workspace, kind: str) -> list[str]:
    cls: Any = workspace.registry.triggers.get(kind)
    return [key.name for key in keys_of(cls)] if cls else []
