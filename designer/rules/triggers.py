"""What wakes a rule: another type keeps what fits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from designer.operations import Breaks, Made, operation
from designer.rules.places import form_at, kind_text, rule_at
from designer.rules.rules import called
from designer.rules.starting import ground, trigger
from designer.soundness import sound
from designer.text import Edit, SetValue
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
    edits = _first_sound(workspace, rule, [{**fresh, **kept, "type": type}, fresh], force)
    what = kind_text(workspace.registry, workspace.registry.triggers, type, workspace.language)
    label = message("“{rule}” is woken by another event: {what}", rule=called(workspace, rule), what=what)
    return Made(edits, label, ("rules", rule, "trigger"))


def _first_sound(
    workspace: Workspace, rule: str, ways: Sequence[Mapping[str, Any]], force: bool
) -> Sequence[Edit]:  # fmt: skip
    """What was kept may not suit the new type, such as a state without a time: then less is kept."""
    reasons: list[Breaks] = []
    for made in ways:
        order = ("type", *_order(workspace, str(made["type"])))
        ordered = {key: made[key] for key in order if key in made}
        try:
            return sound(workspace, [SetValue(("rules", rule, "trigger"), ordered)], force)
        except Breaks as refused:
            reasons.append(refused)
    raise reasons[0]


ABOUT_THE_FORM = ("form", "field", "state", "transition", "from", "to")


def _fits(workspace: Workspace, kind: str, key: str, same_form: bool) -> bool:
    return key in _order(workspace, kind) and (same_form or key not in ABOUT_THE_FORM)


def _order(workspace: Workspace, kind: str) -> list[str]:
    cls: Any = workspace.registry.triggers.get(kind)
    return [key.name for key in keys_of(cls)] if cls else []
