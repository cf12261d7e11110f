"""Flask applications for tests. Making one costs more than most tests do, so a test gets one of those before it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from flask import Flask

from engine.application import Application
from engine.current import Current
from engine.registry import Registry
from engine.web.context import Settings, Site
from engine.web.factory import make_web

_free: dict[int, list[Flask]] = defaultdict(list)  # by the registry whose screens they have; 0: the engine's alone
_lent: list[tuple[int, Flask]] = []
SHARED: list[Registry] = []  # registries with screens that many tests use; they last as long as the process


def web_for(app: Application, settings: Settings | None = None, *, lasting: bool = False, **options: Any) -> Flask:
    """As ``make_web``. Without settings (but how long people may be idle) and plugins' screens it is one that an earlier
    test has left, with another site; ``lasting``: it is used by more than one test."""
    own = bool(app.registry.screens or app.registry.template_folders)
    shared = any(app.registry is one for one in SHARED)
    plain = replace(settings or Settings(), idle_minutes=Settings.idle_minutes) == Settings()
    if not plain or options or lasting or (own and not shared):
        return make_web(app, secret_key="for tests only", settings=settings, **options)
    key = id(app.registry) if own else 0
    web = _free[key].pop() if _free[key] else make_web(app, secret_key="for tests only")
    web.extensions["appmill"] = Site(Current(app), settings or Settings())
    _lent.append((key, web))
    return web


def give_back() -> None:
    """The test is over."""
    for key, web in _lent:
        _free[key].append(web)
    _lent.clear()
