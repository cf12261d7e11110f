"""Where the steps of a rule stand, and whose record they look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.registry import Registry
from engine.saying.words import palette_text
from engine.texts import say
from engine.yamlfile import Path

LISTS: Mapping[str, tuple[str, ...]] = {"branch": ("then", "otherwise"), "for_each": ("actions",)}
NEEDED = ("actions", "then")  # lists that hold at least one step
MOST = 8  # steps inside steps


def steps_at(workspace: Workspace, path: Path) -> list[Any]:
    """The steps of a list; none where the list is not written yet. Raises EditRefused where no steps can stand."""
    _rule(workspace, path)
    if len(path) < 3 or path[2] != "actions" or len(path) > 3 + 2 * MOST:
        raise _no_place(path)
    for end in range(4, len(path), 2):
        step, name = workspace.at(path[:end]), path[end]
        kind = step.get("type") if isinstance(step, dict) else None
        if not isinstance(path[end - 1], int) or name not in LISTS.get(str(kind), ()):
            raise _no_place(path)
    if len(path) % 2 == 0:
        raise _no_place(path)
    found = workspace.at(path)
    return found if isinstance(found, list) else []


def step_at(workspace: Workspace, path: Path) -> dict[str, Any]:
    """The step at a path. Raises EditRefused when there is none."""
    steps, index = steps_at(workspace, path[:-1]), path[-1]
    if not isinstance(index, int) or not 0 <= index < len(steps) or not isinstance(steps[index], dict):
        raise EditRefused(message("This step is gone."), path)
    found: dict[str, Any] = steps[index]
    return found


def _rule(workspace: Workspace, path: Path) -> dict[str, Any]:
    found = workspace.at(path[:2]) if len(path) > 1 and path[0] == "rules" else None
    if not isinstance(found, dict):
        raise EditRefused(message("There is no such rule."), path)
    return found


def rule_at(workspace: Workspace, name: str) -> dict[str, Any]:
    """The plain data of a rule. Raises EditRefused when there is none."""
    return _rule(workspace, ("rules", name))


def _no_place(path: Path) -> EditRefused:
    return EditRefused(message("No step can stand here."), path)


def form_at(workspace: Workspace, path: Path) -> str | None:
    """The form of ``record`` for a step at a path."""
    rule = workspace.at(path[:2])
    trigger = rule.get("trigger") if isinstance(rule, dict) else None
    form = trigger.get("form") if isinstance(trigger, dict) else None
    for end in range(4, len(path), 2):
        step = workspace.at(path[:end])
        if isinstance(step, dict) and step.get("type") == "for_each":
            form = step.get("form")
    return form if isinstance(form, str) else None


def every_step(path: Path, steps: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """All steps of a list and those inside them, with their paths."""
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict):
            yield (*path, index), step
            for name in LISTS.get(str(step.get("type")), ()):
                yield from every_step((*path, index, name), step.get(name))


def kind_text(registry: Registry, kinds: Mapping[str, type], kind: str, language: str) -> str:
    """What a type says of itself in one short sentence."""
    return say(palette_text(kinds[kind]), language).rstrip(".。") if kind in kinds else kind
