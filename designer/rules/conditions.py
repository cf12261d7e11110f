"""Conditions of rules, as the builder sends them."""

from __future__ import annotations

from typing import Any

from designer.conditions import from_json, written
from designer.generic import set_value, unset
from designer.operations import Made, operation
from designer.rules.places import form_at, rule_at
from designer.rules.starting import ground
from designer.slots import slot_at
from designer.soundness import sound
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.language import Expression
from engine.yamlfile import Path


@operation("condition.begin")
def begin(workspace: Workspace, rule: str) -> Made:
    """A first condition for the whole rule, to be changed to what is meant."""
    here = ground(workspace, form_at(workspace, ("rules", rule)), rule)
    return set_condition(workspace, ("rules", rule, "when"), text=here.condition(here.form), whole=True)


@operation("condition.set")
def set_condition(
    workspace: Workspace, path: Path, condition: Any = None, text: str | None = None, whole: bool = False
) -> Made:  # fmt: skip
    """The condition at a place of a rule, built (``condition``) or written (``text``). Nothing at all: always, where
    it may be left out. ``whole``: go on at the condition, not at the step it belongs to."""
    slot = slot_at(workspace.data, path, workspace.registry) if len(path) > 2 and path[0] == "rules" else None
    if slot is None or slot.key is None or slot.hint is not Expression:
        raise EditRefused(message("No condition can stand here."), path)
    rule_at(workspace, str(path[1]))
    source = (text or "").strip() if condition is None else written(from_json(condition))
    if source:
        edits = set_value(workspace, path, source).edits
        return Made(sound(workspace, edits), message("The condition is changed"), path if whole else path[:-1])
    if slot.key.required:
        raise EditRefused(message("A condition is needed here."), path)
    return Made(unset(workspace, path).edits, message("The condition is taken away"), path[:-1])
