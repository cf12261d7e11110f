"""An application as it is in force, whatever its file says: for commands that publish, look back and go back."""

from __future__ import annotations

from pathlib import Path

from engine.application import Application, Clock, files_beside, utc_now
from engine.errors import Refused, message
from engine.load import load_text
from engine.publishing.file import bytes_of, is_there
from engine.publishing.history import text_of
from engine.publishing.inforce import hash_in_force
from engine.registry import Registry
from engine.secrets import Sources
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.storage.tables import build_tables


def open_in_force(
    file: str | Path, database_url: str, *, registry: Registry, sources: Sources | None = None, clock: Clock = utc_now
) -> Application:
    """What the database was built for last; ``file`` follows what is published. Raises Refused where nothing is in
    force yet, DefinitionError where it cannot be read any more."""
    database = Database(database_url)
    try:
        text, hash = _kept(file, database)
        loaded = load_text(bytes_of(text, hash), registry, file=str(file))
    except BaseException:
        database.close()
        raise
    tables = build_tables(loaded.definition, registry)
    files = FileStore(files_beside(file, database_url))
    return Application(loaded.definition, registry, database, tables, files, clock, sources or Sources(), Path(file))


def _kept(file: str | Path, database: Database) -> tuple[str, str]:
    if is_there(database):
        with database.read() as conn:
            hash = hash_in_force(conn)
            if hash is not None:
                return text_of(conn, hash), hash
    raise Refused(message("Nothing is in force in this database yet: appmill run {file}", file=str(file)))
