"""Back-tests as they are kept: one job from its start to its result, run in a thread, with progress and cancel.

waiting → working → done, cancelled or failed. The thread reads on a connection of its own and writes nothing but how
far it is; a job that has not been heard of for a while is nobody's any more.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Rule
from engine.errors import AppmillError, Denied, Missing, Refused, message
from engine.people import Actor
from engine.trying.back import DAYS, back_test, refuse_unasked
from engine.trying.naming import rule_named, rule_of_draft

KIND = "back_test"
WAITING, WORKING, DONE, CANCELLED, FAILED = "waiting", "working", "done", "cancelled", "failed"
STILL_AFTER = dt.timedelta(seconds=20)  # without a word, whoever worked on it is gone
EVERY = 0.4  # seconds between two notes of how far it is
log = logging.getLogger("appmill.trying")


@dataclass(frozen=True)
class Job:
    """``progress`` and ``total`` count events; ``result`` is ``BackTest.json``, of a cancelled job up to there."""

    id: int
    rule: str
    days: int
    draft: str | None
    state: str
    user_id: int | None
    progress: int
    total: int
    result: Mapping[str, Any] | None
    error: str | None
    heard_at: dt.datetime | None
    created_at: dt.datetime
    finished_at: dt.datetime | None

    def still(self, now: dt.datetime) -> bool:
        """It should be working, and nobody does."""
        return self.state == WORKING and (self.heard_at is None or now - self.heard_at > STILL_AFTER)


def begin(app: Application, actor: Actor, rule: str, days: int, *, draft: str | None = None) -> int:
    """Keep a back-test to be run; answers the job. ``draft``: the text of a whole definition the rule is taken from.
    Raises Denied, Missing, DefinitionError, Refused."""
    _refuse_others(actor)
    if days not in DAYS:
        raise Refused(message("Look back {days} days.", days=[str(each) for each in DAYS]))
    refuse_unasked(_rule(app, rule, draft))
    params = {"rule": rule, "days": days, "draft": draft}
    with app.database.write() as conn:
        made = conn.execute(
            sa.insert(app.tables.job).values(
                kind=KIND, state=WAITING, user_id=actor.id, created_at=app.clock(), params=params
            )
        )
        return int(made.inserted_primary_key[0])  # type: ignore[index]


def _refuse_others(actor: Actor) -> None:
    if not actor.boundless:
        raise Denied(message("Only administrators can try a rule on what happened: it looks at everybody's records."))


def _rule(app: Application, name: str, draft: str | None) -> Rule:
    return rule_of_draft(app, draft, name) if draft is not None else rule_named(app, name)


def start(app: Application, actor: Actor, id: int) -> None:
    """Run it in the background; ``work`` does it here and now."""
    threading.Thread(target=work, args=(app, actor, id), name=f"back-test {id}", daemon=True).start()


def load(app: Application, actor: Actor, id: int) -> Job:
    """Raises Missing, also for whoever may not see it."""
    table = app.tables.job
    with app.database.read() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == id, table.c.kind == KIND)).mappings().first()
    if row is None or not actor.boundless:
        raise Missing(message("There is nothing here, or nothing you may see."))
    return job_of(row)


def recent(app: Application, actor: Actor, rule: str | None = None, most: int = 10) -> list[Job]:
    """The latest back-tests, newest first."""
    if not actor.boundless:
        return []
    table = app.tables.job
    query = sa.select(table).where(table.c.kind == KIND).order_by(table.c.id.desc()).limit(most)
    if rule is not None:
        query = query.where(table.c.params["rule"].as_string() == rule)
    with app.database.read() as conn:
        return [job_of(row) for row in conn.execute(query).mappings()]


def cancel(app: Application, actor: Actor, id: int) -> None:
    load(app, actor, id)
    table = app.tables.job
    with app.database.write() as conn:
        conn.execute(sa.update(table).where(table.c.id == id, table.c.state != DONE).values(cancel=True))


def job_of(row: Any) -> Job:
    params, result = row["params"], dict(row["result"] or {})
    heard = result.pop("heard_at", None)
    return Job(
        row["id"], params["rule"], params["days"], params.get("draft"), row["state"], row["user_id"], row["progress"],
        row["total"], result or None, row["error"], dt.datetime.fromisoformat(heard) if heard else None,
        row["created_at"], row["finished_at"],
    )  # fmt: skip


# --- working ---------------------------------------------------------------------------------------------------------


def work(app: Application, actor: Actor, id: int) -> None:
    """Run the back-test from its beginning; another that works on it already, or a job that is over, is left alone."""
    job = _claimed(app, actor, id)
    if job is None:
        return
    word = _Word(app, id)
    try:
        found = back_test(app, actor, _rule(app, job.rule, job.draft), job.days,
                          progress=word.progress, cancelled=word.cancelled)  # fmt: skip
    except Exception as broken:
        _finish(app, id, FAILED, error=str(broken) if isinstance(broken, AppmillError) else type(broken).__name__)
        log.exception("back-test %s failed", id)
        return
    result = {**found.json(), "heard_at": app.clock().isoformat()}
    _finish(app, id, DONE if found.complete else CANCELLED, result=result, progress=found.events)


def _claimed(app: Application, actor: Actor, id: int) -> Job | None:
    table, now = app.tables.job, app.clock()
    job = load(app, actor, id)
    if job.state != WAITING and not job.still(now):
        return None
    with app.database.write() as conn:
        claimed = conn.execute(
            sa.update(table)
            .where(table.c.id == id, table.c.state == job.state)
            .values(state=WORKING, started_at=now, progress=0, result={"heard_at": now.isoformat()})
        )
    return job if claimed.rowcount == 1 else None


def _finish(app: Application, id: int, state: str, **values: Any) -> None:
    table = app.tables.job
    with app.database.write() as conn:
        conn.execute(
            sa.update(table)
            .where(table.c.id == id, table.c.state == WORKING)
            .values(state=state, finished_at=app.clock(), cancel=False, **values)
        )


@dataclass
class _Word:
    """How far it is, said now and then."""

    app: Application
    id: int
    said_at: float = field(default=0.0)
    stop: bool = False

    def progress(self, done: int, total: int) -> None:
        if time.monotonic() - self.said_at >= EVERY:
            self._say(done, total)

    def cancelled(self) -> bool:
        if not self.said_at:
            self._say(0, 0)
        return self.stop

    def _say(self, done: int, total: int) -> None:
        app, table = self.app, self.app.tables.job
        with app.database.write() as conn:
            noted = {"progress": done, "result": {"heard_at": app.clock().isoformat()}}
            conn.execute(sa.update(table).where(table.c.id == self.id).values({**noted, "total": total or done}))
            self.stop = bool(conn.scalar(sa.select(table.c.cancel).where(table.c.id == self.id)))
        self.said_at = time.monotonic()
