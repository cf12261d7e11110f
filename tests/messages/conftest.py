"""Sites of the workshop, whose people can sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from visiting import Grounds


@pytest.fixture
def make_grounds(make_app: Any) -> Callable[..., Grounds]:
    """``make_grounds(yaml, registry=…)``"""
    return lambda source, **options: Grounds(make_app(source, **options))
