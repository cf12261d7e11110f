"""What the tests of the schedule share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from making import Made
from schedule_world import HELP

from engine.backups.schedule import Schedule


@pytest.fixture
def daily(make_app: Any) -> Made:
    made: Made = make_app(HELP, people={"li": "clerk"}, now=dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC))
    return made


@pytest.fixture
def schedule(tmp_path: Path) -> Schedule:
    (tmp_path / "backups").mkdir()
    return Schedule(tmp_path / "backups", dt.time(2, 30), 2)
