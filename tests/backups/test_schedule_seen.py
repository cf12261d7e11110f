"""The process that makes backups, and the page that shows them: on SQLite, as nothing of them depends on the database."""

from __future__ import annotations

from typing import Any

import pytest
from depot import fill
from making import Made
from schedule_world import HELP, Worked, latest
from visiting import Grounds, text

from engine.backups.schedule import Beside, Schedule, tick


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_a_process_of_its_own_makes_it_and_looks_at_it(daily: Made, schedule: Schedule) -> None:
    fill(daily)
    tick(daily.application, schedule, Beside())
    (kept,) = latest(daily.application)
    assert kept.error is None
    assert (kept.files, kept.lost, kept.gone) == (1, 0, False)
    assert [str(path) for path in schedule.folder.iterdir()] == [kept.place]


def test_administrators_see_the_backups_and_nobody_else_does(make_app: Any, schedule: Schedule) -> None:
    grounds = Grounds(make_app(HELP, people={"li": "clerk"}))
    admin = grounds.visitor("admin")
    assert "There is no backup yet." in text(admin.get("/admin/backups"))
    tick(grounds.app, schedule, Worked())
    assert "There is no backup yet." not in text(admin.get("/admin/backups"))
    grounds.made.clock.advance(days=5)
    tick(grounds.app, schedule, Worked("<b>The disk is full.</b>"))
    answer = grounds.visitor("admin").get("/admin/backups")
    shown = text(answer)
    assert "verified" in shown
    assert "&lt;b&gt;The disk is full.&lt;/b&gt;" in answer.text
    assert "The last backup that worked is from 5 days ago." in shown
    assert grounds.visitor("li").get("/admin/backups").status_code == 403
