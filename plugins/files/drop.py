"""A folder that others drop files into, on this machine or on a server: rows become items of a feed.

What is under way stands in the cursor, and every step can be done again after the process died in the middle of it:
*chosen* (its name is known, nothing was done) → *claimed* (renamed into ``.reading``, so that nobody else reads it) →
*read* part by part → *over* (rows at fault are written back, the file lies in ``archive``). A file whose content was
read before is only put away.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fnmatch
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.api import (
    Connection,
    Deadline,
    Duration,
    Failure,
    Invalid,
    Item,
    Label,
    Message,
    Network,
    Part,
    Reading,
    Secret,
    Span,
    Surroundings,
    Task,
    exact_seconds,
    message,
    option,
    say,
)
from plugins.files import places, telling
from plugins.files.places import Entry, Place
from plugins.files.sorting import Copy, Numbered, Sorted, Wanted, copies, sort

NETWORK = Network()
READING, ARCHIVE, FAILED, KNOWN = ".reading", "archive", "failed", "archive/.known"
ITEMS, BYTES = 500, 2_000_000  # of one part
AHEAD = dt.timedelta(days=1)  # a clock may be; a file that says more has a wrong date
MOST_SENT = 100  # files whose items are not all settled
LONG_AGO = "1970-01-01T00:00:00+00:00"
_UNFINISHED = re.compile(r"(?i)^\.|^~\$|\.(part|tmp|filepart|crdownload|errors\.csv)$")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_FINGERPRINT = "^SHA256:[A-Za-z0-9+/]{43}=?$"
Cursor = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SftpServer:
    """A server that is reached by SFTP."""

    host: str = option("Its name.", minLength=1)
    port: int = option("Its port.", 22, minimum=1, maximum=65535)
    user: str = option("The user to sign in as.", minLength=1)
    password: Secret | None = option("The user's password.", None)
    key: Secret | None = option("The user's private key, as OpenSSH or PEM writes it.", None)
    fingerprint: str = option(
        "Of its host key, as `ssh-keygen -lf` shows it: SHA256:…; nothing is said to another.", pattern=_FINGERPRINT
    )


@dataclass(frozen=True, kw_only=True)
class FtpServer:
    """A server that is reached by FTP."""

    host: str = option("Its name.", minLength=1)
    port: int = option("Its port: usually 21, or 990 with implicit tls.", 21, minimum=1, maximum=65535)
    user: str = option("The user to sign in as.", minLength=1)
    password: Secret = option("The user's password.")
    tls: Literal["explicit", "implicit", "none"] = option(
        "How the line is encrypted; without, everybody on the way reads password and files.", "explicit"
    )


READINGS = {
    "rows": Reading(
        Label({"zh": "文件中的行", "en": "Rows of files"}),
        {
            "file": "the name of the file",
            "row": "the number of its first row there",
            "lines": "its rows, each with row and the columns",
            "…": 'each column by its heading, of the first row: item["No"]',
        },
        spans=False,
    )
}


@dataclass(frozen=True, kw_only=True)
class CsvDrop(Connection):
    """A folder that files with rows are dropped into: CSV or XLSX, here or on a server by SFTP or FTP."""

    type: ClassVar[str] = "csv_drop"
    serves: ClassVar[frozenset[str]] = frozenset()
    timeout: Duration = option("How long one call may take, such as copying a file.", Duration(5, "m"))
    folder: str = option("The folder; one of this machine must be open in APPMILL_FOLDERS.", minLength=1, maxLength=500)
    sftp: SftpServer | None = option("The server it is on, by SFTP. Default: this machine.", None)
    ftp: FtpServer | None = option("The server it is on, by FTP. Default: this machine.", None)
    private: bool = option("The server may stand in a private network, or be this machine.", False)
    at: tuple[str, ...] = option(
        'Times of day at which it is looked into, such as "08:00"; in quotes. Default: as often as the feed looks.', ()
    )
    timezone: str = option("The clock of `at`.", "Asia/Shanghai")
    pattern: str = option("Which files, by name; * stands for anything.", "*.csv", minLength=1, maxLength=200)
    encoding: Literal["auto", "utf-8", "gb18030", "utf-16"] = option("What texts are written in.", "auto")
    key: tuple[str, ...] = option(
        "The columns that name a thing: rows with the same ones are one thing, with lines.", minItems=1
    )
    columns: Mapping[str, tuple[str, ...]] = option(
        "Columns that must be there, and other headings files may have for them: name → headings.", {}
    )
    quiet: Duration = option(
        "A file that changed in this time may not be whole yet, and is left alone.", Duration(10, "s")
    )
    largest: int = option("The most megabytes of one file.", 500, minimum=1, maximum=5000)
    language: Literal["zh", "en"] = option("The language of what is written back about rows.", "zh")

    def mistakes(self) -> Sequence[tuple[str, Message]]:
        return list(_mistakes(self))

    def readings(self) -> Mapping[str, Reading]:
        return READINGS

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        with self._place(task, surroundings) as place:
            ready = sum(1 for _entry in self._files(place))
        return message("The folder {folder} is there; files that match: {count}.", folder=self.folder, count=ready)

    # --- reading

    def begin(self, reading: str, span: Span) -> Cursor:
        """``owner``: by which claims of this cursor are told from those of others; ``count`` of files it chose;
        ``last``: the version of the newest, each has one of its own."""
        return {"owner": secrets.token_hex(4), "count": 0, "last": LONG_AGO, "looked": None, "file": None, "sent": []}

    def read(self, reading: str, cursor: Cursor, task: Task, surroundings: Surroundings) -> Part:
        file = cursor["file"]
        if file is None and not is_due(self, cursor["looked"], surroundings.now()):
            return Part([], cursor, False)
        if file is not None and file["step"] == "read" and (part := self._next_part(cursor, file)):
            return part  # of the copy on this machine: the place is not asked
        with self._place(task, surroundings) as place:
            if file is None:
                return self._choose(cursor, place, surroundings.now())
            if file["step"] == "chosen":
                return self._claim(cursor, file, place, surroundings.now())
            self._copied(cursor, file, place)  # it was thrown away, or another machine goes on
            return self._next_part(cursor, file) or self._end(cursor, file, place)

    @contextlib.contextmanager
    def _place(self, task: Task, surroundings: Surroundings) -> Iterator[Place]:
        deadline = Deadline(task.seconds)
        line: dict[str, Any] = {"private": self.private, "deadline": deadline, "network": NETWORK}
        if self.sftp:
            kind, named = ("key", self.sftp.key) if self.sftp.key else ("password", self.sftp.password)
            secret = {kind: surroundings.secret(named.secret, self.sftp.host) if named else ""}
            opening = places.sftp(self.sftp, self.folder, secret, **line)
        elif self.ftp:
            password = surroundings.secret(self.ftp.password.secret, self.ftp.host)
            opening = places.ftp(self.ftp, self.folder, password, **line)
        else:
            opening = places.local(self.folder, deadline)
        with opening as place:
            yield place

    def _files(self, place: Place) -> Iterator[Entry]:
        for entry in place.entries():
            wanted = fnmatch.fnmatch(entry.name.lower(), self.pattern.lower())
            if wanted and not _UNFINISHED.search(entry.name) and places.usable(entry.name):
                yield entry

    def _choose(self, cursor: Cursor, place: Place, now: dt.datetime) -> Part:
        """The oldest file that is whole; nothing is done to it yet."""
        found = sorted(self._files(place), key=lambda entry: (entry.changed, entry.name))
        quiet = dt.timedelta(seconds=exact_seconds(self.quiet) or 0)
        whole = next((entry for entry in found if not -AHEAD < now - entry.changed < quiet), None)
        if whole is None:
            looked = cursor["looked"] if found else now.isoformat()  # the young ones are waited for
            return Part([], {**cursor, "looked": looked}, False)
        count = cursor["count"] + 1
        claimed = f"{READING}/{cursor['owner']}-{count}-{whole.name}"
        chosen = {"step": "chosen", "name": whole.name, "claimed": claimed}
        return Part([], {**cursor, "count": count, "file": chosen}, True)

    def _claim(self, cursor: Cursor, file: Mapping[str, Any], place: Place, now: dt.datetime) -> Part:
        """Rename it, so that it is ours alone, and take it apart."""
        if not _is_ours(place, file):
            return Part([], {**cursor, "file": None}, True)
        version = max(now, dt.datetime.fromisoformat(cursor["last"]) + dt.timedelta(microseconds=1)).isoformat()
        claimed = {**file, "step": "read", "version": version, "offset": 0, "as": self._as, "wrong": None}
        try:
            copy = self._copy(cursor, claimed)
            claimed["digest"] = self._fetch(copy, file["claimed"], place)
            if before := self._read_before(place, claimed["digest"]):
                claimed["wrong"] = before
            else:
                sort(copy, file["name"], self._wanted())
        except Invalid as refused:
            claimed["wrong"] = say(refused.reason, self.language)
            claimed["failed"] = True
        return Part([], {**cursor, "last": version, "file": claimed}, True)

    def _wanted(self) -> Wanted:
        return Wanted(self.key, dict(self.columns), "" if self.encoding == "auto" else self.encoding, self.language)

    # --- the copy on this machine

    @property
    def _as(self) -> str:
        """By what it is known that a file is read as it was before."""
        return hashlib.sha256(repr(self._wanted()).encode()).hexdigest()[:16]

    def _copy(self, cursor: Cursor, file: Mapping[str, Any]) -> Copy:
        named = f"{self.name} {cursor['owner']} {file['claimed']} {self._as}"
        folder = copies() / hashlib.sha256(named.encode()).hexdigest()[:32]
        folder.mkdir(mode=0o700, exist_ok=True)
        return Copy(folder)

    def _fetch(self, copy: Copy, name: str, place: Place) -> str:
        with copy.source.open("wb") as target:
            place.fetch(name, target, self.largest * 1_000_000)
        with copy.source.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()

    def _copied(self, cursor: Cursor, file: Mapping[str, Any], place: Place) -> Copy:
        """As it was, made again if need be."""
        copy = self._copy(cursor, file)
        if file["wrong"] is None and copy.known() is None:
            where = file["claimed"] if place.exists(file["claimed"]) else _archived(file, cursor)
            self._fetch(copy, where, place)
            sort(copy, file["name"], self._wanted())
        return copy

    def _next_part(self, cursor: Cursor, file: Mapping[str, Any]) -> Part | None:
        """The things from the offset on; None where there are none, or no copy."""
        copy = self._copy(cursor, file)
        if file["wrong"] is not None or (found := copy.known()) is None:
            return None
        items: list[Item] = []
        start = offset = file["offset"] if file["as"] == self._as else 0  # told again, it is the same arrival
        for offset, key, rows in copy.each_thing(start):
            items.append(Item(key, file["version"], item_of(found.names, file["name"], rows)))
            if len(items) >= ITEMS or offset - start > BYTES:
                break
        return Part(items, {**cursor, "file": {**file, "offset": offset, "as": self._as}}, True) if items else None

    # --- the end of a file

    def _end(self, cursor: Cursor, file: Mapping[str, Any], place: Place) -> Part:
        """Write back what could not be read, remember the content, put the file away."""
        copy = self._copy(cursor, file)
        found = copy.known()
        if file["wrong"] is not None:
            self._tell(copy, place, file["name"], (), [telling.Told(None, "", file["wrong"], ())])
        elif found is not None:
            if found.faults:
                self._tell(copy, place, file["name"], found.names, telling.unread(copy))
            self._remember(copy, place, file)
        archived = _archived(file, cursor)
        place.make_folder(archived.rpartition("/")[0])
        if place.exists(file["claimed"]):
            place.rename(file["claimed"], archived)
        shutil.rmtree(copy.source.parent, ignore_errors=True)
        over = {**cursor, "file": None}
        if file["wrong"] is None and found is not None and found.things:
            told = {"name": file["name"], "archived": archived, "version": file["version"]}
            over["sent"] = [*cursor["sent"], told][-MOST_SENT:]
        return Part([], over, True)

    def _tell(self, copy: Copy, place: Place, name: str, names: Sequence[str], told: Iterable[telling.Told]) -> None:
        errors = copy.source.with_name("errors.csv")
        telling.write(errors, names, told, self.language)
        with errors.open("rb") as source:
            place.put(f"{name}.errors.csv", source)

    def _read_before(self, place: Place, digest: str) -> str | None:
        """What to say about a file whose content was read already."""
        if not place.exists(f"{KNOWN}/{digest}"):
            return None
        said = message("A file with the same content was read already; nothing was taken from this one.")
        return say(said, self.language)

    def _remember(self, copy: Copy, place: Place, file: Mapping[str, Any]) -> None:
        place.make_folder(KNOWN)
        note = copy.source.with_name("note")
        note.write_text(f"{file['version']} {file['name']}\n", encoding="utf-8")
        with note.open("rb") as source:
            place.put(f"{KNOWN}/{file['digest']}", source)

    # --- what became of the items

    def awaits(self, reading: str, cursor: Cursor) -> Sequence[str]:
        return [sent["version"] for sent in cursor["sent"]]

    def settled(
        self, reading: str, cursor: Cursor, version: str, failures: Sequence[Failure], task: Task,
        surroundings: Surroundings,
    ) -> Cursor:  # fmt: skip
        sent = next((one for one in cursor["sent"] if one["version"] == version), None)
        if sent is not None and failures:
            with self._place(task, surroundings) as place:
                self._tell_untaken(cursor, sent, failures, place)
        return {**cursor, "sent": [one for one in cursor["sent"] if one["version"] != version]}

    def _tell_untaken(self, cursor: Cursor, sent: Mapping[str, Any], failures: Sequence[Failure], place: Place) -> None:
        """The rows that could not be read and those that became nothing, in one file."""
        copy = self._copy(cursor, {"claimed": sent["archived"]})
        self._fetch(copy, sent["archived"], place)
        found: Sorted = sort(copy, sent["name"], self._wanted())
        told = [*telling.unread(copy), *telling.untaken(copy, found, failures, self.language)]
        self._tell(copy, place, sent["name"], found.names, sorted(told, key=lambda one: one.row or 0))
        shutil.rmtree(copy.source.parent, ignore_errors=True)


def item_of(names: Sequence[str], file: str, rows: Sequence[Numbered]) -> dict[str, Any]:
    """What expressions read: the columns of the first row by their names, and each row as a line."""
    lines = [{**dict(zip(names, cells, strict=False)), "row": number} for number, cells in rows]
    return {**lines[0], "file": file, "lines": lines}


def is_due(drop: CsvDrop, looked: str | None, now: dt.datetime) -> bool:
    """Whether one of the times of day came since the folder was looked into last."""
    if not drop.at or looked is None:
        return True
    zone = ZoneInfo(drop.timezone)
    local, last = now.astimezone(zone), dt.datetime.fromisoformat(looked)
    times = [dt.time.fromisoformat(one) for one in drop.at]
    days = [local.date(), local.date() - dt.timedelta(days=1)]
    past = [moment for day in days for one in times if (moment := dt.datetime.combine(day, one, zone)) <= now]
    return bool(past) and last < max(past)


def _is_ours(place: Place, file: Mapping[str, Any]) -> bool:
    """Whether the claim holds: it did already, or the file could be renamed; otherwise somebody else was quicker."""
    if place.exists(file["claimed"]):
        return True
    place.make_folder(READING)
    try:
        place.rename(file["name"], file["claimed"])
    except places.ERRORS:
        if place.exists(file["name"]):
            raise
        return False
    return True


def _archived(file: Mapping[str, Any], cursor: Cursor) -> str:
    """``archive/2026-11-23/080003-1a2b3c4d-7-name.csv``: no two files have the same."""
    moment = dt.datetime.fromisoformat(file["version"])
    folder = FAILED if file.get("failed") else ARCHIVE
    return f"{folder}/{moment:%Y-%m-%d}/{moment:%H%M%S}-{file['claimed'].removeprefix(READING + '/')}"


def _mistakes(drop: CsvDrop) -> Iterator[tuple[str, Message]]:
    if drop.sftp and drop.ftp:
        yield "ftp", message("A folder is on one server: say sftp or ftp, not both.")
    if drop.sftp and (drop.sftp.password is None) == (drop.sftp.key is None):
        yield "sftp", message("Say how to sign in: by password or by key, one of them.")
    if drop.ftp and drop.ftp.tls == "none" and not drop.private:
        yield "ftp", message("Without tls the password travels unencrypted; that is for private networks only.")
    if not (drop.sftp or drop.ftp) and not os.path.isabs(drop.folder):
        yield "folder", message("A folder of this machine is written from the root, such as /srv/drop.")
    if any(not _TIME.fullmatch(one) for one in drop.at):
        yield "at", message('Times of day are written like "08:00", in quotes.')
    if "/" in drop.pattern or "\\" in drop.pattern:
        yield "pattern", message("A pattern is of names only; it has no folder in it.")
    if exact_seconds(drop.quiet) is None:
        yield "quiet", message("A length of time without a calendar is needed here, such as 10s.")
    try:
        ZoneInfo(drop.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        said = message("There is no time zone '{name}'; expected one such as Asia/Shanghai.", name=drop.timezone)
        yield "timezone", said
