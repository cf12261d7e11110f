"""Which screen shows which type of view, and the form a URL names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from engine.definition import Form
from engine.errors import Missing
from engine.fields.base import Field
from engine.permissions import may
from engine.views import View
from engine.web.context import actor, application, reader
from engine.web.controls import widgets
from engine.web.seen import NOT_THERE
from engine.web.widgets import State

Screen = Callable[[Form, View, Any], Any]
SCREENS: dict[str, Screen] = {}


def form_named(name: str) -> Form:
    """The form a URL names; raises Missing when there is none, or none the actor may see the records of."""
    app = application()
    form = app.definition.forms.get(name)
    if form is None or form.parent_form or not may(app, actor(), "read", form):
        raise Missing(NOT_THERE)
    return form


def control(field: Field, typed: Any, state: State) -> Markup:
    """The bare input of a field, posting under the field's name."""
    return widgets().edit(field, typed, field.name, reader(), state)
