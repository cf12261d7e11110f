"""Who calls ``deliver``, and when: an engine. It may lose or repeat what it is told; a sweeper looks after the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from engine.application import Application
from engine.storage.database import Doorbell

Current = Callable[[], Application]  # the application with the definition in force


class Engine(Doorbell, Protocol):
    """The doorbell of a database that also opens: what was posted is delivered by somebody."""

    def note(self, conn: sa.Connection, message_id: int, due: dt.datetime) -> None: ...

    def ring(self, posted: Sequence[tuple[int, dt.datetime]]) -> None: ...

    def start(self) -> None:
        """Begin; comes back at once."""

    def stop(self, timeout: float) -> bool:
        """Take on nothing new and wait for what is under way, in seconds; answers whether all of it came to an end."""

    def health(self) -> Mapping[str, Any]:
        """How this process fares, as JSON."""


def engine_for(app: Application, current: Current, threads: int) -> Engine:
    """The engine that fits the database. ``threads`` = 0 on PostgreSQL: others deliver."""
    if app.database.dialect == "sqlite":
        from engine.jobs.embedded import Embedded

        return Embedded(current, threads=threads)
    from engine.jobs.procrastinate_engine import ProcrastinateEngine

    return ProcrastinateEngine(current, threads=threads)


def only(app: Application) -> Current:
    """For a process whose definition never changes."""
    return lambda: app
