"""The core needs no database, and what reads and writes records is the same code for both: most of it is tried on
SQLite, and all of it on PostgreSQL too by ``make deep``."""

from __future__ import annotations

from pathlib import Path

import pytest
from deep import DEEP

HERE = Path(__file__).parent
BOTH = {"test_floor.py", "test_follow_up.py", "test_planning_board.py", "test_rushing.py"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [] if DEEP else [item for item in items if _is_the_other_one(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _is_the_other_one(item: pytest.Item) -> bool:
    given = getattr(getattr(item, "callspec", None), "params", {})
    here = item.path.parent == HERE and item.path.name not in BOTH
    return here and given.get("database_url") == "postgresql"
