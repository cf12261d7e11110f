"""Databases of applications that many tests make: the second one and those after it are copies of a finished one."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from pathlib import Path

import servers
from sqlalchemy.engine import make_url

Make = Callable[[str], None]
_used: Counter[Hashable] = Counter()
_finished: dict[Hashable, str] = {}
_stack = ExitStack()


def prepare(url: str, key: Hashable, make: Make) -> None:
    """Let the database of this URL be there: empty for the first user of ``key``, for those after it as ``make`` leaves
    one. A database that is there already is left alone."""
    sqlite = url.startswith("sqlite")
    key = (sqlite, key)
    if Path(_file(url)).exists() if sqlite else servers.is_there(url):
        return
    _used[key] += 1
    if _used[key] > 1:
        _copy(_finished.get(key) or _finish(key, sqlite, make), url)
    elif not sqlite:
        servers.create(url)


def _finish(key: Hashable, sqlite: bool, make: Make) -> str:
    if sqlite:
        folder = _stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{folder}/template.db"
    else:
        url = _stack.enter_context(servers.postgresql_database())
    make(url)
    _finished[key] = url
    return url


def _copy(template: str, url: str) -> None:
    if url.startswith("sqlite"):
        shutil.copyfile(_file(template), _file(url))
    else:
        servers.create(url, template)


def _file(url: str) -> str:
    return str(make_url(url).database)


def close() -> None:
    _stack.close()
