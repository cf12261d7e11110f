"""A small site for every test of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from visiting import PEOPLE, TICKETS, Grounds


@pytest.fixture
def make_grounds(make_app: Any) -> Callable[..., Grounds]:
    """``make_grounds(yaml, people={…}, settings=…)``: a site with people who can sign in; default: a help desk."""

    def make(source: Any = TICKETS, *, people: Any = PEOPLE, **options: Any) -> Grounds:
        return Grounds(make_app(source, people=people), **options)

    return make


@pytest.fixture
def grounds(make_grounds: Callable[..., Grounds]) -> Grounds:
    return make_grounds()
