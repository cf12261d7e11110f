"""The designer's screens: one blueprint below ``/designer``, and in it one for each room."""

from __future__ import annotations

import importlib
import importlib.util

from flask import Blueprint

from designer.web.frame import DESK, Desk, guard
from engine.application import Application

ROOMS = (
    "life", "uploads", "overview", "editing", "panels", "expressions", "texts", "roles", "preview", "forms", "flows",
    "rules", "pages", "calendars", "publishing", "merging", "history",
)  # fmt: skip


def make_blueprint(application: Application) -> Blueprint:
    """What ``Registry.screen`` calls with the application in force."""
    designer = Blueprint("designer", __name__, url_prefix="/designer")
    designer.before_request(guard)
    designer.record_once(lambda setup: setup.app.extensions.setdefault(DESK, Desk(application.registry)))
    for room in ROOMS:
        if importlib.util.find_spec(f"designer.web.{room}"):
            designer.register_blueprint(importlib.import_module(f"designer.web.{room}").blueprint)
    return designer
