"""Flask applications for tests. Making one costs more than most tests do, so a test gets one of those before it."""

from __future__ import annotations

from typing import Any

from flask import Flask

from engine.application import Application
from engine.current import Current
from engine.web.context import Settings, Site
from engine.web.factory import make_web

_free: list[Flask] = []
_lent: list[Flask] = []


def web_for(app: Application, settings: Settings | None = None, *, lasting: bool = False, **options: Any) -> Flask:
    """As ``make_web``. Without settings and plugins' screens it is one that an earlier test has left, with another
    site; ``lasting``: it is used by more than one test."""
    special = settings not in (None, Settings()) or options or app.registry.screens or app.registry.template_folders
    if special or lasting:
        return make_web(app, secret_key="for tests only", settings=settings, **options)
    web = _free.pop() if _free else make_web(app, secret_key="for tests only")
    web.extensions["appmill"] = Site(Current(app), Settings())
    _lent.append(web)
    return web


def give_back() -> None:
    """The test is over."""
    _free.extend(_lent)
    _lent.clear()
