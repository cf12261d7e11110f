"""What every screen of the designer begins with: who may be here, which draft it is about, and the frame around it."""

from __future__ import annotations

from collections.abc import Iterator
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


def draw(template: str, draft: Workspace, tab: str, **context: Any) -> str:
    """A screen of a draft. ``tab``: which of the tabs it belongs to."""
    undo = Undo.from_data(dict(draft.change.undo))
    return render(
        f"designer/{template}",
        workspace=draft,
        change=draft.change,
        tab=tab,
        wide=True,  # the side bar is folded: the canvas needs the room
        things=list(_things(draft)),
        undo_label=undo.done[-1].label if undo.done else "",
        redo_label=undo.undone[-1].label if undo.undone else "",
        **context,
    )


@dataclass(frozen=True)
class Branch:
    """One heading of the list at the left, with what stands under it."""

    name: str
    label: str
    icon: str
    address: str
    items: tuple[Leaf, ...] = ()


@dataclass(frozen=True)
class Leaf:
    name: str
    label: str
    icon: str
    address: str
    errors: int = 0


def _things(draft: Workspace) -> Iterator[Branch]:
    """What the draft holds, for the list at the left."""
    base, definition = f"/designer/{draft.change.id}", draft.definition
    if definition is None:
        return
    wrong = _errors_below(draft)

    def leaves(room: str, top: str, found: Any, icon: str) -> tuple[Leaf, ...]:
        return tuple(
            Leaf(name, _label(one, draft.language), getattr(one, "icon", icon), f"{base}/{room}/{name}",
                 wrong.get((top, name), 0))
            for name, one in found.items()
        )  # fmt: skip

    forms = {name: form for name, form in definition.forms.items() if name in _written(draft, "forms")}
    flows = {name: form for name, form in forms.items() if form.workflow}
    yield Branch("form", "Forms", "forms", f"{base}/form", leaves("form", "forms", forms, "file-text"))
    yield Branch("flow", "Flows", "arrows-split-2", f"{base}/flow", leaves("flow", "forms", flows, "file-text"))
    yield Branch("rule", "Rules", "bolt", f"{base}/rule", leaves("rule", "rules", definition.rules, "bolt"))
    yield Branch("page", "Pages", "layout-dashboard", f"{base}/page",
                 leaves("page", "pages", definition.pages, "layout-dashboard"))  # fmt: skip


def _written(draft: Workspace, top: str) -> Any:
    return draft.at((top,)) or {}


def _label(thing: Any, language: str) -> str:
    label = getattr(thing, "label", None)
    return str(label.text(language) if label is not None else thing.name)


def _errors_below(draft: Workspace) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for finding in draft.findings:
        parts = tuple(finding.path.replace("[", ".").split(".")[:2])
        if finding.severity == "error" and len(parts) == 2:
            found[parts[0], parts[1]] = found.get((parts[0], parts[1]), 0) + 1
    return found
