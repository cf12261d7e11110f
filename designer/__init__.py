"""The designer: people change an application by its screens, and the definition file says what they did.

It enters like any plugin. Everything it does to a definition is an edit of the file's text (``designer.text``), made by
a named operation (``designer.operations``) on a draft; the engine checks, plans and publishes drafts.
"""

from __future__ import annotations

from pathlib import Path

from engine.registry import Registry

TEMPLATES = Path(__file__).parent / "templates"


def register(registry: Registry) -> None:
    from designer.rights import may_design
    from designer.web import make_blueprint

    registry.screen(make_blueprint)
    registry.place("/designer", "Designer", "layout-board-split", may_design)
    registry.template_folders.append(str(TEMPLATES))
