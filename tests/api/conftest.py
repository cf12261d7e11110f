"""People and programs that call the API of a whole application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from calling import MAINTENANCE, ORDER_HUB, Site
from reading import hub_registry


@pytest.fixture
def make_site(make_app: Any) -> Callable[..., Site]:
    """``make_site(yaml, people={…})``: an application whose people have API tokens."""

    def make(source: Any = MAINTENANCE, **options: Any) -> Site:
        if source == ORDER_HUB:  # with what it brings along
            options.setdefault("registry", hub_registry())
        return Site(make_app(source, **options))

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """The maintenance application."""
    return make_site()


@pytest.fixture
def hub(make_site: Callable[..., Site]) -> Site:
    return make_site(ORDER_HUB)
