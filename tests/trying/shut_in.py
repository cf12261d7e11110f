"""Run in a process of its own by test_nothing_done: dry runs and back-tests where nothing can be written or sent.

Arguments: database URL, folder of files, moment, the loopback port of a listening server that must be out of reach.
Reads the definition from standard input; prints one JSON document.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import json
import os
import resource
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

NEW_USER, NEW_NET = 0x10000000, 0x40000000


def leave_the_network() -> str:
    """``namespace`` without interfaces where the system lets us; else sockets that raise, but for local files."""
    flags = NEW_NET if os.getuid() == 0 else NEW_NET | NEW_USER
    if ctypes.CDLL(None, use_errno=True).unshare(flags) == 0:
        return "namespace"

    class Shut(socket.socket):
        def connect(self, address: Any) -> None:
            if self.family != socket.AF_UNIX:
                raise OSError("nothing is sent here")
            super().connect(address)

    socket.socket = Shut  # type: ignore[misc]
    return "patched"


def reachable(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def only_reading(url: str) -> Any:
    """A database that has no way to write: not through a writing transaction, not through the file."""
    from engine.storage.database import Database

    class OnlyReading(Database):
        def write(self) -> Any:
            raise AssertionError("something wanted to write")

    database = OnlyReading(url)
    if database.dialect == "sqlite":
        file = f"file:{database.url.database}?mode=ro&immutable=1"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(file, uri=True, isolation_level=None, check_same_thread=False)

        database._reader = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.StaticPool)
    return database


def main() -> None:
    url, folder, now, port = sys.argv[1:5]
    text = sys.stdin.read()
    from trying_world import tried

    from engine.application import Application
    from engine.builtin import default_registry
    from engine.load import load_text
    from engine.people import load_actor
    from engine.storage.files import FileStore
    from engine.storage.tables import build_tables

    how = leave_the_network()
    registry = default_registry()
    definition = load_text(text, registry).definition
    database = only_reading(url)
    moment = dt.datetime.fromisoformat(now)
    files = FileStore(Path(folder))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file can grow by a byte
    tables = build_tables(definition, registry)
    app = Application(definition, registry, database, tables, files, lambda: moment)
    with database.read() as conn:
        actor = load_actor(conn, tables, 1)
    found = tried(app, actor)
    json.dump({"how": how, "reachable": reachable(int(port)), "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
