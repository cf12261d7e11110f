"""What every screen of the designer begins with: who may be here, which draft it is about, and the frame around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app, g

from designer.rights import may_design
from designer.text import Undo
from designer.workspace import Readings, Workspace
from engine.errors import Denied, Missing, message
from engine.publishing import changes
from engine.publishing.changes import Change
from engine.registry import Registry
from engine.web.context import actor, application, reader
from engine.web.render import render

DESK = "appmill.designer"


@dataclass
class Desk:
    """What the designer keeps in a process: texts that were read."""

    registry: Registry
    readings: Readings = field(init=False)

    def __post_init__(self) -> None:
        self.readings = Readings(self.registry)


def guard() -> None:
    if not may_design(application(), actor()):
        raise Denied(message("Only those who design the application may do this."))


def desk() -> Desk:
    return cast(Desk, current_app.extensions[DESK])


def change(id: int) -> Change:
    """The draft, for its author, for who opened its link, and for administrators. To others there is none."""
    app = application()
    with app.database.read() as conn:
        found = changes.find(conn, app.tables, id)
    if not (found.is_open_to(actor().id) or actor().is_admin):
        raise Missing(message("There is no such draft."))
    return found


def workspace(id: int) -> Workspace:
    """The draft with its reading; one reading serves a whole request."""
    kept = g.setdefault("workspaces", {})
    if id not in kept:
        found = change(id)
        kept[id] = Workspace(found, desk().readings.of(found.text), reader().language)
    return cast(Workspace, kept[id])


def next_steps(draft: Workspace) -> tuple[str, str]:
    """What would be taken back, and what done again; empty for nothing."""
    steps = Undo.from_data(dict(draft.change.undo))
    return steps.done[-1].label if steps.done else "", steps.undone[-1].label if steps.undone else ""


def draw(template: str, draft: Workspace, tab: str, **context: Any) -> str:
    """A screen of a draft. ``tab``: which of the tabs it belongs to."""
    undo, redo = next_steps(draft)
    return render(
        f"designer/{template}",
        workspace=draft,
        change=draft.change,
        tab=tab,
        wide=True,  # the side bar is folded: the canvas needs the room
        undo_label=undo,
        redo_label=redo,
        **context,
    )
