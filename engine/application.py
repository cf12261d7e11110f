"""One application: a definition in force, its database and everything worked out from both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from sqlalchemy.engine import make_url

from engine.builtin import default_registry
from engine.definition import AppDefinition
from engine.load import Loaded, load_file, load_text
from engine.outside.tokens import Tokens
from engine.plans import Plans
from engine.registry import Registry
from engine.secrets import Secrets, Sources
from engine.storage.database import Database
from engine.storage.decisions import Decisions
from engine.storage.files import FileStore
from engine.storage.migrate import lock, plan_migration
from engine.storage.tables import Tables, build_tables
from engine.storage.waivers import Waivers

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Application:
    """Everything a walk needs. ``clock`` answers the aware UTC datetime; ``plans`` is what the definition decides.

    A new definition makes a new Application over the same database: a request keeps the one it began with. ``file``
    is the definition file that follows what is in force.
    """

    definition: AppDefinition
    registry: Registry
    database: Database
    tables: Tables
    files: FileStore
    clock: Clock = utc_now
    sources: Sources = field(default_factory=Sources, repr=False)  # the operator's secrets
    file: Path | None = None
    plans: Plans = field(init=False, repr=False, compare=False)
    secrets: Secrets = field(init=False, repr=False, compare=False)
    tokens: Tokens = field(init=False, repr=False, compare=False)  # what connectors were given for a while
    waivers: Waivers = field(init=False, repr=False, compare=False)  # who need not have what is required since

    def __post_init__(self) -> None:
        object.__setattr__(self, "plans", Plans(self.definition, self.registry, self.tables))
        object.__setattr__(self, "secrets", Secrets(self.sources, self.database, self.tables))
        object.__setattr__(self, "tokens", Tokens())
        object.__setattr__(self, "waivers", Waivers(self.database, self.tables))


def open_application(
    path: str | Path,
    database_url: str,
    *,
    clock: Clock = utc_now,
    registry: Registry | None = None,
    files_folder: str | Path | None = None,
    sources: Sources | None = None,
    allow_explicit: bool = False,
    decisions: Decisions = MappingProxyType({}),
    kind: str = "started",
) -> Application:
    """Read a definition file, bring the database up to it, and answer the application. A file that was left behind by
    what was published meanwhile is brought up to the database instead (``engine.publishing.file``).

    ``files_folder``: where attachments are kept; default: ``files`` beside a SQLite database or the definition;
    ``sources``: secrets the operator gives (``engine.secrets.read_sources``). Raises
    DefinitionError, or Refused when the database holds what the definition takes away (``allow_explicit`` lets it go);
    ``decisions`` are about the records it concerns, ``kind`` what history calls it.
    """
    from engine.publishing.file import at_start

    types = registry or default_registry()
    loaded = load_file(path, types)
    database = Database(database_url)
    try:
        return start(
            at_start(loaded, database, types),
            database,
            registry=types,
            clock=clock,
            files=FileStore(files_folder or files_beside(path, database_url)),
            sources=sources,
            allow_explicit=allow_explicit,
            decisions=decisions,
            kind=kind,
            file=Path(path),
        )
    except BaseException:
        database.close()
        raise


def start(
    loaded: Loaded,
    database: Database,
    *,
    registry: Registry,
    files: FileStore,
    clock: Clock = utc_now,
    by: int | None = None,
    sources: Sources | None = None,
    allow_explicit: bool = False,
    decisions: Decisions = MappingProxyType({}),
    kind: str = "started",
    file: Path | None = None,
) -> Application:
    """The application of a definition that was read, over an open database: migrated, and its stored values current.
    Of several processes that start at once one does the work, the others wait and find it done."""
    from engine.publishing.inforce import Entry, hash_in_force, put_in_force

    tables = build_tables(loaded.definition, registry)
    app = Application(loaded.definition, registry, database, tables, files, clock, sources or Sources(), file)
    with database.write() as conn:
        lock(conn)
        before = hash_in_force(conn)
        plan = plan_migration(conn, loaded.definition, tables, clock(), decisions)
        entry = Entry(kind, by, decisions=decisions)
        put_in_force(
            conn, app, plan, source=loaded.source.text, entry=entry, before=before, allow_explicit=allow_explicit
        )
    database.in_force = None  # whoever starts it over again knows better than what was published before
    return app


def reopened(app: Application, text: str) -> Application:
    """The application of a definition that another process applied to the same database."""
    loaded = load_text(text, app.registry)
    tables = build_tables(loaded.definition, app.registry)
    opened = Application(
        loaded.definition, app.registry, app.database, tables, app.files, app.clock, app.sources, app.file
    )
    with app.database.read() as conn:
        opened.waivers.take_up(conn)
    return opened


def files_beside(path: str | Path, database_url: str) -> Path:
    url = make_url(database_url)
    beside = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else Path(path)
    return beside.parent / "files"
