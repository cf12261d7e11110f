"""A rule as a whole: a new one, another like it, none any more, on or off, watching only."""

from __future__ import annotations

from typing import Any

from designer.generic import set_value, unset
from designer.naming import name_for, unique
from designer.operations import Made, operation
from designer.rules.places import rule_at
from designer.rules.starting import action, ground, trigger
from designer.soundness import sound
from designer.text import EditRefused, Insert, Remove
from designer.workspace import Workspace
from engine.errors import Message, message
from engine.language import Label

LONGEST_LABEL = 200
OWN = ("id", "renamed_from", "enabled")  # what a copy does not take over


@operation("rule.add")
def add(workspace: Workspace, label: str, trigger: str = "created", form: str | None = None) -> Made:
    """A new rule with what wakes it and one step; its name comes from its label."""
    taken, label = workspace.map_at(("rules",)), label.strip()[:LONGEST_LABEL]
    name = name_for(label, taken, "rule") if label else unique("rule", taken)
    here = ground(workspace, form, name)
    wakes = _trigger(here, trigger)
    inside = ground(workspace, wakes.get("form"), name)
    data: dict[str, Any] = {"label": _label(workspace, label)} if label else {}
    data |= {"trigger": wakes, "actions": [action(inside, "notify")]}
    edits = set_value(workspace, ("rules", name), data).edits
    return Made(sound(workspace, edits), message("The rule “{rule}” is added", rule=label or name), ("rules", name))


_trigger = trigger


def _label(workspace: Workspace, label: str) -> Any:
    """Written for one language as a plain text, for several in the one the person works in."""
    definition = workspace.definition
    return label if definition is None or len(definition.languages) == 1 else {workspace.language: label}


@operation("rule.label")
def name(workspace: Workspace, rule: str, label: str, language: str | None = None) -> Made:
    """What people call the rule, in one language."""
    there, label = rule_at(workspace, rule).get("label"), label.strip()[:LONGEST_LABEL]
    if not label:
        raise EditRefused(message("A rule needs a name people know it by."), ("rules", rule, "label"))
    spoken = language or workspace.language
    value = {**there, spoken: label} if isinstance(there, dict) else _label(workspace, label)
    edits = set_value(workspace, ("rules", rule, "label"), value).edits
    return Made(edits, message("The rule is called “{rule}”", rule=label), ("rules", rule))


@operation("rule.duplicate")
def duplicate(workspace: Workspace, rule: str) -> Made:
    """The same rule once more, right below it and switched off."""
    data = {key: value for key, value in rule_at(workspace, rule).items() if key not in OWN}
    new = unique(f"{rule}_copy", workspace.map_at(("rules",)))
    if isinstance(data.get("trigger"), dict) and "path" in data["trigger"]:
        data["trigger"] = {**data["trigger"], "path": new}
    edits = [Insert(("rules",), new, {**data, "enabled": False}, after=rule)]
    label = message("The rule “{rule}” is there once more, switched off", rule=called(workspace, rule))
    return Made(sound(workspace, edits), label, ("rules", new))


@operation("rule.remove")
def remove(workspace: Workspace, rule: str, force: bool = False) -> Made:
    """Refused where another rule waits for it, unless forced."""
    rule_at(workspace, rule)
    edits = [Remove(("rules", rule), emptied=True)]
    label = message("The rule “{rule}” is removed", rule=called(workspace, rule))
    return Made(sound(workspace, edits, force), label, ())


@operation("rule.enable")
def enable(workspace: Workspace, rule: str, on: bool) -> Made:
    said = message("The rule “{rule}” is switched on") if on else message("The rule “{rule}” is switched off")
    return _switch(workspace, rule, "enabled", None if on else False, said)


@operation("rule.shadow")
def shadow(workspace: Workspace, rule: str, on: bool) -> Made:
    """Watch only: it decides and is logged, and nothing is done."""
    said = message("The rule “{rule}” only watches") if on else message("The rule “{rule}” acts")
    return _switch(workspace, rule, "shadow", True if on else None, said)


@operation("rule.standing")
def stand(workspace: Workspace, rule: str, standing: str) -> Made:
    """``on``, ``shadow`` (it watches only) or ``off``."""
    made = {"on": (enable(workspace, rule, True), shadow(workspace, rule, False)),
            "shadow": (enable(workspace, rule, True), shadow(workspace, rule, True)),
            "off": (enable(workspace, rule, False),)}.get(standing)  # fmt: skip
    if made is None:
        raise EditRefused(message("A rule acts, watches only or is off."), ("rules", rule))
    said = made[1].label if standing == "shadow" else made[0].label
    return Made([edit for one in made for edit in one.edits], said, ("rules", rule))


def _switch(workspace: Workspace, rule: str, key: str, value: bool | None, said: Message) -> Made:
    """``value`` None: left to its default."""
    rule_at(workspace, rule)
    path = ("rules", rule, key)
    made = unset(workspace, path) if value is None else set_value(workspace, path, value)
    return Made(made.edits, Message(said.pattern, {"rule": called(workspace, rule)}), ("rules", rule))


def called(workspace: Workspace, rule: str) -> Label | str:
    """What people call the rule."""
    found = rule_at(workspace, rule).get("label")
    if isinstance(found, dict):
        return Label({str(language): str(text) for language, text in found.items()})
    return str(found) if found else rule.replace("_", " ").capitalize()
