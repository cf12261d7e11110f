"""Restoring an archive into a database of either kind.

Everything is looked at before anything is touched: the archive itself, the definition, the key, the room on the disk,
what is in the target. Then files, rows, and in the same transaction what an ordinary start does (indexes, guards,
search, the migration of an older product); only then the new state takes the place of the old.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from engine import formats
from engine.application import Application, utc_now
from engine.backups.container import Source, checked, reading
from engine.backups.loading import load
from engine.backups.making import NO_KEYS, Told, refuse_other_key, silent
from engine.backups.manifest import Figures, Manifest, file_entry
from engine.backups.targets import Wanted, filling
from engine.backups.verifying import definition_of, verify
from engine.errors import DefinitionError, Refused, message
from engine.faults import point
from engine.load import Loaded, load_text
from engine.publishing.inforce import Entry, hash_in_force, put_in_force
from engine.registry import Registry
from engine.secrets import KEY
from engine.storage.automation import OPEN_MESSAGES, in_state
from engine.storage.files import FileStore
from engine.storage.migrate import lock, plan_migration, stored_shape
from engine.storage.tables import build_tables

ROOM = 3  # times the size of the tables: rows, indexes and full-text search


@dataclass(frozen=True)
class Restored:
    """``waiting``: messages that whoever serves it will deliver; ``files``: how many were not in the store yet."""

    manifest: Manifest
    definition: bytes
    files: int
    waiting: int


def restore(
    archive: Path, url: str, files: FileStore, registry: Registry, *, keys: Mapping[str, Fernet] | None = NO_KEYS,
    replaces: bool = False, clock: Callable[[], dt.datetime] = utc_now, told: Told = silent,
) -> Restored:  # fmt: skip
    """Put the archive into the database at ``url`` and its files into the store. ``keys``: those that secrets can be
    read with here; None: whether they can is no matter. Raises Refused, and everything is as it was before."""
    with reading(archive) as source:
        manifest = verify(source, told)
        raw = definition_of(source, manifest)
        loaded = _read(raw, registry, archive)
        if keys is not None:
            refuse_other_key(manifest.key, keys, KEY)
        _refuse_without_room(manifest, url, files)
        with _gone_if_it_fails(files) as new, filling(url, Wanted(replaces, clock())) as (database, conn):
            _take_back(source, manifest, files, new, told)
            app = Application(
                loaded.definition, registry, database, build_tables(loaded.definition, registry), files, clock
            )
            load(conn, source, manifest, app.tables, told)
            _bring_up(conn, app, manifest, loaded, told)
            table = app.tables.message
            waiting = conn.scalar(sa.select(sa.func.count()).select_from(table).where(in_state(table, *OPEN_MESSAGES)))
        return Restored(manifest, raw, len(new), waiting or 0)


def _read(raw: bytes, registry: Registry, archive: Path) -> Loaded:
    try:
        return load_text(raw, registry, file=f"{archive.name}: definition.yaml")
    except DefinitionError as error:
        raise Refused(
            message("The definition in the archive cannot be read here; it may need plugins (--plugin): {reason}",
                    reason=str(error.findings[0]))
        ) from None  # fmt: skip


def _refuse_without_room(manifest: Manifest, url: str, files: FileStore) -> None:
    """Also what keeps a small archive that unpacks to an enormous one from filling the disk."""
    rows = ROOM * sum(table.figures.size for table in manifest.tables)
    parsed = make_url(url)
    needed = {files.folder: sum(manifest.files.values())}
    if parsed.get_backend_name() == "sqlite":
        needed[Path(str(parsed.database)).parent] = rows
    for folder, size in needed.items():
        free = shutil.disk_usage(_there(folder)).free
        if size > free:
            raise Refused(
                message("There is no room for the backup in {folder}: got {free}, expected about {size}.",
                        folder=str(folder), free=formats.size(free), size=formats.size(size))
            )  # fmt: skip


def _there(folder: Path) -> Path:
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())


@contextmanager
def _gone_if_it_fails(files: FileStore) -> Iterator[list[str]]:
    """The files that came into the store go again. Nobody else's is touched: each is called what it holds."""
    new: list[str] = []
    try:
        with files.holding():
            yield new
    except BaseException:
        for sha256 in new:
            files.path(sha256).unlink(missing_ok=True)
        raise


def _take_back(source: Source, manifest: Manifest, files: FileStore, new: list[str], told: Told) -> None:
    for number, (sha256, size) in enumerate(manifest.files.items()):
        told(number, len(manifest.files), message("{count} files", count=number))
        point("restore file")
        with closing(checked(source, file_entry(sha256), Figures(size, sha256))) as pieces:
            if files.take_back(sha256, pieces):
                new.append(sha256)


def _bring_up(conn: sa.Connection, app: Application, manifest: Manifest, loaded: Loaded, told: Told) -> None:
    """What the start of a server does. The same definition over the same tables is not put in force anew: what is
    known of it stays, word for word."""
    lock(conn)
    before = hash_in_force(conn)
    if before != manifest.definition:
        raise Refused(
            message("The rows of the archive say that {got} is in force; expected {expected}.",
                    got=before or "–", expected=manifest.definition)
        )  # fmt: skip
    plan = plan_migration(conn, app.definition, app.tables, app.clock())
    plan = replace(plan, known=plan.known or stored_shape(conn) == plan.shape)
    put_in_force(conn, app, plan, source=loaded.source.text, entry=Entry("started"), before=before, told=told)


def keep_definition(raw: bytes, file: Path, *, replaces: bool, moment: dt.datetime) -> None:
    """Write the definition in force to its file; one that says something else is kept beside it."""
    if file.exists() and file.read_bytes() != raw:
        refuse_definition(raw, file, replaces)
        shutil.copy2(file, file.with_name(f"{file.name}.before-{moment:%Y%m%d-%H%M%S}"))
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.restored")
    fresh.write_bytes(raw)
    fresh.replace(file)


def refuse_definition(raw: bytes | None, file: Path, replaces: bool) -> None:
    """Raises Refused where a file says something else than ``raw`` and may not be replaced."""
    if file.exists() and not replaces and file.read_bytes() != raw:
        raise Refused(message("The file {file} holds another definition; name another, or add --replace.", file=file))


def where_files_go(url: str, definition: Path | None) -> Path:
    """The store beside the database or the definition; raises Refused where neither is a file."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(str(parsed.database)).parent / "files"
    if definition is None:
        raise Refused(
            message("Say where the files are kept: --files FOLDER, or name the definition that they lie beside.")
        )
    return definition.parent / "files"
