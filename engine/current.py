"""The application in force, in every process: a definition that another process applied is taken up here too.

A process looks at most every ``EVERY`` seconds, by one row that is always in memory of the database; its copy of the
definition file follows then. One process serves a SQLite file, but a command beside it may publish.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from engine.application import Application, reopened
from engine.publishing.file import follow
from engine.storage.database import GONE
from engine.storage.migrate import last_hash, source_of

EVERY = 2.0
LOG = logging.getLogger("appmill.definition")


class Current:
    """Holds the application; ``application()`` is what a request or a delivery begins with and keeps to its end."""

    def __init__(self, application: Application, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._application = application
        self._ticks = ticks
        self._looked = ticks()
        self._lock = threading.Lock()

    @property
    def held(self) -> Application:
        """As it was when somebody last looked."""
        return self._application

    def application(self) -> Application:
        if self._ticks() - self._looked > EVERY:
            self._look()
        return self._application

    def replace(self, application: Application) -> None:
        """This process applied a definition itself."""
        self._application = application

    def _look(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # another thread is looking; the next request has what it finds
        try:
            self._looked = self._ticks()
            self._take_up()
        except GONE as error:  # whoever asked finds out, and says so in words
            LOG.warning("whether another definition is in force cannot be seen: %s", type(error).__name__)
        finally:
            self._lock.release()

    def _take_up(self) -> None:
        here = self._application
        with here.database.read() as conn:
            newest = last_hash(conn)
            text = source_of(conn, newest) if newest not in (None, here.definition.hash) and newest else None
        if text is not None and newest is not None:
            self._application = reopened(here, text)
            here.database.in_force = newest
            LOG.info("the definition %s is in force here now", newest)
            follow(here.file, text, newest, here.database)
