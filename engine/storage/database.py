"""The one way to a database: a read or a write transaction, visible as a ``with``.

SQLite facts behind the hooks: the driver's own transaction handling begins too late (lost updates with several
threads), a deferred BEGIN fails with "database is locked" when it turns into a writer, and SQLite's busy handler is
unfair; so a write transaction says BEGIN IMMEDIATE and holds a lock of this process while it runs.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import psycopg
import sqlalchemy as sa
from psycopg import IsolationLevel
from sqlalchemy.engine import URL, make_url

from engine.errors import Refused, message
from engine.faults import point
from engine.measuring import Meter, Unmeasured
from engine.storage import watching

Synchronous = Literal["FULL", "NORMAL", "OFF"]
READONLY = {"readonly": True}


POSTED = "appmill.posted"
CONNECT_SECONDS = 5  # until a PostgreSQL that does not answer counts as gone, unless its URL says otherwise
# What is raised where a database cannot be reached, is locked or has no connection free; the driver's own errors come
# where nothing of SQLAlchemy stands between.
GONE = (
    sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, psycopg.OperationalError,
    psycopg.InterfaceError,
)  # fmt: skip
POOL_SECONDS = 10.0  # for a free connection; whoever waited so long is told that the database is busy


class Doorbell(Protocol):
    """Whoever hands messages over to be delivered. Rings may be lost or repeated: a sweeper looks for the rest."""

    def note(self, conn: sa.Connection, message_id: int, due: dt.datetime) -> None:
        """In the transaction that leaves the message."""

    def ring(self, posted: Sequence[tuple[int, dt.datetime]]) -> None:
        """After the commit, with everything it left: (id, due)."""


class Silent:
    def note(self, conn: sa.Connection, message_id: int, due: dt.datetime) -> None:
        return

    def ring(self, posted: Sequence[tuple[int, dt.datetime]]) -> None:
        return


_CHANGED = """
    SELECT quote_ident(schemaname) || '.' || quote_ident(relname) FROM pg_stat_user_tables
    WHERE n_live_tup > 0 AND (
        (last_analyze IS NULL AND last_autoanalyze IS NULL)
        OR n_mod_since_analyze > 1000 + n_live_tup / 5)
"""


class Database:
    """A SQLite file or a PostgreSQL database; ``dialect`` is ``sqlite`` or ``postgresql``.

    ``synchronous`` (SQLite only): FULL keeps every commit across a power cut, NORMAL may lose the last ones, OFF
    is for copies that nobody will miss.
    ``busy_seconds``: how long a writer waits for a writer of another process.
    """

    def __init__(self, url: str, *, synchronous: Synchronous = "FULL", busy_seconds: float = 15, pool: int = 8) -> None:
        self.url: URL = _known(make_url(url))
        self.dialect = self.url.get_backend_name()
        self.engine = (
            _open_sqlite(self.url, synchronous, busy_seconds, pool)
            if self.dialect == "sqlite"
            else _open_postgresql(self.url, busy_seconds, pool)
        )
        # SQLite: connections of their own, which refuse to write; PostgreSQL: its read-only transactions.
        self._reader = (
            _open_sqlite(self.url, synchronous, busy_seconds, pool, readonly=True)
            if self.dialect == "sqlite"
            else self.engine.execution_options(**READONLY)
        )
        self._writing = threading.Lock()
        self.doorbell: Doorbell = Silent()  # who is told of messages; set by the engine that delivers them
        self.meter: Meter = Unmeasured()  # who is told of what this process does with it; set by whoever serves
        self._claim: IO[str] | None = None
        self.in_force: str | None = None  # hash of what was published last, as far as this process knows

    @property
    def engines(self) -> Mapping[str, sa.Engine]:
        """Each with its own connections, by what they are for."""
        return {"write": self.engine, "read": self._reader} if self.dialect == "sqlite" else {"all": self.engine}

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent view of the data for as long as the block lasts; nothing can be written in it."""
        with self._reader.connect() as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A write transaction: committed at the end of the block, rolled back when it raises. Never nested."""
        alone: AbstractContextManager[Any] = self._writing if self.dialect == "sqlite" else nullcontext()
        with alone, self.engine.begin() as conn:
            try:
                yield conn
            finally:
                posted = conn.info.pop(POSTED, ())
            point("before commit")
        point("committed")
        if posted:
            self.doorbell.ring(posted)

    def posted(self, conn: sa.Connection, message_id: int, due: dt.datetime) -> None:
        """Told in the transaction that leaves a message: the doorbell rings once it is committed."""
        conn.info.setdefault(POSTED, []).append((message_id, due))
        self.doorbell.note(conn, message_id, due)

    def analyse(self) -> None:
        """Let the database look at how its data is distributed, so that it chooses the right indexes.

        A sample on SQLite: milliseconds. Worth it after a start, after an import and once a day: without it SQLite
        sorts a million records where it could have read an index. PostgreSQL looks by itself, only later: there it is
        told of the tables that it has not looked at since much was written.
        """
        with self.write() as conn:
            if self.dialect == "sqlite":
                conn.exec_driver_sql("PRAGMA analysis_limit = 1000")
                conn.exec_driver_sql("ANALYZE")
            else:
                for (table,) in conn.exec_driver_sql(_CHANGED).all():
                    conn.exec_driver_sql(f"ANALYZE {table}")
        self._reader.dispose()  # SQLite connections read the figures when they are opened
        self.engine.dispose()

    def claim_server(self) -> None:
        """Make this process the only server of a SQLite file; raises Refused when another one serves it.

        Commands beside a running server need no claim. PostgreSQL has room for any number of servers.
        """
        if self.dialect != "sqlite" or self._claim is not None or _in_memory(self.url):
            return
        self._claim = _lock_file(Path(f"{self.url.database}.server"))

    def close(self) -> None:
        """Close every connection and give up the server's claim."""
        self._reader.dispose()
        self.engine.dispose()
        if self._claim is not None:
            self._claim.close()
            self._claim = None


def _known(url: URL) -> URL:
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError(f"a database is sqlite:///file or postgresql://host/name, not {url.get_backend_name()!r}")
    if url.get_backend_name() == "postgresql" and "+" not in url.drivername:
        return url.set(drivername="postgresql+psycopg")
    return url


def _in_memory(url: URL) -> bool:
    return url.database in (None, "", ":memory:")


def _open_postgresql(url: URL, busy_seconds: float, pool: int) -> sa.Engine:
    arguments: dict[str, Any] = {"options": f"-c timezone=UTC -c lock_timeout={int(busy_seconds * 1000)}"}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    engine = sa.create_engine(url, pool_size=pool, max_overflow=pool, pool_timeout=POOL_SECONDS, connect_args=arguments)
    watching.listen(engine)

    @sa.event.listens_for(engine, "begin")
    def begin(conn: sa.Connection) -> None:
        # psycopg puts both into its BEGIN: no round trip of their own.
        readonly = bool(conn.get_execution_options().get("readonly"))
        driver: Any = conn.connection.driver_connection
        if driver.read_only is not readonly:
            driver.read_only = readonly
            driver.isolation_level = IsolationLevel.REPEATABLE_READ if readonly else IsolationLevel.READ_COMMITTED

    return engine


def _open_sqlite(
    url: URL, synchronous: Synchronous, busy_seconds: float, pool: int, readonly: bool = False
) -> sa.Engine:
    if _in_memory(url):
        raise ValueError("a database in memory cannot be shared by threads; name a file")
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        pool_size=pool,
        max_overflow=pool * 2,
        pool_timeout=POOL_SECONDS,
        connect_args={"timeout": busy_seconds, "cached_statements": 512},
    )
    watching.listen(engine)

    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {int(busy_seconds * 1000)}",
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "cache_size = -32000",
            "mmap_size = 268435456",
            f"query_only = {'ON' if readonly else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def begin(conn: sa.Connection) -> None:
        conn.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine


def _lock_file(path: Path) -> IO[str]:
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.seek(0)
        holder = handle.read().strip() or "?"
        handle.close()
        raise Refused(
            message(
                "Another server (process {process}) already serves {file}. Stop it first, or use PostgreSQL for"
                " several servers.",
                process=holder,
                file=str(path).removesuffix(".server"),
            )
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
