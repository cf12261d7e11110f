"""Places of a draft: what is defined there, and what people call it."""

from __future__ import annotations

from designer.workspace import Workspace
from engine import uses
from engine.errors import Message
from engine.uses.where import place
from engine.yamlfile import Path, dotted


def thing_at(workspace: Workspace, path: Path) -> uses.Thing | None:
    """The named thing that is defined at a path; None where none is, or where the file cannot be understood."""
    if workspace.definition is None:
        return None
    return next((thing for thing, defined in workspace.uses.things.items() if defined.path == path), None)


def place_of(workspace: Workspace, path: Path) -> Message | str:
    """A path as people read it."""
    return place(workspace.definition, path) if workspace.definition is not None else dotted(path)
