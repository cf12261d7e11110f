"""Long work of plugins: begun by a person, carried out by whoever delivers messages, watched and cancelled meanwhile.

Each is one ``_job`` and one message. A process that dies gives it back: another begins it anew, so that such work
writes nothing but its result.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.errors import AppmillError, DeliveryFailed, Missing, message
from engine.people import Actor

EVERY = 0.4  # seconds between two notes of how far it is
WAITING, WORKING, DONE, CANCELLED, FAILED = "waiting", "working", "done", "cancelled", "failed"


@dataclass(frozen=True)
class LongWork:
    """``progress`` of ``total`` in any unit, 0 of 0 where it is not known; ``result`` is what was found so far."""

    id: int
    kind: str
    state: str
    user_id: int | None
    progress: int
    total: int
    params: Mapping[str, Any]
    result: Mapping[str, Any]
    error: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None

    @property
    def over(self) -> bool:
        return self.state in (DONE, CANCELLED, FAILED)


def begin(app: Application, actor: Actor, kind: str, params: Mapping[str, Any]) -> int:
    """Leave long work of a registered kind to be done; answers by what number it is known."""
    with app.database.write() as conn:
        return leave(app, conn, actor, kind, params)


def leave(app: Application, conn: sa.Connection, actor: Actor, kind: str, params: Mapping[str, Any]) -> int:
    """As ``begin``, in a transaction under way."""
    if kind not in app.registry.works:
        raise ValueError(f"no plugin registered long work of kind {kind!r}")
    now, tables = app.clock(), app.tables
    job = {"kind": kind, "state": WAITING, "user_id": actor.id, "created_at": now, "params": dict(params), "result": {}}
    id = int(conn.execute(sa.insert(tables.job).values(job).returning(tables.job.c.id)).scalar_one())
    left = {"key": f"work:{id}", "kind": kind, "effect": {"job": id}, "due_at": now, "state": "waiting",
            "definition": app.definition.hash, "created_at": now}  # fmt: skip
    message_id = conn.execute(sa.insert(tables.message).values(left).returning(tables.message.c.id)).scalar_one()
    app.database.posted(conn, int(message_id), now)
    return id


def look(app: Application, id: int, kind: str) -> LongWork:
    """How far it is. Who may see it is for the caller to say."""
    table = app.tables.job
    with app.database.read() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == id, table.c.kind == kind)).mappings().one_or_none()
    if row is None:
        raise Missing(message("There is nothing here, or nothing you may see."))
    names = ("id", "kind", "state", "user_id", "progress", "total", "params", "error", "created_at", "finished_at")
    return LongWork(**{name: row[name] for name in names}, result=row["result"] or {})


def cancel(app: Application, id: int, kind: str) -> bool:
    """End it at its next word; answers whether it was still under way."""
    table = app.tables.job
    mine = (table.c.id == id, table.c.kind == kind, table.c.state.in_((WAITING, WORKING)))
    with app.database.write() as conn:
        return bool(conn.execute(sa.update(table).where(*mine).values(cancel=True)).rowcount)


@dataclass
class Word:
    """What long work says while it goes on, now and then."""

    app: Application
    id: int
    stop: bool = False
    _said_at: float = field(default=0.0)

    def progress(self, done: int, total: int) -> None:
        """How far it is; answered rarely, so that it may be called often."""
        if time.monotonic() - self._said_at >= EVERY:
            self._say(progress=done, total=total)

    def found(self, result: Mapping[str, Any]) -> None:
        """What there is so far, for whoever watches."""
        self._say(result=dict(result))

    def cancelled(self) -> bool:
        """Whether somebody wants it to end."""
        if time.monotonic() - self._said_at >= EVERY:
            self._say()
        return self.stop

    def _say(self, **values: Any) -> None:
        table = self.app.tables.job
        with self.app.database.write() as conn:
            if values:
                conn.execute(sa.update(table).where(table.c.id == self.id).values(**values))
            self.stop = bool(conn.scalar(sa.select(table.c.cancel).where(table.c.id == self.id)))
        self._said_at = time.monotonic()


def run(app: Application, row: Any) -> Mapping[str, Any]:
    """Carry out the message ``row``. What goes wrong stands in the job, for whoever waits for it to read."""
    id, (function, _seconds) = int(row.effect["job"]), app.registry.works[row.kind]
    job = look(app, id, row.kind)
    if job.over:
        return {"job": id}
    _note(app, id, state=WORKING, started_at=app.clock(), progress=0, result={})
    word = Word(app, id)
    try:
        found = {} if word.cancelled() else dict(function(app, job.params, word))
    except AppmillError as refused:
        _note(app, id, state=FAILED, error=str(refused), finished_at=app.clock())
        return {"job": id}
    except Exception as broken:
        _note(app, id, state=FAILED, error=type(broken).__name__, finished_at=app.clock())
        raise DeliveryFailed(message("It broke off on our side: {error}.", error=type(broken).__name__), again=False) \
            from broken
    state = CANCELLED if word.stop else DONE
    _note(app, id, state=state, finished_at=app.clock(), **({"result": found} if found else {}))
    return {"job": id}


def _note(app: Application, id: int, **values: Any) -> None:
    table = app.tables.job
    with app.database.write() as conn:
        conn.execute(sa.update(table).where(table.c.id == id).values(**values))
