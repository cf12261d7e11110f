"""Where the database of a story stands, and copies of it to come back to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from engine.errors import Refused, message
from engine.storage.database import Database

WORK = "work"


class Place(Protocol):
    """``database`` is closed whenever a copy is made or brought back: nothing may be open then."""

    database: Database

    def keep(self, name: str) -> None:
        """A copy of the database as it is now, under this name."""

    def back(self, name: str) -> None:
        """The database as it was when it was kept."""

    def drop(self, name: str) -> None:
        """Nobody will come back to this copy."""


class SqlitePlace:
    """A file; a copy of it costs a copied file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(f"sqlite:///{folder / WORK}.db", synchronous="OFF")

    def keep(self, name: str) -> None:
        self.database.close()
        _copy(self.folder / f"{WORK}.db", self.folder / f"{name}.db")

    def back(self, name: str) -> None:
        self.database.close()
        _copy(self.folder / f"{name}.db", self.folder / f"{WORK}.db")

    def drop(self, name: str) -> None:
        (self.folder / f"{name}.db").unlink(missing_ok=True)


class PostgresqlPlace:
    """Databases of their own beside the one that is named, which is not touched; gone at the end."""

    def __init__(self, url: str) -> None:
        self.beside = Database(url, pool=1)
        self.stem = f"appmill_scenarios_{os.getpid()}"
        self.made: list[str] = []
        self._make(WORK, "template0")
        named = make_url(url).set(database=self._name(WORK))
        self.database = Database(named.render_as_string(hide_password=False), pool=2)

    def keep(self, name: str) -> None:
        self.database.close()
        self._make(name, self._name(WORK))

    def back(self, name: str) -> None:
        self.database.close()
        self._make(WORK, self._name(name))

    def drop(self, name: str) -> None:
        self._say(f'DROP DATABASE IF EXISTS "{self._name(name)}" WITH (FORCE)')

    def close(self) -> None:
        self.database.close()
        for name in self.made:
            self.drop(name)
        self.beside.close()

    def _name(self, name: str) -> str:
        return f"{self.stem}_{name.replace('-', '_')}"

    def _make(self, name: str, template: str) -> None:
        self.drop(name)
        self._say(f'CREATE DATABASE "{self._name(name)}" TEMPLATE "{template}"')
        self.made = [*dict.fromkeys([*self.made, name])]

    def _say(self, statement: str) -> None:
        """Outside of transactions, as PostgreSQL wants it for databases."""
        try:
            with self.beside.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.exec_driver_sql(statement)
        except sa.exc.ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") != "42501":
                raise
            raise Refused(message("The user of the database may not make a database, which scenarios need.")) from error


@contextmanager
def place_of(url: str | None, folder: Path) -> Iterator[Place]:
    """The place for stories: a file in the folder, or databases beside the PostgreSQL database of this URL."""
    if url is None or make_url(url).get_backend_name() == "sqlite":
        file = SqlitePlace(folder)
        try:
            yield file
        finally:
            file.database.close()
        return
    server = PostgresqlPlace(url)
    try:
        yield server
    finally:
        server.close()


def _copy(source: Path, target: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(source, target)
