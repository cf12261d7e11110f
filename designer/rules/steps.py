"""The steps of a rule: new, moved, once more, gone; steps put under a condition and taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from designer.generic import set_value
from designer.naming import unique
from designer.operations import Made, operation
from designer.rules.places import LISTS, NEEDED, every_step, form_at, kind_text, step_at, steps_at
from designer.rules.starting import action, ground
from designer.soundness import sound
from designer.text import Edit, EditRefused, Insert, Move, Remove, SetValue, edited
from designer.workspace import Workspace
from engine.errors import message
from engine.yamlfile import Path


@operation("action.add")
def add(workspace: Workspace, parent: Path, type: str, at: int = -1) -> Made:
    """A new step of a type in a list of steps; ``at`` -1: at its end."""
    steps = steps_at(workspace, parent)
    index = len(steps) if at < 0 else min(at, len(steps))
    new = action(ground(workspace, form_at(workspace, (*parent, index)), str(parent[1])), type)
    label = message("The step “{what}” is added", what=_what(workspace, new))
    return Made(sound(workspace, _put(workspace, parent, index, new)), label, (*parent, index))


def _put(workspace: Workspace, parent: Path, index: int, step: Any) -> Sequence[Edit]:
    if steps_at(workspace, parent):
        return [Insert(parent, index, step)]
    return set_value(workspace, parent, [step]).edits


@operation("action.duplicate")
def duplicate(workspace: Workspace, path: Path) -> Made:
    """The same step once more, right after it; results it keeps get a name of their own."""
    step, after = step_at(workspace, path), int(path[-1]) + 1
    copy = _with_own_results(workspace, path, step)
    label = message("The step “{what}” is there once more", what=_what(workspace, step))
    return Made(sound(workspace, [Insert(path[:-1], after, copy)]), label, (*path[:-1], after))


def _with_own_results(workspace: Workspace, path: Path, step: Any) -> Any:
    """A copy whose results have names that are free."""
    root = path[:3]
    taken = {str(one["as"]) for _at, one in every_step(root, workspace.at(root)) if one.get("as")}
    copies = [step]
    for place, inner in every_step((), [step]):
        if name := inner.get("as"):
            new = unique(str(name), taken)
            taken.add(new)
            copies = edited(copies, SetValue((*place, "as"), new))
    return copies[0]


@operation("action.remove")
def remove(workspace: Workspace, path: Path, force: bool = False) -> Made:
    """Refused for the last step of a list that needs one, and where later steps read its result."""
    step = step_at(workspace, path)
    label = message("The step “{what}” is removed", what=_what(workspace, step))
    edits = [Remove(_gone(workspace, path))]
    return Made(sound(workspace, edits, force), label, path[:-1])


def _gone(workspace: Workspace, path: Path) -> Path:
    """What goes with a step: an empty “otherwise” does, any other list stays."""
    _leave_one(workspace, path)
    return path[:-1] if len(steps_at(workspace, path[:-1])) == 1 else path


def _leave_one(workspace: Workspace, path: Path) -> None:
    if len(steps_at(workspace, path[:-1])) > 1 or path[-2] not in NEEDED:
        return
    if len(path) == 4:
        raise EditRefused(message("A rule does at least one thing; add another step first."), path)
    raise EditRefused(message("At least one step stands here; add another one first."), path)


@operation("action.move")
def move(workspace: Workspace, path: Path, parent: Path, at: int) -> Made:
    """A step to another place, with its comments; ``at`` counts in the list as it will be."""
    step = step_at(workspace, path)
    there = steps_at(workspace, parent)
    if path[:2] != parent[:2]:
        raise EditRefused(message("A step stays in its rule."), path)
    if parent[: len(path)] == path:
        raise EditRefused(message("A step cannot stand inside itself."), path)
    within = parent == path[:-1]
    if not within:
        _leave_one(workspace, path)
    index = max(0, min(at, len(there) - within))
    target = after_removal(parent, path)
    edits: list[Edit] = [] if workspace.document.has(parent) else list(set_value(workspace, parent, []).edits)
    edits.append(Move(path, parent, index=index))
    if not within and len(steps_at(workspace, path[:-1])) == 1:
        edits.append(Remove(after_insertion(path[:-1], (*target, index))))
    label = message("The step “{what}” is moved", what=_what(workspace, step))
    return Made([] if path == (*target, index) else sound(workspace, edits), label, (*target, index))


@operation("action.shift")
def shift(workspace: Workspace, path: Path, down: bool) -> Made:
    """A step one place up or down, through the branches on its way: for the keyboard."""
    step_at(workspace, path)
    parent, at = _below(workspace, path) if down else _above(workspace, path)
    return move(workspace, path, parent, at)


def _below(workspace: Workspace, path: Path) -> tuple[Path, int]:
    here, index = path[:-1], int(path[-1])
    if index + 1 < len(steps_at(workspace, here)):
        inner = _lists(workspace, (*here, index + 1))
        return (inner[0], 0) if inner else (here, index + 1)
    if len(here) == 3:
        raise EditRefused(message("It is the last step already."), path)
    beside = _lists(workspace, here[:-1])
    after = beside[beside.index(here) + 1 :]
    return (after[0], 0) if after else (here[:-2], int(here[-2]) + 1)


def _above(workspace: Workspace, path: Path) -> tuple[Path, int]:
    here, index = path[:-1], int(path[-1])
    if index:
        inner = _lists(workspace, (*here, index - 1))
        return (inner[-1], len(steps_at(workspace, inner[-1]))) if inner else (here, index - 1)
    if len(here) == 3:
        raise EditRefused(message("It is the first step already."), path)
    beside = _lists(workspace, here[:-1])
    before = beside[: beside.index(here)]
    return (before[-1], len(steps_at(workspace, before[-1]))) if before else (here[:-2], int(here[-2]))


def _lists(workspace: Workspace, path: Path) -> list[Path]:
    """The lists of steps inside a step, written or not."""
    return [(*path, name) for name in LISTS.get(str(step_at(workspace, path).get("type")), ())]


def after_removal(path: Path, removed: Path) -> Path:
    """Where a path leads once a step is taken out."""
    at = len(removed) - 1
    if len(path) > at and path[:at] == removed[:at] and isinstance(path[at], int) and path[at] > removed[at]:  # type: ignore[operator]
        return (*path[:at], int(path[at]) - 1, *path[at + 1 :])
    return path


def after_insertion(path: Path, inserted: Path) -> Path:
    """Where a path leads once a step stands at ``inserted``."""
    at = len(inserted) - 1
    if len(path) > at and path[:at] == inserted[:at] and isinstance(path[at], int) and path[at] >= inserted[at]:  # type: ignore[operator]
        return (*path[:at], int(path[at]) + 1, *path[at + 1 :])
    return path


# --- branches --------------------------------------------------------------------------------------------------------


@operation("branch.add")
def branch(workspace: Workspace, path: Path) -> Made:
    """Put a step under a condition: it is done only if that holds."""
    step = step_at(workspace, path)
    here = ground(workspace, form_at(workspace, path), str(path[1]))
    fork = {"type": "branch", "when": here.condition(here.form), "then": []}
    moved = (*path[:-1], int(path[-1]) + 1)
    edits: list[Edit] = [Insert(path[:-1], int(path[-1]), fork), Move(moved, (*path, "then"), index=0)]
    label = message("The step “{what}” is done under a condition", what=_what(workspace, step))
    return Made(sound(workspace, edits), label, path)


@operation("branch.remove")
def unbranch(workspace: Workspace, path: Path) -> Made:
    """Take the condition away: the steps under it are done always. Refused while others stand under “otherwise”."""
    step, at = step_at(workspace, path), int(path[-1])
    if step.get("type") != "branch":
        raise EditRefused(message("This step has no condition of its own."), path)
    if step.get("otherwise"):
        raise EditRefused(message("Steps stand under “otherwise”; move or remove them first."), path)
    inner = step.get("then") or []
    edits: list[Edit] = [
        Move((*path[:-1], at + done, "then", 0), path[:-1], index=at + done) for done in range(len(inner))
    ]
    edits.append(Remove((*path[:-1], at + len(inner))))
    return Made(sound(workspace, edits), message("The condition is taken away"), path)


def _what(workspace: Workspace, step: dict[str, Any]) -> str:
    return kind_text(workspace.registry, workspace.registry.actions, str(step.get("type")), workspace.language)
