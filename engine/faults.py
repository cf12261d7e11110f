"""Named places where a test lets the process die, as a power cut or `kill -9` would. Otherwise they do nothing.

``APPMILL_FAULT=name`` dies at the first passing of ``name``, ``name:3`` at the third; ``APPMILL_FAULT_SIGNAL=KILL``
dies by SIGKILL instead of leaving at once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

Killer = Callable[[str], None]


def _killer(environ: dict[str, str]) -> Killer | None:
    name, _colon, number = environ.get("APPMILL_FAULT", "").partition(":")
    if not name:
        return None
    left = int(number or 1)

    def killer(passed: str) -> None:
        nonlocal left
        if passed != name:
            return
        left -= 1
        if left == 0:
            die()

    return killer


def die() -> None:
    """End the process here and now: nothing is closed, nothing is said."""
    if os.environ.get("APPMILL_FAULT_SIGNAL") == "KILL":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(137)


watcher: Killer | None = _killer(dict(os.environ))


def point(name: str) -> None:
    """A place where the process may die."""
    if watcher is not None:
        watcher(name)
