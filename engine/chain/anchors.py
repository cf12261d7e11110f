"""Heads of the chain, kept in a file outside the database: whoever rewrites the whole chain cannot rewrite these.

One line per anchor: when, the number of the seal, its hash. The file belongs where those who can write the database
cannot write: another machine, a disk that only appends, a printer.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Refused, message
from engine.storage import seals
from engine.storage.database import Database
from engine.storage.seals import Head
from engine.storage.tables import SYSTEM

EVERY = dt.timedelta(days=1)
SOON, AFTER_TROUBLE = dt.timedelta(minutes=1), dt.timedelta(hours=1)
LOG = logging.getLogger("appmill.audit")
_LINE = re.compile(r"(\S+) (\d{1,18}) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Anchor:
    """``at`` is aware."""

    at: dt.datetime
    number: int
    hash: str

    def line(self) -> str:
        return f"{self.at.astimezone(dt.UTC).isoformat(timespec='seconds')} {self.number} {self.hash}"


def add(database: Database, path: Path, now: dt.datetime) -> Anchor:
    """Append the head of the chain to the file. Raises Refused where nothing is sealed yet, OSError as files do."""
    head = head_of(database)
    if not head.number:
        raise Refused(
            message("Nothing is sealed yet, so there is nothing to keep. Let the application run for a moment.")
        )
    anchor = Anchor(now, head.number, head.hash)
    with path.open("a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{anchor.line()}\n")
        file.flush()
        os.fsync(file.fileno())
    return anchor


def head_of(database: Database) -> Head:
    with database.read() as conn:
        return seals.head(conn, SYSTEM["seal"])


def read(path: Path) -> list[Anchor]:
    """Raises Refused for a line that is none, naming it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Refused(message("The anchors {file} cannot be read: {reason}", file=path, reason=reason)) from None
    return [_parsed(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _parsed(path: Path, number: int, line: str) -> Anchor:
    found = _LINE.fullmatch(line.strip())
    try:
        at = dt.datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        at = None
    if found is None or at is None or at.tzinfo is None:
        raise Refused(
            message("{file}, line {number}: expected time, number of the seal and its hash; got “{line}”.",
                    file=path, number=number, line=line[:100])
        )  # fmt: skip
    return Anchor(at, int(found[2]), found[3])


class Daily:
    """Keeps the head once a day in the file, if there is one. Trouble with the file is in the log and ends nothing."""

    def __init__(self, file: str | None) -> None:
        self._path = Path(file) if file else None
        self._due: dt.datetime | None = None

    def look(self, database: Database, now: dt.datetime) -> None:
        if self._path is None or (self._due is not None and now < self._due):
            return
        try:
            self._due = self._keep(database, self._path, now)
        except (OSError, Refused) as error:
            self._due = now + AFTER_TROUBLE
            LOG.error("the head of the audit chain could not be kept: %s", error)

    def _keep(self, database: Database, path: Path, now: dt.datetime) -> dt.datetime:
        if not head_of(database).number:
            return now + SOON
        last = max((one.at for one in (read(path) if path.exists() else ())), default=None)
        if last is not None and now < last + EVERY:
            return last + EVERY
        add(database, path, now)
        return now + EVERY
