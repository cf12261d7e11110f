"""Which screen shows which type of view, and the form a URL names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.definition import Form
from engine.errors import Missing, message
from engine.permissions import may
from engine.views import View
from engine.web.context import actor, application

Screen = Callable[[Form, View, Any], Any]
SCREENS: dict[str, Screen] = {}


def screen(kind: str) -> Callable[[Screen], Screen]:
    """Show views of this type: called with the form, the view and the query string."""

    def enter(show: Screen) -> Screen:
        SCREENS[kind] = show
        return show

    return enter


def form_named(name: str) -> Form:
    """The form a URL names; raises Missing when there is none, Denied when the actor may not read it."""
    app = application()
    form = app.definition.forms.get(name)
    if form is None:
        raise Missing(message("There is nothing here, or nothing you may see."))
    may(app, actor(), "read", form).demand()
    return form
