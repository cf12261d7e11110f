"""Three real processes keep the time on one database, one of them is killed again and again: every due time once."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

import servers
import sqlalchemy as sa
from fake_clock import FakeClock
from timing_world import DESK

from engine.application import open_application
from engine.timing.clockwork import tick

KEEPER = Path(__file__).with_name("keeper.py")
SINCE, UNTIL = dt.datetime(2026, 1, 1, 11, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, 11, tzinfo=dt.UTC)
RULES = """
rules:
  night:
    trigger: {type: schedule, cron: "30 2 * * *", timezone: Europe/Berlin, misfire: all}
    actions: [{type: create, form: ticket, values: {name: "'night'"}}]
  work:
    trigger: {type: schedule, cron: "0 8-18/2 * * mon-fri", timezone: Europe/Berlin, misfire: all}
    actions: [{type: create, form: ticket, values: {name: "'work'"}}]
"""


def test_a_year_on_the_hands_of_three_processes(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(dedent(DESK) + RULES)
    with servers.postgresql_database() as url:
        app = open_application(file, url, clock=FakeClock(SINCE))
        tick(app)
        keep(url, file)
        table = app.tables.message
        with app.database.read() as conn:
            found = conn.execute(sa.select(table.c.effect, table.c.due_at).order_by(table.c.due_at)).all()
        app.database.close()
    for rule, expected in (("night", nights()), ("work", hours())):
        assert [row.due_at for row in found if row.effect["rule"] == rule] == expected


def keep(url: str, file: Path) -> None:
    """Three processes go through the year; two that have begun are killed and begin again."""
    chance = random.Random(3)
    running = {seed: begin(url, file, seed) for seed in ("a", "b", "c")}
    for _ in range(2):
        seed = chance.choice(sorted(running))
        assert running[seed].stdout.readline() == "begun\n"
        running[seed].kill()
        end(running[seed])
        running[seed] = begin(url, file, seed)
    for process in running.values():
        assert process.stdout.read().endswith("there\n")
        assert end(process) == 0


def begin(url: str, file: Path, seed: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(KEEPER), url, str(file), SINCE.isoformat(), UNTIL.isoformat(), seed]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> int:
    code = process.wait(60)
    process.stdout.close()
    return code


def nights() -> list[dt.datetime]:
    """02:30 in Berlin, also on the day that has it twice (once) and on the day that has none (when it would be)."""
    return [at(SINCE.date() + dt.timedelta(days=n), 2, 30) for n in range(1, 366)]


def hours() -> list[dt.datetime]:
    days = [SINCE.date() + dt.timedelta(days=n) for n in range(366)]
    every = [at(day, hour) for day in days if day.weekday() < 5 for hour in range(8, 19, 2)]
    return [due for due in every if SINCE < due <= UNTIL]


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), ZoneInfo("Europe/Berlin")).astimezone(dt.UTC)
