"""Making an archive while everybody goes on working."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from engine.application import utc_now
from engine.backups.container import CHUNK, Measured, Sink, writing
from engine.backups.manifest import (
    DEFINITION,
    MANIFEST,
    Figures,
    KeyNeed,
    Manifest,
    Table,
    file_entry,
    table_entry,
    write,
)
from engine.backups.snapshot import Snapshot, taken
from engine.errors import Message, Refused, message
from engine.faults import point
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.yamlfile import read_source

Told = Callable[[int, int, Message], None]  # (done, total, what is being done); what it raises ends the backup
NO_KEYS: Mapping[str, Fernet] = {}


def silent(done: int, total: int, what: Message) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True)
class Made:
    """``size`` of the archive in bytes."""

    place: Path
    manifest: Manifest
    size: int


def make(
    database: Database, files: FileStore, to: Path, *, keys: Mapping[str, Fernet] = NO_KEYS,
    clock: Callable[[], dt.datetime] = utc_now, told: Told = silent,
) -> Made:  # fmt: skip
    """Write an archive of this moment to ``to``: a ZIP file where its name ends so, else a folder. ``keys``: those that
    secrets may be encrypted under, by fingerprint; none of them gets into it.

    Servers and workers go on. Files are held while it lasts, from before the moment on, so that none of those the data
    names goes away. Raises Refused, and leaves nothing then, nor when it is interrupted.
    """
    with writing(to) as sink, files.holding(), taken(database, clock) as snapshot:
        point("backup begun")
        manifest = _filled(sink, snapshot, files, keys, told)
        with sink.entry(MANIFEST) as stream:
            stream.write(write(manifest))
        point("backup written")
    return Made(to, manifest, _size(to))


def _filled(sink: Sink, snapshot: Snapshot, files: FileStore, keys: Mapping[str, Fernet], told: Told) -> Manifest:
    hash, text = snapshot.definition()
    definition = _written(sink, DEFINITION, [text.encode()])
    tables = tuple(_tables(sink, snapshot, told))
    kept, lost = _attachments(sink, files, list(snapshot.files()), told)
    return Manifest(
        product=version("appmill"), application=_app(text), definition=hash, definition_file=definition,
        dialect=snapshot.dialect, at=snapshot.at, key=key_need(snapshot.secrets(), keys), tables=tables, files=kept,
        lost=lost,
    )  # fmt: skip


def _app(text: str) -> str:
    data = read_source(text.encode(), DEFINITION).data
    return str(data.get("app", "app")) if isinstance(data, dict) else "app"


def _written(sink: Sink, name: str, pieces: Iterable[bytes]) -> Figures:
    with sink.entry(name) as stream:
        measured = Measured(stream)
        for piece in pieces:
            measured.write(piece)
        return measured.figures()


def _tables(sink: Sink, snapshot: Snapshot, told: Told) -> Iterator[Table]:
    rows, total = 0, len(snapshot.tables)
    for number, shape in enumerate(snapshot.tables):
        point("backup table")
        say = partial(_say, told, number, total, shape.name, rows)
        table = Table(shape, _written(sink, table_entry(shape.name), _counted(snapshot.lines(shape), say)))
        rows += table.figures.rows
        yield table


def _say(told: Told, number: int, total: int, table: str, before: int, rows: int) -> None:
    told(number, total, message("{rows} rows, now {table}", rows=before + rows, table=table))


def _counted(pieces: Iterable[bytes], say: Callable[[int], None]) -> Iterator[bytes]:
    rows = 0
    say(rows)
    for piece in pieces:
        yield piece
        rows += piece.count(b"\n")
        say(rows)


def _attachments(sink: Sink, files: FileStore, wanted: list[str], told: Told) -> tuple[dict[str, int], dict[str, str]]:
    """(those that are in the archive, with their sizes; those that the store does not have whole)"""
    kept, lost = dict[str, int](), dict[str, str]()
    for number, sha256 in enumerate(wanted):
        told(number, len(wanted), message("{count} files", count=number))
        point("backup file")
        wrong = files.examine(sha256)
        if wrong:
            lost[sha256] = wrong
        else:
            kept[sha256] = _copied(sink, files, sha256)
    return kept, lost


def _copied(sink: Sink, files: FileStore, sha256: str) -> int:
    size = 0
    with files.open(sha256) as file, sink.entry(file_entry(sha256), packed=True) as stream:
        while piece := file.read(CHUNK):
            stream.write(piece)
            size += len(piece)
    return size


def _size(place: Path) -> int:
    if place.is_file():
        return place.stat().st_size
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


# --- the key ---------------------------------------------------------------------------------------------------------


def key_need(secrets: list[str], keys: Mapping[str, Fernet]) -> KeyNeed:
    """Under which of these keys the secrets are encrypted."""
    found = [_key_of(secret, keys) for secret in secrets]
    prints = tuple(sorted({each for each in found if each is not None}))
    return KeyNeed(len(secrets), prints, sum(each is None for each in found))


def _key_of(secret: str, keys: Mapping[str, Fernet]) -> str | None:
    for fingerprint, key in keys.items():
        try:
            key.decrypt(secret.encode())
        except InvalidToken:
            continue
        return fingerprint
    return None


def refuse_other_key(need: KeyNeed, keys: Mapping[str, Fernet], variable: str) -> None:
    """Raises Refused where the secrets could not be read with the keys there are."""
    lacking = [each for each in need.fingerprints if each not in keys]
    if lacking:
        raise Refused(
            message(
                "The archive holds {count} secrets under the key with the fingerprint {expected}; {variable} here is"
                " {got}. Set that key, or add --without-key: everything else works, and these secrets have to be"
                " entered again.",
                count=need.secrets, expected=tuple(lacking), variable=variable,
                got=tuple(keys) or message("not set"),
            )
        )  # fmt: skip
