"""A backup every day, beside servers and workers: when, whose turn it is, and who is told when it fails.

Every process that is told the schedule works out when it is due; whoever is first claims it. The work itself is done
by a process of its own with little priority (``process``), so that pages do not wait for it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine import audit, notices
from engine.application import Application
from engine.backups import ledger
from engine.errors import AppmillError, Refused, message
from engine.language import ADMIN
from engine.people import people_with_roles
from engine.storage.upsert import insert
from engine.texts import say
from engine.timing.clockwork import Clockwork

TO, AT, KEEP = "APPMILL_BACKUP_TO", "APPMILL_BACKUP_AT", "APPMILL_BACKUP_KEEP"
DAILY, FOURTEEN = "02:30", 14
KNOWN_FOR = dt.timedelta(days=60)
ROOT = Path(__file__).resolve().parents[2]
LOG = logging.getLogger("appmill.backups")


@dataclass(frozen=True)
class Schedule:
    """Every day ``at`` on the application's clock, to ``folder``; the newest ``keep`` stay there."""

    folder: Path
    at: dt.time
    keep: int

    def due(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """The latest due time that is not after ``now``."""
        today = dt.datetime.combine(now.astimezone(zone).date(), self.at, zone)
        found = today if today <= now else today - dt.timedelta(days=1)
        return found.astimezone(dt.UTC)

    def following(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """The first due time after ``now``."""
        due = self.due(now, zone).astimezone(zone)
        return dt.datetime.combine(due.date() + dt.timedelta(days=1), self.at, zone).astimezone(dt.UTC)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backup-to", metavar="FOLDER", help=f"a backup every day, to this folder (default: ${TO})")
    parser.add_argument("--backup-at", metavar="HH:MM", help=f"when (default: ${AT}, else {DAILY})")
    parser.add_argument("--backup-keep", metavar="N", help=f"how many stay (default: ${KEEP}, else {FOURTEEN})")


def schedule_of(environ: Mapping[str, str], options: argparse.Namespace) -> Schedule | None:
    """What the command line says, else the environment; None where no folder is named. Raises Refused for what cannot
    be, a folder that cannot be written to included."""
    to = options.backup_to or environ.get(TO, "")
    if not to:
        return None
    at = options.backup_at or environ.get(AT) or DAILY
    keep = options.backup_keep or environ.get(KEEP) or str(FOURTEEN)
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", at):
        raise Refused(message("A backup is made at a time such as 02:30, not at {got}.", got=at[:40]))
    if not re.fullmatch("[1-9][0-9]{0,3}", keep):
        raise Refused(message("1 to 9999 backups can be kept, not {got}.", got=keep[:40]))
    folder = Path(to).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refused(message("Backups cannot be written to {folder}.", folder=str(folder)))
    return Schedule(folder, dt.time.fromisoformat(at), int(keep))


# --- once a day ------------------------------------------------------------------------------------------------------

Work = Callable[[Application, Schedule], Mapping[str, Any]]


def tick(app: Application, schedule: Schedule, work: Work) -> dt.datetime:
    """Make the backup that is due, if it is this process's turn; answers when the next one is. One that was missed
    while nothing ran is made up for; one that failed is told to administrators, and the next day tries again."""
    now, zone = app.clock(), ZoneInfo(app.definition.timezone)
    if _claim(app, schedule.due(now, zone)):
        _keep_going(app, schedule, work)
    return schedule.following(now, zone)


def _claim(app: Application, due: dt.datetime) -> bool:
    row = {"key": "backup:daily", "window": int(due.timestamp()), "hits": 1, "expires_at": due + KNOWN_FOR}
    with app.database.write() as conn:
        first = insert(conn, app.tables.rate).values(row).on_conflict_do_nothing(index_elements=["key", "window"])
        return conn.execute(first.returning(app.tables.rate.c.key)).first() is not None


def _keep_going(app: Application, schedule: Schedule, work: Work) -> None:
    now = app.clock()
    try:
        found = work(app, schedule)
    except Exception as error:
        reason = str(error) if isinstance(error, AppmillError) else type(error).__name__
        LOG.error("the backup failed: %s", reason, exc_info=None if isinstance(error, AppmillError) else error)
        ledger.note(app.database, by="schedule", at=now, error=reason)
        _tell(app, reason)
        return
    LOG.info("backup: %s", found.get("place"))
    ledger.note(app.database, by="schedule", at=now, result={**found, "verified_at": app.clock().isoformat()})
    with app.database.write() as conn:
        ledger.note_gone(conn, prune(schedule, app.definition.app))


def _tell(app: Application, reason: str) -> None:
    said = message("The daily backup failed: {reason}", reason=reason)
    texts: dict[str, str] = {language: say(said, language) for language in app.definition.languages}
    with app.database.write() as conn:
        people = people_with_roles(conn, app.tables, [ADMIN])
        notices.put(app, conn, people, audit.WHOLE, None, texts, "told")


def name_of(app: str, at: dt.datetime) -> str:
    return f"{app}-{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}.zip"


def prune(schedule: Schedule, app: str) -> list[str]:
    """Take away all but the newest backups of the schedule's; answers where they were."""
    mine = re.compile(rf"{re.escape(app)}-[0-9]{{8}}T[0-9]{{6}}Z\.zip")
    found = sorted(path for path in schedule.folder.iterdir() if mine.fullmatch(path.name))
    gone = found[: -schedule.keep]
    for path in gone:
        path.unlink(missing_ok=True)
    return [str(path) for path in gone]


# --- in a process of its own -----------------------------------------------------------------------------------------


@dataclass
class Beside:
    """Makes backups in processes of its own; ``stop`` ends one that is under way."""

    running: subprocess.Popen[bytes] | None = field(default=None)

    def __call__(self, app: Application, schedule: Schedule) -> Mapping[str, Any]:
        """The figures of the backup, looked at after it was written; raises Refused."""
        told = {
            "url": app.database.url.render_as_string(hide_password=False), "files": str(app.files.folder.absolute()),
            "to": str(schedule.folder / name_of(app.definition.app, app.clock())),
        }  # fmt: skip
        path = os.pathsep.join(each for each in (str(ROOT), os.environ.get("PYTHONPATH", "")) if each)
        self.running = subprocess.Popen(
            [sys.executable, "-m", "engine.backups.process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        # by standard input: what stands on the command line of a process everybody on the machine can read
        out, _nothing = self.running.communicate(json.dumps(told).encode())
        return _answered(out, self.running.returncode)

    def stop(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.terminate()


def _answered(out: bytes, code: int) -> Mapping[str, Any]:
    try:
        found = json.loads(out)
    except ValueError:
        found = {"error": str(message("The process that made it ended with the code {code}.", code=code))}
    if "error" in found:
        raise Refused(message("{reason}", reason=found["error"]))
    return dict(found)


class Keeper:
    """In a thread of its own, for the application in force."""

    def __init__(self, current: Callable[[], Application], schedule: Schedule) -> None:
        self._beside = Beside()
        self._clockwork = Clockwork(
            current, work=lambda app: tick(app, schedule, self._beside), begin=lambda _app: None
        )

    def start(self) -> None:
        self._clockwork.start()

    def stop(self) -> None:
        self._beside.stop()
        self._clockwork.stop()
