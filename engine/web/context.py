"""What a view may ask about the present request: the application, who acts, and for whom values are shown.

``application()`` is pinned when the request begins: a definition replaced meanwhile does not change it half way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from flask import current_app, g, request

from engine.application import Application
from engine.current import Current
from engine.definition import AppDefinition
from engine.errors import Missing, message
from engine.formats import Reader
from engine.people import Actor
from engine.readiness import Readiness

if TYPE_CHECKING:
    from engine.metrics import Exposed


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the site is served. ``hosts`` empty: any Host header is taken. ``max_body`` in bytes. ``second_factor``: who
    needs one whatever their roles say: ``roles`` (nobody else), ``admins`` or ``all``."""

    secure: bool = False
    hosts: tuple[str, ...] = ()
    max_body: int = 64 * 1024 * 1024
    trusted_proxies: int = 0
    idle_minutes: int = 30
    session_hours: int = 12
    log_requests: bool = True
    second_factor: str = "roles"


@dataclass
class Site:
    """What is served; the application is replaced as a whole when a new definition is applied, here or elsewhere.
    ``exposed``: the figures for Prometheus, where the operator wants them."""

    current: Current
    settings: Settings
    readiness: Readiness = field(init=False)
    exposed: Exposed | None = None

    def __post_init__(self) -> None:
        self.readiness = Readiness(self.current.application)


def site() -> Site:
    return cast(Site, current_app.extensions["appmill"])


def settings() -> Settings:
    return site().settings


def application() -> Application:
    return cast(Application, g.application)


def definition() -> AppDefinition:
    return application().definition


def actor() -> Actor:
    """Who acts. Only for views that need a sign-in, which is all but the few marked public."""
    if g.actor is None:
        raise Missing(message("Please sign in first."))
    return cast(Actor, g.actor)


def reader() -> Reader:
    """For whom values are shown: the person signed in, else the language of the browser."""
    return cast(Reader, g.reader)


def fragment_wanted() -> bool:
    """Whether htmx asks for a part of a page. A boosted or restored navigation wants the whole page."""
    headers = request.headers
    if "HX-Request" not in headers:
        return False
    return "HX-Boosted" not in headers and "HX-History-Restore-Request" not in headers


def api_wanted() -> bool:
    return request.path.startswith("/api/")
