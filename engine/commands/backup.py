"""``appmill backup FILE --to PLACE`` and ``appmill backup verify ARCHIVE``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.backup_progress import Progress
from engine.commands.run import database_url, default_database

if TYPE_CHECKING:
    from engine.backups.making import Made
    from engine.backups.manifest import Manifest
    from engine.storage.database import Database

VERIFY = "verify"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help=f"the definition file, for its database; or the word {VERIFY}"
    )
    parser.add_argument("archive", metavar="ARCHIVE", nargs="?", help=f"with {VERIFY}: the archive to look at")
    parser.add_argument(
        "--to", metavar="PLACE", type=Path, help="where to: a ZIP file, such as backup.zip, or a new folder"
    )
    parser.add_argument(
        "--database", metavar="URL", type=database_url, help="sqlite:///file or postgresql://… (default: var/<app>.db)"
    )
    parser.add_argument("--files", metavar="FOLDER", type=Path, help="where attachments are (default: as for run)")
    parser.add_argument("--quiet", action="store_true", help="say only what it came to")


def run(options: argparse.Namespace) -> int:
    if options.file == VERIFY:
        return _verify(options)
    from engine.errors import Refused, message

    if options.archive is not None or options.to is None:
        raise Refused(message("Say where the backup goes: appmill backup FILE --to backup.zip"))
    if options.file is None and options.database is None:
        raise Refused(message("Say what to back up: a definition file, or --database URL."))
    return _backup(options)


def _backup(options: argparse.Namespace) -> int:
    from engine import formats
    from engine.application import files_beside
    from engine.backups.making import make
    from engine.backups.restoring import where_files_go
    from engine.secrets import KEY, read_keys
    from engine.storage.database import Database
    from engine.storage.files import FileStore

    url = options.database or default_database(options.file)
    folder = options.files or (files_beside(options.file, url) if options.file else where_files_go(url, None))
    database = Database(url, pool=2)
    try:
        with Progress(options.quiet) as told:
            made = make(database, FileStore(folder), options.to, keys=read_keys(os.environ.get(KEY, "")), told=told)
        _note(database, made)
    finally:
        database.close()
    manifest = made.manifest
    print(
        f"{made.place}: {formats.size(made.size)}, {manifest.rows} rows of {len(manifest.tables)} tables and"
        f" {len(manifest.files)} files as of {manifest.at:%Y-%m-%d %H:%M:%S} UTC."
    )
    _warn(manifest)
    return 0


def _note(database: Database, made: Made) -> None:
    """For the page of administrators; the archive is whole without it, and a replica can be backed up too."""
    from sqlalchemy.exc import DBAPIError

    from engine.backups import ledger

    try:
        ledger.note_made(database, made, by="command")
    except DBAPIError as error:
        print(f"The backup is made, and cannot be noted in the database: {error.orig}", file=sys.stderr)


def _warn(manifest: Manifest) -> None:
    key = manifest.key
    if key.secrets:
        prints = ", ".join(key.fingerprints) or "unknown here"
        print(f"It holds {key.secrets} secrets, encrypted; keep their key elsewhere (fingerprint {prints}).")
    for sha256, why in manifest.lost.items():
        print(f"The file {sha256} is {why} in the store, and not in the backup.", file=sys.stderr)


def _verify(options: argparse.Namespace) -> int:
    from engine.backups.container import reading
    from engine.backups.verifying import verify
    from engine.errors import Refused, message

    if options.archive is None:
        raise Refused(message("Say which archive: appmill backup verify backup.zip"))
    with Progress(options.quiet) as told, reading(Path(options.archive)) as source:
        manifest = verify(source, told)
    print(
        f"OK: {manifest.application} as of {manifest.at:%Y-%m-%d %H:%M:%S} UTC, {manifest.rows} rows of"
        f" {len(manifest.tables)} tables and {len(manifest.files)} files; made by Appmill {manifest.product} on"
        f" {manifest.dialect}."
    )
    _warn(manifest)
    return 0
