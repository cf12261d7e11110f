"""A backup every day: whose turn it is, what stays, who is told, who sees it."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

import pytest
from making import Made
from schedule_world import Worked, latest

from engine.backups.schedule import Schedule, prune, schedule_of, tick
from engine.errors import Refused


def test_one_process_makes_it_once_a_day_at_its_hour(daily: Made, schedule: Schedule) -> None:
    app, work = daily.application, Worked()
    assert tick(app, schedule, work) == dt.datetime(2026, 11, 24, 18, 30, tzinfo=dt.UTC)  # 02:30 in Shanghai
    assert tick(app, schedule, work) == dt.datetime(2026, 11, 24, 18, 30, tzinfo=dt.UTC)  # another process
    assert work.made == ["depot-20261124T120000Z.zip"]  # there was none yet
    daily.clock.advance(hours=7)
    tick(app, schedule, work)
    daily.clock.advance(days=3)  # nothing ran for three days: one is made up for
    tick(app, schedule, work)
    assert work.made[1:] == ["depot-20261124T190000Z.zip", "depot-20261127T190000Z.zip"]
    assert [(one.by, one.gone, one.verified_at is not None) for one in latest(app)] == [
        ("schedule", False, True), ("schedule", False, True), ("schedule", True, True),
    ]  # fmt: skip
    assert sorted(path.name for path in schedule.folder.iterdir()) == work.made[1:]  # two stay


def test_only_its_own_backups_are_taken_away(schedule: Schedule) -> None:
    names = ["depot-20261121T023000Z.zip", "depot-20261122T023000Z.zip", "depot-20261123T023000Z.zip"]
    others = ["depot-before-move.zip", "other-20261101T023000Z.zip", "depot.yaml"]
    for name in (*names, *others):
        (schedule.folder / name).write_text("x")
    assert prune(schedule, "depot") == [str(schedule.folder / names[0])]
    assert sorted(path.name for path in schedule.folder.iterdir()) == sorted((*names[1:], *others))


def test_a_failure_is_shown_and_told_to_administrators(daily: Made, schedule: Schedule) -> None:
    tick(daily.application, schedule, Worked("The disk is full."))
    assert daily.messages() == [("admin", "The daily backup failed: The disk is full.")]
    (kept,) = latest(daily.application)
    assert (kept.error, kept.verified_at) == ("The disk is full.", None)


def test_the_schedule_comes_from_the_surroundings_or_the_command_line(tmp_path: Path) -> None:
    def options(to: str | None = None, at: str | None = None, keep: str | None = None) -> argparse.Namespace:
        return argparse.Namespace(backup_to=to, backup_at=at, backup_keep=keep)

    said = {"APPMILL_BACKUP_TO": str(tmp_path / "a"), "APPMILL_BACKUP_AT": "23:05", "APPMILL_BACKUP_KEEP": "3"}
    assert schedule_of({}, options()) is None
    assert schedule_of(said, options()) == Schedule(tmp_path / "a", dt.time(23, 5), 3)
    assert schedule_of(said, options(str(tmp_path / "b"), "01:00", "1")) == Schedule(tmp_path / "b", dt.time(1), 1)
    with pytest.raises(Refused, match=r"^A backup is made at a time such as 02:30, not at 25:00\.$"):
        schedule_of(said, options(at="25:00"))
    with pytest.raises(Refused, match=r"^1 to 9999 backups can be kept, not 0\.$"):
        schedule_of(said, options(keep="0"))
